//! [`ModelConfig`] -> `config.json` in its own family's form.

use serde_json::{Map, Value, json};

use super::families::FAMILIES;
use super::{rope, window};
use crate::config::{DType, Family, ModelConfig};

impl ModelConfig {
    /// The `config.json` of this model in its own family's form, unknown keys included.
    #[must_use]
    pub fn to_hf_json(&self) -> Value {
        let (architecture, model_type, _) = FAMILIES
            .iter()
            .find(|(_, _, family)| *family == self.family)
            .expect("the table has a row for every family");
        let mut object = Map::new();
        let mut set = |key: &str, value: Value| object.insert(key.to_owned(), value);
        set("architectures", json!([architecture]));
        set("model_type", json!(model_type));
        set("hidden_size", json!(self.hidden));
        set("num_hidden_layers", json!(self.layers));
        set("num_attention_heads", json!(self.heads));
        set("num_key_value_heads", json!(self.kv_heads));
        set("intermediate_size", json!(self.inter));
        set("vocab_size", json!(self.vocab));
        set("max_position_embeddings", json!(self.max_position));
        set("rms_norm_eps", json!(self.eps));
        set("rope_theta", json!(self.rope_theta));
        set("rope_scaling", rope::to_json(self));
        set("tie_word_embeddings", json!(self.tied));
        set("hidden_act", json!("silu"));
        set("torch_dtype", json!(self.dtype.torch_name()));
        set("bos_token_id", json!(self.bos));
        set("eos_token_id", if let [one] = self.eos[..] { json!(one) } else { json!(self.eos) });
        set("pad_token_id", json!(self.pad));
        if let Some(id) = self.reward_token_id {
            set("reward_token_id", json!(id));
        }
        if self.head_dim * self.heads != self.hidden || !matches!(self.family, Family::InternLm2) {
            set("head_dim", json!(self.head_dim));
        }
        for (key, value) in self.bias_keys() {
            set(key, json!(value));
        }
        window::write(self, &mut object);
        for (key, value) in &self.extra {
            object.entry(key.clone()).or_insert_with(|| value.clone());
        }
        Value::Object(object)
    }

    fn bias_keys(&self) -> Vec<(&'static str, bool)> {
        match self.family {
            Family::InternLm2 | Family::InternLm2Reward => vec![("bias", self.qkv_bias)],
            Family::InternLm3 => vec![("qkv_bias", self.qkv_bias), ("bias", self.o_bias)],
            Family::Llama | Family::Mistral => {
                vec![("attention_bias", self.qkv_bias), ("mlp_bias", self.mlp_bias)]
            }
            Family::Qwen2 => Vec::new(),
        }
    }
}

impl DType {
    /// PyTorch's name in a `torch_dtype` key: `bfloat16`.
    #[must_use]
    pub const fn torch_name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
        }
    }
}
