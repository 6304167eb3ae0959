//! The table of tensor names: InternLM2 <-> LLaMA <-> GGUF, and the shapes a config demands.
//!
//! InternLM2 packs q, k and v of one kv head together (`wqkv`); the other two keep three matrices.
//! LLaMA's column serves LLaMA, Mistral, InternLM3 and Qwen2.

use crate::ModelConfig;
use crate::config::Family;

/// Which names a file uses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NameStyle {
    /// `model.layers.0.attention.wqkv.weight`
    InternLm2,
    /// `model.layers.0.self_attn.q_proj.weight`
    Llama,
    /// `blk.0.attn_q.weight`
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

/// Outside of the blocks: InternLM2, LLaMA, GGUF.
const OUTER: [[&str; 3]; 4] = [
    ["model.tok_embeddings.weight", "model.embed_tokens.weight", "token_embd.weight"],
    ["model.norm.weight", "model.norm.weight", "output_norm.weight"],
    ["output.weight", "lm_head.weight", "output.weight"],
    ["v_head.weight", "v_head.weight", "v_head.weight"],
];

/// Inside of block N: InternLM2, LLaMA, GGUF, without `.weight` and `.bias`.
const INNER: [[&str; 3]; 6] = [
    ["attention.wo", "self_attn.o_proj", "attn_output"],
    ["feed_forward.w1", "mlp.gate_proj", "ffn_gate"],
    ["feed_forward.w3", "mlp.up_proj", "ffn_up"],
    ["feed_forward.w2", "mlp.down_proj", "ffn_down"],
    ["attention_norm", "input_layernorm", "attn_norm"],
    ["ffn_norm", "post_attention_layernorm", "ffn_norm"],
];

const WQKV: &str = "attention.wqkv";
const LLAMA_QKV: [&str; 3] = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];
const GGUF_QKV: [&str; 3] = ["attn_q", "attn_k", "attn_v"];

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
    let column = style as usize;
    if let Some(row) = OUTER.iter().find(|row| row[0] == name) {
        return Some(Parts::One(row[column].to_owned()));
    }
    let (layer, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let (inner, kind) = rest.rsplit_once('.')?;
    let (prefix, qkv) = match style {
        NameStyle::Gguf => ("blk", GGUF_QKV),
        _ => ("model.layers", LLAMA_QKV),
    };
    let full = |inner: &str| format!("{prefix}.{layer}.{inner}.{kind}");
    if inner == WQKV {
        return Some(Parts::Qkv(qkv.map(full)));
    }
    INNER.iter().find(|row| row[0] == inner).map(|row| Parts::One(full(row[column])))
}

/// Every tensor of a model under its InternLM2 name with its shape, in the order of the checkpoint.
#[must_use]
pub fn expected(config: &ModelConfig) -> Vec<(String, Vec<usize>)> {
    let (hidden, inter) = (config.hidden, config.inter);
    let q_rows = config.heads * config.head_dim;
    let mut tensors = vec![("model.tok_embeddings.weight".to_owned(), vec![config.vocab, hidden])];
    for layer in 0..config.layers {
        let mut add = |inner: &str, shape: Vec<usize>| {
            tensors.push((format!("model.layers.{layer}.{inner}"), shape));
        };
        add("attention.wqkv.weight", vec![config.qkv_rows(), hidden]);
        if config.qkv_bias {
            add("attention.wqkv.bias", vec![config.qkv_rows()]);
        }
        add("attention.wo.weight", vec![hidden, q_rows]);
        if config.o_bias {
            add("attention.wo.bias", vec![hidden]);
        }
        for (name, out, width) in [("w1", inter, hidden), ("w3", inter, hidden), ("w2", hidden, inter)] {
            add(&format!("feed_forward.{name}.weight"), vec![out, width]);
            if config.mlp_bias {
                add(&format!("feed_forward.{name}.bias"), vec![out]);
            }
        }
        add("attention_norm.weight", vec![hidden]);
        add("ffn_norm.weight", vec![hidden]);
    }
    tensors.push(("model.norm.weight".to_owned(), vec![hidden]));
    match config.family {
        Family::InternLm2Reward => tensors.push(("v_head.weight".to_owned(), vec![1, hidden])),
        _ if config.tied => {}
        _ => tensors.push(("output.weight".to_owned(), vec![config.vocab, hidden])),
    }
    tensors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expected_name_has_parts_in_every_style() {
        let text = "hidden = 8\nlayers = 2\nheads = 2\ninter = 4\nvocab = 5\nqkv-bias = true\no-bias = true\n\
                    mlp-bias = true";
        let config: ModelConfig = toml::from_str(text).expect("parses");
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
