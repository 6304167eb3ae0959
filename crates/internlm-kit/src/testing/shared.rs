//! [`shared_data`]: test material that is not part of the project.

use std::io::Write;
use std::path::{Path, PathBuf};

/// A path below the folder of test data. `None`, with a visible line, when that folder is not there.
///
/// The folder is what the environment variable `INTERNLM_TEST_DATA` names, by default `../shared/data`. A relative
/// path starts at the root of the workspace.
///
/// # Panics
/// When the folder is missing and `CI` is `true`: then nothing may be skipped.
#[must_use]
pub fn shared_data(path: impl AsRef<Path>) -> Option<PathBuf> {
    let named = std::env::var_os("INTERNLM_TEST_DATA").unwrap_or_else(|| "../shared/data".into());
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(named);
    if data.is_dir() {
        return Some(data.join(path));
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI needs {}", data.display());
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "skipped: found no {}", data.display());
    None
}
