//! Folders whose new names survive a power failure.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::target::parent;

/// Makes a rename durable: fsync of the folder that holds `path`.
///
/// # Errors
/// Any I/O error of opening or syncing the folder.
pub fn sync_parent(path: impl AsRef<Path>) -> io::Result<()> {
    File::open(parent(path.as_ref()).unwrap_or(Path::new(".")))?.sync_all()
}

/// Creates `folder` and its parents and makes the name of each new one durable.
pub(crate) fn create_folders(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).collect();
    fs::create_dir_all(folder)?;
    missing.into_iter().rev().try_for_each(sync_parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_folders_are_created_and_a_file_in_the_way_is_an_error() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let deep = folder.path().join("a/b/c");
        create_folders(&deep).expect("creates");
        create_folders(&deep).expect("leaves it alone");
        assert!(deep.is_dir());
        fs::write(deep.join("file"), "x").expect("writes");
        let error = create_folders(&deep.join("file/d")).expect_err("a file is in the way");
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
    }
}
