//! Writing a model as an InternEvo checkpoint with any tensor-parallel size and one pipeline stage.

use std::borrow::Cow;
use std::path::Path;

use internlm_kit::file::AtPath;

use super::config;
use super::folder::CONFIG;
use super::shard::Along;
use crate::config::{Family, ModelConfig};
use crate::weights::names::{Part, Slot};
use crate::weights::qkv::{self, Heads, RowOrder};
use crate::weights::{TensorInfo, TensorSource, torch};
use crate::{Error, Result};

/// How the checkpoint is laid out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Layout {
    /// Ranks among which matrices are cut.
    pub tensor_parallel: usize,
    /// Row order of q and k: half-split is InternEvo's `adapt_hf`, interleaved its older form.
    pub order: RowOrder,
}

/// One tensor of the checkpoint.
struct Target {
    /// Name in the checkpoint.
    name: String,
    /// Name in the source; a bias it lacks is written as zeros.
    source: String,
    info: TensorInfo,
    /// The dimension that is cut; norms and the bias of `wo` are in every rank.
    dim: Option<usize>,
}

/// Writes `model_config.pt` and `model_tp{t}_pp0.pt` into `dir`; `source` has the tensors under InternLM2 names.
///
/// # Errors
/// A model InternEvo cannot hold, sizes the ranks do not divide, errors of `source` and of writing.
pub fn write(
    dir: impl AsRef<Path>,
    config: &ModelConfig,
    source: &dyn TensorSource,
    layout: Layout,
) -> Result<()> {
    let dir = dir.as_ref();
    check(config, layout)?;
    let targets = targets(config, source)?;
    let ranks = layout.tensor_parallel;
    for rank in 0..ranks {
        let mut tensors = Vec::new();
        for target in &targets {
            let mut info = target.info.clone();
            if let Some(dim) = target.dim {
                info.shape[dim] /= ranks;
            }
            tensors.push((target.name.clone(), info));
        }
        let path = dir.join(format!("model_tp{rank}_pp0.pt"));
        let mut order = targets.iter();
        torch::write_state_dict(&path, &tensors, &mut |_| {
            let target = order.next().expect("tensors are read once each, in the order of the list");
            let whole = whole(target, config, source, layout.order)?;
            Ok(Cow::Owned(target.part(whole, rank, ranks)))
        })?;
    }
    // Ranks of an earlier conversion to more of them would be taken for this one's.
    for rank in ranks.. {
        let path = dir.join(format!("model_tp{rank}_pp0.pt"));
        if !path.is_file() {
            break;
        }
        std::fs::remove_file(&path).at(&path, "remove")?;
    }
    let value = config::written(config, layout.order == RowOrder::HalfSplit);
    torch::write_value(dir.join(CONFIG), &value)
}

/// The bytes of a tensor before it is cut.
fn whole(
    target: &Target,
    config: &ModelConfig,
    source: &dyn TensorSource,
    order: RowOrder,
) -> Result<Vec<u8>> {
    let bytes = match source.info(&target.source) {
        Some(_) => source.read_bytes(&target.source)?.into_owned(),
        None => vec![0; target.info.shape.iter().product::<usize>() * target.width()],
    };
    Ok(match order {
        RowOrder::Interleaved if target.name.contains(".attention.wqkv.") => {
            qkv::to_interleaved(&bytes, Heads::of(config, RowOrder::Interleaved))
        }
        _ => bytes,
    })
}

impl Target {
    /// Bytes per number.
    fn width(&self) -> usize {
        self.info.encoding.block().1
    }

    /// What rank number `rank` of `ranks` holds of the bytes of the whole tensor.
    fn part(&self, whole: Vec<u8>, rank: usize, ranks: usize) -> Vec<u8> {
        match self.dim {
            Some(dim) => Along::new(&self.info.shape, dim, self.width()).cut(&whole, rank, ranks),
            None => whole,
        }
    }
}

/// What InternEvo's InternLM2 cannot express.
fn check(config: &ModelConfig, layout: Layout) -> Result<()> {
    let mut problems = Vec::new();
    if config.mlp_bias {
        problems
            .push("mlp-bias: found true, expected false: InternEvo's feed-forward has no biases".to_owned());
    }
    if config.head_dim * config.heads != config.hidden {
        let (found, expected) = (config.head_dim, config.hidden / config.heads.max(1));
        problems.push(format!("head-dim: found {found}, expected hidden / heads = {expected}"));
    }
    if config.family == Family::InternLm2Reward {
        problems.push("family: found a reward model, expected a language model".to_owned());
    }
    let ranks = layout.tensor_parallel;
    for (key, size) in [
        ("kv-heads", config.kv_heads),
        ("hidden", config.hidden),
        ("inter", config.inter),
        ("vocab", config.vocab),
    ] {
        if ranks == 0 || size % ranks != 0 {
            problems.push(format!(
                "{key}: found {size}, expected a multiple of the {ranks} tensor-parallel ranks"
            ));
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Error::Form { form: "InternEvo", problems }),
    }
}

fn targets(config: &ModelConfig, source: &dyn TensorSource) -> Result<Vec<Target>> {
    let mut config = config.clone();
    // One switch covers the biases of wqkv and wo; a tied head is written out.
    let bias = config.qkv_bias || config.o_bias;
    (config.qkv_bias, config.o_bias, config.tied) = (bias, bias, false);
    let mut targets = Vec::new();
    for slot in Slot::all(&config) {
        for (name, shape) in slot.tensors(&config) {
            let stored = match slot {
                Slot::Output if source.info(&name).is_none() => Slot::Embedding.weight(),
                _ => name.clone(),
            };
            let encoding = match source.info(&stored) {
                Some(info) => info.encoding,
                None if name.ends_with(".bias") => config.dtype.into(),
                None => return Err(Error::tensor(name, "missing in the source")),
            };
            let dim = cut(slot, shape.len());
            let short = name.strip_prefix("model.").unwrap_or(&name).to_owned();
            let info = TensorInfo { shape, encoding };
            targets.push(Target { name: short, source: stored, info, dim });
        }
    }
    Ok(targets)
}

/// The dimension along which the ranks share a tensor of a slot; `None` when each holds all of it.
fn cut(slot: Slot, dimensions: usize) -> Option<usize> {
    match slot {
        Slot::Output | Slot::Block(_, Part::Wqkv | Part::W1 | Part::W3) => Some(0),
        Slot::Embedding | Slot::Block(_, Part::Wo | Part::W2) if dimensions == 2 => Some(1),
        _ => None,
    }
}
