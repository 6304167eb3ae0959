//! [`InternEvoFolder`]: the ranks of a checkpoint joined into InternLM2 tensors.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::config::{CheckpointConfig, Stretch};
use super::shard::Along;
use crate::config::ModelConfig;
use crate::error::some_of;
use crate::weights::names::{self, Part, Slot};
use crate::weights::qkv::{self, Heads, RowOrder};
use crate::weights::source::missing;
use crate::weights::torch::TorchFile;
use crate::weights::{Encoding, TensorInfo, TensorSource, decode, writer};
use crate::{Error, Result};

/// File of the sizes.
pub(super) const CONFIG: &str = "model_config.pt";

/// Whether a folder is to be read as an InternEvo checkpoint.
pub(crate) fn is_internevo(dir: &Path) -> bool {
    [CONFIG, "model_tp0_pp0.pt", "model_wp0_pp0.pt"].iter().any(|name| dir.join(name).is_file())
}

/// A checkpoint under InternLM2 names: tensor-parallel shards joined, pipeline stages counted through, rows in
/// Hugging Face's order, a normalized head baked in.
pub struct InternEvoFolder {
    dir: PathBuf,
    config: ModelConfig,
    files: Vec<TorchFile>,
    tensors: BTreeMap<String, Place>,
    /// Row order of q and k inside `wqkv`.
    order: RowOrder,
    /// Rows of the output matrix are divided by their norm at use.
    norm_head: bool,
}

/// Where one tensor is.
struct Place {
    info: TensorInfo,
    /// Index of the file, and the name there, of every shard.
    shards: Vec<(usize, String)>,
    /// The dimension along which the shards join; `None` when each holds the whole tensor.
    dim: Option<usize>,
}

/// Every tensor of every rank under its InternLM2 name.
type Shards = BTreeMap<String, Vec<(usize, String)>>;

impl InternEvoFolder {
    /// Opens all ranks and checks them against `model_config.pt`.
    ///
    /// # Errors
    /// Missing or malformed files, missing ranks, mis-shaped tensors; all of the tensors at once.
    pub fn open(dir: impl AsRef<Path>, stretch: Stretch) -> Result<Self> {
        let dir = dir.as_ref();
        let config_path = dir.join(CONFIG);
        let config_file = TorchFile::open(&config_path)?;
        let stages = ranks(dir)?;
        let mut files = Vec::new();
        let mut shards = Shards::new();
        let mut layers_before = 0;
        for stage in &stages {
            let first = files.len();
            for path in stage {
                files.push(TorchFile::open(path)?);
            }
            layers_before += collect(&files, first, layers_before, &mut shards);
        }
        let gate = shards.get(&Slot::Block(0, Part::W1).weight());
        let inter = gate.map_or(0, |parts| rows(&files, parts));
        let read = CheckpointConfig::read(config_file.root(), &config_path, inter, stretch)?;
        let CheckpointConfig { model: config, order, norm_head } = read;
        let mut folder =
            Self { dir: dir.to_path_buf(), config, files, tensors: BTreeMap::new(), order, norm_head };
        folder.place(&shards)?;
        Ok(folder)
    }

    /// The shape of the model.
    #[must_use]
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Finds the place of every tensor the config demands.
    fn place(&mut self, shards: &Shards) -> Result<()> {
        let mut problems = Vec::new();
        if self.config.layers > shards.len() {
            let (found, stored) = (self.config.layers, shards.len());
            problems.push(format!("num_layers: found {found}, the files hold only {stored} tensors"));
            return Err(Error::Weights { path: self.dir.clone(), problems });
        }
        if let Some(problem) = missing_ranks(&self.files, &self.config, shards) {
            return Err(Error::Weights { path: self.dir.clone(), problems: vec![problem] });
        }
        for (name, shape) in names::expected(&self.config) {
            let Some(parts) = shards.get(&name) else {
                problems.push(format!("tensor {name}: missing, expected {shape:?}"));
                continue;
            };
            match placed(&self.files, parts, &shape) {
                Ok(place) => {
                    self.tensors.insert(name, place);
                }
                Err(problem) => problems.push(problem),
            }
        }
        let unused: Vec<&String> = shards.keys().filter(|name| !self.tensors.contains_key(*name)).collect();
        if problems.is_empty() && !unused.is_empty() {
            let (count, names) = (unused.len(), some_of(&unused));
            problems.push(format!("found {count} tensors that the model does not use: {names}"));
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Error::Weights { path: self.dir.clone(), problems }),
        }
    }

    /// Whether the head has the bytes of the embedding: InternEvo knows no tied matrices, one that was tied is
    /// written out.
    ///
    /// # Errors
    /// The matrices cannot be read.
    pub fn is_tied(&self) -> Result<bool> {
        Ok(!self.norm_head
            && self.read_bytes(&Slot::Output.weight())? == self.read_bytes(&Slot::Embedding.weight())?)
    }

    fn joined(&self, place: &Place) -> Result<Cow<'_, [u8]>> {
        let mut parts = Vec::new();
        for (file, name) in &place.shards {
            let part = self.files[*file].read_bytes(name)?;
            if place.dim.is_none() {
                return Ok(part);
            }
            parts.push(part);
        }
        let along = Along::new(&place.info.shape, place.dim.unwrap_or(0), place.info.encoding.block().1);
        Ok(Cow::Owned(along.join(&parts.iter().map(|part| &**part).collect::<Vec<_>>())))
    }
}

impl TensorSource for InternEvoFolder {
    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn info(&self, name: &str) -> Option<TensorInfo> {
        self.tensors.get(name).map(|place| place.info.clone())
    }

    fn file(&self, name: &str) -> PathBuf {
        match self.tensors.get(name) {
            Some(place) => self.files[place.shards[0].0].file(&place.shards[0].1),
            None => self.dir.clone(),
        }
    }

    fn read_bytes(&self, name: &str) -> Result<Cow<'_, [u8]>> {
        let place = self.tensors.get(name).ok_or_else(|| missing(self.dir.clone(), name))?;
        let bytes = self.joined(place)?;
        if self.order == RowOrder::Interleaved && name.contains(".attention.wqkv.") {
            let heads = Heads::of(&self.config, RowOrder::Interleaved);
            return Ok(Cow::Owned(qkv::to_half_split(&bytes, heads)));
        }
        if self.norm_head && name == Slot::Output.weight() {
            return normalized(&bytes, &place.info).map(Cow::Owned).ok_or_else(|| {
                Error::tensor(name, format!("type: found {}, expected F32, F16 or BF16", place.info.encoding))
            });
        }
        Ok(bytes)
    }
}

/// The files of every rank: outer pipeline stages, inner tensor- or weight-parallel ranks.
fn ranks(dir: &Path) -> Result<Vec<Vec<PathBuf>>> {
    for kind in ["tp", "wp"] {
        let path = |rank: usize, stage: usize| dir.join(format!("model_{kind}{rank}_pp{stage}.pt"));
        let count = |stage: usize| (0..).take_while(|&rank| path(rank, stage).is_file()).count();
        let width = count(0);
        if width == 0 {
            continue;
        }
        let stages = (0..).take_while(|&stage| path(0, stage).is_file()).count();
        if let Some(stage) = (0..stages).find(|&stage| count(stage) != width) {
            let found = count(stage);
            let problem = format!("stage pp{stage}: found {found} ranks, expected {width} as in stage pp0");
            return Err(Error::Weights { path: dir.to_path_buf(), problems: vec![problem] });
        }
        return Ok((0..stages).map(|stage| (0..width).map(|rank| path(rank, stage)).collect()).collect());
    }
    let problems = vec!["found no weights, expected model_tp0_pp0.pt or model_wp0_pp0.pt".to_owned()];
    Err(Error::Weights { path: dir.to_path_buf(), problems })
}

/// Adds the tensors of one stage (files from `first` on) and returns how many layers it has.
fn collect(files: &[TorchFile], first: usize, layers_before: usize, shards: &mut Shards) -> usize {
    let mut layers = 0;
    for (index, file) in files.iter().enumerate().skip(first) {
        for stored in file.names() {
            let Some((name, layer)) = internlm2_name(&stored, layers_before) else {
                // Under its own name it is found to be of no use.
                if !stored.ends_with(".inv_freq") {
                    shards.entry(stored.clone()).or_default().push((index, stored));
                }
                continue;
            };
            layers = layers.max(layer.map_or(0, |layer| layer + 1));
            shards.entry(name).or_default().push((index, stored));
        }
    }
    layers
}

/// The InternLM2 name of a stored tensor, and its layer counted in the stage.
fn internlm2_name(stored: &str, layers_before: usize) -> Option<(String, Option<usize>)> {
    let name = stored.strip_prefix("model.").unwrap_or(stored);
    if let Some((layer, rest)) = name.strip_prefix("layers.").and_then(|rest| rest.split_once('.')) {
        let layer: usize = layer.parse().ok().filter(|layer| *layer < 1 << 20)?;
        let known = !rest.ends_with(".inv_freq");
        return known.then(|| (format!("model.layers.{}.{rest}", layers_before + layer), Some(layer)));
    }
    let slot = match name {
        "tok_embeddings.weight" | "tok_embeddings.word_embeddings.weight" => Slot::Embedding,
        "norm.weight" => Slot::Norm,
        "output.weight" => Slot::Output,
        _ => return None,
    };
    Some((slot.weight(), None))
}

/// Rows of all shards together.
fn rows(files: &[TorchFile], parts: &[(usize, String)]) -> usize {
    parts.iter().filter_map(|(file, name)| files[*file].info(name)?.shape.first().copied()).sum()
}

/// Says that the last ranks are missing, when all tensors that are not whole are cut into the same number of parts.
fn missing_ranks(files: &[TorchFile], config: &ModelConfig, shards: &Shards) -> Option<String> {
    let mut cut = BTreeMap::<(usize, Option<usize>), Vec<String>>::new();
    for (name, shape) in names::expected(config) {
        let Some(parts) = shards.get(&name) else { continue };
        let info = parts.first().and_then(|(file, stored)| files[*file].info(stored))?;
        let ranks = cut_into(&info.shape, &shape);
        // One part that is whole, or all parts of a tensor.
        if info.shape != shape && ranks != Some(parts.len()) {
            cut.entry((parts.len(), ranks)).or_default().push(name);
        }
    }
    let mut cut = cut.into_iter();
    let (Some(((found, Some(ranks)), tensors)), None) = (cut.next(), cut.next()) else { return None };
    let tensors = (ranks > found && tensors.len() > 1).then(|| some_of(&tensors))?;
    Some(format!("found files of {found} ranks, expected {ranks}: {tensors} are cut into {ranks} parts"))
}

/// Into how many parts a tensor is cut, of which one has the shape `part`; `None` when they differ in several sizes.
fn cut_into(part: &[usize], whole: &[usize]) -> Option<usize> {
    let mut sizes = part.iter().zip(whole).filter(|(part, whole)| part != whole);
    let (one, all) = sizes.next()?;
    let fits = part.len() == whole.len() && sizes.next().is_none() && *one > 0 && all.is_multiple_of(*one);
    fits.then(|| all / one)
}

/// How the shards make up a tensor of `shape`: the dimension along which they add up to it.
fn placed(files: &[TorchFile], parts: &[(usize, String)], shape: &[usize]) -> Result<Place, String> {
    let describe =
        |(file, name): &(usize, String)| format!("{}: tensor {name}", files[*file].file(name).display());
    let mut infos = Vec::new();
    for part in parts {
        match files[part.0].info(&part.1) {
            Some(info) => infos.push(info),
            None => return Err(format!("{}: missing", describe(part))),
        }
    }
    let first = &infos[0];
    if let Some(at) = infos.iter().position(|info| info != first) {
        let found = (&infos[at].shape, infos[at].encoding);
        let expected = (&first.shape, first.encoding);
        return Err(format!(
            "{}: found {found:?}, expected {expected:?} as in the first rank",
            describe(&parts[at])
        ));
    }
    let joins = |dim: usize| {
        first.shape.len() == shape.len()
            && first.shape.iter().zip(shape).enumerate().all(|(at, (part, whole))| {
                if at == dim { part.checked_mul(parts.len()) == Some(*whole) } else { part == whole }
            })
    };
    let dim = match first.shape == shape {
        true => None,
        false => Some((0..shape.len()).find(|&dim| joins(dim)).ok_or_else(|| {
            format!(
                "{}: found shape {:?} in {} ranks, expected {shape:?} in all",
                describe(&parts[0]),
                first.shape,
                parts.len()
            )
        })?),
    };
    if !matches!(first.encoding, Encoding::F32 | Encoding::F16 | Encoding::Bf16) {
        return Err(format!(
            "{}: type: found {}, expected F32, F16 or BF16",
            describe(&parts[0]),
            first.encoding
        ));
    }
    let info = TensorInfo { shape: shape.to_vec(), encoding: first.encoding };
    Ok(Place { info, shards: parts.to_vec(), dim })
}

/// Each row divided by its L2 norm (`torch.nn.functional.normalize`), in the same encoding.
fn normalized(bytes: &[u8], info: &TensorInfo) -> Option<Vec<u8>> {
    let mut values = Vec::new();
    let dtype = info.encoding.dtype()?;
    decode::widen(info.encoding, bytes, &mut values);
    for row in values.chunks_exact_mut(info.shape[1].max(1)) {
        let norm = row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt().max(1e-12) as f32;
        row.iter_mut().for_each(|value| *value /= norm);
    }
    Some(writer::narrow(&values, dtype))
}
