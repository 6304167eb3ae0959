//! Building a [`ModelConfig`] in code: the five sizes every model has, then one `with_*` per deviation.

use serde_json::Map;

use super::{DType, Family, ModelConfig, RopeScaling, SlidingWindow};
use crate::TokenId;

/// Epsilon of RMSNorm in the released InternLM2 models.
const DEFAULT_EPS: f64 = 1e-5;
/// Base of the rotary angles in the released InternLM2 models.
const DEFAULT_ROPE_THETA: f64 = 1e6;
/// Context length of the released InternLM2 models, in tokens.
const DEFAULT_MAX_POSITION: usize = 32_768;

/// `<s>` in the released InternLM2 models.
pub(super) const DEFAULT_BOS: TokenId = TokenId(1);
/// `</s>` in the released InternLM2 models, where it also fills padded batches.
pub(super) const DEFAULT_EOS: TokenId = TokenId(2);

/// The sizes that have no default. A struct rather than five bare numbers, so that each is named where it is given.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ModelSize {
    /// Width of the residual stream.
    pub hidden: usize,
    /// Number of decoder blocks, each attention and feed-forward.
    pub layers: usize,
    /// Number of query heads; usually divides `hidden`.
    pub heads: usize,
    /// Width of the feed-forward layer.
    pub inter: usize,
    /// Rows of the embedding matrix; at least the tokenizer's size.
    pub vocab: usize,
}

impl ModelConfig {
    /// An InternLM2 of this size: as many key/value heads as query heads, heads of width `hidden / heads`, no biases,
    /// and for everything else the values InternLM2 was released with.
    ///
    /// Nothing is checked here; [`ModelConfig::problems`] lists what does not fit together.
    ///
    /// ```
    /// use internlm_model::{ModelConfig, ModelSize};
    ///
    /// let size = ModelSize { hidden: 256, layers: 4, heads: 4, inter: 1024, vocab: 2048 };
    /// let config = ModelConfig::new(size).with_kv_heads(2);
    /// assert_eq!(config.head_dim, 64);
    /// assert_eq!(config.parameters(), 4_983_040);
    /// ```
    #[must_use]
    pub fn new(size: ModelSize) -> Self {
        let ModelSize { hidden, layers, heads, inter, vocab } = size;
        Self {
            family: Family::InternLm2,
            hidden,
            layers,
            heads,
            kv_heads: heads,
            head_dim: hidden.checked_div(heads).unwrap_or(0),
            inter,
            vocab,
            eps: DEFAULT_EPS,
            rope_theta: DEFAULT_ROPE_THETA,
            rope_scaling: RopeScaling::None,
            sliding_window: None,
            max_position: DEFAULT_MAX_POSITION,
            qkv_bias: false,
            o_bias: false,
            mlp_bias: false,
            tied: false,
            bos: Some(DEFAULT_BOS),
            eos: vec![DEFAULT_EOS],
            pad: Some(DEFAULT_EOS),
            reward_token_id: None,
            dtype: DType::F32,
            extra: Map::new(),
        }
    }

    /// Sets the family, which decides the config keys and tensor names of the model's files.
    #[must_use]
    pub fn with_family(mut self, family: Family) -> Self {
        self.family = family;
        self
    }

    /// Shares each key/value head among `heads / kv_heads` query heads.
    #[must_use]
    pub fn with_kv_heads(mut self, kv_heads: usize) -> Self {
        self.kv_heads = kv_heads;
        self
    }

    /// Sets a head width other than `hidden / heads`; it must be even.
    #[must_use]
    pub fn with_head_dim(mut self, head_dim: usize) -> Self {
        self.head_dim = head_dim;
        self
    }

    /// Sets the epsilon of RMSNorm.
    #[must_use]
    pub fn with_eps(mut self, eps: f64) -> Self {
        self.eps = eps;
        self
    }

    /// Sets the base of the rotary angles.
    #[must_use]
    pub fn with_rope_theta(mut self, rope_theta: f64) -> Self {
        self.rope_theta = rope_theta;
        self
    }

    /// Stretches rotary positions beyond the trained length.
    #[must_use]
    pub fn with_rope_scaling(mut self, rope_scaling: RopeScaling) -> Self {
        self.rope_scaling = rope_scaling;
        self
    }

    /// Lets attention see the last tokens only, in some layers or in all.
    #[must_use]
    pub fn with_sliding_window(mut self, window: SlidingWindow) -> Self {
        self.sliding_window = Some(window);
        self
    }

    /// Sets the trained context length, in tokens.
    #[must_use]
    pub fn with_max_position(mut self, max_position: usize) -> Self {
        self.max_position = max_position;
        self
    }

    /// Adds biases to some of the matrices of every block.
    #[must_use]
    pub fn with_biases(mut self, biases: &[Biased]) -> Self {
        for biased in biases {
            match biased {
                Biased::Qkv => self.qkv_bias = true,
                Biased::Output => self.o_bias = true,
                Biased::FeedForward => self.mlp_bias = true,
            }
        }
        self
    }

    /// Uses the embedding matrix as the output matrix.
    #[must_use]
    pub fn with_tied_output(mut self) -> Self {
        self.tied = true;
        self
    }

    /// Sets the tokens that end a generation.
    #[must_use]
    pub fn with_eos(mut self, eos: Vec<TokenId>) -> Self {
        self.eos = eos;
        self
    }

    /// Sets the token whose position carries a reward model's score.
    #[must_use]
    pub fn with_reward_token(mut self, token: TokenId) -> Self {
        self.reward_token_id = Some(token);
        self
    }

    /// Sets the storage type in which weights are written.
    #[must_use]
    pub fn with_dtype(mut self, dtype: DType) -> Self {
        self.dtype = dtype;
        self
    }
}

/// Matrices of a block that may have a bias.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Biased {
    /// The projection to queries, keys and values.
    Qkv,
    /// The projection of the attention's output.
    Output,
    /// All three matrices of the feed-forward network.
    FeedForward,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_toml_give_the_same_config() {
        let size = ModelSize { hidden: 64, layers: 3, heads: 4, inter: 96, vocab: 80 };
        let written = "hidden = 64\nlayers = 3\nheads = 4\ninter = 96\nvocab = 80";
        let read = |more: &str| toml::from_str::<ModelConfig>(&format!("{written}\n{more}")).expect("parses");
        assert_eq!(ModelConfig::new(size), read(""));
        let built = ModelConfig::new(size)
            .with_family(Family::InternLm2Reward)
            .with_kv_heads(2)
            .with_head_dim(8)
            .with_eps(1e-6)
            .with_rope_theta(1e4)
            .with_rope_scaling(RopeScaling::Dynamic { factor: 2.0 })
            .with_max_position(512)
            .with_biases(&[Biased::Qkv, Biased::Output, Biased::FeedForward])
            .with_tied_output()
            .with_eos(vec![TokenId(3), TokenId(4)])
            .with_reward_token(TokenId(79))
            .with_dtype(DType::Bf16);
        let expected = read(
            "family = \"internlm2-reward\"\nkv-heads = 2\nhead-dim = 8\neps = 1e-6\nrope-theta = 1e4\n\
             rope-scaling = {type = \"dynamic\", factor = 2.0}\nmax-position = 512\nqkv-bias = true\n\
             o-bias = true\nmlp-bias = true\ntied = true\neos = [3, 4]\nreward-token-id = 79\ndtype = \"bf16\"",
        );
        assert_eq!(built, expected);
        assert_eq!(built.problems(), [""; 0]);
        let window = SlidingWindow { tokens: 16, full_layers: vec![0] };
        let built = ModelConfig::new(size).with_family(Family::Mistral).with_sliding_window(window);
        let expected = read("family = \"mistral\"\n[sliding-window]\ntokens = 16\nfull-layers = [0]");
        assert_eq!(built, expected);
        assert_eq!(built.problems(), [""; 0]);
        assert_eq!([0, 1].map(|layer| built.window(layer)), [None, Some(16)]);
    }

    #[test]
    fn impossible_sizes_are_listed_not_hidden() {
        let size = ModelSize { hidden: 64, layers: 0, heads: 0, inter: 96, vocab: 1 };
        let problems = ModelConfig::new(size).problems().join("\n");
        for part in ["layers: found 0", "heads: found 0", "head-dim: found 0", "special token id: found 2"] {
            assert!(problems.contains(part), "{problems}");
        }
    }
}
