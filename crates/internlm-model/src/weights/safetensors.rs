//! One safetensors file, memory-mapped.
//!
//! ```text
//! u64 little-endian   length of the header
//! JSON                {"__metadata__": {..}, name: {"dtype", "shape", "data_offsets": [from, to]}, ..}
//! data                offsets count from the end of the header
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use internlm_kit::file::MappedFile;
use serde::Deserialize;
use serde_json::Value;

use super::source::missing;
use super::{Encoding, TensorInfo, TensorSource};
use crate::{Error, Result};

/// Maximum length of the header, in bytes, that the format allows.
const MAX_HEADER: u64 = 100_000_000;

/// One safetensors file: header checked, data mapped.
#[derive(Debug)]
pub struct SafetensorsFile {
    path: PathBuf,
    map: MappedFile,
    entries: BTreeMap<String, Entry>,
    metadata: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Entry {
    info: TensorInfo,
    /// Absolute byte range in the file.
    bytes: Range<usize>,
}

/// One tensor as the header says it.
#[derive(Deserialize)]
struct Declared {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

impl SafetensorsFile {
    /// Maps `path` and checks its header: sizes, encodings, and that every tensor is inside the file.
    ///
    /// # Errors
    /// Missing or truncated file, malformed header; all bad tensors at once.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let map = MappedFile::open(path)?;
        let header = header(path, &map)?;
        let data_start = 8 + header.len();
        let json: BTreeMap<String, Value> = serde_json::from_slice(header).map_err(|error| {
            Error::format(path, 8, format!("the header is not a JSON object of tensors: {error}"))
        })?;
        let mut file =
            Self { path: path.to_path_buf(), map, entries: BTreeMap::new(), metadata: BTreeMap::new() };
        let mut problems = Vec::new();
        for (name, value) in json {
            if name == "__metadata__" {
                file.metadata = serde_json::from_value(value).unwrap_or_default();
                continue;
            }
            match entry(&value, data_start, file.map.len()) {
                Ok(entry) => {
                    file.entries.insert(name, entry);
                }
                Err(message) => problems.push(format!("tensor {name}: {message}")),
            }
        }
        if problems.is_empty() {
            Ok(file)
        } else {
            Err(Error::Weights { path: path.to_path_buf(), problems })
        }
    }

    /// The free text pairs of the header.
    #[must_use]
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }
}

impl TensorSource for SafetensorsFile {
    fn names(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    fn info(&self, name: &str) -> Option<TensorInfo> {
        self.entries.get(name).map(|entry| entry.info.clone())
    }

    fn file(&self, _name: &str) -> PathBuf {
        self.path.clone()
    }

    fn read_bytes(&self, name: &str) -> Result<Cow<'_, [u8]>> {
        let entry = self.entries.get(name).ok_or_else(|| missing(self.path.clone(), name))?;
        Ok(Cow::Borrowed(&self.map[entry.bytes.clone()]))
    }

    fn release(&self, name: &str) {
        if let Some(entry) = self.entries.get(name) {
            self.map.release(entry.bytes.clone());
        }
    }
}

/// The JSON bytes after the length field.
fn header<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a [u8]> {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(Error::format(
            path,
            0,
            format!("the file has {} bytes, expected at least 8 for the header length", bytes.len()),
        ));
    };
    let length = u64::from_le_bytes(*length);
    if length > MAX_HEADER {
        let message =
            format!("header length: found {length}, expected <= {MAX_HEADER}: not a safetensors file");
        return Err(Error::format(path, 0, message));
    }
    rest.get(..length as usize).ok_or_else(|| {
        let message = format!("truncated: the header declares {length} bytes, the file holds {}", rest.len());
        Error::format(path, 8, message)
    })
}

/// Checks one tensor of the header against the file.
fn entry(value: &Value, data_start: usize, file_length: usize) -> Result<Entry, String> {
    let declared = Declared::deserialize(value).map_err(|error| error.to_string())?;
    let encoding =
        Encoding::SAFETENSORS.into_iter().find(|encoding| encoding.name() == declared.dtype).ok_or_else(
            || format!("dtype: found {}, expected F32, F16, BF16 or an integer type", declared.dtype),
        )?;
    let [from, to] = declared.data_offsets;
    let data_length = file_length - data_start;
    if from > to || to > data_length {
        return Err(format!(
            "truncated: data offsets [{from}, {to}], the data section has {data_length} bytes"
        ));
    }
    let expected = encoding.byte_length(&declared.shape);
    if expected != Some(to - from) {
        return Err(format!(
            "data offsets span {} bytes, expected {} for {encoding} {:?}",
            to - from,
            expected.map_or_else(|| "fewer".to_owned(), |bytes| bytes.to_string()),
            declared.shape
        ));
    }
    let info = TensorInfo { shape: declared.shape, encoding };
    Ok(Entry { info, bytes: data_start + from..data_start + to })
}
