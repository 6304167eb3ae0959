//! [`GgufFile`]: header, metadata and tensors of one file under their GGUF names.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use internlm_kit::file::MappedFile;

use super::metadata::{self, Metadata, Value};
use crate::cursor::{Cursor, Fault};
use crate::weights::source::{self, missing};
use crate::weights::{Encoding, TensorInfo, TensorSource};
use crate::{Error, Result};

/// Maximum number of dimensions of a tensor, as in llama.cpp.
const MAX_DIMENSIONS: u32 = 4;
/// Alignment of the data when `general.alignment` is absent.
const DEFAULT_ALIGNMENT: u64 = 32;

/// One GGUF file: header checked, data mapped. A vocabulary-only file has no tensors.
#[derive(Debug)]
pub struct GgufFile {
    path: PathBuf,
    map: Arc<MappedFile>,
    version: u32,
    metadata: Metadata,
    tensors: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    info: TensorInfo,
    /// Absolute byte range in the file.
    bytes: Range<usize>,
}

/// One tensor as the header says it.
struct Declared {
    name: String,
    shape: Vec<usize>,
    kind: u32,
    offset: u64,
}

impl GgufFile {
    /// Maps `path`, reads metadata and the tensor table, and checks that every tensor is inside the file.
    ///
    /// # Errors
    /// Missing or truncated file, malformed header; all bad tensors at once.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let map = MappedFile::open(path)?;
        let map = Arc::new(map);
        let header = Header::read(&map).map_err(|fault| fault.in_file(path))?;
        let Header { version, metadata, declared, data_start } = header;
        let mut tensors = BTreeMap::new();
        let mut problems = Vec::new();
        for tensor in declared {
            let name = tensor.name.clone();
            match entry(tensor, data_start, map.len() as u64) {
                Ok(entry) => {
                    tensors.insert(name, entry);
                }
                Err(message) => problems.push(format!("tensor {name}: {message}")),
            }
        }
        if problems.is_empty() {
            Ok(Self { path: path.to_path_buf(), map, version, metadata, tensors })
        } else {
            Err(Error::Weights { path: path.to_path_buf(), problems })
        }
    }

    /// The path that was opened, for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Version of the container: 2 or 3.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The key/value pairs of the header: architecture, sizes, tokenizer.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

impl TensorSource for GgufFile {
    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn info(&self, name: &str) -> Option<TensorInfo> {
        self.tensors.get(name).map(|entry| entry.info.clone())
    }

    fn file(&self, _name: &str) -> PathBuf {
        self.path.clone()
    }

    fn read_bytes(&self, name: &str) -> Result<Cow<'_, [u8]>> {
        let entry = self.tensors.get(name).ok_or_else(|| missing(self.path.clone(), name))?;
        Ok(Cow::Borrowed(&self.map[entry.bytes.clone()]))
    }

    /// As the default, and gives the file's pages back to the system: they are rarely read twice, and a large
    /// model need not be in memory twice, as blocks and as floats.
    fn read_f32(&self, name: &str) -> Result<Vec<f32>> {
        let values = source::widen(self, name)?;
        self.release(name);
        Ok(values)
    }

    fn release(&self, name: &str) {
        if let Some(entry) = self.tensors.get(name) {
            self.map.release(entry.bytes.clone());
        }
    }
}

/// Everything before the data.
struct Header {
    version: u32,
    metadata: Metadata,
    declared: Vec<Declared>,
    data_start: u64,
}

impl Header {
    fn read(map: &Arc<MappedFile>) -> Result<Self, Fault> {
        let mut cursor = Cursor::new(map);
        if cursor.take(4, "the magic `GGUF`")? != b"GGUF" {
            let message = "not a GGUF file: expected the magic `GGUF`".to_owned();
            return Err(Fault { offset: 0, message });
        }
        let version = cursor.u32("the version")?;
        if !(2..=3).contains(&version) {
            return cursor.fail(format!("version: found {version}, expected 2 or 3"));
        }
        // The smallest tensor entry is 24 bytes (empty name, no dimensions), the smallest pair 13.
        let tensor_count = metadata::count(&mut cursor, 24, "the number of tensors")?;
        let pair_count = metadata::count(&mut cursor, 13, "the number of metadata pairs")?;
        let metadata = Metadata::read(&mut cursor, pair_count, map)?;
        let declared = (0..tensor_count).map(|_| declared(&mut cursor)).collect::<Result<_, _>>()?;
        let alignment =
            metadata.get("general.alignment").and_then(Value::as_u64).unwrap_or(DEFAULT_ALIGNMENT);
        if alignment == 0 || alignment > 1 << 20 {
            return cursor.fail(format!("general.alignment: found {alignment}, expected 1 to 1048576"));
        }
        let data_start = (cursor.position() as u64).next_multiple_of(alignment);
        Ok(Self { version, metadata, declared, data_start })
    }
}

fn declared(cursor: &mut Cursor<'_>) -> Result<Declared, Fault> {
    let name = metadata::string(cursor, "a tensor's name")?;
    let dimensions = cursor.u32("a tensor's number of dimensions")?;
    if dimensions > MAX_DIMENSIONS {
        return cursor.fail(format!("tensor {name}: found {dimensions} dimensions, expected at most 4"));
    }
    let mut shape = Vec::new();
    for _ in 0..dimensions {
        let size = cursor.u64("a tensor's size")?;
        match usize::try_from(size) {
            Ok(size) => shape.push(size),
            Err(_) => return cursor.fail(format!("tensor {name}: size {size} does not fit in memory")),
        }
    }
    // The file lists the fastest dimension first, we list it last.
    shape.reverse();
    Ok(Declared {
        name,
        shape,
        kind: cursor.u32("a tensor's type")?,
        offset: cursor.u64("a tensor's offset")?,
    })
}

fn entry(tensor: Declared, data_start: u64, file_length: u64) -> Result<Entry, String> {
    let encoding = match tensor.kind {
        0 => Encoding::F32,
        1 => Encoding::F16,
        2 => Encoding::Q4_0,
        3 => Encoding::Q4_1,
        6 => Encoding::Q5_0,
        7 => Encoding::Q5_1,
        8 => Encoding::Q8_0,
        12 => Encoding::Q4K,
        13 => Encoding::Q5K,
        14 => Encoding::Q6K,
        24 => Encoding::I8,
        25 => Encoding::I16,
        26 => Encoding::I32,
        27 => Encoding::I64,
        28 => Encoding::F64,
        30 => Encoding::Bf16,
        kind => {
            return Err(format!(
                "type: found {kind}, expected F32 0, F16 1, BF16 30, Q4_0 2, Q4_1 3, Q5_0 6, Q5_1 7, Q8_0 8, \
                 Q4_K 12, Q5_K 13 or Q6_K 14"
            ));
        }
    };
    let length = encoding
        .byte_length(&tensor.shape)
        .ok_or_else(|| format!("shape {:?} is not a whole number of {encoding} blocks", tensor.shape))?;
    let from = data_start.checked_add(tensor.offset);
    let to = from.and_then(|from| from.checked_add(length as u64));
    match (from, to) {
        (Some(from), Some(to)) if to <= file_length => {
            let info = TensorInfo { shape: tensor.shape, encoding };
            Ok(Entry { info, bytes: from as usize..to as usize })
        }
        _ => Err(format!(
            "truncated: {length} bytes at offset {} of the data, the file has {}",
            tensor.offset,
            file_length.saturating_sub(data_start)
        )),
    }
}
