//! [`ModelConfig`] as TOML has it, where derived values and defaults may be left out.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::builder::{DEFAULT_BOS, DEFAULT_EOS};
use super::{DType, Family, ModelConfig, ModelSize, RopeScaling, SlidingWindow};
use crate::TokenId;

/// The keys of TOML; what is absent keeps the value that [`ModelConfig::new`] gives it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Written {
    family: Option<Family>,
    hidden: usize,
    layers: usize,
    heads: usize,
    kv_heads: Option<usize>,
    head_dim: Option<usize>,
    inter: usize,
    vocab: usize,
    eps: Option<f64>,
    rope_theta: Option<f64>,
    rope_scaling: Option<RopeScaling>,
    sliding_window: Option<SlidingWindow>,
    max_position: Option<usize>,
    qkv_bias: Option<bool>,
    o_bias: Option<bool>,
    mlp_bias: Option<bool>,
    tied: Option<bool>,
    // JSON can say `null` here, which means "no such token" and differs from saying nothing.
    #[serde(default = "default_bos")]
    bos: Option<TokenId>,
    eos: Option<Vec<TokenId>>,
    #[serde(default = "default_pad")]
    pad: Option<TokenId>,
    reward_token_id: Option<TokenId>,
    dtype: Option<DType>,
    extra: Option<Map<String, Value>>,
}

#[allow(clippy::unnecessary_wraps, reason = "serde wants the field's own type")]
fn default_bos() -> Option<TokenId> {
    Some(DEFAULT_BOS)
}

#[allow(clippy::unnecessary_wraps, reason = "serde wants the field's own type")]
fn default_pad() -> Option<TokenId> {
    Some(DEFAULT_EOS)
}

impl TryFrom<Written> for ModelConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let head_dim = match written.head_dim {
            Some(head_dim) => head_dim,
            None if written.heads > 0 && written.hidden.is_multiple_of(written.heads) => {
                written.hidden / written.heads
            }
            None => {
                return Err(format!(
                    "head-dim: absent, and hidden {} is not a multiple of heads {}",
                    written.hidden, written.heads
                ));
            }
        };
        let Written { hidden, layers, heads, inter, vocab, .. } = written;
        let defaults = Self::new(ModelSize { hidden, layers, heads, inter, vocab });
        Ok(Self {
            family: written.family.unwrap_or(defaults.family),
            kv_heads: written.kv_heads.unwrap_or(defaults.kv_heads),
            head_dim,
            eps: written.eps.unwrap_or(defaults.eps),
            rope_theta: written.rope_theta.unwrap_or(defaults.rope_theta),
            rope_scaling: written.rope_scaling.unwrap_or(defaults.rope_scaling),
            sliding_window: written.sliding_window,
            max_position: written.max_position.unwrap_or(defaults.max_position),
            qkv_bias: written.qkv_bias.unwrap_or(defaults.qkv_bias),
            o_bias: written.o_bias.unwrap_or(defaults.o_bias),
            mlp_bias: written.mlp_bias.unwrap_or(defaults.mlp_bias),
            tied: written.tied.unwrap_or(defaults.tied),
            bos: written.bos,
            eos: written.eos.unwrap_or(defaults.eos),
            pad: written.pad,
            reward_token_id: written.reward_token_id,
            dtype: written.dtype.unwrap_or(defaults.dtype),
            extra: written.extra.unwrap_or_default(),
            ..defaults
        })
    }
}
