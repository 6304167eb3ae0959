//! Data that lies beside the repository: tests on it skip visibly where it is absent.
#![allow(clippy::print_stderr)]

use std::path::{Path, PathBuf};

/// The path of `name` below the shared data, or `None` after saying that the test is skipped.
///
/// With `CI=true` absent data fails the test.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{}: absent, required under CI", path.display());
    eprintln!("skipped: {} is absent", path.display());
    None
}
