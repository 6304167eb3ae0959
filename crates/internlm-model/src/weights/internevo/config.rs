//! `model_config.pt` <-> [`ModelConfig`].

use std::path::Path;

use serde_json::Map;

use super::keys::Keys;
use super::table;
use crate::config::{DType, Family, ModelConfig, RopeScaling};
use crate::weights::qkv::RowOrder;
use crate::weights::torch::Value;
use crate::{Error, Result, TokenId};

/// What most checkpoints of InternEvo do not store and a converter must be told. A value given here takes precedence
/// over `max_position_embeddings` and `use_dynamic_ntk_rope` of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stretch {
    /// Trained context length in tokens; by default the file's, else 4096 as in upstream's converter.
    pub max_position: Option<usize>,
    /// Stretching of rotary positions beyond it; by default the file's, else none.
    pub rope_scaling: Option<RopeScaling>,
}

/// Context length where nobody names one, in tokens: the default of upstream's converter.
const MAX_POSITION: usize = 4096;

/// Context length beyond which InternEvo's dynamic NTK stretches where the file names none, in tokens: the default
/// of `max_position_embeddings` in `modeling_internlm2.py`.
const NTK_MAX_POSITION: usize = 2048;

/// What the dict of `model_config.pt` says about a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct CheckpointConfig {
    /// The config of the whole model.
    pub(super) model: ModelConfig,
    /// Row order of q and k inside `wqkv`.
    pub(super) order: RowOrder,
    /// Rows of the output matrix are divided by their norm at use.
    pub(super) norm_head: bool,
}

impl CheckpointConfig {
    /// Reads `root`, the dict of the file at `path`; `inter` is read off the joined w1.
    pub(super) fn read(root: &Value, path: &Path, inter: usize, stretch: Stretch) -> Result<Self> {
        let mut keys = Keys::new(root);
        let model = model(&mut keys, inter, stretch);
        let order = order(&mut keys);
        let norm_head = keys.flag("norm_head").unwrap_or(false);
        table::check(&mut keys);
        let mut problems = keys.into_problems();
        if problems.is_empty() {
            problems = model.problems();
        }
        match problems.is_empty() {
            true => Ok(Self { model, order, norm_head }),
            false => Err(Error::Config { path: path.to_path_buf(), problems }),
        }
    }
}

fn model(keys: &mut Keys<'_>, inter: usize, stated: Stretch) -> ModelConfig {
    let (hidden, heads) = (keys.size("hidden_size"), keys.size("num_attention_heads"));
    let bias = !keys.flag("no_bias").unwrap_or(false);
    let (max_position, rope_scaling) = positions(keys, stated);
    ModelConfig {
        family: Family::InternLm2,
        hidden,
        layers: keys.size("num_layers"),
        heads,
        kv_heads: keys.optional_size("num_kv_attention_heads").unwrap_or(heads),
        head_dim: keys.optional_size("head_dim").or(hidden.checked_div(heads)).unwrap_or(0),
        inter,
        vocab: keys.size("vocab_size"),
        eps: keys.number_or("layer_norm_epsilon", 1e-5),
        rope_theta: keys.number_or("rope_base", 10_000.0),
        rope_scaling,
        sliding_window: None,
        max_position,
        qkv_bias: bias,
        o_bias: bias,
        mlp_bias: false,
        tied: false,
        bos: Some(TokenId(1)),
        eos: vec![TokenId(2)],
        pad: Some(TokenId(2)),
        reward_token_id: None,
        dtype: dtype(keys),
        extra: Map::new(),
    }
}

/// Context length and scaling: what the caller stated, else what the file says.
fn positions(keys: &mut Keys<'_>, stated: Stretch) -> (usize, RopeScaling) {
    let dynamic = keys.flag("use_dynamic_ntk_rope").unwrap_or(false);
    let stored = keys.optional_size("max_position_embeddings").or(dynamic.then_some(NTK_MAX_POSITION));
    // InternEvo's layers know no other factor.
    let scaling = if dynamic { RopeScaling::Dynamic { factor: 1.0 } } else { RopeScaling::None };
    let max_position = stated.max_position.or(stored).unwrap_or(MAX_POSITION);
    (max_position, stated.rope_scaling.unwrap_or(scaling))
}

/// `adapt_hf` and its opposite `qk_interleaved`, which newer versions write; without both Hugging Face's order.
fn order(keys: &mut Keys<'_>) -> RowOrder {
    let (adapt_hf, interleaved) = (keys.flag("adapt_hf"), keys.flag("qk_interleaved"));
    if adapt_hf.is_some() && adapt_hf == interleaved {
        keys.problem("qk_interleaved: found the value of adapt_hf, expected the opposite".to_owned());
    }
    match interleaved.unwrap_or(adapt_hf == Some(false)) {
        true => RowOrder::Interleaved,
        false => RowOrder::HalfSplit,
    }
}

/// The dtype may be a torch object or its name; without one InternEvo builds the model in float32.
fn dtype(keys: &mut Keys<'_>) -> DType {
    let Some(value) = keys.get("dtype") else { return DType::F32 };
    let dtype = match value {
        Value::DType(encoding) => encoding.dtype(),
        Value::Text(name) => match name.trim_start_matches("torch.") {
            "bfloat16" => Some(DType::Bf16),
            "float16" | "half" => Some(DType::F16),
            // TF32 is how float32 is multiplied, not how it is stored.
            "float32" | "float" | "tf32" => Some(DType::F32),
            _ => None,
        },
        _ => None,
    };
    dtype.unwrap_or_else(|| {
        keys.wrong("dtype", value, "torch.float32, torch.float16 or torch.bfloat16");
        DType::F32
    })
}

/// The dictionary InternEvo would have written for this model.
pub(super) fn written(config: &ModelConfig, adapt_hf: bool) -> Value {
    let size = |value: usize| Value::Int(value as i64);
    let multiple = multiple_of(config.inter);
    let dtype = format!("torch.{}", config.dtype.torch_name());
    let pairs = [
        ("num_layers", size(config.layers)),
        ("hidden_size", size(config.hidden)),
        ("vocab_size", size(config.vocab)),
        ("num_attention_heads", size(config.heads)),
        ("num_kv_attention_heads", size(config.kv_heads)),
        ("mlp_ratio", Value::Float(mlp_ratio(config, multiple))),
        ("multiple_of", size(multiple)),
        ("norm_type", Value::Text("rmsnorm".to_owned())),
        ("layer_norm_epsilon", Value::Float(config.eps)),
        ("rope_base", Value::Float(config.rope_theta)),
        ("no_bias", Value::Bool(!config.qkv_bias)),
        ("norm_head", Value::Bool(false)),
        ("embed_split_hidden", Value::Bool(true)),
        ("adapt_hf", Value::Bool(adapt_hf)),
        ("dtype", Value::Text(dtype)),
    ];
    Value::Dict(pairs.into_iter().map(|(key, value)| (Value::Text(key.to_owned()), value)).collect())
}

/// The largest power of two up to 256 that divides the feed-forward width; InternEvo's default is 256.
fn multiple_of(inter: usize) -> usize {
    1 << inter.trailing_zeros().min(8)
}

/// The ratio from which InternEvo computes `inter` = m ceil(hidden ratio / m).
fn mlp_ratio(config: &ModelConfig, multiple: usize) -> f64 {
    let (hidden, inter, m) = (config.hidden as f64, config.inter as f64, multiple as f64);
    let exact = inter / hidden;
    // Rounding may carry the product a little above a multiple, where the ceiling would add a whole one.
    if (hidden * exact / m).ceil() * m > inter { (inter - 0.5) / hidden } else { exact }
}
