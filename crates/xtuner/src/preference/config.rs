//! [`PreferenceConfig`]: which loss learns from comparisons, and what the model is compared with.

use internlm_kit::config::Validate;
use serde::{Deserialize, Serialize};

/// Preference learning: the table `[objective]` with `kind = "preference"`.
///
/// ```
/// use xtuner::preference::{PreferenceConfig, PreferenceLoss};
///
/// assert_eq!(PreferenceConfig::default().beta(), 0.1);
/// assert_eq!(PreferenceConfig::new(PreferenceLoss::Simpo).beta(), 2.0);
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PreferenceConfig {
    /// What is minimized, default `sigmoid`, the loss of DPO. Upstream: `loss_type`, sigmoid.
    pub loss: PreferenceLoss,
    /// Strength b of the preference: larger values keep the model closer to the reference. Default 0.1; 2 for `simpo`.
    /// Upstream: `beta`, 0.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta: Option<f64>,
    /// Share of pairs that are expected to be the wrong way round, at least 0 and less than 0.5, default 0; for
    /// `sigmoid`, `robust` and `simpo`. Upstream: `label_smoothing`, 0.
    pub label_smoothing: f64,
    /// Reward by which the chosen answer has to be ahead, default 0.5; for `simpo` (gamma of its paper).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// Weight of the answers that people like, default 1; for `kto`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desirable_weight: Option<f64>,
    /// Weight of the answers that people do not like, default 1; for `kto`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undesirable_weight: Option<f64>,
    /// Where the log-probabilities of the model before training come from: `adapter-off`, `frozen-copy` or `stored`.
    /// Default: `adapter-off` when adapters are trained, `frozen-copy` when the model itself is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceConfig>,
}

/// What is minimized. The formulas are in the files of `preference/loss`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum PreferenceLoss {
    /// DPO (Rafailov et al., 2023), with label smoothing its conservative form.
    #[default]
    Sigmoid,
    /// DPO for labels of which a known share is wrong (Chowdhury et al., 2024).
    Robust,
    /// The hinge loss of SLiC (Zhao et al., 2023) on DPO's rewards.
    Hinge,
    /// IPO (Azar et al., 2023), on means over tokens.
    Ipo,
    /// KTO (Ethayarajh et al., 2024) on pairs.
    #[serde(alias = "kto_pair")]
    KtoPair,
    /// SPPO (Wu et al., 2024) with hard labels.
    #[serde(alias = "sppo_hard")]
    SppoHard,
    /// NCA (Chen et al., 2024) on pairs.
    #[serde(alias = "nca_pair")]
    NcaPair,
    /// ORPO (Hong et al., 2024): likelihood and odds ratio, without a reference.
    Orpo,
    /// SimPO (Meng et al., 2024): mean log-probabilities with a margin, without a reference.
    Simpo,
    /// KTO on single answers that are liked or not.
    Kto,
}

/// Where the log-probabilities of the model before training come from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "kebab-case")]
pub enum ReferenceConfig {
    /// The model without its adapters reads every row of every step; it takes no memory of its own.
    AdapterOff,
    /// A frozen copy of the model reads every row of every step.
    FrozenCopy,
    /// The model reads every row once, before the first step, into a file of the run's folder.
    Stored,
}

impl PreferenceLoss {
    /// Whether the loss compares the model with what it was before training.
    #[must_use]
    pub fn needs_reference(self) -> bool {
        !matches!(self, Self::Orpo | Self::Simpo)
    }

    /// Whether the loss is of single answers instead of pairs.
    #[must_use]
    pub fn is_of_single_answers(self) -> bool {
        self == Self::Kto
    }

    fn smooths_labels(self) -> bool {
        matches!(self, Self::Sigmoid | Self::Robust | Self::Simpo)
    }
}

impl PreferenceConfig {
    /// This loss with everything else at its default.
    #[must_use]
    pub fn new(loss: PreferenceLoss) -> Self {
        Self { loss, ..Self::default() }
    }

    /// The same loss with the strength `beta`.
    #[must_use]
    pub fn with_beta(self, beta: f64) -> Self {
        Self { beta: Some(beta), ..self }
    }

    /// The same loss where a share `smoothing` of the labels is expected to be wrong.
    #[must_use]
    pub fn with_label_smoothing(self, smoothing: f64) -> Self {
        Self { label_smoothing: smoothing, ..self }
    }

    /// The same loss with SimPO's margin.
    #[must_use]
    pub fn with_margin(self, margin: f64) -> Self {
        Self { margin: Some(margin), ..self }
    }

    /// The same loss with KTO's weights of liked and of disliked answers.
    #[must_use]
    pub fn with_weights(self, desirable: f64, undesirable: f64) -> Self {
        Self { desirable_weight: Some(desirable), undesirable_weight: Some(undesirable), ..self }
    }

    /// The same loss with another source of the reference's log-probabilities.
    #[must_use]
    pub fn with_reference(self, reference: ReferenceConfig) -> Self {
        Self { reference: Some(reference), ..self }
    }

    /// b of the formulas.
    #[must_use]
    pub fn beta(&self) -> f64 {
        self.beta.unwrap_or(if self.loss == PreferenceLoss::Simpo { 2.0 } else { 0.1 })
    }

    /// gamma of SimPO; 0 for every other loss.
    #[must_use]
    pub fn margin(&self) -> f64 {
        if self.loss == PreferenceLoss::Simpo { self.margin.unwrap_or(0.5) } else { 0.0 }
    }
}

impl Validate for PreferenceConfig {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let beta = self.beta();
        if !(beta > 0.0 && beta.is_finite()) {
            problems.push(format!("objective.beta: found {beta}, expected more than 0"));
        }
        let smoothing = self.label_smoothing;
        if !(0.0..0.5).contains(&smoothing) {
            problems
                .push(format!("objective.label-smoothing: found {smoothing}, expected 0 to less than 0.5"));
        }
        let numbers = [
            ("margin", self.margin),
            ("desirable-weight", self.desirable_weight),
            ("undesirable-weight", self.undesirable_weight),
        ];
        let wrong = numbers.into_iter().filter_map(|(key, value)| {
            let value = value.filter(|value| !(*value >= 0.0 && value.is_finite()))?;
            Some(format!("objective.{key}: found {value}, expected 0 or more"))
        });
        problems.extend(wrong);
        // A setting that the loss does not read would change nothing without a word.
        let unread = [
            ("label-smoothing", smoothing != 0.0 && !self.loss.smooths_labels(), "sigmoid, robust or simpo"),
            ("margin", self.margin.is_some() && self.loss != PreferenceLoss::Simpo, "simpo"),
            ("desirable-weight", self.desirable_weight.is_some() && self.loss != PreferenceLoss::Kto, "kto"),
            (
                "undesirable-weight",
                self.undesirable_weight.is_some() && self.loss != PreferenceLoss::Kto,
                "kto",
            ),
            (
                "reference",
                self.reference.is_some() && !self.loss.needs_reference(),
                "a loss with a reference",
            ),
        ];
        for (key, _, expected) in unread.into_iter().filter(|(_, unread, _)| *unread) {
            let found = serde_json::to_string(&self.loss).unwrap_or_default();
            problems.push(format!("objective.{key}: found with the loss {found}, expected {expected}"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_the_loss_does_not_read_are_refused() {
        let refused = |config: PreferenceConfig| config.problems().join("\n");
        assert_eq!(refused(PreferenceConfig::default()), "");
        let kto = PreferenceConfig::new(PreferenceLoss::Kto).with_weights(1.0, 0.5);
        assert_eq!(refused(kto.clone()), "");
        assert!(
            refused(kto.with_label_smoothing(0.1)).contains("label-smoothing: found with the loss \"kto\"")
        );
        let orpo = PreferenceConfig::new(PreferenceLoss::Orpo);
        assert!(
            refused(orpo.clone().with_reference(ReferenceConfig::Stored)).contains("objective.reference")
        );
        assert!(refused(orpo.clone().with_margin(0.1)).contains("expected simpo"));
        assert!(refused(orpo.with_beta(0.0)).contains("objective.beta: found 0, expected more than 0"));
        let robust = PreferenceConfig::new(PreferenceLoss::Robust);
        assert!(refused(robust.with_label_smoothing(0.5)).contains("expected 0 to less than 0.5"));
    }

    #[test]
    fn losses_have_the_names_of_both_spellings() {
        let read = |name: &str| serde_json::from_str::<PreferenceLoss>(name).expect("a loss");
        assert_eq!(read("\"kto_pair\""), read("\"kto-pair\""));
        assert_eq!(
            (read("\"sigmoid\""), read("\"sppo_hard\"")),
            (PreferenceLoss::Sigmoid, PreferenceLoss::SppoHard)
        );
    }
}
