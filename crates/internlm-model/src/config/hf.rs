//! `config.json` of the Hugging Face forms <-> [`ModelConfig`].

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::keys::Keys;
use super::{DType, Family, ModelConfig};
use crate::{Error, Result};

/// `architectures[0]`, `model_type`, family.
const FAMILIES: [(&str, &str, Family); 6] = [
    ("InternLM2ForCausalLM", "internlm2", Family::InternLm2),
    ("InternLM2ForRewardModel", "internlm2", Family::InternLm2Reward),
    ("InternLM3ForCausalLM", "internlm3", Family::InternLm3),
    ("LlamaForCausalLM", "llama", Family::Llama),
    ("MistralForCausalLM", "mistral", Family::Mistral),
    ("Qwen2ForCausalLM", "qwen2", Family::Qwen2),
];

impl ModelConfig {
    /// Reads a Hugging Face `config.json`, or the one inside a model folder.
    ///
    /// `generation_config.json` beside it adds its end-of-text tokens.
    ///
    /// # Errors
    /// The file is missing, malformed, of an unknown architecture, or its values do not fit together.
    pub fn from_hf(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let path = if path.is_dir() { path.join("config.json") } else { path.to_path_buf() };
        let mut config = Self::from_hf_json(&read_object(&path)?, &path)?;
        let generation = path.with_file_name("generation_config.json");
        if generation.is_file() {
            let object = read_object(&generation)?;
            let more = Keys::new(object).ids("eos_token_id").unwrap_or_default();
            config.eos.extend(more.iter().filter(|id| !config.eos.contains(id)).copied().collect::<Vec<_>>());
        }
        Ok(config)
    }

    /// Reads the object of a `config.json`; `path` names it in messages.
    ///
    /// # Errors
    /// As [`Self::from_hf`].
    pub fn from_hf_json(object: &Map<String, Value>, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut keys = Keys::new(object.clone());
        let family = family(&mut keys, path)?;
        let mut config = sizes(&mut keys, family);
        biases(&mut keys, &mut config);
        refuse(&mut keys, family);
        let (rest, mut problems) = keys.finish();
        config.extra = rest;
        if problems.is_empty() {
            problems = config.problems();
        }
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(Error::Config { path: path.to_path_buf(), problems })
        }
    }

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

/// A JSON file that holds an object.
fn read_object(path: &Path) -> Result<Map<String, Value>> {
    let text = fs::read_to_string(path).map_err(|source| Error::read(path, source))?;
    serde_json::from_str(&text).map_err(|error| Error::Config {
        path: path.to_path_buf(),
        problems: vec![format!("expected a JSON object: {error}")],
    })
}

/// `architectures[0]` decides; `model_type` is asked only when it is absent.
fn family(keys: &mut Keys, path: &Path) -> Result<Family> {
    let model_type = keys.take("model_type");
    let architectures = keys.take("architectures").filter(|value| !value.is_null());
    let architecture = match &architectures {
        Some(Value::Array(names)) => names.first(),
        other => other.as_ref(),
    };
    let (key, found) = match architecture {
        Some(name) => ("architectures[0]", name),
        None => ("model_type", model_type.as_ref().unwrap_or(&Value::Null)),
    };
    let column = |row: &(&'static str, &'static str, Family)| if key == "model_type" { row.1 } else { row.0 };
    let row = FAMILIES.iter().find(|row| found.as_str() == Some(column(row)));
    row.map(|row| row.2).ok_or_else(|| {
        let mut known: Vec<&str> = FAMILIES.iter().map(column).collect();
        known.dedup();
        Error::Architecture {
            path: path.to_path_buf(),
            key,
            found: found.as_str().map_or_else(|| found.to_string(), str::to_owned),
            known: known.join(", "),
        }
    })
}

/// Everything but biases and `extra`.
fn sizes(keys: &mut Keys, family: Family) -> ModelConfig {
    let hidden = keys.size("hidden_size");
    let heads = keys.size("num_attention_heads");
    let head_dim =
        keys.optional_size("head_dim").unwrap_or_else(|| hidden.checked_div(heads).unwrap_or_default());
    let rope = rope::read(keys);
    ModelConfig {
        family,
        hidden,
        layers: keys.size("num_hidden_layers"),
        heads,
        kv_heads: keys.optional_size("num_key_value_heads").unwrap_or(heads),
        head_dim,
        inter: keys.size("intermediate_size"),
        vocab: keys.size("vocab_size"),
        eps: keys.number_or("rms_norm_eps", 1e-6),
        rope_theta: rope.0,
        rope_scaling: rope.1,
        max_position: keys.size("max_position_embeddings"),
        qkv_bias: false,
        o_bias: false,
        mlp_bias: false,
        tied: keys.flag_or("tie_word_embeddings", false),
        bos: keys.ids("bos_token_id").and_then(|ids| ids.first().copied()),
        eos: keys.ids("eos_token_id").unwrap_or_default(),
        pad: keys.ids("pad_token_id").and_then(|ids| ids.first().copied()),
        reward_token_id: keys.ids("reward_token_id").and_then(|ids| ids.first().copied()),
        dtype: dtype(keys),
        extra: Map::new(),
    }
}

fn dtype(keys: &mut Keys) -> DType {
    let value = keys.take("torch_dtype").or_else(|| keys.take("dtype")).unwrap_or(Value::Null);
    match value.as_str().map(|name| name.trim_start_matches("torch.")) {
        Some("float32") => DType::F32,
        Some("float16") => DType::F16,
        Some("bfloat16") => DType::Bf16,
        None if value.is_null() => DType::F32,
        _ => {
            keys.problem(format!("torch_dtype: found {value}, expected float32, float16 or bfloat16"));
            DType::F32
        }
    }
}

/// Each family says differently which matrices have biases.
fn biases(keys: &mut Keys, config: &mut ModelConfig) {
    (config.qkv_bias, config.o_bias, config.mlp_bias) = match config.family {
        Family::InternLm2 | Family::InternLm2Reward => {
            // The class default is true, every released model says false: warn when the file is silent.
            let bias = keys.flag_or("bias", true);
            (bias, bias, false)
        }
        Family::InternLm3 => {
            let bias = keys.flag("bias");
            (keys.flag("qkv_bias"), bias, bias)
        }
        Family::Llama | Family::Mistral => {
            let bias = keys.flag("attention_bias");
            (bias, bias, keys.flag("mlp_bias"))
        }
        Family::Qwen2 => (true, false, false),
    };
}

/// Features of a family that this crate does not implement.
fn refuse(keys: &mut Keys, family: Family) {
    if let Some(value) = keys.take("hidden_act")
        && !matches!(value.as_str(), Some("silu" | "swish") | None)
    {
        keys.problem(format!("hidden_act: found {value}, expected silu"));
    }
    let sliding = match family {
        Family::Mistral => keys.peek("sliding_window").is_some_and(|value| !value.is_null()),
        Family::Qwen2 => keys.peek("use_sliding_window") == Some(&Value::Bool(true)),
        _ => false,
    };
    if sliding {
        keys.problem("sliding_window: found a window, expected null: windows are not implemented".to_owned());
    }
}

impl DType {
    /// PyTorch's name: `bfloat16`.
    #[must_use]
    pub const fn torch_name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
        }
    }
}

mod rope;
#[cfg(test)]
mod tests;
