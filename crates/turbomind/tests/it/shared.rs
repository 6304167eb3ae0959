//! The folder of shared data: goldens that are not part of the repository.

use std::path::{Path, PathBuf};

/// The path of `name` in the shared data folder; `None`, with a visible line, when the folder is absent.
///
/// # Panics
/// When the folder is absent and the environment says `CI=true`.
#[allow(clippy::print_stderr)] // A skipped test must be visible.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if folder.is_dir() {
        return Some(folder.join(name));
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is absent and CI=true", folder.display());
    eprintln!("skipped: {} is absent, it holds {name}", folder.display());
    None
}
