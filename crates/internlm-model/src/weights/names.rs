//! The one table of tensor names: InternLM2 <-> LLaMA <-> GGUF, and the shapes a config demands.
//!
//! InternLM2 packs q, k and v of one kv head together (`wqkv`); the other two keep three matrices.
//! LLaMA's column serves LLaMA, Mistral, InternLM3 and Qwen2.

use crate::ModelConfig;
use crate::config::Family;

/// Which names a file uses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NameStyle {
    /// InternLM2's names, packed `wqkv`: `model.layers.0.attention.wqkv.weight`.
    InternLm2,
    /// LLaMA's names, separate q, k and v: `model.layers.0.self_attn.q_proj.weight`.
    Llama,
    /// llama.cpp's names, separate q, k and v: `blk.0.attn_q.weight`.
    Gguf,
}

impl NameStyle {
    /// The names of a family's Hugging Face files.
    #[must_use]
    pub fn of(family: Family) -> Self {
        match family {
            Family::InternLm2 | Family::InternLm2Reward => Self::InternLm2,
            Family::InternLm3 | Family::Llama | Family::Mistral | Family::Qwen2 => Self::Llama,
        }
    }
}

/// Where the rows of one InternLM2 tensor are in another file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Parts {
    /// One tensor of the same shape.
    One(String),
    /// Three tensors whose rows interleave by kv head: q, k, v.
    Qkv([String; 3]),
}

impl Parts {
    /// The tensor, or q of the three.
    #[must_use]
    pub fn first(&self) -> &str {
        match self {
            Self::One(name) | Self::Qkv([name, ..]) => name,
        }
    }
}

/// A place in the decoder that holds a weight, and a bias where the config asks for one.
///
/// Everything that names or sizes tensors (loading, random initialization, optimizers, writers) goes through this
/// type and the tables below it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Slot {
    /// Input vectors, `[vocab, hidden]`.
    Embedding,
    /// A weight of one block, counted from 0.
    Block(usize, Part),
    /// Norm of the last hidden state.
    Norm,
    /// Output matrix, `[vocab, hidden]`.
    Output,
    /// What a reward model has instead of the output matrix, `[1, hidden]`.
    ValueHead,
}

/// A weight of a block, in the order of checkpoint files.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    Wqkv,
    Wo,
    W1,
    W3,
    W2,
    AttentionNorm,
    FfnNorm,
}

/// What one weight is called: once in InternLM2 and GGUF column, or three times where q, k and v are separate.
struct Row {
    internlm2: &'static str,
    llama: &'static [&'static str],
    gguf: &'static [&'static str],
}

const fn row(internlm2: &'static str, llama: &'static [&'static str], gguf: &'static [&'static str]) -> Row {
    Row { internlm2, llama, gguf }
}

/// Weights outside of the blocks, without `.weight`.
const OUTER: [(Slot, Row); 4] = [
    (Slot::Embedding, row("model.tok_embeddings", &["model.embed_tokens"], &["token_embd"])),
    (Slot::Norm, row("model.norm", &["model.norm"], &["output_norm"])),
    (Slot::Output, row("output", &["lm_head"], &["output"])),
    (Slot::ValueHead, row("v_head", &["v_head"], &["v_head"])),
];

/// Weights of a block, without the block's prefix and without `.weight` and `.bias`.
const INNER: [(Part, Row); 7] = [
    (
        Part::Wqkv,
        row(
            "attention.wqkv",
            &["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
            &["attn_q", "attn_k", "attn_v"],
        ),
    ),
    (Part::Wo, row("attention.wo", &["self_attn.o_proj"], &["attn_output"])),
    (Part::W1, row("feed_forward.w1", &["mlp.gate_proj"], &["ffn_gate"])),
    (Part::W3, row("feed_forward.w3", &["mlp.up_proj"], &["ffn_up"])),
    (Part::W2, row("feed_forward.w2", &["mlp.down_proj"], &["ffn_down"])),
    (Part::AttentionNorm, row("attention_norm", &["input_layernorm"], &["attn_norm"])),
    (Part::FfnNorm, row("ffn_norm", &["post_attention_layernorm"], &["ffn_norm"])),
];

impl Row {
    fn column(&self, style: NameStyle) -> &[&'static str] {
        match style {
            NameStyle::InternLm2 => std::slice::from_ref(&self.internlm2),
            NameStyle::Llama => self.llama,
            NameStyle::Gguf => self.gguf,
        }
    }
}

impl NameStyle {
    /// What comes before the number of a block.
    const fn block_prefix(self) -> &'static str {
        match self {
            Self::InternLm2 | Self::Llama => "model.layers",
            Self::Gguf => "blk",
        }
    }
}

impl Slot {
    /// Every slot of a model, in the order of checkpoint files.
    pub(crate) fn all(config: &ModelConfig) -> Vec<Self> {
        let blocks = (0..config.layers).flat_map(|layer| INNER.map(|(part, _)| Self::Block(layer, part)));
        std::iter::once(Self::Embedding)
            .chain(blocks)
            .chain([Self::Norm])
            .chain(Self::output(config))
            .collect()
    }

    /// The slot of the output matrix; `None` when it is the embedding.
    pub(crate) fn output(config: &ModelConfig) -> Option<Self> {
        match config.family {
            Family::InternLm2Reward => Some(Self::ValueHead),
            _ => (!config.tied).then_some(Self::Output),
        }
    }

    /// The checkpoint name without `.weight`: `model.layers.0.attention.wqkv`.
    pub(crate) fn name(self) -> String {
        let Self::Block(layer, part) = self else {
            let outer = OUTER.iter().find(|(slot, _)| *slot == self);
            return outer.expect("the table has a row for every slot").1.internlm2.to_owned();
        };
        let inner = INNER.iter().find(|(other, _)| *other == part);
        let inner = inner.expect("the table has a row for every part").1.internlm2;
        format!("{}.{layer}.{inner}", NameStyle::InternLm2.block_prefix())
    }

    /// The checkpoint name of the weight: `model.layers.0.attention.wqkv.weight`.
    pub(crate) fn weight(self) -> String {
        format!("{}.weight", self.name())
    }

    /// Name and shape of the weight, then of the bias where the config asks for one.
    pub(crate) fn tensors(self, config: &ModelConfig) -> Vec<(String, Vec<usize>)> {
        let shape = self.shape(config);
        let bias = self.has_bias(config).then(|| (format!("{}.bias", self.name()), shape[..1].to_vec()));
        std::iter::once((self.weight(), shape)).chain(bias).collect()
    }

    /// Shape of the weight, outermost first.
    pub(crate) fn shape(self, config: &ModelConfig) -> Vec<usize> {
        let ModelConfig { hidden, inter, vocab, .. } = *config;
        match self {
            Self::Embedding | Self::Output => vec![vocab, hidden],
            Self::ValueHead => vec![1, hidden],
            Self::Norm | Self::Block(_, Part::AttentionNorm | Part::FfnNorm) => vec![hidden],
            Self::Block(_, Part::Wqkv) => vec![config.qkv_rows(), hidden],
            Self::Block(_, Part::Wo) => vec![hidden, config.heads * config.head_dim],
            Self::Block(_, Part::W1 | Part::W3) => vec![inter, hidden],
            Self::Block(_, Part::W2) => vec![hidden, inter],
        }
    }

    /// Whether a bias as long as the weight has rows belongs to it.
    pub(crate) fn has_bias(self, config: &ModelConfig) -> bool {
        match self {
            Self::Block(_, Part::Wqkv) => config.qkv_bias,
            Self::Block(_, Part::Wo) => config.o_bias,
            Self::Block(_, Part::W1 | Part::W3 | Part::W2) => config.mlp_bias,
            _ => false,
        }
    }
}

/// The tensors of a `style` file that make up the InternLM2 tensor `name`.
///
/// ```
/// use internlm_model::weights::names::{NameStyle, Parts, parts};
///
/// let name = "model.layers.3.feed_forward.w1.weight";
/// assert_eq!(parts(name, NameStyle::Gguf), Some(Parts::One("blk.3.ffn_gate.weight".into())));
/// ```
#[must_use]
pub fn parts(name: &str, style: NameStyle) -> Option<Parts> {
    if style == NameStyle::InternLm2 {
        return Some(Parts::One(name.to_owned()));
    }
    let (stem, kind) = name.rsplit_once('.')?;
    if let Some((_, row)) = OUTER.iter().find(|(_, row)| row.internlm2 == stem) {
        return (kind == "weight").then(|| Parts::One(format!("{}.{kind}", row.column(style)[0])));
    }
    let (layer, inner) = stem.strip_prefix("model.layers.")?.split_once('.')?;
    let (_, row) = INNER.iter().find(|(_, row)| row.internlm2 == inner)?;
    let full = |inner: &str| format!("{}.{layer}.{inner}.{kind}", style.block_prefix());
    match *row.column(style) {
        [q, k, v] => Some(Parts::Qkv([q, k, v].map(full))),
        [one, ..] => Some(Parts::One(full(one))),
        [] => None,
    }
}

/// Every tensor of a model under its InternLM2 name with its shape, in the order of the checkpoint.
#[must_use]
pub fn expected(config: &ModelConfig) -> Vec<(String, Vec<usize>)> {
    Slot::all(config).into_iter().flat_map(|slot| slot.tensors(config)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Biased, ModelSize};

    #[test]
    fn every_expected_name_has_parts_in_every_style() {
        let size = ModelSize { hidden: 8, layers: 2, heads: 2, inter: 4, vocab: 5 };
        let biases = [Biased::Qkv, Biased::Output, Biased::FeedForward];
        let config = ModelConfig::new(size).with_biases(&biases);
        let tensors = expected(&config);
        let count: usize = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
        assert_eq!(count as u64, config.parameters());
        for (name, _) in tensors {
            for style in [NameStyle::InternLm2, NameStyle::Llama, NameStyle::Gguf] {
                assert!(parts(&name, style).is_some(), "{name} {style:?}");
            }
        }
        assert_eq!(parts("model.layers.0.attention.wq.weight", NameStyle::Llama), None);
    }
}
