//! What a manager is called.

use super::go;

/// The longest name, in bytes.
const MAX_BYTES: usize = 128;

/// The name for a request that gives none: the User-Agent up to its first `/`.
pub fn of_user_agent(user_agent: &str) -> String {
    let mut name = String::new();
    let first = user_agent.split('/').next().unwrap_or_default();
    for c in first.chars().filter(|c| go::is_print(*c)) {
        if name.len() + c.len_utf8() > MAX_BYTES {
            break;
        }
        name.push(c);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::of_user_agent;

    #[test]
    fn names_are_printable_and_short() {
        let long = "é".repeat(100);
        for (user_agent, name) in [
            ("kubectl/v1.36.3 (linux/amd64)", "kubectl"),
            ("", ""),
            ("/x", ""),
            ("a\u{1}b c", "ab c"),
            (long.as_str(), &"é".repeat(64)),
        ] {
            assert_eq!(of_user_agent(user_agent), name);
        }
    }
}
