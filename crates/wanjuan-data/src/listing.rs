//! What is in a folder, in an order that does not depend on the file system.

use std::fs;
use std::path::{Path, PathBuf};

use internlm_kit::file::AtPath;

use crate::Result;

/// The entries of `folder`, sorted by path.
pub(crate) fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let list = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>();
    let mut paths = list().at(folder, "list")?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use internlm_kit::exit::BadInput;

    use super::*;

    #[test]
    fn entries_come_sorted_and_a_missing_folder_is_bad_input() {
        let folder = tempfile::tempdir().expect("temporary folder");
        for name in ["b", "a", "c"] {
            fs::write(folder.path().join(name), "").expect("writes");
        }
        let expected = ["a", "b", "c"].map(|name| folder.path().join(name));
        assert_eq!(sorted_entries(folder.path()).expect("lists"), expected);
        assert!(sorted_entries(&folder.path().join("nowhere")).expect_err("fails").is_bad_input());
    }
}
