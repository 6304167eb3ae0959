//! `model_config.pt` <-> [`ModelConfig`].

use std::path::Path;

use serde_json::Map;

use crate::config::{DType, Family, ModelConfig, RopeScaling};
use crate::weights::torch::Value;
use crate::{Error, Result, TokenId};

/// What InternEvo does not store and a converter must be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Trained context length in tokens. Upstream's converter default: 4096.
    pub max_position: usize,
    /// Stretching of rotary positions beyond it.
    pub rope_scaling: RopeScaling,
}

impl Default for Stretch {
    fn default() -> Self {
        Self { max_position: 4096, rope_scaling: RopeScaling::None }
    }
}

/// The keys of the dictionary and what was wrong with them.
pub(super) struct Keys<'a> {
    root: &'a Value,
    problems: Vec<String>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root, problems: Vec::new() }
    }

    fn size(&mut self, key: &str) -> usize {
        let found = self.root.get(key);
        match found.and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok()) {
            Some(size) => size,
            None => {
                let found = found.map_or_else(|| "nothing".to_owned(), |value| format!("{value:?}"));
                self.problems.push(format!("{key}: found {found}, expected a whole number"));
                0
            }
        }
    }

    fn number_or(&self, key: &str, default: f64) -> f64 {
        self.root.get(key).and_then(Value::as_f64).unwrap_or(default)
    }

    pub(super) fn flag_or(&self, key: &str, default: bool) -> bool {
        self.root.get(key).and_then(Value::as_bool).unwrap_or(default)
    }

    /// The config of the whole model; `inter` is read off the joined w1.
    pub(super) fn config(mut self, path: &Path, inter: usize, stretch: Stretch) -> Result<ModelConfig> {
        let (hidden, heads) = (self.size("hidden_size"), self.size("num_attention_heads"));
        let kv_heads = match self.root.get("num_kv_attention_heads") {
            None | Some(Value::None) => heads,
            Some(_) => self.size("num_kv_attention_heads"),
        };
        let bias = !self.flag_or("no_bias", false);
        let config = ModelConfig {
            family: Family::InternLm2,
            hidden,
            layers: self.size("num_layers"),
            heads,
            kv_heads,
            head_dim: hidden.checked_div(heads).unwrap_or(0),
            inter,
            vocab: self.size("vocab_size"),
            eps: self.number_or("layer_norm_epsilon", 1e-5),
            rope_theta: self.number_or("rope_base", 10_000.0),
            rope_scaling: stretch.rope_scaling,
            max_position: stretch.max_position,
            qkv_bias: bias,
            o_bias: bias,
            mlp_bias: false,
            tied: false,
            bos: Some(TokenId(1)),
            eos: vec![TokenId(2)],
            pad: Some(TokenId(2)),
            reward_token_id: None,
            dtype: self.dtype(),
            extra: Map::new(),
        };
        if self.problems.is_empty() {
            self.problems = config.problems();
        }
        if self.problems.is_empty() {
            Ok(config)
        } else {
            Err(Error::Config { path: path.to_path_buf(), problems: self.problems })
        }
    }

    /// The dtype may be a torch object or its name.
    fn dtype(&self) -> DType {
        let name = match self.root.get("dtype") {
            Some(Value::DType(encoding)) => encoding.name().to_owned(),
            Some(value) => value.as_str().unwrap_or("").trim_start_matches("torch.").to_owned(),
            None => String::new(),
        };
        match name.as_str() {
            "BF16" | "bfloat16" => DType::Bf16,
            "F16" | "float16" | "half" => DType::F16,
            _ => DType::F32,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ModelSize;

    #[test]
    fn inter_follows_from_the_written_ratio() {
        for (hidden, inter) in
            [(2048, 8192), (4096, 14_336), (576, 1536), (128, 288), (7, 33), (6144, 16_384)]
        {
            let size = ModelSize { hidden, layers: 1, heads: 1, inter, vocab: 5 };
            let config = ModelConfig::new(size).with_head_dim(2);
            let m = multiple_of(inter);
            let ratio = mlp_ratio(&config, m);
            assert_eq!(m * (hidden as f64 * ratio / m as f64).ceil() as usize, inter);
        }
    }
}
