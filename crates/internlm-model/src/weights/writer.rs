//! Writing safetensors: one tensor in memory at a time, atomic.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use half::{bf16, f16};
use internlm_kit::atomic::{self, AtomicFile};
use serde_json::json;

use super::Encoding;
use super::folder::{INDEX, SINGLE};
use crate::config::DType;
use crate::{Error, Result};

/// How a folder of weights is written.
#[derive(Clone, Debug)]
pub struct WriteConfig {
    /// Storage type.
    pub dtype: DType,
    /// Largest shard in bytes; a model that fits goes into one `model.safetensors`. Default 2 GB.
    pub max_shard_bytes: u64,
}

impl Default for WriteConfig {
    fn default() -> Self {
        Self { dtype: DType::F32, max_shard_bytes: 2_000_000_000 }
    }
}

/// A tensor to write: name and shape.
pub type Named = (String, Vec<usize>);

/// Writes one safetensors file; `read` is asked for the numbers of each tensor in turn.
///
/// # Errors
/// Errors of `read` and of writing; the target is then untouched.
pub fn write_file(
    path: &Path,
    tensors: &[Named],
    dtype: DType,
    metadata: &BTreeMap<String, String>,
    read: &mut dyn FnMut(&str) -> Result<Vec<f32>>,
) -> Result<()> {
    let mut header = serde_json::Map::new();
    header.insert("__metadata__".to_owned(), json!(metadata));
    let mut offset = 0_u64;
    for (name, shape) in tensors {
        let end = offset + byte_length(shape, dtype);
        let entry =
            json!({"dtype": Encoding::from(dtype).name(), "shape": shape, "data_offsets": [offset, end]});
        header.insert(name.clone(), entry);
        offset = end;
    }
    let mut header = serde_json::Value::Object(header).to_string().into_bytes();
    // Data starts at a multiple of 8, as the reference writer pads it.
    header.resize(header.len().next_multiple_of(8), b' ');

    let failed = |source| Error::write(path, source);
    let mut file = AtomicFile::create(path).map_err(failed)?;
    file.write_all(&(header.len() as u64).to_le_bytes()).map_err(failed)?;
    file.write_all(&header).map_err(failed)?;
    for (name, shape) in tensors {
        let values = read(name)?;
        let expected: usize = shape.iter().product();
        if values.len() != expected {
            let found = values.len();
            return Err(Error::Invalid(format!(
                "tensor {name}: found {found} values, expected {expected} for shape {shape:?}"
            )));
        }
        file.write_all(&narrow(&values, dtype)).map_err(failed)?;
    }
    file.commit().map_err(failed)
}

/// Writes `model.safetensors`, or shards with `model.safetensors.index.json`, into `dir`.
///
/// Files of an earlier, differently sharded write are removed last, when the new ones are in place.
///
/// # Errors
/// Errors of `read` and of writing.
pub fn write_folder(
    dir: &Path,
    tensors: &[Named],
    config: &WriteConfig,
    read: &mut dyn FnMut(&str) -> Result<Vec<f32>>,
) -> Result<()> {
    let shards = shards(tensors, config);
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    if let [all] = &shards[..] {
        write_file(&dir.join(SINGLE), all, config.dtype, &metadata, read)?;
        return remove_if_present(&dir.join(INDEX));
    }
    let mut weight_map = BTreeMap::new();
    let mut total = 0;
    for (number, shard) in shards.iter().enumerate() {
        let file = format!("model-{:05}-of-{:05}.safetensors", number + 1, shards.len());
        write_file(&dir.join(&file), shard, config.dtype, &metadata, read)?;
        for (name, shape) in *shard {
            total += byte_length(shape, config.dtype);
            weight_map.insert(name.clone(), file.clone());
        }
    }
    let index = json!({"metadata": {"total_size": total}, "weight_map": weight_map});
    let path = dir.join(INDEX);
    atomic::write(&path, format!("{index:#}\n").as_bytes()).map_err(|source| Error::write(&path, source))?;
    remove_if_present(&dir.join(SINGLE))
}

fn byte_length(shape: &[usize], dtype: DType) -> u64 {
    let (_, bytes) = Encoding::from(dtype).block();
    shape.iter().product::<usize>() as u64 * bytes as u64
}

/// Cuts the list where a shard would exceed the limit; a larger tensor gets a shard of its own.
fn shards<'a>(tensors: &'a [Named], config: &WriteConfig) -> Vec<&'a [Named]> {
    let mut shards = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (index, (_, shape)) in tensors.iter().enumerate() {
        let bytes = byte_length(shape, config.dtype);
        if index > start && size + bytes > config.max_shard_bytes {
            shards.push(&tensors[start..index]);
            (start, size) = (index, 0);
        }
        size += bytes;
    }
    shards.push(&tensors[start..]);
    shards
}

fn narrow(values: &[f32], dtype: DType) -> Vec<u8> {
    match dtype {
        DType::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        DType::F16 => values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
        DType::Bf16 => values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect(),
    }
}

fn remove_if_present(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Error::write(path, source)),
        _ => Ok(()),
    }
}
