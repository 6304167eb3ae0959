//! GGUF metadata -> [`ModelConfig`].

mod positions;

use serde_json::Map;

pub(in crate::weights) use self::positions::FACTORS;
use self::positions::Shape;
use super::keys;
use super::{Array, GgufFile, Metadata, Value};
use crate::config::{DType, Family, ModelConfig};
use crate::weights::names::{self, NameStyle, Part, Slot};
use crate::weights::{TensorInfo, TensorSource};
use crate::{Error, Result, TokenId};

/// Architectures this crate implements: name in the file, family.
const ARCHITECTURES: [(&str, Family); 3] =
    [("llama", Family::Llama), ("internlm2", Family::InternLm2), ("qwen2", Family::Qwen2)];

impl ModelConfig {
    /// Reads the shape of a model from GGUF metadata.
    ///
    /// # Errors
    /// An unknown architecture, missing keys or values that do not fit together.
    pub fn from_gguf(file: &GgufFile) -> Result<Self> {
        let metadata = file.metadata();
        let arch = metadata.text("general.architecture").unwrap_or("absent");
        let Some((_, family)) = ARCHITECTURES.iter().find(|(name, _)| *name == arch) else {
            return Err(Error::Architecture {
                path: file.path().to_path_buf(),
                key: "general.architecture",
                found: arch.to_owned(),
                known: ARCHITECTURES.map(|(name, _)| name).join(", "),
            });
        };
        let refused = |problems| Error::Config { path: file.path().to_path_buf(), problems };
        // A file of another kind of model also lacks sizes; one reason is enough.
        let problems = keys::problems(metadata, arch);
        if !problems.is_empty() {
            return Err(refused(problems));
        }
        let mut keys = Keys { metadata, arch, problems };
        let config = keys.config(*family, file);
        let mut problems = keys.problems;
        if problems.is_empty() {
            problems = config.problems();
        }
        if problems.is_empty() { Ok(config) } else { Err(refused(problems)) }
    }
}

/// The `kind` tensor of a slot: `weight` or `bias`; q where the file has q, k and v.
fn stored(file: &GgufFile, slot: Slot, kind: &str) -> Option<TensorInfo> {
    let parts = names::parts(&format!("{}.{kind}", slot.name()), NameStyle::Gguf)?;
    file.info(parts.first())
}

/// Reads keys under the architecture's prefix and collects what is wrong.
struct Keys<'a> {
    metadata: &'a Metadata,
    arch: &'a str,
    problems: Vec<String>,
}

impl Keys<'_> {
    fn config(&mut self, family: Family, file: &GgufFile) -> ModelConfig {
        let hidden = self.size("embedding_length");
        let heads = self.size("attention.head_count");
        let kv_heads = self.optional_size("attention.head_count_kv").unwrap_or(heads);
        let head_dim = self
            .optional_size("attention.key_length")
            .unwrap_or_else(|| hidden.checked_div(heads).unwrap_or(0));
        let max_position = self.size("context_length");
        let sliding_window = self.sliding_window();
        // Mistral is the LLaMA with a window.
        let family = match family {
            Family::Llama if sliding_window.is_some() => Family::Mistral,
            other => other,
        };
        let bias = |part: Part| stored(file, Slot::Block(0, part), "bias").is_some();
        let vocab = self.vocab(file);
        let id = |key: &str| {
            let id = self.metadata.get(key).and_then(Value::as_u64)?;
            u32::try_from(id).ok().map(TokenId)
        };
        let (bos, eos) = (id("tokenizer.ggml.bos_token_id"), id("tokenizer.ggml.eos_token_id"));
        let pad = id("tokenizer.ggml.padding_token_id");
        ModelConfig {
            family,
            hidden,
            layers: self.size("block_count"),
            heads,
            kv_heads,
            head_dim,
            inter: self.size("feed_forward_length"),
            vocab,
            eps: self.number("attention.layer_norm_rms_epsilon").unwrap_or(1e-5),
            rope_theta: self.checked_number("rope.freq_base").unwrap_or(1e4),
            rope_scaling: self.rope_scaling(file, Shape { head_dim, context: max_position }),
            sliding_window,
            max_position,
            qkv_bias: bias(Part::Wqkv),
            o_bias: bias(Part::Wo),
            mlp_bias: bias(Part::W1),
            tied: stored(file, Slot::Output, "weight").is_none(),
            bos,
            eos: eos.into_iter().collect(),
            pad,
            reward_token_id: None,
            dtype: DType::F32,
            extra: Map::new(),
        }
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.arch)
    }

    fn optional_size(&self, name: &str) -> Option<usize> {
        self.metadata.get(&self.key(name))?.as_u64().and_then(|size| usize::try_from(size).ok())
    }

    fn size(&mut self, name: &str) -> usize {
        match self.optional_size(name) {
            Some(size) => size,
            None => {
                // A value of another type is named by the table of keys.
                if self.metadata.get(&self.key(name)).is_none() {
                    self.problems.push(format!("{}: missing, expected a whole number", self.key(name)));
                }
                0
            }
        }
    }

    /// f32 metadata as the decimal number it was written from: 1e-5 stays 1e-5.
    fn number(&self, name: &str) -> Option<f64> {
        self.metadata.get(&self.key(name))?.as_f64().map(|value| shortest(value as f32))
    }

    fn vocab(&mut self, file: &GgufFile) -> usize {
        let rows = stored(file, Slot::Embedding, "weight").and_then(|info| info.shape.first().copied());
        let tokens = || self.metadata.get("tokenizer.ggml.tokens").and_then(Value::as_array).map(Array::len);
        match rows.or_else(|| self.optional_size("vocab_size")).or_else(tokens) {
            Some(vocab) => vocab,
            None => {
                self.problems
                    .push("token_embd.weight: missing, so the vocabulary size is unknown".to_owned());
                0
            }
        }
    }
}

/// An f32 as the decimal number it was written from.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}
