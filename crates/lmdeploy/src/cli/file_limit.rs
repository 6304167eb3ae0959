//! [`raise`]: room for more connections than a shell usually allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the number of files that this process may have open to what the system allows it. Every connection is one,
/// and shells usually start programs with a limit of 1,024.
pub(super) fn raise() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = Rlimit { current: limit.maximum, ..limit };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => tracing::debug!(before = ?limit.current, now = ?limit.maximum, "limit of open files"),
        Err(error) => tracing::warn!(limit = ?limit.current, %error, "the limit of open files stays"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_what_the_system_allows() {
        raise();
        let limit = getrlimit(Resource::Nofile);
        assert!(limit.current == limit.maximum, "it may be kept lower, but not here");
    }
}
