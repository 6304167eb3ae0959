//! The same model folder in files of another size: every tensor keeps its name and its bytes.

use std::fs;
use std::path::Path;

use internlm_kit::file::{self, AtPath};
use internlm_model::weights::{TensorSource, WeightFolder, write_stored_folder};

use crate::{Error, Result};

/// Endings of the names of weight files and of the indexes that list them.
const WEIGHTS: [&str; 6] =
    [".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json", ".pt", ".pth"];

/// Writes the model folder `model` again as `out`, with one file for each tensor and an index. Other files go along as
/// they are; `out` appears whole or not at all.
///
/// # Errors
/// A path that is not a folder with weights, and errors of reading and writing.
pub fn split(model: impl AsRef<Path>, out: impl AsRef<Path>) -> Result<()> {
    let model = model.as_ref();
    if model.is_file() {
        let place = model.display().to_string();
        return Err(Error::mismatch(place, "a file", "a Hugging Face folder"));
    }
    // A tensor that is larger than a shard gets one of its own.
    file::replace_folder(out, |folder| write_shards(model, folder, 1))
}

/// Writes weights and other files of `model` into the folder `out`, in files of at most `max_shard_bytes`.
pub(super) fn write_shards(model: &Path, out: &Path, max_shard_bytes: u64) -> Result<()> {
    let source = WeightFolder::open(model)?;
    let infos = source.names().into_iter().filter_map(|name| {
        let info = source.info(&name)?;
        Some((name, info))
    });
    let tensors: Vec<_> = infos.collect();
    write_stored_folder(out, &tensors, max_shard_bytes, &mut |name| {
        let bytes = source.read_bytes(name)?.into_owned();
        source.release(name);
        Ok(bytes)
    })?;
    carry(model, out)
}

/// Copies every other file below `model`, hidden ones excepted.
fn carry(model: &Path, out: &Path) -> Result<()> {
    for path in file::files_below(model)? {
        let name = path.strip_prefix(model).unwrap_or(&path);
        let shown = name.to_string_lossy();
        if shown.starts_with('.') || WEIGHTS.iter().any(|ending| shown.ends_with(ending)) {
            continue;
        }
        let target = out.join(name);
        if let Some(parent) = target.parent() {
            file::create_dir_all(parent)?;
        }
        fs::copy(&path, &target).at(&target, "write")?;
    }
    Ok(())
}
