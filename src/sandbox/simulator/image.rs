//! Images that cannot be pulled: what a kubelet says of them, and when it tries again.

use std::time::Duration;

use super::restart::back_off;

/// How long a failed pull is told of before the back-off is.
const SEEN: Duration = Duration::from_secs(1);

/// Where the kubelet is with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pull {
    /// It has just tried.
    Failed,
    /// It will try again.
    BackOff,
}

/// Where it is, this long after its first try, and how long it stays there.
pub(super) fn pull(elapsed: Duration) -> (Pull, Duration) {
    let mut since = elapsed;
    let mut tries = 0;
    let mut pause = back_off(tries);
    while since >= pause {
        since -= pause;
        tries += 1;
        let next = back_off(tries);
        if next == pause {
            // All pauses are this long from here on.
            let whole = Duration::from_secs(since.as_secs() % pause.as_secs());
            since = whole + Duration::from_nanos(u64::from(since.subsec_nanos()));
        }
        pause = next;
    }
    match SEEN.checked_sub(since).filter(|left| !left.is_zero()) {
        Some(left) => (Pull::Failed, left),
        None => (Pull::BackOff, pause - since),
    }
}

/// What containerd tells the kubelet of an image that its registry does not have.
pub(super) fn problem(image: &str) -> String {
    let image = full(image);
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image {image:?}: failed to \
         resolve reference {image:?}: {image}: not found"
    )
}

/// The image with the registry, the library and the tag that are meant when none is named.
fn full(image: &str) -> String {
    let has_tag = image
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains([':', '@']));
    let tag = if has_tag { "" } else { ":latest" };
    let registry = match image.split_once('/') {
        None => "docker.io/library/",
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => "",
        Some(_) => "docker.io/",
    };
    format!("{registry}{image}{tag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_and_pauses_take_turns() {
        let at = |millis| {
            let (pull, left) = pull(Duration::from_millis(millis));
            (pull, left.as_millis())
        };
        assert_eq!(at(0), (Pull::Failed, 1_000));
        assert_eq!(at(1_000), (Pull::BackOff, 9_000));
        assert_eq!(at(10_250), (Pull::Failed, 750));
        assert_eq!(at(29_000), (Pull::BackOff, 1_000));
        assert_eq!(at(30_000), (Pull::Failed, 1_000));
        let steady = 310_000;
        for periods in [0, 1, 1_000_000] {
            assert_eq!(at(steady + periods * 300_000), (Pull::Failed, 1_000));
            assert_eq!(
                at(steady + periods * 300_000 + 1_000),
                (Pull::BackOff, 299_000)
            );
        }
    }

    #[test]
    fn names_are_made_full() {
        for (image, wanted) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("bitnami/nginx:1", "docker.io/bitnami/nginx:1"),
            ("localhost/a", "localhost/a:latest"),
            ("example.com:5000/a/b", "example.com:5000/a/b:latest"),
            ("a@sha256:0", "docker.io/library/a@sha256:0"),
        ] {
            assert_eq!(full(image), wanted);
        }
    }
}
