//! `user:password@` in addresses: taken out, so that no message, log or file name shows it.

use percent_encoding::percent_decode_str;

/// A user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: String,
}

/// An address without the login in it, and that login. The address need not be a good one: it may
/// have no scheme, or be one that is about to be refused.
pub(super) fn split(address: &str) -> (String, Option<Login>) {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), address),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let Some((login, host)) = authority.rsplit_once('@') else {
        return (address.to_owned(), None);
    };
    let (username, password) = login.split_once(':').unwrap_or((login, ""));
    let decode = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let login = Login {
        username: decode(username),
        password: decode(password),
    };
    (format!("{scheme}{host}{path}"), Some(login))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_is_taken_out_wherever_it_may_stand() {
        let of = |address: &str| {
            let (rest, login) = split(address);
            (rest, login.map(|l| (l.username, l.password)))
        };
        let login = |name: &str, password: &str| Some((name.to_owned(), password.to_owned()));
        assert_eq!(of("https://h:1/a@b"), ("https://h:1/a@b".to_owned(), None));
        assert_eq!(
            of("https://me:p%40ss@h:1/a"),
            ("https://h:1/a".to_owned(), login("me", "p@ss"))
        );
        assert_eq!(
            of("me:a@b@h:3128"),
            ("h:3128".to_owned(), login("me", "a@b"))
        );
        assert_eq!(
            of("http://me@h?q"),
            ("http://h?q".to_owned(), login("me", ""))
        );
    }
}
