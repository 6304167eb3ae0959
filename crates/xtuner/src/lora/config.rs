//! [`LoraTuningConfig`]: which layers get an adapter, of which rank and strength.

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

/// Low-rank adapters of a run: the table `[lora]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LoraTuningConfig {
    /// Rank r of every adapter, default 64. Upstream: `r`, 64.
    pub rank: usize,
    /// The product is scaled by alpha / r, default 16. Upstream: `lora_alpha`, 16.
    pub alpha: f64,
    /// Layers that get an adapter: `"all-linear"` (every linear layer but the output, as PEFT) or a list of name
    /// suffixes such as `["wqkv", "feed_forward.w2"]`; default `"all-linear"`.
    pub target_modules: TargetModules,
    /// Modules by name suffix that are trained whole and stored in the adapter, for instance `["tok_embeddings",
    /// "output"]`; default none.
    pub modules_to_save: Vec<String>,
}

/// Which layers get an adapter.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TargetModules {
    /// A named set of layers; the only one is `all-linear`.
    Named(String),
    /// Layers whose names end in one of these suffixes of whole components.
    Suffixes(Vec<String>),
}

/// The name for every linear layer but the output.
pub(super) const ALL_LINEAR: &str = "all-linear";

impl Default for LoraTuningConfig {
    fn default() -> Self {
        Self {
            rank: 64,
            alpha: 16.0,
            target_modules: TargetModules::Named(ALL_LINEAR.to_owned()),
            modules_to_save: Vec::new(),
        }
    }
}

impl LoraTuningConfig {
    /// Adapters of rank `rank` on every linear layer but the output, scaled by alpha / rank.
    #[must_use]
    pub fn new(rank: usize, alpha: f64) -> Self {
        Self { rank, alpha, ..Self::default() }
    }

    /// The same adapters on the layers whose names end in one of `suffixes`.
    #[must_use]
    pub fn with_target_modules<S: Into<String>>(self, suffixes: impl IntoIterator<Item = S>) -> Self {
        let suffixes = suffixes.into_iter().map(Into::into).collect();
        Self { target_modules: TargetModules::Suffixes(suffixes), ..self }
    }

    /// The same adapters, and the modules whose names end in one of `suffixes` trained whole.
    #[must_use]
    pub fn with_modules_to_save<S: Into<String>>(self, suffixes: impl IntoIterator<Item = S>) -> Self {
        Self { modules_to_save: suffixes.into_iter().map(Into::into).collect(), ..self }
    }
}

impl TargetModules {
    /// Whether the linear layer called `module` gets an adapter.
    #[must_use]
    pub fn matches(&self, module: &str) -> bool {
        match self {
            Self::Named(_) => !is_output(module),
            Self::Suffixes(suffixes) => suffixes.iter().any(|suffix| has_suffix(module, suffix)),
        }
    }
}

impl Validate for LoraTuningConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.rank == 0 {
            problems.push("lora.rank: found 0, expected at least 1".to_owned());
        }
        if !(self.alpha > 0.0 && self.alpha.is_finite()) {
            problems.push(format!("lora.alpha: found {}, expected more than 0", self.alpha));
        }
        match &self.target_modules {
            TargetModules::Named(name) if name != ALL_LINEAR => {
                problems.push(format!(
                    "lora.target-modules: found \"{name}\", expected \"{ALL_LINEAR}\" or a list of name suffixes"
                ));
            }
            TargetModules::Suffixes(suffixes) if suffixes.is_empty() => {
                problems.push(
                    "lora.target-modules: found an empty list, expected at least one suffix".to_owned(),
                );
            }
            _ => {}
        }
        problems
    }
}

/// Whether the components of `suffix` end `module`: `wqkv` ends `model.layers.0.attention.wqkv`.
pub(super) fn has_suffix(module: &str, suffix: &str) -> bool {
    module.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The output matrix under the names of both families.
fn is_output(module: &str) -> bool {
    has_suffix(module, "output") || has_suffix(module, "lm_head") || has_suffix(module, "v_head")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_whole_components_and_all_linear_excludes_the_output() {
        let all = LoraTuningConfig::default().target_modules;
        assert!(all.matches("model.layers.3.feed_forward.w2") && !all.matches("output"));
        let some = TargetModules::Suffixes(vec!["w2".to_owned(), "attention.wo".to_owned()]);
        assert!(
            some.matches("model.layers.0.feed_forward.w2") && some.matches("model.layers.0.attention.wo")
        );
        assert!(
            !some.matches("model.layers.0.feed_forward.xw2")
                && !some.matches("model.layers.0.attention.wqkv")
        );
    }
}
