//! kubectl's output without what differs from run to run.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::super::words::Words;

static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\(?(\d+[dhms]){1,2}\)?$").unwrap());
static GAP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\S)( {2,}|\t+)").unwrap());
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}").unwrap()
});

// Of kubectl's own log: when, which process, which line.
static LOG: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^([IWEF])\d{4} \d{2}:\d{2}:\d{2}\.\d+ +\d+ [\w.]+:\d+\]").unwrap()
});

/// Columns are two spaces apart, however wide what was in them; indentation stays.
pub(super) fn normal(output: &str, words: &mut Words) -> String {
    let lines: Vec<String> = output
        .lines()
        .map(|line| normal_line(line, words))
        .collect();
    lines.join("\n").trim_end().to_owned()
}

fn normal_line(line: &str, words: &mut Words) -> String {
    let line = LOG.replace(line, "$1<log>");
    let line = words.text(&line);
    let line = DATE.replace_all(&line, "<date>");
    let line = GAP.replace_all(&line, |found: &Captures| format!("{}  ", &found[1]));
    let tokens: Vec<&str> = line
        .split(' ')
        .map(|token| if AGE.is_match(token) { "<age>" } else { token })
        .collect();
    tokens.join(" ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::normal;
    use crate::fidelity::normal::Known;
    use crate::fidelity::words::Words;

    #[test]
    fn ages_and_widths_do_not_count() {
        let mut words = Words::new("", "fabcdefg", &Known::default());
        let text = "NAME   READY   AGE\nweb    1/1     4m5s\n  indented: 10m\nFri, 28 Nov 2025 15:37:01 +0000\n\
                    W1128 16:34:18.240920    9953 prune.go:71] no\n\n";
        assert_eq!(
            normal(text, &mut words),
            "NAME  READY  AGE\nweb  1/1  <age>\n  indented: <age>\n<date>\nW<log> no"
        );
    }
}
