//! Patterns of names, as shells have them.

use std::str::FromStr;

/// A pattern of a whole name: `*` stands for any characters, slashes among them, or none; `?` for
/// exactly one; all others for themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<char>);

/// A pattern that nothing can be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pattern must not be empty")]
pub struct EmptyPattern;

impl FromStr for Pattern {
    type Err = EmptyPattern;

    fn from_str(text: &str) -> Result<Self, EmptyPattern> {
        match text {
            "" => Err(EmptyPattern),
            text => Ok(Pattern(text.chars().collect())),
        }
    }
}

impl Pattern {
    /// Whether all of `name` is as the pattern says. Takes time in proportion to both lengths
    /// multiplied, at worst.
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut at, mut place) = (0, 0);
        // Behind the last star, and how much of the name it has taken: only that one may have to
        // take more.
        let mut star: Option<(usize, usize)> = None;
        while place < name.len() {
            match self.0.get(at) {
                Some('*') => {
                    at += 1;
                    star = Some((at, place));
                }
                Some(&c) if c == '?' || c == name[place] => {
                    at += 1;
                    place += 1;
                }
                _ => match &mut star {
                    Some((behind, taken)) => {
                        *taken += 1;
                        (at, place) = (*behind, *taken);
                    }
                    None => return false,
                },
            }
        }
        self.0[at..].iter().all(|c| *c == '*')
    }

    /// Whether an image is meant, as a container names it: all of it, or what follows its last
    /// slash. `nginx:*` means `nginx:1.27` and `registry.example.com/web/nginx:1.27`, and not
    /// `nginx` without a tag.
    pub fn matches_image(&self, image: &str) -> bool {
        let last = image.rsplit('/').next().unwrap_or(image);
        self.matches(image) || self.matches(last)
    }

    /// Whether a pod is meant: its name, or its namespace and name as in `shop/web-*`.
    pub fn matches_pod(&self, namespace: &str, name: &str) -> bool {
        self.matches(name) || self.matches(&format!("{namespace}/{name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    #[test]
    fn stars_and_question_marks() {
        for (text, name, is) in [
            ("web", "web", true),
            ("web", "web-0", false),
            ("web*", "web", true),
            ("*-0", "web-0-0", true),
            ("w?b-*-x*", "web-1-x-2-x", true),
            ("w?b", "wb", false),
            ("*a*b*c", "aabbbc", true),
            ("*a*b*c", "aabbb", false),
            ("*", "", true),
            ("?", "ä", true),
        ] {
            assert_eq!(pattern(text).matches(name), is, "{text} {name}");
        }
        assert!("".parse::<Pattern>().is_err());
    }

    #[test]
    fn an_image_is_meant_by_its_last_part_too() {
        let image = "registry.example.com:5000/web/nginx:1.27";
        assert!(pattern("nginx:*").matches_image(image));
        assert!(pattern("registry.example.com*").matches_image(image));
        assert!(!pattern("web/nginx:*").matches_image(image));
        assert!(!pattern("nginx").matches_image(image));
    }

    #[test]
    fn a_pod_is_meant_by_its_name_or_with_its_namespace() {
        assert!(pattern("web-*").matches_pod("shop", "web-0"));
        assert!(pattern("shop/*").matches_pod("shop", "web-0"));
        assert!(!pattern("shop").matches_pod("shop", "web-0"));
    }

    #[test]
    fn many_stars_end_soon() {
        let stars = format!("{}b", "*a".repeat(100));
        assert!(!pattern(&stars).matches(&"a".repeat(5_000)));
    }
}
