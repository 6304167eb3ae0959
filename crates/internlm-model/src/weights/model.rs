//! Any model folder or GGUF file as InternLM2 tensors.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use internlm_kit::file::MappedFile;

use super::gguf::GgufFile;
use super::internevo::{InternEvoFolder, Stretch, is_internevo};
use super::inventory::{name_problems, other_frequencies, untie};
use super::kind::{refuse_hub_name, refuse_other};
use super::names::{self, NameStyle, Parts};
use super::qkv::{self, RowOrder};
use super::quantization::{Quantization, without_settings};
use super::stored_model::StoredModel;
use super::{Encoding, TensorInfo, TensorSource, WeightFolder};
use crate::{Error, ModelConfig, Result};

/// What a path of a model may name, for messages.
const MODEL: &str = "a model folder or a GGUF file";

/// Opens a Hugging Face folder (single file or shards), an InternEvo checkpoint or a GGUF file and checks it against
/// its config.
///
/// The tensors appear under InternLM2 names: q, k and v of other families are joined into `wqkv`, permuted
/// rows of GGUF are put back. Nothing is read until it is asked for.
///
/// # Errors
/// Missing or malformed files; quantized folders; missing, surplus or mis-shaped tensors, all at once.
pub fn open(path: impl AsRef<Path>) -> Result<(ModelConfig, Box<dyn TensorSource>)> {
    let path = path.as_ref();
    let stored = open_stored(path)?;
    if let Some(quantization) = &stored.quantization {
        return Err(quantization.refusal(path));
    }
    if is_internevo(path) {
        return Ok((stored.config, stored.source));
    }
    let config = stored.config.clone();
    Ok((config, Box::new(ModelWeights::new(path, stored)?)))
}

/// Opens what [`open`] opens, without joining or checking tensors: for readers that reorder the rows of each
/// matrix themselves.
///
/// # Errors
/// Missing or malformed files, and folders of quantizers that no program of this workspace runs.
pub fn open_stored(path: impl AsRef<Path>) -> Result<StoredModel> {
    let path = path.as_ref();
    refuse_hub_name(path)?;
    if is_gguf(path) {
        return open_gguf(path);
    }
    if is_internevo(path) {
        let folder = InternEvoFolder::open(path, Stretch::default())?;
        let config = folder.config().clone();
        let (style, order) = (NameStyle::InternLm2, RowOrder::HalfSplit);
        let (source, notes) = (Box::new(folder), Vec::new());
        return Ok(StoredModel { config, source, style, order, quantization: None, notes });
    }
    if path.is_file() {
        return Err(other_file(path)?);
    }
    open_hf(path)
}

fn open_gguf(path: &Path) -> Result<StoredModel> {
    let file = GgufFile::open(path)?;
    let config = ModelConfig::from_gguf(&file)?;
    // llama.cpp's converter permutes q and k of these architectures for its interleaved rotation.
    let order = match file.metadata().text("general.architecture") {
        Some("llama" | "internlm2") => RowOrder::Interleaved,
        _ => RowOrder::HalfSplit,
    };
    let notes = other_frequencies(&config, &file).into_iter().collect();
    let (source, style) = (Box::new(file), NameStyle::Gguf);
    Ok(StoredModel { config, source, style, order, quantization: None, notes })
}

fn open_hf(path: &Path) -> Result<StoredModel> {
    if let Some(found) = without_config(path) {
        return Err(Error::Kind { path: path.to_path_buf(), found, expected: MODEL });
    }
    let mut config = ModelConfig::from_hf(path)?;
    let quantization = Quantization::find(&config, path)?;
    if let Some(foreign) = quantization.as_ref().filter(|found| !found.is_runnable()) {
        return Err(foreign.refusal(path));
    }
    let source = WeightFolder::open(path)?;
    if quantization.is_none()
        && let Some(problem) = without_settings(&source.names())
    {
        return Err(Error::Weights { path: path.to_path_buf(), problems: vec![problem] });
    }
    let (style, order) = (NameStyle::of(config.family), RowOrder::HalfSplit);
    let head = untie(&mut config, &source, style)?;
    let notes = head.into_iter().chain(other_frequencies(&config, &source)).collect();
    Ok(StoredModel { config, source: Box::new(source), style, order, quantization, notes })
}

/// The error for a file that is not GGUF: what it is, and what was expected.
fn other_file(path: &Path) -> Result<Error> {
    let map = MappedFile::open(path)?;
    refuse_other(path, &map, MODEL)?;
    let found = if map.is_empty() { "an empty file" } else { "a file of another kind" };
    Ok(Error::Kind { path: path.to_path_buf(), found: found.to_owned(), expected: MODEL })
}

/// What a folder without `config.json` is, where it is something that people take for a model.
fn without_config(path: &Path) -> Option<String> {
    if path.join("config.json").exists() {
        return None;
    }
    if path.join("adapter_config.json").is_file() {
        return Some("a LoRA adapter, which has to be merged into its model".to_owned());
    }
    if path.join("snapshots").is_dir() {
        return Some("a cache folder of a hub, whose models are the folders in `snapshots`".to_owned());
    }
    let entries = std::fs::read_dir(path).ok()?;
    let files = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file() && is_gguf(path));
    Some(format!("a folder of GGUF files, such as {}", files.min()?.display()))
}

/// Whether `path` is to be read as GGUF: by its name, or by its first bytes.
pub(crate) fn is_gguf(path: &Path) -> bool {
    use std::io::Read;
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf")) {
        return true;
    }
    let mut magic = [0; 4];
    path.is_file()
        && std::fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut magic).is_ok())
        && &magic == b"GGUF"
}

/// A checked model: every tensor its config demands is there with the right shape.
struct ModelWeights {
    source: Box<dyn TensorSource>,
    tensors: BTreeMap<String, Recipe>,
    heads: qkv::Heads,
}

/// One InternLM2 tensor: its shape and where its rows come from.
struct Recipe {
    info: TensorInfo,
    parts: Parts,
    /// q, k and v are stored in different encodings: the joined tensor is given in f32.
    mixed: bool,
}

impl ModelWeights {
    fn new(path: &Path, stored: StoredModel) -> Result<Self> {
        let mut problems = name_problems(&stored)?;
        let StoredModel { config, source, style, order, .. } = stored;
        let heads = qkv::Heads::of(&config, order);
        let mut tensors = BTreeMap::new();
        if config.layers > source.names().len() {
            return Err(Error::Weights { path: path.to_path_buf(), problems });
        }
        for (name, shape) in names::expected(&config) {
            let Some(parts) = names::parts(&name, style) else {
                problems.push(format!("tensor {name}: has no counterpart in {style:?} files"));
                continue;
            };
            match check(source.as_ref(), path, &parts, &shape, heads) {
                Ok((info, mixed)) => {
                    tensors.insert(name, Recipe { info, parts, mixed });
                }
                Err(mut found) => problems.append(&mut found),
            }
        }
        if problems.is_empty() {
            Ok(Self { source, tensors, heads })
        } else {
            Err(Error::Weights { path: path.to_path_buf(), problems })
        }
    }
}

/// Names a tensor in a message about the model at `path`; its file is named too where the model has several.
fn place(source: &dyn TensorSource, path: &Path, name: &str) -> String {
    let file = source.file(name);
    match file.file_name() {
        Some(file_name) if file != path => format!("{}: tensor {name}", file_name.display()),
        _ => format!("tensor {name}"),
    }
}

/// Compares the parts of one tensor with the shape the config demands; with it comes whether their encodings differ.
/// Tensors that are missing have been reported with all others.
fn check(
    source: &dyn TensorSource,
    path: &Path,
    parts: &Parts,
    shape: &[usize],
    heads: qkv::Heads,
) -> Result<(TensorInfo, bool), Vec<String>> {
    let one = |name: &str, shape: &[usize]| match source.info(name) {
        None => Err(None),
        Some(info) if info.shape != shape => Err(Some(format!(
            "{}: found shape {:?}, expected {shape:?}",
            place(source, path, name),
            info.shape
        ))),
        Some(info) => Ok(info),
    };
    match parts {
        Parts::One(name) => match one(name, shape) {
            Ok(info) => Ok((info, false)),
            Err(problem) => Err(problem.into_iter().collect()),
        },
        Parts::Qkv(names) => {
            let (mut problems, mut encodings) = (Vec::new(), Vec::new());
            for (name, rows) in names.iter().zip(heads.rows()) {
                let mut part = shape.to_vec();
                part[0] = rows;
                match one(name, &part) {
                    Ok(info) => encodings.push(info.encoding),
                    Err(problem) => problems.extend(problem),
                }
            }
            if encodings.len() < names.len() {
                return Err(problems);
            }
            let mixed = encodings.iter().any(|encoding| *encoding != encodings[0]);
            let encoding = if mixed { Encoding::F32 } else { encodings[0] };
            Ok((TensorInfo { shape: shape.to_vec(), encoding }, mixed))
        }
    }
}

impl TensorSource for ModelWeights {
    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn info(&self, name: &str) -> Option<TensorInfo> {
        self.tensors.get(name).map(|recipe| recipe.info.clone())
    }

    fn file(&self, name: &str) -> PathBuf {
        let part = self.tensors.get(name).map_or(name, |recipe| recipe.parts.first());
        self.source.file(part)
    }

    fn read_bytes(&self, name: &str) -> Result<Cow<'_, [u8]>> {
        let Some(recipe) = self.tensors.get(name) else { return self.source.read_bytes(name) };
        let Parts::Qkv([q, k, v]) = &recipe.parts else {
            return self.source.read_bytes(recipe.parts.first());
        };
        if recipe.mixed {
            let values = self.read_f32(name)?;
            return Ok(Cow::Owned(values.iter().flat_map(|value| value.to_le_bytes()).collect()));
        }
        let parts = [self.source.read_bytes(q)?, self.source.read_bytes(k)?, self.source.read_bytes(v)?];
        Ok(Cow::Owned(qkv::join(&parts.each_ref().map(|part| &**part), self.heads)))
    }

    fn release(&self, name: &str) {
        match self.tensors.get(name).map(|recipe| &recipe.parts) {
            Some(Parts::One(part)) => self.source.release(part),
            Some(Parts::Qkv(parts)) => parts.iter().for_each(|part| self.source.release(part)),
            None => self.source.release(name),
        }
    }

    fn read_f32(&self, name: &str) -> Result<Vec<f32>> {
        match self.tensors.get(name).map(|recipe| &recipe.parts) {
            Some(Parts::One(part)) => self.source.read_f32(part),
            Some(Parts::Qkv([q, k, v])) => {
                let parts = [self.source.read_f32(q)?, self.source.read_f32(k)?, self.source.read_f32(v)?];
                Ok(qkv::join(&parts.each_ref().map(Vec::as_slice), self.heads))
            }
            None => self.source.read_f32(name),
        }
    }
}
