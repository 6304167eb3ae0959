//! Shared data beside the project, which is not part of it.

use std::path::{Path, PathBuf};

/// A path below the shared data; `None` with a visible line when there is none. With `CI=true` it has to be
/// there.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if data.is_dir() {
        return Some(data.join(path));
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs {}", data.display());
    println!("skipped: no {}", data.display());
    None
}
