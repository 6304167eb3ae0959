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

/// All files below `folder`, links followed, sorted by path; none when the folder does not exist.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(folder) = pending.pop().filter(|folder| folder.is_dir()) {
        let (folders, plain): (Vec<_>, Vec<_>) =
            sorted_entries(&folder)?.into_iter().partition(|path| path.is_dir());
        pending.extend(folders);
        files.extend(plain);
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use internlm_kit::exit::BadInput;

    use super::*;

    #[test]
    fn files_of_all_depths_come_sorted() {
        let folder = tempfile::tempdir().expect("temporary folder");
        for name in ["b/2", "b/c/1", "a", "z/empty/"] {
            let path = folder.path().join(name);
            if name.ends_with('/') {
                fs::create_dir_all(path).expect("creates");
            } else {
                fs::create_dir_all(path.parent().expect("has a parent")).expect("creates");
                fs::write(path, "").expect("writes");
            }
        }
        let below = |name: &str| {
            let files = files_below(&folder.path().join(name)).expect("lists");
            files
                .iter()
                .map(|file| file.strip_prefix(folder.path()).expect("is below").to_owned())
                .collect::<Vec<_>>()
        };
        let expected: Vec<PathBuf> = ["a", "b/2", "b/c/1"].map(PathBuf::from).to_vec();
        assert_eq!(below(""), expected);
        assert_eq!(below("nowhere"), Vec::<PathBuf>::new());
        assert!(sorted_entries(&folder.path().join("nowhere")).expect_err("fails").is_bad_input());
    }
}
