//! [`shared_data`]: test material that is not part of the project.

use std::io::Write;
use std::path::{Path, PathBuf};

/// A path below `../shared/data` beside the project. `None`, with a visible line, when that folder is not there.
///
/// # Panics
/// When the folder is missing and `CI` is `true`: then nothing may be skipped.
#[must_use]
pub fn shared_data(path: impl AsRef<Path>) -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if data.is_dir() {
        return Some(data.join(path));
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs {}", data.display());
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "skipped: found no {}", data.display());
    None
}
