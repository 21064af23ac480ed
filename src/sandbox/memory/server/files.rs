//! How many files this process may have open: each connection is one.

/// Enough for all connections and all else. Far more would do no good, and programs that we start
/// have the same limit.
#[cfg(unix)]
const WANTED: u64 = 8192;

/// Asks for as many open files as a server needs: the usual limit is 1,024, which whoever has set it
/// lets us raise.
#[cfg(unix)]
pub(super) fn allow() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let wanted = now.maximum.map_or(WANTED, |most| most.min(WANTED));
    if now.current.is_some_and(|current| current < wanted) {
        let more = Rlimit {
            current: Some(wanted),
            maximum: now.maximum,
        };
        // Without it there are fewer connections, and it is said when there are no more.
        let _ = setrlimit(Resource::Nofile, more);
    }
}

/// Whether a failure says that there are as many open files as there may be.
#[cfg(unix)]
pub(super) fn are_used_up(problem: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let code = problem.raw_os_error();
    let mut full = [Errno::MFILE, Errno::NFILE].into_iter();
    full.any(|full| code == Some(full.raw_os_error()))
}

#[cfg(not(unix))]
pub(super) fn allow() {}

#[cfg(not(unix))]
pub(super) fn are_used_up(_: &std::io::Error) -> bool {
    false
}
