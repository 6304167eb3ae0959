//! Writing a decoder as a Hugging Face InternLM2 folder.

use std::collections::HashMap;
use std::path::Path;

use internlm_kit::file;

use super::decoder::Decoder;
use crate::config::{Family, ModelConfig};
use crate::weights::{self, WriteConfig};
use crate::{Error, Result};

impl Decoder {
    /// Writes a Hugging Face InternLM2 folder: `config.json` and `model.safetensors` in the config's `dtype`. Adapters
    /// are merged. Tokenizer files are the caller's.
    ///
    /// # Errors
    /// A model InternLM2 files cannot hold (feed-forward biases, a sliding window), or an I/O error.
    pub fn save(&self, dir: impl AsRef<Path>) -> Result<()> {
        self.check_save()?;
        write(self, self.config(), dir.as_ref())
    }

    /// Whether [`Decoder::save`] can write this model: to be asked before work of hours, not after it.
    ///
    /// # Errors
    /// What InternLM2 files cannot hold.
    pub fn check_save(&self) -> Result<()> {
        let problems = problems(self.config());
        if problems.is_empty() {
            return Ok(());
        }
        Err(Error::Form { form: "Hugging Face InternLM2", problems })
    }
}

/// What InternLM2 files have no place for.
fn problems(config: &ModelConfig) -> Vec<String> {
    let mut problems = Vec::new();
    if config.mlp_bias {
        let problem = "mlp-bias: found true, expected false: InternLM2 files have no feed-forward biases";
        problems.push(problem.to_owned());
    }
    if let Some(window) = &config.sliding_window {
        let found = format!("sliding-window: found {} tokens", window.tokens);
        problems.push(format!("{found}, expected none: InternLM2 files have no windows"));
    }
    problems
}

fn write(decoder: &Decoder, config: &ModelConfig, dir: &Path) -> Result<()> {
    let mut config = config.clone();
    if config.family != Family::InternLm2Reward {
        config.family = Family::InternLm2;
    }
    // One key covers both biases in InternLM2's config: an absent one is written as zeros.
    let bias = config.qkv_bias || config.o_bias;
    (config.qkv_bias, config.o_bias) = (bias, bias);
    let merged = decoder.clone().merged();
    let stored: HashMap<_, _> = merged.parameters().into_iter().collect();
    let tensors = weights::names::expected(&config);
    let shapes: HashMap<&str, usize> =
        tensors.iter().map(|(name, shape)| (name.as_str(), shape.iter().product())).collect();
    let options = WriteConfig::new(config.dtype);
    weights::write_folder(dir, &tensors, &options, &mut |name| match stored.get(name) {
        Some(parameter) => Ok(parameter.to_vec()),
        None if name.ends_with(".bias") => Ok(vec![0.0; shapes.get(name).copied().unwrap_or_default()]),
        None => Err(Error::tensor(name, "missing in the decoder, expected by the config")),
    })?;
    let path = dir.join("config.json");
    let json = format!("{:#}\n", config.to_hf_json());
    Ok(file::write(path, json)?)
}
