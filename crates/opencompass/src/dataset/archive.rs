//! Finds a data file and takes its member out: `archive.zip!member`, `archive.tar.zst!member`, `file.jsonl.gz`.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

/// Length of a header, and the unit of contents, in a tar archive.
const TAR_BLOCK: usize = 512;

/// Finds a file, and separates the name of its member if it is written as `archive.zip!member`.
pub(super) fn find<'a>(name: &'a str, data_dirs: &[&Path]) -> Result<(PathBuf, Option<&'a str>), String> {
    let (file, member) = match name.split_once('!') {
        Some((file, member)) => (file, Some(member)),
        None => (name, None),
    };
    let here = PathBuf::from(file);
    let places: Vec<PathBuf> = data_dirs.iter().map(|folder| folder.join(file)).chain([here]).collect();
    match places.iter().find(|path| path.is_file()) {
        Some(path) => Ok((path.clone(), member)),
        None => {
            let places: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
            let places = places.join(", ");
            Err(format!("data file not found, looked for {places}; run.data-dirs names the folders of data"))
        }
    }
}

/// Returns the content of a file: uncompressed if its name ends with `.gz` or `.zst`, or its member.
pub(super) fn content(file: &Path, bytes: Vec<u8>, member: Option<&str>) -> Result<Vec<u8>, String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let is_zip = member.is_some() && !name.contains(".tar") && !name.ends_with(".tgz");
    if let (true, Some(member)) = (is_zip, member) {
        return unzip(bytes, member);
    }
    let bytes = if name.ends_with(".gz") || name.ends_with(".tgz") {
        let mut content = Vec::new();
        let mut reader = flate2::read::MultiGzDecoder::new(bytes.as_slice());
        reader.read_to_end(&mut content).map_err(|error| format!("expected gzip: {error}"))?;
        content
    } else if name.ends_with(".zst") {
        unzstd(&bytes)?
    } else {
        bytes
    };
    match member {
        Some(member) => untar(&bytes, member),
        None => Ok(bytes),
    }
}

fn unzstd(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let mut rest = bytes;
    // A file may consist of several frames.
    while !rest.is_empty() {
        let reader = ruzstd::decoding::StreamingDecoder::new(&mut rest);
        let mut reader = reader.map_err(|error| format!("expected zstd: {error}"))?;
        reader.read_to_end(&mut content).map_err(|error| format!("expected zstd: {error}"))?;
    }
    Ok(content)
}

fn unzip(bytes: Vec<u8>, member: &str) -> Result<Vec<u8>, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| format!("expected a zip archive: {error}"))?;
    let mut file = archive.by_name(member).map_err(|error| format!("member {member}: {error}"))?;
    let mut content = Vec::new();
    file.read_to_end(&mut content).map_err(|error| format!("member {member}: {error}"))?;
    Ok(content)
}

/// Takes a file out of a tar archive (POSIX.1-1988, with the `prefix` of ustar). Long names of GNU and pax archives are
/// not read; such a member counts as absent.
fn untar(bytes: &[u8], member: &str) -> Result<Vec<u8>, String> {
    let mut rest = bytes;
    while let Some((header, tail)) = rest.split_at_checked(TAR_BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        let size = octal(&header[124..136]).ok_or_else(|| "expected a tar archive".to_owned())?;
        let content = tail.get(..size).ok_or_else(|| "expected a tar archive, found a cut one".to_owned())?;
        let is_ustar = &header[257..262] == b"ustar";
        let prefix = if is_ustar { field(&header[345..500]) } else { String::new() };
        let name = match (prefix.as_str(), field(&header[..100])) {
            ("", name) => name,
            (prefix, name) => format!("{prefix}/{name}"),
        };
        if matches!(header[156], b'0' | 0) && name.trim_start_matches("./") == member {
            return Ok(content.to_vec());
        }
        rest = tail.get(size.next_multiple_of(TAR_BLOCK)..).unwrap_or_default();
    }
    Err(format!("member {member}: not found"))
}

/// Reads a text that ends with a zero byte or with its field.
fn field(bytes: &[u8]) -> String {
    let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

fn octal(bytes: &[u8]) -> Option<usize> {
    usize::from_str_radix(field(bytes).trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A tar archive of one file.
    fn tar(name: &str, content: &[u8]) -> Vec<u8> {
        let mut header = vec![0; TAR_BLOCK];
        header[..name.len()].copy_from_slice(name.as_bytes());
        let size = format!("{:011o}", content.len());
        header[124..124 + size.len()].copy_from_slice(size.as_bytes());
        header[156] = b'0';
        header[257..262].copy_from_slice(b"ustar");
        let mut archive = [header, content.to_vec()].concat();
        archive.resize(archive.len().next_multiple_of(TAR_BLOCK) + 2 * TAR_BLOCK, 0);
        archive
    }

    #[test]
    fn members_and_compressed_files_are_read() {
        let archive = tar("./deep/a.jsonl", b"{}\n");
        let read = |name: &str, bytes: &[u8], member| content(Path::new(name), bytes.to_vec(), member);
        assert_eq!(read("a.tar", &archive, Some("deep/a.jsonl")).as_deref(), Ok(b"{}\n".as_slice()));
        assert_eq!(read("a.tar", &archive, Some("b")), Err("member b: not found".to_owned()));
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&archive).expect("writes to memory");
        let packed = encoder.finish().expect("writes to memory");
        assert_eq!(read("a.tar.gz", &packed, Some("deep/a.jsonl")).as_deref(), Ok(b"{}\n".as_slice()));
        assert_eq!(read("a.GZ", &packed, None).expect("gzip"), archive);
        for (name, member) in [("a.gz", None), ("a.zst", None), ("a.zip", Some("b")), ("a.tar", Some("b"))] {
            assert!(read(name, b"no archive, and longer than nothing", member).is_err(), "{name}");
        }
    }
}
