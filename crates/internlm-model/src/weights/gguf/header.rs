//! [`Header`]: everything that comes before the data of a file.

use std::sync::Arc;

use internlm_kit::file::MappedFile;

use super::metadata::{self, Metadata, Value};
use crate::cursor::{Cursor, Fault};

/// Maximum number of dimensions of a tensor, as in llama.cpp.
const MAX_DIMENSIONS: u32 = 4;
/// Alignment of the data when `general.alignment` is absent.
const DEFAULT_ALIGNMENT: u64 = 32;

/// Metadata and tensor table of one file.
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) metadata: Metadata,
    pub(super) declared: Vec<Declared>,
    /// Every tensor begins at a multiple of this in the data section.
    pub(super) alignment: u64,
    /// Where the data section begins in the file.
    pub(super) data_start: u64,
}

/// One tensor as the header says it.
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) kind: u32,
    pub(super) offset: u64,
}

impl Header {
    pub(super) fn read(map: &Arc<MappedFile>) -> Result<Self, Fault> {
        let mut cursor = Cursor::new(map);
        if cursor.take(4, "the magic `GGUF`")? != b"GGUF" {
            let message = "not a GGUF file: expected the magic `GGUF`".to_owned();
            return Err(Fault { offset: 0, message });
        }
        let version = cursor.u32("the version")?;
        if (1..=3).contains(&version.swap_bytes()) {
            return cursor.fail("found a big-endian file, expected a little-endian one");
        }
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
        Ok(Self { version, metadata, declared, alignment, data_start })
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
