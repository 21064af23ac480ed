//! `-v=6`, `-v6`, `-v 6` and `--v=6`, as kubectl's users type them, in our own terms.

use std::ffi::OsString;

/// Replaces kubectl's levels by as many `-v` as show the same: 6 and 7 tell each request, 8 its
/// headers too, 9 and more the bodies. Below 6 kubectl says next to nothing; 1 to 3 are taken as
/// our own levels, for `-v=2` can mean nothing else. What follows `--` is not ours.
pub(super) fn expand(args: Vec<OsString>) -> Vec<OsString> {
    let mut expanded = Vec::with_capacity(args.len());
    let mut args = args.into_iter().peekable();
    while let Some(arg) = args.next() {
        if arg == "--" {
            expanded.push(arg);
            expanded.extend(args);
            break;
        }
        let text = arg.to_str().unwrap_or_default();
        let level = match text {
            // No command takes a number by itself.
            "-v" | "--v" => {
                let next = args.next_if(|next| next.to_str().is_some_and(is_number));
                next.and_then(|next| next.into_string().ok())
            }
            _ => ["--v=", "-v=", "-v"]
                .iter()
                .find_map(|start| text.strip_prefix(start))
                .filter(|rest| is_number(rest))
                .map(str::to_owned),
        };
        match level.as_deref().map(count) {
            Some(times) => expanded.extend((0..times).map(|_| OsString::from("-v"))),
            None => expanded.push(arg),
        }
    }
    expanded
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn count(level: &str) -> u8 {
    // A number too large for any level asks for all there is.
    match level.parse().unwrap_or(u64::MAX) {
        0 => 0,
        1 | 4..=7 => 1,
        2 | 8 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(line: &str) -> String {
        let args = expand(line.split(' ').map(OsString::from).collect());
        let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
        args.join(" ")
    }

    #[test]
    fn kubectls_levels_become_ours() {
        assert_eq!(expanded("appop discover -v=6"), "appop discover -v");
        assert_eq!(expanded("appop -v8 discover"), "appop -v -v discover");
        assert_eq!(expanded("appop -v 9 raw /"), "appop -v -v -v raw /");
        assert_eq!(
            expanded("appop raw / --v=99999999999999999999"),
            "appop raw / -v -v -v"
        );
        assert_eq!(expanded("appop raw / --v=0 -v=2"), "appop raw / -v -v");
    }

    #[test]
    fn what_is_ours_or_no_level_stays() {
        for line in [
            "appop discover -v",
            "appop discover -vv pods",
            "appop raw -v /healthz",
            "appop discover -v=high",
            "appop discover --verbose",
            "appop sandbox --real -- kubectl get pods -v=6 -v 8",
        ] {
            assert_eq!(expanded(line), line);
        }
    }
}
