//! [`files_below`]: the files of a folder in an order that does not depend on the file system.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::{AtPath, FileError};

/// All files below `path`, links followed, sorted by path: `path` itself when it is a file, and none when it does not
/// exist.
///
/// # Errors
/// A folder that cannot be listed.
///
/// ```
/// use internlm_kit::file::{self, files_below};
///
/// let folder = tempfile::tempdir()?;
/// file::write(folder.path().join("hf/config.json"), "{}")?;
/// assert_eq!(files_below(folder.path())?, [folder.path().join("hf/config.json")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn files_below(path: impl AsRef<Path>) -> Result<Vec<PathBuf>, FileError> {
    let root = path.as_ref();
    let mut files = Vec::new();
    let mut pending = if root.exists() { vec![root.to_path_buf()] } else { Vec::new() };
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(entries(&path).at(&path, "list")?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_all_depths_come_sorted() {
        let folder = tempfile::tempdir().expect("temporary folder");
        for name in ["b/2", "b/c/1", "a"] {
            super::super::write(folder.path().join(name), "").expect("writes");
        }
        fs::create_dir_all(folder.path().join("z/empty")).expect("creates");
        let below = |name: &str| files_below(folder.path().join(name)).expect("lists");
        assert_eq!(below(""), ["a", "b/2", "b/c/1"].map(|name| folder.path().join(name)));
        assert_eq!(below("a"), [folder.path().join("a")]);
        assert_eq!(below("nowhere"), Vec::<PathBuf>::new());
    }
}
