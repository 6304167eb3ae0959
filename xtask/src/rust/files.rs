//! Walking the repository.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders that hold what was built, downloaded or produced, never what was written.
const SKIPPED: [&str; 4] = ["target", "runs", ".git", "node_modules"];

/// Every file below `root` whose name ends with one of `endings`, sorted, outside build and run folders.
pub(crate) fn files(root: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let mut pending = vec![root.to_path_buf()];
    let mut found = Vec::new();
    while let Some(folder) = pending.pop() {
        let entries =
            std::fs::read_dir(&folder).with_context(|| format!("{}: cannot list", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Links are not followed: what they point to is listed where it is, or is not ours.
            if entry.file_type()?.is_dir() {
                if !SKIPPED.contains(&name.as_str()) {
                    pending.push(entry.path());
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_folders_are_skipped_and_the_order_is_sorted() {
        let folder = tempfile::tempdir().expect("temporary folder");
        for name in ["b.rs", "a/c.rs", "target/d.rs", "a/e.md", "runs/tiny/f.rs"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, "").expect("writes");
        }
        let names = |endings: &[&str]| -> Vec<String> {
            let found = files(folder.path(), endings).expect("lists");
            found
                .iter()
                .map(|path| path.strip_prefix(folder.path()).expect("below").display().to_string())
                .collect()
        };
        assert_eq!(names(&[".rs"]), ["a/c.rs", "b.rs"]);
        assert_eq!(names(&[".rs", ".md"]), ["a/c.rs", "a/e.md", "b.rs"]);
        assert!(files(&folder.path().join("absent"), &[".rs"]).is_err());
    }
}
