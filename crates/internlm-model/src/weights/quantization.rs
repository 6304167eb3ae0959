//! [`Quantization`]: what a quantizer says about a Hugging Face folder, wherever it says it.
//!
//! `transformers` writes `quantization_config` into `config.json`. Older tools leave `config.json` alone and write a file
//! of their own next to it: AutoGPTQ `quantize_config.json`, AutoAWQ `quant_config.json`, ModelOpt
//! `hf_quant_config.json`.

use std::path::{Path, PathBuf};

use internlm_kit::file;
use internlm_kit::json::reason;
use serde_json::{Map, Value};

use super::kind::refuse_other_text;
use crate::error::some_of;
use crate::{Error, ModelConfig, Result};

/// Files that hold the settings when `config.json` does not, and the method when they do not say.
const BESIDE: [(&str, &str); 3] =
    [("quantize_config.json", "gptq"), ("quant_config.json", "awq"), ("hf_quant_config.json", "modelopt")];
/// Keys of `config.json` that hold the settings, the older name last.
const KEYS: [&str; 2] = ["quantization_config", "compression_config"];
/// Settings that change the numbers of a stored weight, with their other names: two files that give them must agree.
const DECISIVE: [&[&str]; 7] = [
    &["quant_method"],
    &["bits", "w_bit"],
    &["group_size", "q_group_size"],
    &["sym"],
    &["zero_point"],
    &["checkpoint_format"],
    &["version"],
];
/// Methods that are read, at 4 bits.
const READ: [&str; 3] = ["awq", "gptq", "compressed-tensors"];
/// Ends of the names of tensors that a quantizer packs, and its method in words.
const PACKED: [(&str, &str); 8] = [
    (".qweight", "GPTQ or AWQ"),
    (".weight_packed", "compressed-tensors"),
    (".weight.absmax", "bitsandbytes"),
    (".weight.quant_map", "bitsandbytes"),
    (".SCB", "bitsandbytes"),
    (".W_q", "HQQ"),
    (".weight_scale_inv", "FP8"),
    (".weight._data", "quanto"),
];

/// The settings of a quantized folder as they are written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Quantization {
    /// The file that holds them: `config.json`, or one next to it.
    pub path: PathBuf,
    /// The key that holds them in that file; `None` when they are the whole file.
    pub key: Option<&'static str>,
    /// All pairs; `quant_method` is filled in where the file leaves it to its name.
    pub settings: Map<String, Value>,
}

impl Quantization {
    /// Finds the settings of the folder at `path`; `None` when no file speaks of quantization.
    ///
    /// # Errors
    /// Settings that cannot be read, and files that contradict each other.
    pub fn find(config: &ModelConfig, path: &Path) -> Result<Option<Self>> {
        let mut found = Self::own(config, &path.join("config.json"))?;
        for (name, method) in BESIDE {
            let file = path.join(name);
            if !file.is_file() {
                continue;
            }
            let beside = Self { settings: read(&file)?, path: file, key: None }.named(Some(method));
            match &found {
                None => found = Some(beside),
                Some(first) => first.agrees_with(&beside)?,
            }
        }
        Ok(found)
    }

    /// The settings in a config, which was read from `path`.
    pub(super) fn own(config: &ModelConfig, path: &Path) -> Result<Option<Self>> {
        for key in KEYS {
            match config.extra.get(key) {
                None | Some(Value::Null) => {}
                Some(Value::Object(settings)) => {
                    let (path, settings) = (path.to_path_buf(), settings.clone());
                    return Ok(Some(Self { path, key: Some(key), settings }.named(None)));
                }
                Some(other) => {
                    let problem = format!("{key}: found {other}, expected an object");
                    return Err(Error::Config { path: path.to_path_buf(), problems: vec![problem] });
                }
            }
        }
        Ok(None)
    }

    /// The name of the method: `gptq`, `awq`, `bitsandbytes`; empty when nothing says it.
    #[must_use]
    pub fn method(&self) -> &str {
        self.settings.get("quant_method").and_then(Value::as_str).unwrap_or("")
    }

    /// A problem of one setting, for a message that names the file.
    #[must_use]
    pub fn problem(&self, text: &str) -> String {
        self.key.map_or_else(|| text.to_owned(), |key| format!("{key}: {text}"))
    }

    /// Method and width in words: `GPTQ, 4 bit`.
    #[must_use]
    pub fn describe(&self) -> String {
        let method = match self.method() {
            "" => "an unknown method",
            "gptq" => "GPTQ",
            "awq" => "AWQ",
            "fp8" | "fbgemm_fp8" => "FP8",
            "modelopt" => "ModelOpt",
            method => method,
        };
        match self.bits() {
            Some(bits) => format!("{method}, {bits} bit"),
            None => method.to_owned(),
        }
    }

    /// Why the folder at `path` cannot be read.
    #[must_use]
    pub fn refusal(&self, path: &Path) -> Error {
        Error::Quantized { path: path.to_path_buf(), found: self.describe() }
    }

    /// Whether the method is read (see [`int4`](super::int4)), at 4 bits.
    pub(super) fn is_read(&self) -> bool {
        READ.contains(&self.method())
    }

    /// Takes the settings out of the config of a model whose weights are read as numbers: what is written with it is no
    /// longer quantized.
    pub(super) fn remove(config: &mut ModelConfig) {
        for key in KEYS {
            config.extra.remove(key);
        }
    }

    fn bits(&self) -> Option<u64> {
        let is_set = |key: &str| self.settings.get(key) == Some(&Value::Bool(true));
        let whole = |key: &str| self.settings.get(key).and_then(Value::as_u64);
        let group = || {
            let groups = self.settings.get("config_groups")?.as_object()?;
            groups.values().next()?.get("weights")?.get("num_bits")?.as_u64()
        };
        let loaded = || match (is_set("load_in_4bit"), is_set("load_in_8bit")) {
            (true, _) => Some(4),
            (_, true) => Some(8),
            _ => None,
        };
        whole("bits").or_else(|| whole("w_bit")).or_else(group).or_else(loaded)
    }

    /// Fills in the method where it is not written: the keys tell AWQ from GPTQ, else the file's name does.
    fn named(mut self, by_name: Option<&str>) -> Self {
        let has = |keys: &[&str]| keys.iter().any(|key| self.settings.contains_key(*key));
        let method = if has(&["load_in_4bit", "load_in_8bit"]) {
            Some("bitsandbytes")
        } else if has(&["w_bit", "q_group_size", "zero_point"]) {
            Some("awq")
        } else if has(&["desc_act", "damp_percent", "sym", "true_sequential"]) {
            Some("gptq")
        } else {
            by_name
        };
        let method = method.filter(|_| !has(&["quant_method"]));
        if let Some(method) = method {
            self.settings.insert("quant_method".to_owned(), method.into());
        }
        if let Some(Value::String(method)) = self.settings.get_mut("quant_method") {
            method.make_ascii_lowercase();
        }
        self
    }

    /// Refuses a second file whose decisive settings are others than those of the first.
    fn agrees_with(&self, beside: &Self) -> Result<()> {
        let differing = DECISIVE.into_iter().filter_map(|names| {
            let of = |settings: &Map<String, Value>| {
                names.iter().find_map(|name| Some((*name, settings.get(*name)?.clone())))
            };
            let ((_, first), (key, second)) = (of(&self.settings)?, of(&beside.settings)?);
            (!same(&first, &second)).then(|| {
                let name = self.path.file_name().unwrap_or_default().to_string_lossy();
                format!("{key}: found {second}, {name} says {first}")
            })
        });
        let problems: Vec<String> = differing.collect();
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Error::Weights { path: beside.path.clone(), problems }),
        }
    }
}

/// What a folder without settings is by the names of its tensors, as a problem; `None` when they are ordinary.
pub(super) fn without_settings(names: &[String]) -> Option<String> {
    let (ending, method) =
        PACKED.into_iter().find(|(ending, _)| names.iter().any(|name| name.ends_with(ending)))?;
    let packed: Vec<&String> = names.iter().filter(|name| name.ends_with(ending)).collect();
    Some(format!(
        "found quantized weights ({method}) without their settings: {} tensors such as {}; expected `{}` in \
         config.json, or {} or {} next to it",
        packed.len(),
        some_of(&packed[..1]),
        KEYS[0],
        BESIDE[0].0,
        BESIDE[1].0
    ))
}

/// Values that mean the same: words are compared without their case, as `GEMM` and `gemm` are one.
fn same(first: &Value, second: &Value) -> bool {
    match (first.as_str(), second.as_str()) {
        (Some(first), Some(second)) => first.eq_ignore_ascii_case(second),
        _ => first == second,
    }
}

fn read(path: &Path) -> Result<Map<String, Value>> {
    let text = file::read_to_string(path)?;
    refuse_other_text(path, &text)?;
    serde_json::from_str(&text).map_err(|error| {
        let reason = reason(&error);
        Error::format(path, 0, format!("expected a JSON object with the settings of a quantizer: {reason}"))
    })
}

#[cfg(test)]
mod tests;
