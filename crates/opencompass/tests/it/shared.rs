//! Shared data that is not part of the repository.

use std::path::PathBuf;

use serde_json::Value;

/// The path of a shared file or folder; none with a visible line when the shared folder is absent.
///
/// # Panics
/// When it is absent and `CI=true`.
pub(crate) fn path(name: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if root.is_dir() {
        return Some(root.join(name));
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is absent", root.display());
    #[allow(clippy::print_stderr)] // A skipped test must be seen.
    {
        eprintln!("skipped: {} is absent", root.display());
    }
    None
}

/// The objects of a shared jsonl file.
pub(crate) fn lines(name: &str) -> Option<Vec<Value>> {
    let path = path(name)?;
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a JSON object per line")).collect())
}
