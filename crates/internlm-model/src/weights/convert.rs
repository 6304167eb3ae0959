//! Turning one form of a model into another: Hugging Face InternLM2, Hugging Face LLaMA, InternEvo; GGUF as a source.
//!
//! Tensors are streamed one at a time as stored bytes: a conversion there and back gives the same bytes. Floats keep
//! their encoding, quantized blocks become f32.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use internlm_kit::file;
use internlm_kit::reporter::{Progress, Reporter};

use super::internevo::{self, InternEvoFolder, Layout, Stretch, is_internevo};
use super::names::{self, NameStyle, Part as BlockPart, Parts, Slot};
use super::qkv::{self, Heads, RowOrder};
use super::writer::{narrow, write_stored_folder};
use super::{Encoding, Stored, TensorInfo, TensorSource, is_gguf};
use crate::config::{DType, Family, ModelConfig};
use crate::{Error, Result, Tokenizer};

/// The form to write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// Hugging Face folder of architecture `InternLM2ForCausalLM`, with packed `wqkv`.
    HfInternLm2,
    /// Hugging Face folder of architecture `LlamaForCausalLM`, with separate q, k and v.
    HfLlama,
    /// InternEvo, pipeline size 1.
    InternEvo(Layout),
}

impl Target {
    /// The name in messages.
    const fn name(self) -> &'static str {
        match self {
            Self::HfInternLm2 => "Hugging Face InternLM2",
            Self::HfLlama => "Hugging Face LLaMA",
            Self::InternEvo(_) => "InternEvo",
        }
    }
}

/// How a model is converted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConvertConfig {
    /// The form to write.
    pub target: Target,
    /// Storage type; `None` keeps that of every tensor, f32 for those that are quantized.
    pub dtype: Option<DType>,
    /// Maximum size of a safetensors shard in bytes. Default 2 GB.
    pub max_shard_bytes: u64,
    /// What InternEvo sources do not store.
    pub stretch: Stretch,
}

impl ConvertConfig {
    /// A conversion that keeps storage types, with shards of 2 GB.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self { target, dtype: None, max_shard_bytes: 2_000_000_000, stretch: Stretch::default() }
    }
}

/// Files of a model folder that go along as they are.
const CARRIED: [&str; 10] = [
    "tokenizer.model",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
];

/// Folder of further chat templates, carried over as it is.
const TEMPLATES: &str = "additional_chat_templates";

/// Converts the model at `source` into the folder `out`, which is created. The config is written last: a folder with
/// one is whole. Progress goes to `reporter`, in tensors; `&()` reports nothing.
///
/// # Errors
/// A source that [`super::open`] refuses, a model the target form cannot hold, errors of writing.
pub fn convert(
    source: impl AsRef<Path>,
    out: impl AsRef<Path>,
    options: &ConvertConfig,
    reporter: &dyn Reporter,
) -> Result<()> {
    let (source, out) = (source.as_ref(), out.as_ref());
    let (mut config, tensors) = open(source, &options.stretch)?;
    let reads = reads(&config, tensors.as_ref(), options.target);
    let progress = reporter.start("convert", "tensors", reads as u64);
    let tensors = Recast { source: tensors.as_ref(), dtype: options.dtype, progress };
    let dtype_of = |slot: Slot| tensors.info(&slot.weight())?.encoding.dtype();
    // Packed matrices of a quantizer are f32 now, whatever its embedding is.
    let block = dtype_of(Slot::Block(0, BlockPart::Wo)).filter(|dtype| *dtype == DType::F32);
    if let Some(dtype) = block.or_else(|| dtype_of(Slot::Embedding)) {
        config.dtype = dtype;
    }
    file::create_dir_all(out)?;
    match options.target {
        Target::InternEvo(layout) => {
            // Not stored; read back, it can only be given as one of these.
            let scaling = scaling_problem(&config, &["none", "dynamic"]);
            let problems: Vec<String> = scaling.into_iter().chain(window_problem(&config)).collect();
            if !problems.is_empty() {
                return Err(Error::Form { form: options.target.name(), problems });
            }
            internevo::write(out, &config, &tensors, layout)?;
            carry(source, out)
        }
        Target::HfInternLm2 | Target::HfLlama => {
            let config = target_config(&config, options.target)?;
            let plan = plan(&config, &tensors)?;
            let stored: Vec<Stored> =
                plan.iter().map(|(name, part)| (name.clone(), part.info.clone())).collect();
            let plan: BTreeMap<String, Part> = plan.into_iter().collect();
            write_stored_folder(out, &stored, options.max_shard_bytes, &mut |name| {
                let part = plan.get(name).expect("the writer asks for the tensors of the plan");
                read(part, &tensors, &config)
            })?;
            carry(source, out)?;
            let path = out.join("config.json");
            let json = format!("{:#}\n", config.to_hf_json());
            Ok(file::write(path, json)?)
        }
    }
}

fn open(source: &Path, stretch: &Stretch) -> Result<(ModelConfig, Box<dyn TensorSource>)> {
    if !is_internevo(source) {
        return super::open(source);
    }
    let folder = InternEvoFolder::open(source, stretch.clone())?;
    let mut config = folder.config().clone();
    config.tied = folder.is_tied()?;
    Ok((config, Box::new(folder)))
}

/// How often a tensor is read: once per rank, and once for each of q, k and v.
fn reads(config: &ModelConfig, source: &dyn TensorSource, target: Target) -> usize {
    let count = source.names().len();
    match target {
        Target::InternEvo(layout) => count * layout.tensor_parallel,
        Target::HfInternLm2 => count,
        Target::HfLlama => count + 2 * config.layers * (1 + usize::from(config.qkv_bias)),
    }
}

/// A source in which every tensor has a floating-point encoding, the one asked for or its own.
struct Recast<'a> {
    source: &'a dyn TensorSource,
    dtype: Option<DType>,
    /// Advances by one tensor with every read.
    progress: Box<dyn Progress>,
}

impl TensorSource for Recast<'_> {
    fn names(&self) -> Vec<String> {
        self.source.names()
    }

    fn info(&self, name: &str) -> Option<TensorInfo> {
        let mut info = self.source.info(name)?;
        info.encoding = self.dtype.or(info.encoding.dtype()).unwrap_or(DType::F32).into();
        Some(info)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.source.file(name)
    }

    fn read_bytes(&self, name: &str) -> Result<Cow<'_, [u8]>> {
        self.progress.advance(1);
        let own = self.source.info(name).map(|info| info.encoding);
        match self.info(name).and_then(|info| info.encoding.dtype()) {
            Some(dtype) if own != Some(Encoding::from(dtype)) => {
                Ok(Cow::Owned(narrow(&self.source.read_f32(name)?, dtype)))
            }
            _ => self.source.read_bytes(name),
        }
    }
}

/// The config in the target's family; what that family cannot express is an error.
fn target_config(config: &ModelConfig, target: Target) -> Result<ModelConfig> {
    let mut config = config.clone();
    let mut problems = Vec::new();
    let bias = config.qkv_bias || config.o_bias;
    if target == Target::HfLlama {
        if config.family == Family::InternLm2Reward {
            problems.push("family: found a reward model, expected a language model".to_owned());
        }
        config.family = Family::Llama;
    } else {
        if config.family != Family::InternLm2Reward {
            config.family = Family::InternLm2;
        }
        problems.extend(scaling_problem(&config, &["none", "linear", "dynamic"]));
        if config.mlp_bias {
            problems.push(
                "mlp-bias: found true, expected false: InternLM2 has no feed-forward biases".to_owned(),
            );
        }
        if config.head_dim * config.heads != config.hidden {
            let (found, expected) = (config.head_dim, config.hidden / config.heads.max(1));
            problems.push(format!("head-dim: found {found}, expected hidden / heads = {expected}"));
        }
    }
    problems.extend(window_problem(&config));
    // One switch covers q, k, v and o in both families: an absent bias is written as zeros.
    (config.qkv_bias, config.o_bias) = (bias, bias);
    match problems.is_empty() {
        true => Ok(config),
        false => Err(Error::Form { form: target.name(), problems }),
    }
}

/// The stretching of positions when it is not one of those that the target form knows.
fn scaling_problem(config: &ModelConfig, known: &[&str]) -> Option<String> {
    let found = config.rope_scaling.name();
    let expected = known.join(" or ");
    (!known.contains(&found)).then(|| format!("rope-scaling: found {found}, expected {expected}"))
}

/// No target form says that attention has a window.
fn window_problem(config: &ModelConfig) -> Option<String> {
    let window = config.sliding_window.as_ref()?;
    Some(format!("sliding-window: found {} tokens, expected none", window.tokens))
}

/// One tensor of the target: where it comes from.
struct Part {
    info: TensorInfo,
    /// InternLM2 name in the source; `None` for a bias of zeros.
    source: Option<String>,
    /// Which of q, k and v of a packed tensor.
    third: Option<usize>,
}

/// The tensors to write, in the order of the checkpoint.
fn plan(config: &ModelConfig, source: &dyn TensorSource) -> Result<Vec<(String, Part)>> {
    let style = NameStyle::of(config.family);
    let heads = Heads::of(config, RowOrder::HalfSplit);
    let mut plan = Vec::new();
    for (name, shape) in names::expected(config) {
        let found = source.info(&name);
        if found.is_none() && !name.ends_with(".bias") {
            return Err(Error::tensor(name, "missing in the source"));
        }
        let encoding = found.as_ref().map_or_else(|| config.dtype.into(), |info| info.encoding);
        let source = found.map(|_| name.clone());
        let part = |shape: Vec<usize>, third| Part {
            info: TensorInfo { shape, encoding },
            source: source.clone(),
            third,
        };
        match names::parts(&name, style) {
            Some(Parts::One(target)) => plan.push((target, part(shape, None))),
            Some(Parts::Qkv(targets)) => {
                for ((third, target), rows) in targets.into_iter().enumerate().zip(heads.rows()) {
                    let mut shape = shape.clone();
                    shape[0] = rows;
                    plan.push((target, part(shape, Some(third))));
                }
            }
            None => return Err(Error::tensor(name, format!("has no name in {style:?} files"))),
        }
    }
    Ok(plan)
}

fn read(part: &Part, source: &dyn TensorSource, config: &ModelConfig) -> Result<Vec<u8>> {
    let Some(name) = &part.source else {
        return Ok(vec![0; part.info.encoding.byte_length(&part.info.shape).unwrap_or_default()]);
    };
    let bytes = source.read_bytes(name)?;
    Ok(match part.third {
        Some(third) => qkv::part(&bytes, Heads::of(config, RowOrder::HalfSplit), third),
        None => bytes.into_owned(),
    })
}

/// Tokenizer and generation settings: copied from a folder, taken out of a GGUF file.
fn carry(source: &Path, out: &Path) -> Result<()> {
    if is_gguf(source) {
        return match Tokenizer::load(source) {
            Ok(tokenizer) => tokenizer.save(out),
            Err(error) => {
                tracing::warn!("the weights are converted without a tokenizer: {error}");
                Ok(())
            }
        };
    }
    for name in CARRIED {
        let path = source.join(name);
        if path.is_file() {
            file::write(out.join(name), file::read(path)?)?;
        }
    }
    let templates = source.join(TEMPLATES);
    if templates.is_dir() {
        for path in file::files_below(&templates)? {
            let name = path.strip_prefix(source).unwrap_or(&path);
            file::write(out.join(name), file::read(&path)?)?;
        }
    }
    Ok(())
}
