//! Tables of cases, as text: a line for each case, and below it, behind two blanks, what is expected,
//! which is what the real server answered. `⏎` is the end of a line within.

/// The cases of a table.
pub(super) fn cases(table: &str) -> Vec<(&str, Vec<String>)> {
    let mut cases: Vec<(&str, Vec<String>)> = Vec::new();
    for line in table.lines() {
        match (line.strip_prefix("  "), cases.last_mut()) {
            (Some(expected), Some(case)) => case.1.push(expected.replace('⏎', "\n")),
            _ => cases.push((line, Vec::new())),
        }
    }
    cases
}
