//! Merging adapters into their base model: W + s B A, DoRA's m / |V| V, and weighted sums of several.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use internlm_model::decoder::Decoder;
use internlm_model::{Tokenizer, device};

use super::Adapter;
use crate::export::export_model;
use crate::{Error, Result};

/// An adapter folder and how much of it is merged.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedAdapter {
    /// Folder with `adapter_config.json` and `adapter_model.safetensors`.
    pub folder: PathBuf,
    /// Factor of everything that the adapter changes; 1 merges it as it is.
    pub weight: f64,
}

impl WeightedAdapter {
    /// The adapter in `folder` with weight 1.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), weight: 1.0 }
    }

    /// The same adapter with this weight.
    #[must_use]
    pub fn with_weight(self, weight: f64) -> Self {
        Self { weight, ..self }
    }
}

/// Merges the adapter in the folder `adapter` into the model at `model` and writes the folder `out`: W + s B A in f32,
/// stored in the dtype of the base. Tokenizer files are those of the base.
///
/// # Errors
/// Files that cannot be read, and an adapter that does not fit.
pub fn merge(model: impl AsRef<Path>, adapter: impl AsRef<Path>, out: impl AsRef<Path>) -> Result<()> {
    let model = model.as_ref();
    let decoder = Decoder::load(model, &device::parse("cpu")?)?;
    let tokenizer = Tokenizer::load(model)?;
    export_model(&merged(decoder, &[WeightedAdapter::new(adapter.as_ref())])?, &tokenizer, model, out)
}

/// `decoder` with every tensor moved by the weighted sum of what each adapter alone changes:
/// `W + sum of weight * (W merged with the adapter - W)`.
///
/// # Errors
/// Adapters that cannot be read or do not fit, and weights that are not finite.
pub fn merged(decoder: Decoder, adapters: &[WeightedAdapter]) -> Result<Decoder> {
    if let Some(bad) = adapters.iter().find(|adapter| !adapter.weight.is_finite()) {
        let place = format!("weight of {}", bad.folder.display());
        return Err(Error::mismatch(place, bad.weight.to_string(), "a finite number"));
    }
    if let [WeightedAdapter { folder, weight: 1.0 }] = adapters {
        return Ok(Adapter::read(folder)?.apply(decoder, folder)?.merged());
    }
    let mut base = decoder.merged();
    let values = |decoder: &Decoder| -> BTreeMap<String, Vec<f32>> {
        decoder.parameters().into_iter().map(|(name, parameter)| (name, parameter.to_vec())).collect()
    };
    let before = values(&base);
    let mut sums: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for WeightedAdapter { folder, weight } in adapters {
        let after = values(&Adapter::read(folder)?.apply(base.clone(), folder)?.merged());
        for (name, after) in after.iter().filter(|(name, after)| before.get(*name) != Some(*after)) {
            let before = &before[name];
            let sum = sums.entry(name.clone()).or_insert_with(|| vec![0.0; before.len()]);
            let pairs = after.iter().zip(before);
            let moved = pairs.map(|(after, before)| weight * (f64::from(*after) - f64::from(*before)));
            sum.iter_mut().zip(moved).for_each(|(sum, moved)| *sum += moved);
        }
    }
    for (name, mut parameter) in base.parameters_mut() {
        if let Some(sum) = sums.get(&name) {
            let pairs = before[&name].iter().zip(sum);
            parameter.set(pairs.map(|(before, sum)| (f64::from(*before) + sum) as f32).collect());
        }
    }
    Ok(base)
}
