//! Any model folder or GGUF file as InternLM2 tensors.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::gguf::GgufFile;
use super::internevo::{InternEvoFolder, Stretch, is_internevo};
use super::names::{self, NameStyle, Parts};
use super::qkv::{self, RowOrder};
use super::{Encoding, TensorInfo, TensorSource, WeightFolder};
use crate::{Error, ModelConfig, Result};

/// Opens a Hugging Face folder (single file or shards), an InternEvo checkpoint or a GGUF file and checks it against
/// its config.
///
/// The tensors appear under InternLM2 names: q, k and v of other families are joined into `wqkv`, permuted
/// rows of GGUF are put back. Nothing is read until it is asked for.
///
/// # Errors
/// Missing or malformed files; missing or mis-shaped tensors, all at once.
pub fn open(path: impl AsRef<Path>) -> Result<(ModelConfig, Box<dyn TensorSource>)> {
    let path = path.as_ref();
    let stored = open_stored(path)?;
    if is_internevo(path) {
        return Ok((stored.config, stored.source));
    }
    let config = stored.config.clone();
    Ok((config, Box::new(ModelWeights::new(path, stored)?)))
}

/// A model's tensors under the names, and with the packing, that its files use.
pub struct StoredModel {
    /// The shape of the model.
    pub config: ModelConfig,
    /// The tensors; not yet compared with the config.
    pub source: Box<dyn TensorSource>,
    /// What the tensors are called; [`names::parts`] gives the name of each.
    pub style: NameStyle,
    /// How the rows of separate q and k heads are ordered.
    pub order: RowOrder,
}

/// Opens what [`open`] opens, without joining or checking tensors: for readers that reorder the rows of each
/// matrix themselves.
///
/// # Errors
/// Missing or malformed files.
pub fn open_stored(path: impl AsRef<Path>) -> Result<StoredModel> {
    let path = path.as_ref();
    if is_gguf(path) {
        let file = GgufFile::open(path)?;
        let config = ModelConfig::from_gguf(&file)?;
        // llama.cpp's converter permutes q and k of these architectures for its interleaved rotation.
        let order = match file.metadata().text("general.architecture") {
            Some("llama" | "internlm2") => RowOrder::Interleaved,
            _ => RowOrder::HalfSplit,
        };
        return Ok(StoredModel { config, source: Box::new(file), style: NameStyle::Gguf, order });
    }
    if is_internevo(path) {
        let folder = InternEvoFolder::open(path, Stretch::default())?;
        let config = folder.config().clone();
        let (style, order) = (NameStyle::InternLm2, RowOrder::HalfSplit);
        return Ok(StoredModel { config, source: Box::new(folder), style, order });
    }
    let config = ModelConfig::from_hf(path)?;
    let style = NameStyle::of(config.family);
    Ok(StoredModel { config, source: Box::new(WeightFolder::open(path)?), style, order: RowOrder::HalfSplit })
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
        let StoredModel { config, source, style, order } = stored;
        let heads = qkv::Heads::of(&config, order);
        let mut tensors = BTreeMap::new();
        let mut problems = Vec::new();
        let count = source.names().len();
        if config.layers > count {
            let found = config.layers;
            let problem = format!("layers: found {found} in the config, the files hold only {count} tensors");
            return Err(Error::Weights { path: path.to_path_buf(), problems: vec![problem] });
        }
        for (name, shape) in names::expected(&config) {
            let Some(parts) = names::parts(&name, style) else {
                problems.push(format!("tensor {name}: has no counterpart in {style:?} files"));
                continue;
            };
            match check(source.as_ref(), &parts, &shape, heads) {
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

/// Compares the parts of one tensor with the shape the config demands; with it comes whether their encodings differ.
fn check(
    source: &dyn TensorSource,
    parts: &Parts,
    shape: &[usize],
    heads: qkv::Heads,
) -> Result<(TensorInfo, bool), Vec<String>> {
    let one = |name: &str, shape: &[usize]| match source.info(name) {
        None => Err(format!("{}: tensor {name}: missing, expected {shape:?}", source.file(name).display())),
        Some(info) if info.shape != shape => Err(format!(
            "{}: tensor {name}: found shape {:?}, expected {shape:?}",
            source.file(name).display(),
            info.shape
        )),
        Some(info) => Ok(info),
    };
    match parts {
        Parts::One(name) => one(name, shape).map(|info| (info, false)).map_err(|problem| vec![problem]),
        Parts::Qkv(names) => {
            let (mut problems, mut encodings) = (Vec::new(), Vec::new());
            for (name, rows) in names.iter().zip(heads.rows()) {
                let mut part = shape.to_vec();
                part[0] = rows;
                match one(name, &part) {
                    Ok(info) => encodings.push(info.encoding),
                    Err(problem) => problems.push(problem),
                }
            }
            if !problems.is_empty() {
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
