//! Whether the tensors of an adapter fit the model and the adapter's own config: every misfit by name.

use std::collections::BTreeMap;

use super::config::{TrainedBias, has_suffix};
use super::layout::{Layout, own};
use super::peft::{AdapterConfig, ModuleRules};
use super::stored::Stored;

/// Name of the file of tensors.
pub(super) const WEIGHTS: &str = "adapter_model.safetensors";
/// Suffix of A, `[r, in]`.
pub(super) const A: &str = ".lora_A.weight";
/// Suffix of B, `[out, r]`.
pub(super) const B: &str = ".lora_B.weight";
/// Suffix of DoRA's m, `[out]`.
pub(super) const MAGNITUDE: &str = ".lora_magnitude_vector";

/// The content of an adapter next to the names and shapes of the model.
struct Fit<'a> {
    config: &'a AdapterConfig,
    tensors: &'a BTreeMap<String, Stored>,
    layout: &'a Layout,
    rules: ModuleRules<'a>,
}

/// Every tensor without its place in the model or of another shape than model and config ask for, and every tensor that
/// the config promises and the file lacks.
pub(super) fn problems(
    config: &AdapterConfig,
    tensors: &BTreeMap<String, Stored>,
    layout: &Layout,
) -> Vec<String> {
    if tensors.is_empty() {
        return vec![format!("{WEIGHTS}: found no tensor, expected those of an adapter")];
    }
    let fit = Fit { config, tensors, layout, rules: config.rules() };
    let mut problems: Vec<String> =
        tensors.iter().filter_map(|(name, stored)| fit.misfit(name, stored)).collect();
    fit.warn_of_layers_without();
    problems.extend(fit.lost_modules());
    problems.extend(fit.lost_biases());
    problems
}

impl Fit<'_> {
    fn misfit(&self, name: &str, stored: &Stored) -> Option<String> {
        match self.shape(name) {
            Ok(expected) if expected == stored.shape => {
                let finite = stored.values.iter().all(|value| value.is_finite());
                (!finite)
                    .then(|| format!("tensor {name}: found values that are not finite, expected finite ones"))
            }
            Ok(expected) => {
                Some(format!("tensor {name}: found shape {:?}, expected {expected:?}", stored.shape))
            }
            Err(problem) => Some(format!("tensor {name}: found shape {:?}, {problem}", stored.shape)),
        }
    }

    /// The shape that the tensor called `name` must have.
    fn shape(&self, name: &str) -> Result<Vec<usize>, String> {
        let factor = [A, B, MAGNITUDE].into_iter().find_map(|kind| Some((name.strip_suffix(kind)?, kind)));
        let Some((module, kind)) = factor else {
            let shape = self.layout.tensors.get(&*own(name)).cloned();
            return shape.ok_or_else(|| "no such tensor in the model".to_owned());
        };
        let [outputs, inputs] =
            *self.layout.linears.get(module).ok_or("no such linear layer in the model")?;
        if !self.rules.is_target(module) {
            return Err(
                "expected no adapter: `target_modules` of adapter_config.json does not name the layer"
                    .to_owned(),
            );
        }
        if kind == MAGNITUDE && !self.config.use_dora {
            return Err("expected no magnitude: `use_dora` of adapter_config.json is false".to_owned());
        }
        let others = [A, B].into_iter().chain(self.config.use_dora.then_some(MAGNITUDE));
        for other in others.filter(|other| *other != kind) {
            if !self.tensors.contains_key(&format!("{module}{other}")) {
                return Err(format!("expected {module}{other} next to it"));
            }
        }
        let rank = self.rules.rank(module);
        Ok(match kind {
            A => vec![rank, inputs],
            B => vec![outputs, rank],
            _ => vec![outputs],
        })
    }

    /// Single layers without an adapter are PEFT's usual way of leaving them as they are, and worth a warning.
    fn warn_of_layers_without(&self) {
        let named: Vec<&String> =
            self.layout.linears.keys().filter(|module| self.rules.names(module)).collect();
        let without: Vec<&&String> =
            named.iter().filter(|module| !self.tensors.contains_key(&format!("{module}{A}"))).collect();
        if let Some(first) = without.first() {
            let (count, all) = (without.len(), named.len());
            tracing::warn!(
                "{WEIGHTS} has no tensors for {count} of {all} layers that `target_modules` names, {first} among them: \
                 they stay as they are"
            );
        }
    }

    /// A module that was trained whole is lost without its tensor.
    fn lost_modules(&self) -> Vec<String> {
        let saved = self.config.modules_to_save().into_iter();
        let lost = saved.filter(|module| {
            let suffix = format!("{module}.weight");
            let mut own = self.layout.tensors.keys().filter(|name| has_suffix(name, &suffix)).peekable();
            own.peek().is_some() && own.all(|name| !self.tensors.contains_key(name))
        });
        let problem = |module: &str| {
            format!("modules_to_save: found `{module}`, expected its tensor in {WEIGHTS}, which has none")
        };
        lost.map(problem).collect()
    }

    /// Biases that were trained are lost without their tensors.
    fn lost_biases(&self) -> Option<String> {
        let all = self.config.bias == TrainedBias::All.name();
        if !all && self.config.bias != TrainedBias::LoraOnly.name() {
            return None;
        }
        let known: Vec<_> = self.tensors.keys().map(|name| own(name)).collect();
        let mut trained = self.layout.tensors.keys().filter(|name| {
            name.strip_suffix(".bias")
                .is_some_and(|module| all || self.tensors.contains_key(&format!("{module}{A}")))
        });
        let lost = trained.find(|name| !known.iter().any(|known| known == *name))?;
        let bias = &self.config.bias;
        Some(format!("bias: found {bias}, expected the tensor {lost} in {WEIGHTS}, which has none"))
    }
}
