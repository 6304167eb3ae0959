//! [`LoraTuningConfig`]: which layers get an adapter, of which rank, strength and kind, and how the base is held.

use internlm_kit::config::Validate;
use internlm_model::packed::PackedFormat;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::pattern;

/// Adapters of a run: the table `[lora]`.
///
/// ```
/// use xtuner::lora::{BaseFormat, LoraTuningConfig};
///
/// let text = "rank = 8\nalpha = 16\ndropout = 0.1\nbase = 'nf4-double'\n[rank-pattern]\n'feed_forward.*' = 4";
/// let lora: LoraTuningConfig = toml::from_str(text)?;
/// assert_eq!((lora.rank, lora.base), (8, BaseFormat::Nf4Double));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LoraTuningConfig {
    /// Rank r of every adapter, default 64. Upstream: `r`, 64.
    pub rank: usize,
    /// The product is scaled by alpha / r, default 16. Upstream: `lora_alpha`, 16.
    pub alpha: f64,
    /// Probability that an input of an adapter is dropped in training, default 0. Upstream: `lora_dropout`, 0.1.
    #[serde(skip_serializing_if = "is_default")]
    pub dropout: f64,
    /// Scale by alpha / sqrt(r) instead of alpha / r (rsLoRA), default false.
    #[serde(skip_serializing_if = "is_default")]
    pub use_rslora: bool,
    /// Train a magnitude for every output, too (DoRA), default false.
    #[serde(skip_serializing_if = "is_default")]
    pub dora: bool,
    /// How the frozen matrices of the blocks are held: `f32`, `bf16`, `int8`, `nf4` or `nf4-double`, default `f32`.
    /// Embedding, norms and output are always floats. Upstream: `load_in_4bit`, nf4 with double quantization.
    #[serde(skip_serializing_if = "is_default")]
    pub base: BaseFormat,
    /// Biases that are trained: `none`, `all`, or `lora_only` for those of layers with an adapter; default `none`.
    #[serde(skip_serializing_if = "is_default")]
    pub bias: TrainedBias,
    /// `xtuner`: `all-linear` also names the output matrix, as upstream's search by the name `lm_head` does for
    /// InternLM2; default absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compat: Option<Compat>,
    /// Layers that get an adapter: `"all-linear"` (every linear layer but the output, as PEFT) or a list of name
    /// suffixes such as `["wqkv", "feed_forward.w2"]`; default `"all-linear"`.
    pub target_modules: TargetModules,
    /// Modules by name suffix that are trained whole and stored in the adapter, for instance `["tok_embeddings",
    /// "output"]`; default none. They get no adapter.
    pub modules_to_save: Vec<String>,
    /// Ranks by regular expression of the layer's name, for adapters that differ from `rank`: the first one that matches
    /// whole components at the end of the name decides, as in PEFT. Default none.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub rank_pattern: Map<String, Value>,
    /// alpha by regular expression, as `rank-pattern`. Default none.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub alpha_pattern: Map<String, Value>,
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

/// How the frozen matrices of the blocks are held in memory.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum BaseFormat {
    /// Floats of 4 bytes, as they were loaded.
    #[default]
    F32,
    /// Brain floats of 2 bytes.
    Bf16,
    /// Codes of 8 bits: 1.06 bytes per weight.
    Int8,
    /// Codes of 4 bits: 0.56 byte per weight.
    Nf4,
    /// Codes of 4 bits whose scales are quantized, too: 0.516 byte per weight.
    Nf4Double,
}

/// Which biases are trained, in PEFT's words.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainedBias {
    /// Every bias stays as it is.
    #[default]
    None,
    /// Every bias of the model.
    All,
    /// The biases of layers that have an adapter.
    #[serde(alias = "lora-only")]
    LoraOnly,
}

/// Programs whose choices are taken over where they differ from PEFT's.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compat {
    /// XTuner in its versions 0.x.
    Xtuner,
}

/// The name for every linear layer but the output.
pub(super) const ALL_LINEAR: &str = "all-linear";
/// The linear layers of a block, which `all-linear` means in a file that other programs read.
const BLOCK_LINEARS: [&str; 5] = ["wqkv", "wo", "w1", "w3", "w2"];
/// The output matrix, which XTuner 0.x adapts.
const OUTPUT: &str = "output";

impl Default for LoraTuningConfig {
    fn default() -> Self {
        Self {
            rank: 64,
            alpha: 16.0,
            dropout: 0.0,
            use_rslora: false,
            dora: false,
            base: BaseFormat::F32,
            bias: TrainedBias::None,
            compat: None,
            target_modules: TargetModules::Named(ALL_LINEAR.to_owned()),
            modules_to_save: Vec::new(),
            rank_pattern: Map::new(),
            alpha_pattern: Map::new(),
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

    /// The same adapters with this probability that an input is dropped in training.
    #[must_use]
    pub fn with_dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// The same adapters scaled by alpha / sqrt(rank).
    #[must_use]
    pub fn with_rslora(self) -> Self {
        Self { use_rslora: true, ..self }
    }

    /// The same adapters with a trained magnitude for every output.
    #[must_use]
    pub fn with_dora(self) -> Self {
        Self { dora: true, ..self }
    }

    /// The same adapters over frozen matrices that are held in `base`.
    #[must_use]
    pub fn with_base(self, base: BaseFormat) -> Self {
        Self { base, ..self }
    }

    /// The same adapters with these biases trained.
    #[must_use]
    pub fn with_bias(self, bias: TrainedBias) -> Self {
        Self { bias, ..self }
    }

    /// The names of the layers that get an adapter, as PEFT's files have them.
    pub(super) fn target_suffixes(&self) -> Vec<&str> {
        match (&self.target_modules, self.compat) {
            (TargetModules::Suffixes(suffixes), _) => suffixes.iter().map(String::as_str).collect(),
            (TargetModules::Named(_), None) => BLOCK_LINEARS.to_vec(),
            (TargetModules::Named(_), Some(Compat::Xtuner)) => {
                BLOCK_LINEARS.into_iter().chain([OUTPUT]).collect()
            }
        }
    }

    /// Whether the linear layer called `module` gets an adapter.
    pub(super) fn targets(&self, module: &str) -> bool {
        let suffixes = self.target_suffixes();
        !self.saves(module) && suffixes.into_iter().any(|suffix| has_suffix(module, suffix))
    }

    /// Whether the module called `module` is trained whole.
    pub(super) fn saves(&self, module: &str) -> bool {
        self.modules_to_save.iter().any(|suffix| has_suffix(module, suffix))
    }

    /// The form in which the frozen matrix of the linear layer `module` is held; `None` for floats.
    pub(super) fn packed(&self, module: &str) -> Option<PackedFormat> {
        let floats = is_output(module) || self.saves(module);
        self.base.packed().filter(|_| !floats)
    }
}

impl BaseFormat {
    /// The form of packed weights; `None` for floats of 4 bytes.
    #[must_use]
    pub fn packed(self) -> Option<PackedFormat> {
        match self {
            Self::F32 => None,
            Self::Bf16 => Some(PackedFormat::Bf16),
            Self::Int8 => Some(PackedFormat::Int8),
            Self::Nf4 => Some(PackedFormat::Nf4),
            Self::Nf4Double => Some(PackedFormat::Nf4Double),
        }
    }
}

impl TrainedBias {
    /// PEFT's word.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::All => "all",
            Self::LoraOnly => "lora_only",
        }
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
        if !(0.0..1.0).contains(&self.dropout) {
            problems
                .push(format!("lora.dropout: found {}, expected at least 0 and less than 1", self.dropout));
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
        let (ranks, alphas) = (&self.rank_pattern, &self.alpha_pattern);
        problems.extend(pattern::problems("lora.rank-pattern", ranks, pattern::rank, pattern::RANK));
        problems.extend(pattern::problems("lora.alpha-pattern", alphas, positive, "more than 0"));
        problems
    }
}

/// A usable alpha.
fn positive(value: &Value) -> Option<f64> {
    value.as_f64().filter(|alpha| *alpha > 0.0 && alpha.is_finite())
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Whether the components of `suffix` end `module`: `wqkv` ends `model.layers.0.attention.wqkv`.
pub(crate) fn has_suffix(module: &str, suffix: &str) -> bool {
    module.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The output matrix under the names of both families.
fn is_output(module: &str) -> bool {
    has_suffix(module, OUTPUT) || has_suffix(module, "lm_head") || has_suffix(module, "v_head")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_whole_components_and_all_linear_excludes_the_output() {
        let all = LoraTuningConfig::default();
        let (w2, output) = ("model.layers.3.feed_forward.w2", "output");
        assert!(all.targets(w2) && all.target_modules.matches(w2));
        assert!(!all.targets(output) && !all.target_modules.matches(output));
        let some = TargetModules::Suffixes(vec!["w2".to_owned(), "attention.wo".to_owned()]);
        assert!(
            some.matches("model.layers.0.feed_forward.w2") && some.matches("model.layers.0.attention.wo")
        );
        assert!(
            !some.matches("model.layers.0.feed_forward.xw2")
                && !some.matches("model.layers.0.attention.wqkv")
        );
    }

    #[test]
    fn the_output_is_adapted_in_xtuners_way_only_and_never_packed() {
        let nf4 = LoraTuningConfig::default().with_base(BaseFormat::Nf4);
        let xtuner = LoraTuningConfig { compat: Some(Compat::Xtuner), ..nf4.clone() };
        assert!(!nf4.targets("output") && xtuner.targets("output"));
        assert_eq!((xtuner.packed("output"), nf4.packed("v_head")), (None, None));
        let wo = "model.layers.0.attention.wo";
        assert_eq!(nf4.packed(wo), Some(PackedFormat::Nf4));
        let saved = nf4.with_modules_to_save(["wo"]);
        assert!(saved.packed(wo).is_none() && !saved.targets(wo));
    }

    #[test]
    fn what_is_at_its_default_is_not_written() {
        let text = toml::to_string(&LoraTuningConfig::new(4, 8.0)).expect("serializes");
        assert_eq!(text, "rank = 4\nalpha = 8.0\ntarget-modules = \"all-linear\"\nmodules-to-save = []\n");
        let mut full = LoraTuningConfig::new(4, 8.0).with_dora().with_rslora().with_dropout(0.25);
        full = full.with_base(BaseFormat::Nf4Double).with_bias(TrainedBias::LoraOnly);
        full.rank_pattern = Map::from_iter([("wo".to_owned(), Value::from(2))]);
        let text = toml::to_string(&full).expect("serializes");
        assert!(text.contains("bias = \"lora_only\"") && text.contains("base = \"nf4-double\""), "{text}");
        assert_eq!(toml::from_str::<LoraTuningConfig>(&text).expect("parses"), full);
    }

    #[test]
    fn values_out_of_range_are_named() {
        let text = "rank = 0\ndropout = 1.0\n[rank-pattern]\nwo = 0\n[alpha-pattern]\n'w(' = -1.0";
        let config: LoraTuningConfig = toml::from_str(text).expect("parses");
        let keys: Vec<String> = config
            .problems()
            .iter()
            .filter_map(|problem| Some(problem.split_once(':')?.0.to_owned()))
            .collect();
        let expected =
            ["lora.rank", "lora.dropout", "lora.rank-pattern", "lora.alpha-pattern", "lora.alpha-pattern"];
        assert_eq!(keys, expected);
    }
}
