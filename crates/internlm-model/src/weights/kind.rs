//! What a file is by its first bytes: a file of another kind gets one sentence instead of a parser's complaint.

use std::path::Path;

use crate::{Error, Result};

/// What a git repository holds in place of a large file that was not fetched.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// First bytes of files that people mistake for weights, and what such a file is.
const KINDS: [(&[u8], &str); 18] = [
    (b"GGUF", "a GGUF file"),
    (b"ggml", "a GGML file, the form before GGUF: convert it with llama.cpp"),
    (b"lmgg", "a GGML file, the form before GGUF: convert it with llama.cpp"),
    (b"fmgg", "a GGML file, the form before GGUF: convert it with llama.cpp"),
    (b"tjgg", "a GGJT file, the form before GGUF: convert it with llama.cpp"),
    (b"PK\x03\x04", "a zip archive or a PyTorch checkpoint"),
    (b"\x1f\x8b", "a gzip archive: unpack it"),
    (b"BZh", "a bzip2 archive: unpack it"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive: unpack it"),
    (b"\xfd7zXZ\0", "an xz archive: unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it"),
    (b"Rar!", "a RAR archive: unpack it"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x7fELF", "a program"),
];

/// The kind of the file that begins with `bytes`; `None` when they are of no kind that is told apart.
pub(crate) fn kind(bytes: &[u8]) -> Option<String> {
    if bytes.starts_with(LFS_POINTER) {
        return Some(pointer(bytes));
    }
    if let Some((_, kind)) = KINDS.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Some((*kind).to_owned());
    }
    let text = bytes.trim_ascii_start();
    let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let kind = match bytes {
        _ if begins(b"<!doctype html") || begins(b"<html") => "a web page: download the file itself",
        _ if begins(b"<?xml") => "an XML document, as servers send in place of a file",
        // safetensors: the length of the header, then JSON.
        [_, _, _, _, _, 0, 0, 0, b'{', ..] => "a safetensors file",
        // Protocol 2 and up starts so; a bare pickle is torch's form before 1.6.
        [0x80, 2..=5, ..] => "a Python pickle",
        _ if begins(b"{") => "a JSON file",
        _ if !bytes.is_empty() && bytes.iter().take(512).all(|byte| *byte == 0) => {
            "zeros at its beginning: the download is not complete"
        }
        _ => return None,
    };
    Some(kind.to_owned())
}

/// Refuses the file at `path` when its bytes are plainly of another kind than `expected`.
pub(crate) fn refuse_other(path: &Path, bytes: &[u8], expected: &'static str) -> Result<()> {
    match kind(bytes) {
        Some(found) => Err(Error::Kind { path: path.to_path_buf(), found, expected }),
        None => Ok(()),
    }
}

/// Refuses the text of a file that should hold a JSON object when it is plainly something else.
pub(crate) fn refuse_other_text(path: &Path, text: &str) -> Result<()> {
    match text.trim_start().starts_with('{') {
        true => Ok(()),
        false => refuse_other(path, text.as_bytes(), "a JSON object"),
    }
}

/// Refuses a path that does not exist and looks like the name of a model on a hub: `organization/model`.
pub(crate) fn refuse_hub_name(path: &Path) -> Result<()> {
    let mut parts = path.to_str().unwrap_or("").split('/');
    let (owner, model, rest) = (parts.next(), parts.next(), parts.next());
    let is_name = |part: Option<&str>| {
        part.is_some_and(|part| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
        })
    };
    // A file of weights, or anything in a folder that exists, is a mistyped path.
    let ending = path.extension().and_then(|ending| ending.to_str());
    let mistyped = owner.is_some_and(|owner| Path::new(owner).exists())
        || matches!(ending, Some("gguf" | "safetensors" | "bin" | "json" | "model"));
    match is_name(owner) && is_name(model) && rest.is_none() && !mistyped && !path.exists() {
        true => Err(Error::NotDownloaded { path: path.to_path_buf() }),
        false => Ok(()),
    }
}

/// A Git LFS pointer in words, with the size of the file that it stands for.
fn pointer(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]);
    let size = text.lines().find_map(|line| line.strip_prefix("size ")?.trim().parse::<u64>().ok());
    let size = size.map_or_else(String::new, |size| format!(" of {size} bytes"));
    format!("a Git LFS pointer to a file{size}: fetch it with `git lfs pull`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let cases: [(&[u8], &str); 10] = [
            (b"GGUF\x03\0\0\0", "a GGUF file"),
            (b"PK\x03\x04\x14\0", "a zip archive or a PyTorch checkpoint"),
            (b"\n<!DOCTYPE html>\n<html>", "a web page: download the file itself"),
            (b"<HTML><head>", "a web page: download the file itself"),
            (b"%PDF-1.7", "a PDF document"),
            (b"\x1f\x8b\x08\0", "a gzip archive: unpack it"),
            (b"\x80\x02}q\0", "a Python pickle"),
            (b"\x10\x01\0\0\0\0\0\0{\"a\":", "a safetensors file"),
            (b" {\"error\": \"not found\"}", "a JSON file"),
            (&[0; 4096], "zeros at its beginning: the download is not complete"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(kind(bytes).as_deref(), Some(expected));
        }
        assert_eq!(kind(b""), None);
        assert_eq!(kind(b"hello"), None);
    }

    #[test]
    fn a_pointer_names_the_size_of_its_file() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00ff\nsize 4976698672\n";
        let error = refuse_other(Path::new("m/model.safetensors"), pointer, "a safetensors file");
        assert_eq!(
            error.expect_err("it is a pointer").to_string(),
            "m/model.safetensors: found a Git LFS pointer to a file of 4976698672 bytes: fetch it with \
             `git lfs pull`, expected a safetensors file"
        );
    }

    #[test]
    fn texts_that_are_not_json_are_named() {
        let refused = |text: &str| {
            let error = refuse_other_text(Path::new("config.json"), text).err();
            error.map(|error| error.to_string())
        };
        assert_eq!(
            refused("<!DOCTYPE html>").as_deref(),
            Some("config.json: found a web page: download the file itself, expected a JSON object")
        );
        assert!(refused("version https://git-lfs.github.com/spec/v1\nsize 7\n").is_some());
        // What is wrong in an object is for its reader to say.
        assert_eq!((refused(" {\"a\":"), refused("[]"), refused("")), (None, None, None));
    }

    #[test]
    fn names_of_a_hub_are_told_from_paths() {
        let refused = |path: &str| refuse_hub_name(Path::new(path)).is_err();
        assert!(refused("internlm/internlm2-chat-1_8b") && refused("HuggingFaceTB/SmolLM2-135M-Instruct"));
        for path in
            ["nowhere", "./a/b", "/a/b", "../b", "a/b/c", "a b/c", "src/nothing", "a/b.gguf", "a/", ""]
        {
            assert!(!refused(path), "{path}");
        }
    }
}
