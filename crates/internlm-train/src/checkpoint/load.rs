//! Reading checkpoints: only complete ones count, and every file is checked against its hash.

use std::fs;
use std::path::{Path, PathBuf};

use internlm_kit::file::{self, AtPath};
use internlm_kit::hash;
use safetensors::{Dtype, SafeTensors};

use super::save::{Complete, Coverage, MOMENTS};
use super::{State, list};
use crate::optim::Moments;
use crate::parameters::ParameterInfo;
use crate::{Error, Result};

/// A checkpoint that was read and checked.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The folder it was read from.
    pub path: PathBuf,
    /// Counters and settings of the run that wrote it.
    pub state: State,
    /// Values of the trained parameters, in the order asked for.
    pub values: Vec<Vec<f32>>,
    /// AdamW's moments of the same parameters, in the same order.
    pub moments: Vec<Moments>,
}

/// The newest complete checkpoint, or `None`; the log says why others were passed over.
///
/// # Errors
/// A folder that cannot be listed.
pub fn newest(checkpoints: impl AsRef<Path>) -> Result<Option<(PathBuf, State)>> {
    for (_, path) in list(checkpoints)? {
        match verify(&path) {
            Ok(state) => return Ok(Some((path, state))),
            Err(error) => tracing::warn!("passed over: {error}"),
        }
    }
    Ok(None)
}

/// Reads the checkpoint in `folder` for a model with these trainable parameters.
///
/// # Errors
/// [`Error::Checkpoint`] when a file is missing, damaged, or belongs to a model of another shape.
pub fn open(folder: impl AsRef<Path>, parameters: &[ParameterInfo], coverage: Coverage) -> Result<Loaded> {
    let folder = folder.as_ref();
    let state = verify(folder)?;
    let model = Tensors::read(&folder.join(coverage.file_name()))?;
    let optimizer = Tensors::read(&folder.join("optimizer.safetensors"))?;
    let mut loaded = Loaded { path: folder.to_path_buf(), state, values: Vec::new(), moments: Vec::new() };
    for info in parameters {
        loaded.values.push(model.get(&info.name, &info.shape)?);
        let [first, second] =
            MOMENTS.map(|suffix| optimizer.get(&format!("{}{suffix}", info.name), &info.shape));
        loaded.moments.push(Moments { first: first?, second: second? });
    }
    Ok(loaded)
}

/// Checks `COMPLETE` and every file it lists, and reads the state.
fn verify(folder: &Path) -> Result<State> {
    let complete: Complete = read_json(&folder.join("COMPLETE"))?;
    for (name, record) in &complete {
        let path = folder.join(name);
        let bytes = fs::metadata(&path).at(&path, "read")?.len();
        if bytes != record.bytes {
            return Err(broken(&path, format!("{bytes} bytes"), format!("{} bytes", record.bytes)));
        }
        let sha256 = hash::sha256_file(&path)?;
        if sha256 != record.sha256 {
            return Err(broken(&path, format!("sha256 {sha256}"), format!("sha256 {}", record.sha256)));
        }
    }
    read_json(&folder.join("state.json"))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = file::read(path).map_err(|error| match error.source.kind() {
        std::io::ErrorKind::NotFound => broken(path, "nothing".to_owned(), "this file".to_owned()),
        _ => error.into(),
    })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| broken(path, error.to_string(), "the JSON that the trainer writes".to_owned()))
}

fn broken(path: &Path, found: String, expected: String) -> Error {
    Error::Checkpoint { path: path.to_path_buf(), found, expected }
}

/// The bytes of one safetensors file.
struct Tensors {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Tensors {
    fn read(path: &Path) -> Result<Self> {
        let bytes = file::read(path)?;
        Ok(Self { path: path.to_path_buf(), bytes })
    }

    fn get(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let fail = |found: String, expected: String| broken(&self.path, found, expected);
        let file = SafeTensors::deserialize(&self.bytes)
            .map_err(|error| fail(error.to_string(), "a safetensors file".to_owned()))?;
        let tensor =
            file.tensor(name).map_err(|_| fail(format!("no tensor `{name}`"), format!("shape {shape:?}")))?;
        if tensor.shape() != shape || tensor.dtype() != Dtype::F32 {
            let found = format!("tensor `{name}` {:?} {:?}", tensor.dtype(), tensor.shape());
            return Err(fail(found, format!("F32 {shape:?}")));
        }
        let word = |raw: &[u8]| f32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]);
        Ok(tensor.data().chunks_exact(4).map(word).collect())
    }
}
