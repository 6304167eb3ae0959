//! [`AdapterConfig`]: PEFT's `adapter_config.json`, unknown keys kept.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{LoraTuningConfig, TargetModules};

/// The keys of `adapter_config.json` that change the arithmetic; everything else is carried along.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AdapterConfig {
    /// `LORA`, the only kind that this crate reads.
    pub peft_type: String,
    /// Rank of adapters that `rank_pattern` does not name.
    pub r: usize,
    /// alpha of adapters that `alpha_pattern` does not name.
    pub lora_alpha: f64,
    /// Scale by alpha / sqrt(r) instead of alpha / r.
    #[serde(default)]
    pub use_rslora: bool,
    /// Whether the adapters are weight-decomposed (DoRA), which is refused.
    #[serde(default)]
    pub use_dora: bool,
    /// Which biases are trained: `none`; PEFT's `all` and `lora_only` are refused.
    #[serde(default = "no_bias")]
    pub bias: String,
    /// alpha by module suffix, for adapters that differ from `lora_alpha`.
    #[serde(default)]
    pub alpha_pattern: Map<String, Value>,
    /// Everything else: `target_modules`, `modules_to_save`, `base_model_name_or_path`, ...
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

fn no_bias() -> String {
    "none".to_owned()
}

impl AdapterConfig {
    /// The config of a fresh adapter of the model at `base`.
    #[must_use]
    pub fn new(lora: &LoraTuningConfig, base: &Path) -> Self {
        let target_modules = match &lora.target_modules {
            TargetModules::Named(name) => json!(name),
            TargetModules::Suffixes(suffixes) => json!(suffixes),
        };
        let rest = json!({
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": base,
            "target_modules": target_modules,
            "modules_to_save": lora.modules_to_save,
            "lora_dropout": 0.0,
            "rank_pattern": {},
            "fan_in_fan_out": false,
            "inference_mode": true,
        });
        let Value::Object(rest) = rest else { unreachable!("an object literal is an object") };
        Self {
            peft_type: "LORA".to_owned(),
            r: lora.rank,
            lora_alpha: lora.alpha,
            use_rslora: false,
            use_dora: false,
            bias: no_bias(),
            alpha_pattern: Map::new(),
            rest,
        }
    }

    /// The factor s of the product B A for the adapter of `module` with rank `rank`.
    #[must_use]
    pub fn scale(&self, module: &str, rank: usize) -> f64 {
        let named = self.alpha_pattern.iter().find(|(suffix, _)| super::config::has_suffix(module, suffix));
        let alpha = named.and_then(|(_, alpha)| alpha.as_f64()).unwrap_or(self.lora_alpha);
        let rank = rank as f64;
        alpha / if self.use_rslora { rank.sqrt() } else { rank }
    }

    /// What this crate cannot apply, as `key: found X, expected Y`; empty when the adapter is usable.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.peft_type != "LORA" {
            problems.push(format!("peft_type: found {}, expected LORA", self.peft_type));
        }
        if self.use_dora {
            problems.push("use_dora: found true, expected false: magnitudes are not applied yet".to_owned());
        }
        if self.bias != "none" {
            problems.push(format!(
                "bias: found {}, expected none: trained biases are not applied yet",
                self.bias
            ));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_survive_and_scales_follow_the_patterns() {
        let text = r#"{"peft_type": "LORA", "r": 8, "lora_alpha": 16, "use_rslora": true, "future_key": [1],
            "alpha_pattern": {"w2": 4}}"#;
        let config: AdapterConfig = serde_json::from_str(text).expect("parses");
        assert_eq!(config.scale("model.layers.0.feed_forward.w1", 4), 8.0);
        assert_eq!(config.scale("model.layers.0.feed_forward.w2", 4), 2.0);
        let back = serde_json::to_value(&config).expect("serializes");
        assert_eq!(back["future_key"], json!([1]));
    }

    #[test]
    fn what_cannot_be_applied_is_named() {
        let problems = |text: &str| serde_json::from_str::<AdapterConfig>(text).expect("parses").problems();
        assert!(problems(r#"{"peft_type": "LORA", "r": 8, "lora_alpha": 16}"#).is_empty());
        let found =
            problems(r#"{"peft_type": "IA3", "r": 8, "lora_alpha": 16, "use_dora": true, "bias": "all"}"#);
        let keys: Vec<&str> = found.iter().filter_map(|problem| problem.split(':').next()).collect();
        assert_eq!(keys, ["peft_type", "use_dora", "bias"]);
    }
}
