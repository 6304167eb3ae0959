//! sha256 of bytes and files, as lower-case hexadecimal text.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::file::{AtPath, FileError};

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 18;

/// Lower-case hexadecimal sha256 of `bytes`.
///
/// ```
/// let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/// assert_eq!(internlm_kit::hash::sha256("abc"), abc);
/// ```
#[must_use]
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes.as_ref()))
}

/// Lower-case hexadecimal sha256 of a file, read in chunks.
///
/// # Errors
/// [`FileError`] naming `path`.
pub fn sha256_file(path: impl AsRef<Path>) -> Result<String, FileError> {
    let path = path.as_ref();
    let hash = || {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(hex(&hasher.finalize()));
            }
            hasher.update(&buffer[..read]);
        }
    };
    hash().at(path, "read")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_several_chunks_has_the_hash_of_its_bytes() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a");
        let bytes: Vec<u8> = (0..2 * CHUNK + 7).map(|index| index as u8).collect();
        std::fs::write(&path, &bytes).expect("writes");
        assert_eq!(sha256_file(&path).expect("reads"), sha256(&bytes));
    }
}
