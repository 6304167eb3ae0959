//! Atomic files: a reader sees the old bytes or the new bytes, never half of either.
//!
//! Every writer of the workspace goes through here: temporary file beside the target, fsync, rename,
//! fsync of the folder. A killed run leaves at most a `*.tmp` file behind, which the next run overwrites.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Writes `bytes` to `path` atomically, creating parent folders.
///
/// # Errors
/// Any I/O error of the temporary file, the fsync or the rename.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// A file that appears under its name only when [`AtomicFile::commit`] succeeded.
#[derive(Debug)]
pub struct AtomicFile {
    target: PathBuf,
    temporary: PathBuf,
    writer: BufWriter<File>,
}

impl AtomicFile {
    /// Opens `path` + `.tmp` for writing, creating parent folders.
    ///
    /// # Errors
    /// Any I/O error of creating the folders or the file.
    pub fn create(path: &Path) -> io::Result<Self> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            fs::create_dir_all(parent)?;
        }
        let mut name = path.as_os_str().to_owned();
        name.push(".tmp");
        let temporary = PathBuf::from(name);
        let writer = BufWriter::with_capacity(1 << 18, File::create(&temporary)?);
        Ok(Self { target: path.to_path_buf(), temporary, writer })
    }

    /// Flushes, fsyncs and renames to the final name.
    ///
    /// # Errors
    /// Any I/O error; the target is then untouched.
    pub fn commit(self) -> io::Result<()> {
        let file = self.writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&self.temporary, &self.target)?;
        sync_parent(&self.target)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Makes a rename durable: fsync of the folder that holds `path`.
///
/// # Errors
/// Any I/O error of opening or syncing the folder.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

/// Lower-case hexadecimal sha256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal sha256 of a file, read in chunks.
///
/// # Errors
/// Any I/O error of reading.
pub fn sha256_file(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uncommitted_file_does_not_appear() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a/b.txt");
        write(&path, b"old").expect("writes");
        let mut file = AtomicFile::create(&path).expect("creates");
        file.write_all(b"new").expect("writes");
        drop(file);
        assert_eq!(fs::read(&path).expect("reads"), b"old");
    }

    #[test]
    fn sha256_of_abc_is_the_published_one() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
