//! [`PATH`]: where programs are looked up.

/// Where programs are looked up, and the `PATH` they see.
pub(super) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";
