//! [`replace_folder`]: a folder that appears whole.

use std::fs;
use std::path::{Path, PathBuf};

use super::{AtPath, FileError, create_dir_all, remove_dir_all, sync_parent};

/// Lets `fill` write into a new folder beside `target` and puts that in the place of `target`.
///
/// A reader never sees half of the files. When `fill` fails, `target` stays as it was; a killed run leaves `NAME.tmp`
/// or `NAME.old` behind, which the next call removes.
///
/// # Errors
/// What `fill` returns, and [`FileError`] when the folder cannot be created or renamed.
///
/// ```
/// use internlm_kit::file::{self, FileError};
///
/// let folder = tempfile::tempdir()?;
/// let model = folder.path().join("hf");
/// file::replace_folder(&model, |new| file::write(new.join("config.json"), "{}"))?;
/// assert!(model.join("config.json").is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn replace_folder<E: From<FileError>>(
    target: impl AsRef<Path>,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let target = target.as_ref();
    let (new, old) = (with_suffix(target, ".tmp"), with_suffix(target, ".old"));
    if old.exists() && !target.exists() {
        // Killed between the two renames below.
        fs::rename(&old, target).at(target, "rename to")?;
    }
    remove_dir_all(&new)?;
    create_dir_all(&new)?;
    fill(&new)?;
    remove_dir_all(&old)?;
    if target.exists() {
        fs::rename(target, &old).at(target, "rename")?;
    }
    fs::rename(&new, target).at(target, "rename to")?;
    sync_parent(target).at(target, "sync")?;
    remove_dir_all(&old)?;
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_fill_leaves_the_old_folder_and_the_next_one_replaces_it() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let target = folder.path().join("hf");
        let fill = |name: &'static str| move |new: &Path| super::super::write(new.join(name), "x");
        replace_folder(&target, fill("a")).expect("replaces");
        let failed = replace_folder(&target, |new| {
            fill("half")(new)?;
            Err(FileError::new("b", "read", std::io::ErrorKind::NotFound.into()))
        });
        assert_eq!(failed.expect_err("fails").path, Path::new("b"));
        assert!(target.join("a").is_file());
        replace_folder(&target, fill("c")).expect("replaces");
        assert!(target.join("c").is_file() && !target.join("a").exists() && !target.join("half").exists());
        assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1);
    }
}
