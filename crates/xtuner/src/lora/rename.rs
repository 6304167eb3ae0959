//! Adapters of one family's names under the other's: a fused `wqkv` as q, k and v, and the way back.

use std::collections::{BTreeMap, BTreeSet};

use internlm_model::ModelConfig;
use internlm_model::linear::Scaling;
use internlm_model::weights::TensorSource;
use internlm_model::weights::names::NameStyle;
use serde_json::{Map, Value, json};

use super::adapter::Adapter;
use super::fit::{self, A, B, MAGNITUDE};
use super::layout::{Layout, wrapped_bias};
use super::modules::{Factors, Modules};
use super::peft::AdapterConfig;
use super::stored::Stored;

/// Keys of `adapter_config.json` that name layers of the old names; the list of targets says the same.
const NARROWING: [&str; 3] = ["exclude_modules", "layers_to_transform", "layers_pattern"];

impl Adapter {
    /// The same adapter under the names of `style`, for a model of shape `config` with the weights `base`: what of q, k
    /// and v has no adapter is completed from these. Storage is f32; an adapter that has these names is unchanged.
    ///
    /// # Errors
    /// Every key and tensor of the adapter that does not fit the model.
    pub(crate) fn renamed(
        &self,
        style: NameStyle,
        config: &ModelConfig,
        base: &dyn TensorSource,
    ) -> Result<Self, Vec<String>> {
        let layout = Layout::find(config, self.tensors.keys().map(String::as_str));
        let mut problems = self.config.problems();
        problems.extend(fit::problems(&self.config, &self.tensors, &layout));
        if !problems.is_empty() {
            return Err(problems);
        }
        let modules = match (layout.style, style) {
            (from, to) if from == to => return Ok(self.clone()),
            (_, NameStyle::InternLm2) => {
                self.modules().fused(config, &|name: &str| base.read_f32(name).ok())?
            }
            (_, NameStyle::Llama) => self.modules().separate(config),
            (_, NameStyle::Gguf) => {
                return Err(vec!["names: found those of GGUF, expected InternLM2's or LLaMA's".to_owned()]);
            }
        };
        Ok(file(&self.config, modules, &Layout::of(config, style)))
    }
}

/// The files of `modules`, with the settings of `old` that do not name layers.
fn file(old: &AdapterConfig, modules: Modules, layout: &Layout) -> Adapter {
    let mut config = old.clone();
    let ranks = modules.factors.iter().map(|(module, factors)| (module.as_str(), json!(factors.rank)));
    let (r, rank_pattern) = patterns(&ranks.collect::<Vec<_>>(), &json!(old.r));
    let alpha = |factors: &Factors| {
        let rank = factors.rank as f64;
        json!(factors.scale * if old.scaling() == Scaling::SquareRoot { rank.sqrt() } else { rank })
    };
    let alphas = modules.factors.iter().map(|(module, factors)| (module.as_str(), alpha(factors)));
    let (lora_alpha, alpha_pattern) = patterns(&alphas.collect::<Vec<_>>(), &json!(old.lora_alpha));
    config.r = r.as_u64().and_then(|r| usize::try_from(r).ok()).unwrap_or(old.r);
    config.lora_alpha = lora_alpha.as_f64().unwrap_or(old.lora_alpha);
    (config.rank_pattern, config.alpha_pattern) = (rank_pattern, alpha_pattern);

    let linears: BTreeSet<&str> = layout.linears.keys().map(String::as_str).collect();
    let targets: BTreeSet<&str> = modules.factors.keys().map(String::as_str).collect();
    config.rest.insert("target_modules".to_owned(), json!(suffixes(&targets, &linears)));
    let all: BTreeSet<&str> = layout.tensors.keys().filter_map(|name| name.strip_suffix(".weight")).collect();
    let saved: BTreeSet<&str> =
        modules.whole.keys().filter_map(|name| name.strip_suffix(".weight")).collect();
    if !old.modules_to_save().is_empty() {
        config.rest.insert("modules_to_save".to_owned(), json!(suffixes(&saved, &all)));
    }
    for key in NARROWING {
        config.rest.shift_remove(key);
    }
    Adapter::new(config, tensors(&modules, layout))
}

/// The tensors of the file.
fn tensors(modules: &Modules, layout: &Layout) -> BTreeMap<String, Stored> {
    let mut tensors = BTreeMap::new();
    for (module, factors) in &modules.factors {
        let Some([outputs, inputs]) = layout.linears.get(module) else { continue };
        let mut put = |kind: &str, shape: Vec<usize>, values: &[f32]| {
            tensors.insert(format!("{module}{kind}"), Stored::new(shape, values.to_vec()));
        };
        put(A, vec![factors.rank, *inputs], &factors.a);
        put(B, vec![*outputs, factors.rank], &factors.b);
        if let Some(magnitude) = &factors.magnitude {
            put(MAGNITUDE, vec![*outputs], magnitude);
        }
    }
    for (name, values) in &modules.whole {
        let Some(shape) = layout.tensors.get(name) else { continue };
        let wrapped = name.strip_suffix(".bias").filter(|module| modules.factors.contains_key(*module));
        let name = wrapped.map_or_else(|| name.clone(), wrapped_bias);
        tensors.insert(name, Stored::new(shape.clone(), values.clone()));
    }
    tensors
}

/// The default of a setting, and patterns for the layers whose `values` differ from it: the old default while any layer
/// has it.
fn patterns(values: &[(&str, Value)], old: &Value) -> (Value, Map<String, Value>) {
    let default = match values.first() {
        Some((_, first)) if !values.iter().any(|(_, value)| same(value, old)) => first,
        _ => old,
    };
    let all: BTreeSet<&str> = values.iter().map(|(module, _)| *module).collect();
    let mut distinct: Vec<&Value> = Vec::new();
    for (_, value) in values.iter().filter(|(_, value)| !same(value, default)) {
        if !distinct.iter().any(|known| same(known, value)) {
            distinct.push(value);
        }
    }
    let mut patterns = Map::new();
    for value in distinct {
        let chosen =
            values.iter().filter(|(_, other)| same(other, value)).map(|(module, _)| *module).collect();
        let keys = suffixes(&chosen, &all);
        patterns.extend(keys.into_iter().map(|key| (regex::escape(&key), value.clone())));
    }
    (default.clone(), patterns)
}

/// Whether two numbers are equal, however they are written.
fn same(a: &Value, b: &Value) -> bool {
    a.as_f64() == b.as_f64()
}

/// The shortest names that mean `chosen` among `all`: the last component where all that end in it are chosen.
fn suffixes(chosen: &BTreeSet<&str>, all: &BTreeSet<&str>) -> Vec<String> {
    let last = |module: &str| module.rsplit('.').next().unwrap_or_default().to_owned();
    let mut names = BTreeSet::new();
    for module in chosen {
        let end = last(module);
        let whole = all.iter().filter(|other| last(other) == end).all(|other| chosen.contains(other));
        names.insert(if whole { end } else { (*module).to_owned() });
    }
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_short_as_they_are_right() {
        let all = BTreeSet::from(["layers.0.wo", "layers.1.wo", "layers.0.w1", "layers.1.w1", "output"]);
        let names = |chosen: &[&'static str]| suffixes(&chosen.iter().copied().collect(), &all);
        assert_eq!(names(&["layers.0.wo", "layers.1.wo", "layers.1.w1"]), ["layers.1.w1", "wo"]);
        assert_eq!(names(&["output"]), ["output"]);
        let values = [("layers.0.wo", json!(2)), ("layers.1.wo", json!(2)), ("layers.0.w1", json!(8.0))];
        let (default, found) = patterns(&values, &json!(8));
        assert_eq!((default, found), (json!(8), Map::from_iter([("wo".to_owned(), json!(2))])));
        let (default, found) = patterns(&values, &json!(16));
        assert_eq!(default, json!(2));
        assert_eq!(found.keys().collect::<Vec<_>>(), ["w1"]);
    }
}
