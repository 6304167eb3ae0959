//! One archive of a bundle: a folder of files, then a compressed tar file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace;

/// The dictionary is larger than all programs, which have most of their code in common. Addresses of calls are made
/// absolute first, so that the same function is the same bytes in each of them.
const XZ: &str = "xz --x86 --lzma2=preset=9e,dict=256MiB --threads=1";

/// Files that will become `NAME.tar.xz`, in a folder of that name.
#[derive(Debug)]
pub(super) struct Archive {
    name: &'static str,
    /// The bundle.
    bundle: PathBuf,
    /// What the archive will hold.
    staged: PathBuf,
}

/// A finished archive.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) name: &'static str,
    /// Bytes of its files.
    pub(super) raw: u64,
    /// Bytes of the archive.
    pub(super) packed: u64,
}

impl Archive {
    /// An empty archive of the bundle in `bundle`.
    pub(super) fn new(name: &'static str, bundle: &Path) -> Result<Self> {
        let staged = bundle.join("staged").join(name);
        fs::create_dir_all(&staged).with_context(|| format!("{}: cannot create", staged.display()))?;
        Ok(Self { name, bundle: bundle.to_path_buf(), staged })
    }

    /// Adds a program or a library by another name, without its symbols.
    pub(super) fn add_program(&mut self, path: &Path, name: &str) -> Result<()> {
        let to = self.staged.join(name);
        // A link, as libraries have them, is followed.
        fs::copy(path, &to).with_context(|| format!("{}: cannot copy", path.display()))?;
        workspace::run(Command::new("strip").arg("--strip-unneeded").arg(&to))
    }

    /// Adds a folder and everything below it by another path.
    pub(super) fn add_folder(&mut self, path: &Path, name: &str) -> Result<()> {
        let to = self.staged.join(name);
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(path).with_context(|| format!("{}: cannot list", path.display()))? {
            let entry = entry?;
            let below = format!("{name}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                self.add_folder(&entry.path(), &below)?;
            } else {
                fs::copy(entry.path(), self.staged.join(below))?;
            }
        }
        Ok(())
    }

    /// Compresses the files and removes them.
    pub(super) fn pack(self) -> Result<Packed> {
        let file = self.bundle.join(format!("{}.tar.xz", self.name));
        let raw = bytes_below(&self.staged)?;
        let mut tar = Command::new("tar");
        // The same files give the same archive.
        tar.args(["--create", "--sort=name", "--owner=0", "--group=0", "--mtime=@0", "--mode=u+rw"]);
        tar.args(["--use-compress-program", XZ, "--file"]).arg(&file);
        tar.arg("--directory").arg(self.bundle.join("staged")).arg(self.name);
        workspace::run(&mut tar)?;
        fs::remove_dir_all(&self.staged)?;
        // Fails while other archives are staged, and the last one leaves an empty folder.
        let _ = fs::remove_dir(self.bundle.join("staged"));
        Ok(Packed { name: self.name, raw, packed: fs::metadata(&file)?.len() })
    }
}

fn bytes_below(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        sum += if entry.path().is_dir() { bytes_below(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_packed_with_their_sizes() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let source = folder.path().join("source");
        fs::create_dir_all(source.join("inner")).expect("a folder");
        fs::write(source.join("a"), [7; 1000]).expect("writes");
        fs::write(source.join("inner/b"), [8; 24]).expect("writes");
        let bundle = folder.path().join("bundle");
        let mut archive = Archive::new("goldens", &bundle).expect("creates");
        archive.add_folder(&source, "golden/model").expect("adds");
        let packed = archive.pack().expect("packs");
        assert_eq!((packed.name, packed.raw), ("goldens", 1024));
        assert!(packed.packed > 0 && !bundle.join("staged").exists());
        let listed =
            Command::new("tar").arg("tf").arg(bundle.join("goldens.tar.xz")).output().expect("lists");
        let listed = String::from_utf8(listed.stdout).expect("names");
        assert!(listed.lines().any(|line| line == "goldens/golden/model/inner/b"), "{listed}");
    }
}
