//! Writing safetensors: one tensor in memory at a time, atomic.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use half::{bf16, f16};
use internlm_kit::file::{self, AtPath, AtomicFile, FileError};
use serde_json::json;

use super::folder::{INDEX, SINGLE};
use super::{Encoding, TensorInfo};
use crate::config::DType;
use crate::{Error, Result};

/// How a folder of weights is written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WriteConfig {
    /// Storage type of every tensor; numbers are rounded to nearest even. Default f32.
    pub dtype: DType,
    /// Maximum size of a shard in bytes; a model that fits goes into one `model.safetensors`. Default 2 GB.
    pub max_shard_bytes: u64,
}

impl Default for WriteConfig {
    fn default() -> Self {
        Self::new(DType::F32)
    }
}

impl WriteConfig {
    /// Tensors of type `dtype`, in shards of at most 2 GB.
    #[must_use]
    pub fn new(dtype: DType) -> Self {
        Self { dtype, max_shard_bytes: 2_000_000_000 }
    }

    /// Sets the maximum size of a shard, in bytes.
    #[must_use]
    pub fn with_max_shard_bytes(mut self, bytes: u64) -> Self {
        self.max_shard_bytes = bytes;
        self
    }
}

/// A tensor to write: name and shape.
pub type Named = (String, Vec<usize>);

/// A tensor to write as stored bytes: name, shape and encoding.
pub type Stored = (String, TensorInfo);

/// Writes one safetensors file; `read` is asked for the numbers of each tensor in turn.
///
/// # Errors
/// Errors of `read` and of writing; the target is then untouched.
pub fn write_file(
    path: impl AsRef<Path>,
    tensors: &[Named],
    dtype: DType,
    metadata: &BTreeMap<String, String>,
    read: &mut dyn FnMut(&str) -> Result<Vec<f32>>,
) -> Result<()> {
    let path = path.as_ref();
    let tensors = stored(tensors, dtype);
    write_stored_file(path, &tensors, metadata, &mut |name| read(name).map(|values| narrow(&values, dtype)))
}

/// Writes `model.safetensors`, or shards with `model.safetensors.index.json`, into `dir`.
///
/// Files of an earlier, differently sharded write are removed last, when the new ones are in place.
///
/// # Errors
/// Errors of `read` and of writing.
pub fn write_folder(
    dir: impl AsRef<Path>,
    tensors: &[Named],
    config: &WriteConfig,
    read: &mut dyn FnMut(&str) -> Result<Vec<f32>>,
) -> Result<()> {
    let dir = dir.as_ref();
    let dtype = config.dtype;
    let tensors = stored(tensors, dtype);
    write_stored_folder(dir, &tensors, config.max_shard_bytes, &mut |name| {
        read(name).map(|values| narrow(&values, dtype))
    })
}

fn stored(tensors: &[Named], dtype: DType) -> Vec<Stored> {
    let info = |shape: &[usize]| TensorInfo { shape: shape.to_vec(), encoding: dtype.into() };
    tensors.iter().map(|(name, shape)| (name.clone(), info(shape))).collect()
}

/// As [`write_file`], from stored bytes: every tensor keeps its encoding.
///
/// # Errors
/// As [`write_file`]; bytes that do not fill the shape, encodings safetensors cannot name.
pub fn write_stored_file(
    path: impl AsRef<Path>,
    tensors: &[Stored],
    metadata: &BTreeMap<String, String>,
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>>,
) -> Result<()> {
    let path = path.as_ref();
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".to_owned(), json!(metadata));
    let mut offset = 0_u64;
    for (name, info) in tensors {
        if !Encoding::SAFETENSORS.contains(&info.encoding) {
            let problem = format!("type: found {}, which safetensors cannot hold", info.encoding);
            return Err(Error::tensor(name, problem));
        }
        let end = offset + byte_length(info);
        let entry =
            json!({"dtype": info.encoding.name(), "shape": info.shape, "data_offsets": [offset, end]});
        header.insert(name.clone(), entry);
        offset = end;
    }
    let mut header = serde_json::Value::Object(header).to_string().into_bytes();
    // Data starts at a multiple of 8, as the reference writer pads it.
    header.resize(header.len().next_multiple_of(8), b' ');

    let mut file = AtomicFile::create(path)?;
    file.write_all(&(header.len() as u64).to_le_bytes()).at(path, "write")?;
    file.write_all(&header).at(path, "write")?;
    for (name, info) in tensors {
        let bytes = read(name)?;
        if bytes.len() as u64 != byte_length(info) {
            let (found, expected, shape) = (bytes.len(), byte_length(info), &info.shape);
            let encoding = info.encoding;
            let problem = format!("found {found} bytes, expected {expected} for {encoding} {shape:?}");
            return Err(Error::tensor(name, problem));
        }
        file.write_all(&bytes).at(path, "write")?;
    }
    Ok(file.commit()?)
}

/// As [`write_folder`], from stored bytes: every tensor keeps its encoding. A model of at most `max_shard_bytes`
/// goes into one file.
///
/// # Errors
/// As [`write_stored_file`].
pub fn write_stored_folder(
    dir: impl AsRef<Path>,
    tensors: &[Stored],
    max_shard_bytes: u64,
    read: &mut dyn FnMut(&str) -> Result<Vec<u8>>,
) -> Result<()> {
    let dir = dir.as_ref();
    let shards = shards(tensors, max_shard_bytes);
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    if let [all] = &shards[..] {
        write_stored_file(dir.join(SINGLE), all, &metadata, read)?;
        return remove_if_present(&dir.join(INDEX));
    }
    let mut weight_map = BTreeMap::new();
    let mut total = 0;
    for (number, shard) in shards.iter().enumerate() {
        let file = format!("model-{:05}-of-{:05}.safetensors", number + 1, shards.len());
        write_stored_file(dir.join(&file), shard, &metadata, read)?;
        for (name, info) in *shard {
            total += byte_length(info);
            weight_map.insert(name.clone(), file.clone());
        }
    }
    let index = json!({"metadata": {"total_size": total}, "weight_map": weight_map});
    file::write(dir.join(INDEX), format!("{index:#}\n"))?;
    remove_if_present(&dir.join(SINGLE))
}

fn byte_length(info: &TensorInfo) -> u64 {
    info.encoding.byte_length(&info.shape).map_or(0, |bytes| bytes as u64)
}

/// Cuts the list where a shard would exceed the limit; a larger tensor gets a shard of its own.
fn shards(tensors: &[Stored], max_shard_bytes: u64) -> Vec<&[Stored]> {
    let mut shards = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (index, (_, info)) in tensors.iter().enumerate() {
        let bytes = byte_length(info);
        if index > start && size + bytes > max_shard_bytes {
            shards.push(&tensors[start..index]);
            (start, size) = (index, 0);
        }
        size += bytes;
    }
    shards.push(&tensors[start..]);
    shards
}

/// Numbers as stored bytes, rounded to nearest even.
pub(super) fn narrow(values: &[f32], dtype: DType) -> Vec<u8> {
    match dtype {
        DType::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        DType::F16 => values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
        DType::Bf16 => values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect(),
    }
}

fn remove_if_present(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(FileError::new(path, "remove", error).into())
        }
        _ => Ok(()),
    }
}
