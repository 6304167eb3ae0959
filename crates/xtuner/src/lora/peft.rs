//! [`AdapterConfig`]: PEFT's `adapter_config.json`, unknown keys kept.

use std::path::Path;

use internlm_model::linear::{LoraConfig, Magnitude, Scaling};
use regex::Regex;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::config::{ALL_LINEAR, LoraTuningConfig, TargetModules, TrainedBias};
use super::keys;
use super::pattern::{self, Patterns};
use crate::empty_value::is_empty;

/// The keys of `adapter_config.json` that change the arithmetic. The others are carried along; those that would change
/// a merge are among [`AdapterConfig::problems`].
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AdapterConfig {
    /// `LORA`, the only kind that this crate reads.
    pub peft_type: String,
    /// Rank of adapters that `rank_pattern` does not name.
    pub r: usize,
    /// alpha of adapters that `alpha_pattern` does not name.
    #[serde(serialize_with = "plain_number")]
    pub lora_alpha: f64,
    /// Scale by alpha / sqrt(r) instead of alpha / r.
    #[serde(default)]
    pub use_rslora: bool,
    /// Whether the adapters are weight-decomposed (DoRA): a magnitude for every output is in the file.
    #[serde(default)]
    pub use_dora: bool,
    /// Which biases were trained and are in the file: `none`, `all` or `lora_only`.
    #[serde(default = "no_bias")]
    pub bias: String,
    /// alpha by regular expression of the module's name, for adapters that differ from `lora_alpha`; the first one
    /// that matches whole components at the end of the name decides.
    #[serde(default)]
    pub alpha_pattern: Map<String, Value>,
    /// Rank by regular expression, as `alpha_pattern`, for adapters that differ from `r`.
    #[serde(default)]
    pub rank_pattern: Map<String, Value>,
    /// Everything else: `target_modules`, `modules_to_save`, `base_model_name_or_path`, ...
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

fn no_bias() -> String {
    TrainedBias::None.name().to_owned()
}

/// A whole number without a decimal point, as PEFT writes what a user gave as one.
fn plain_number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let whole = *value as i64;
    if whole as f64 == *value { serializer.serialize_i64(whole) } else { serializer.serialize_f64(*value) }
}

impl AdapterConfig {
    /// The config of a fresh adapter of the model at `base`.
    #[must_use]
    pub fn new(lora: &LoraTuningConfig, base: impl AsRef<Path>) -> Self {
        let rest = json!({
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": base.as_ref(),
            "target_modules": lora.target_suffixes(),
            "modules_to_save": lora.modules_to_save,
            "lora_dropout": lora.dropout,
            "fan_in_fan_out": false,
            "inference_mode": true,
        });
        let Value::Object(rest) = rest else { unreachable!("an object literal is an object") };
        Self {
            peft_type: "LORA".to_owned(),
            r: lora.rank,
            lora_alpha: lora.alpha,
            use_rslora: lora.use_rslora,
            use_dora: lora.dora,
            bias: lora.bias.name().to_owned(),
            alpha_pattern: lora.alpha_pattern.clone(),
            rank_pattern: lora.rank_pattern.clone(),
            rest,
        }
    }

    /// What the config says about single modules. What cannot be understood says nothing; see [`Self::problems`].
    pub(super) fn rules(&self) -> ModuleRules<'_> {
        ModuleRules {
            config: self,
            ranks: Patterns::of(&self.rank_pattern, pattern::rank),
            alphas: Patterns::of(&self.alpha_pattern, Value::as_f64),
            targets: self.targets().ok().flatten(),
        }
    }

    /// `target_modules`: null or absent for a choice that PEFT made, otherwise PEFT's `all-linear`, a list of suffixes
    /// or a regular expression of whole names.
    fn targets(&self) -> Result<Option<Targets>, String> {
        let Some(value) = self.rest.get("target_modules").filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let problem =
            |found: String, expected: &str| format!("target_modules: found {found}, expected {expected}");
        let modules: TargetModules = serde_json::from_value(value.clone())
            .map_err(|_error| problem(value.to_string(), "a list of suffixes or a regular expression"))?;
        match modules {
            TargetModules::Named(text) if text != ALL_LINEAR => pattern::whole(&text)
                .map(|expression| Some(Targets::Expression(expression)))
                .map_err(|found| problem(format!("`{text}` with {found}"), pattern::EXPRESSION)),
            modules => Ok(Some(Targets::Named(modules))),
        }
    }

    /// What alpha is divided by.
    pub(super) fn scaling(&self) -> Scaling {
        if self.use_rslora { Scaling::SquareRoot } else { Scaling::Rank }
    }

    /// Whether the adapters have magnitudes.
    pub(super) fn magnitude(&self) -> Magnitude {
        if self.use_dora { Magnitude::Trained } else { Magnitude::Absent }
    }

    /// The names of `modules_to_save`.
    pub(super) fn modules_to_save(&self) -> Vec<&str> {
        let list = self.rest.get("modules_to_save").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// What this crate cannot apply, as `key: found X, expected Y`; empty when the adapter is usable.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.peft_type != "LORA" {
            problems.push(format!("peft_type: found {}, expected LORA", self.peft_type));
        }
        let biases = [TrainedBias::None, TrainedBias::All, TrainedBias::LoraOnly].map(TrainedBias::name);
        if !biases.contains(&self.bias.as_str()) {
            problems.push(format!("bias: found {}, expected one of {}", self.bias, biases.join(", ")));
        }
        if self.r == 0 {
            problems.push("r: found 0, expected at least 1".to_owned());
        }
        let ranks = &self.rank_pattern;
        problems.extend(pattern::problems("rank_pattern", ranks, pattern::rank, pattern::RANK));
        problems.extend(pattern::problems("alpha_pattern", &self.alpha_pattern, Value::as_f64, "a number"));
        problems.extend(self.targets().err());
        problems.extend(keys::problems(&self.rest));
        problems
    }
}

/// Which modules have an adapter.
#[derive(Debug)]
enum Targets {
    Named(TargetModules),
    Expression(Regex),
}

/// Rank and scale of the adapter of every module, with the patterns read once.
#[derive(Debug)]
pub(super) struct ModuleRules<'a> {
    config: &'a AdapterConfig,
    ranks: Patterns<usize>,
    alphas: Patterns<f64>,
    targets: Option<Targets>,
}

impl ModuleRules<'_> {
    /// The rank r of the adapter of `module`.
    pub(super) fn rank(&self, module: &str) -> usize {
        self.ranks.value(module).unwrap_or(self.config.r)
    }

    /// Rank, strength and kind of the adapter of `module`.
    pub(super) fn adapter(&self, module: &str) -> LoraConfig {
        let alpha = self.alphas.value(module).unwrap_or(self.config.lora_alpha);
        LoraConfig::new(self.rank(module), alpha)
            .with_scaling(self.config.scaling())
            .with_magnitude(self.config.magnitude())
    }

    /// Whether the config says that `module` has an adapter, and no other key takes layers out.
    pub(super) fn names(&self, module: &str) -> bool {
        let narrowed = ["exclude_modules", "layers_to_transform"]
            .iter()
            .any(|key| self.config.rest.get(*key).is_some_and(|value| !is_empty(value)));
        !narrowed && self.targets.is_some() && self.is_target(module)
    }

    /// Whether `target_modules` names `module`.
    pub(super) fn is_target(&self, module: &str) -> bool {
        match &self.targets {
            None => true,
            Some(Targets::Named(modules)) => modules.matches(module),
            Some(Targets::Expression(expression)) => expression.is_match(module),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn unknown_keys_survive_and_scales_follow_the_patterns() {
        let text = r#"{"peft_type": "LORA", "r": 4, "lora_alpha": 16, "use_rslora": true, "future_key": [1],
            "alpha_pattern": {"w[23]": 4}, "rank_pattern": {"1\\..*\\.w3": 16}}"#;
        let config: AdapterConfig = serde_json::from_str(text).expect("parses");
        let rules = config.rules();
        assert_eq!(rules.adapter("model.layers.0.feed_forward.w1").scale(), 8.0);
        assert_eq!(rules.adapter("model.layers.0.feed_forward.w2").scale(), 2.0);
        let module = "model.layers.1.feed_forward.w3";
        assert_eq!((rules.rank(module), rules.adapter(module).scale()), (16, 1.0));
        let back = serde_json::to_value(&config).expect("serializes");
        assert_eq!((&back["future_key"], &back["lora_alpha"]), (&json!([1]), &json!(16)));
    }

    #[test]
    fn what_cannot_be_applied_is_named() {
        let problems = |text: &str| serde_json::from_str::<AdapterConfig>(text).expect("parses").problems();
        assert!(problems(r#"{"peft_type": "LORA", "r": 8, "lora_alpha": 16}"#).is_empty());
        assert!(
            problems(r#"{"peft_type": "LORA", "r": 8, "lora_alpha": 16, "use_dora": true, "bias": "all"}"#)
                .is_empty()
        );
        let found = problems(r#"{"peft_type": "IA3", "r": 8, "lora_alpha": 16, "bias": "some"}"#);
        let keys: Vec<&str> = found.iter().filter_map(|problem| problem.split(':').next()).collect();
        assert_eq!(keys, ["peft_type", "bias"]);
        let found = problems(
            r#"{"peft_type": "LORA", "r": 0, "lora_alpha": 16, "rank_pattern": {"w1": 0}, "layer_replication": [[0, 1]],
            "alpha_pattern": {"(?=w)w1": 4}, "target_modules": ".*(w1"}"#,
        );
        let keys: Vec<&str> = found.iter().filter_map(|problem| problem.split(':').next()).collect();
        assert_eq!(keys, ["r", "rank_pattern", "alpha_pattern", "target_modules", "layer_replication"]);
    }

    #[test]
    fn target_modules_are_suffixes_or_one_expression_of_whole_names() {
        let (wo, output) = ("model.layers.0.attention.wo", "output");
        let cases = [
            ("null", [true, true]),
            (r#""all-linear""#, [true, false]),
            (r#"["wo", "w2"]"#, [true, false]),
            (r#"".*\\.wo""#, [true, false]),
            (r#""wo""#, [false, false]),
        ];
        for (targets, expected) in cases {
            let text =
                format!(r#"{{"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": {targets}}}"#);
            let config: AdapterConfig = serde_json::from_str(&text).expect("parses");
            assert!(config.problems().is_empty(), "{targets}");
            assert_eq!([wo, output].map(|module| config.rules().is_target(module)), expected, "{targets}");
        }
    }

    #[test]
    fn the_table_of_the_documentation_has_every_key() {
        let rows = include_str!("keys.rs").lines().filter(|line| line.starts_with("//! | `"));
        let column = |row: &'static str| row.split('|').nth(1).unwrap_or_default();
        let names = rows.map(column).flat_map(|keys| keys.split(',').map(|key| key.trim().trim_matches('`')));
        let documented: BTreeSet<&str> = names.collect();
        let text = r#"{"peft_type": "LORA", "r": 8, "lora_alpha": 16}"#;
        let config: AdapterConfig = serde_json::from_str(text).expect("parses");
        let own = serde_json::to_value(&config).expect("serializes");
        let own = own.as_object().expect("an object").keys().map(String::as_str);
        let handled: BTreeSet<&str> = own
            .chain(keys::ACCEPTED)
            .chain(keys::REFUSED.map(|(key, _)| key))
            .chain([keys::INITIAL])
            .collect();
        assert_eq!(documented, handled);
    }
}
