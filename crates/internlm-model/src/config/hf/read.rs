//! `config.json` of the Hugging Face forms -> [`ModelConfig`].

use std::path::Path;

use internlm_kit::file;
use internlm_kit::json::reason;
use serde_json::{Map, Value};

use super::families::FAMILIES;
use super::{rope, table, window};
use crate::config::keys::Keys;
use crate::config::{DType, Family, ModelConfig};
use crate::weights::kind::refuse_other_text;
use crate::{Error, Result};

impl ModelConfig {
    /// Reads a Hugging Face `config.json`, or the one inside a model folder.
    ///
    /// The end-of-text tokens of a `generation_config.json` in the same folder are added.
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
        table::check(&mut keys, family);
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
}

/// A JSON file that holds an object.
fn read_object(path: &Path) -> Result<Map<String, Value>> {
    let text = file::read_to_string(path)?;
    refuse_other_text(path, &text)?;
    serde_json::from_str(&text).map_err(|error| Error::Config {
        path: path.to_path_buf(),
        problems: vec![format!("expected a JSON object: {}", reason(&error))],
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
    let layers = keys.size("num_hidden_layers");
    let max_position = keys.size("max_position_embeddings");
    let rope = rope::read(keys, max_position);
    ModelConfig {
        family,
        hidden,
        layers,
        heads,
        kv_heads: keys.optional_size("num_key_value_heads").unwrap_or(heads),
        head_dim,
        inter: keys.size("intermediate_size"),
        vocab: keys.size("vocab_size"),
        eps: keys.number_or("rms_norm_eps", 1e-6),
        rope_theta: rope.0,
        rope_scaling: rope.1,
        sliding_window: window::read(keys, family, layers),
        max_position,
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
            // transformers 5 writes them under LLaMA's names.
            let bias = keys.flag("bias") | keys.flag("mlp_bias");
            (keys.flag("qkv_bias") | keys.flag("attention_bias"), bias, bias)
        }
        Family::Llama | Family::Mistral => {
            let bias = keys.flag("attention_bias");
            (bias, bias, keys.flag("mlp_bias"))
        }
        Family::Qwen2 => (true, false, false),
    };
}
