//! From a plain decoder to one whose adapters, and nothing else, learn.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use internlm_model::decoder::Decoder;
use internlm_model::linear::Linear;
use internlm_model::parameter::Training;

use super::config::{BaseFormat, TrainedBias, has_suffix};
use super::{AdapterConfig, LoraTuningConfig};
use crate::{Error, Result};

/// Freezes `decoder`, holds its matrices in the form of `config.base`, adds adapters to the target layers, and thaws the
/// biases and the modules to save.
///
/// A is drawn from (seed, layer name) and B is zero: the output changes by the rounding of the packed matrices only.
///
/// # Errors
/// Targets or modules to save that the model does not have, and biases of a model without any.
pub fn inject(mut decoder: Decoder, config: &LoraTuningConfig, seed: u64) -> Result<Decoder> {
    for (_, mut parameter) in decoder.parameters_mut() {
        parameter.set_training(Training::Frozen);
    }
    // Rank and strength are read as from the file that the adapter becomes.
    let peft = AdapterConfig::new(config, "");
    let rules = peft.rules();
    let noise = decoder.noise().clone();
    let (mut names, mut targets) = (Vec::new(), Vec::new());
    for (name, linear) in decoder.linears_mut() {
        if let Some(format) = config.packed(&name) {
            replace(linear, |linear| linear.pack(format));
        }
        if config.targets(&name) {
            let lora = rules.adapter(&name).with_seed(seed).with_dropout(config.dropout);
            replace(linear, |linear| linear.inject_lora(&lora, &name, &noise));
            targets.push(name.clone());
        }
        names.push(name);
    }
    if targets.is_empty() {
        let found = format!("{:?}, which name no layer", config.target_modules);
        return Err(Error::mismatch(
            "lora.target-modules",
            found,
            format!("suffixes of {}", names.join(", ")),
        ));
    }
    thaw_biases(&mut decoder, config.bias, &targets)?;
    for suffix in &config.modules_to_save {
        thaw(&mut decoder, suffix)?;
    }
    Ok(decoder)
}

/// Holds the frozen matrices of the blocks of `decoder` in the form `base`; embedding, norms and output stay floats.
#[must_use]
pub fn pack(mut decoder: Decoder, base: BaseFormat) -> Decoder {
    let config = LoraTuningConfig::default().with_base(base);
    for (name, linear) in decoder.linears_mut() {
        if let Some(format) = config.packed(&name) {
            replace(linear, |linear| linear.pack(format));
        }
    }
    decoder
}

/// Lets the biases that `bias` names learn; `targets` are the layers with an adapter.
fn thaw_biases(decoder: &mut Decoder, bias: TrainedBias, targets: &[String]) -> Result<()> {
    let mut thawed = 0;
    for (name, mut parameter) in decoder.parameters_mut() {
        let Some(module) = name.strip_suffix(".bias") else { continue };
        let chosen = match bias {
            TrainedBias::None => false,
            TrainedBias::All => true,
            TrainedBias::LoraOnly => targets.iter().any(|target| target == module),
        };
        if chosen {
            parameter.set_training(Training::Trained);
            thawed += 1;
        }
    }
    match bias {
        TrainedBias::All | TrainedBias::LoraOnly if thawed == 0 => {
            let found = format!("\"{}\" for a model without such biases", bias.name());
            Err(Error::mismatch("lora.bias", found, "\"none\""))
        }
        _ => Ok(()),
    }
}

/// Lets the plain parameters of every module that ends in `suffix` learn.
fn thaw(decoder: &mut Decoder, suffix: &str) -> Result<()> {
    let mut modules = Vec::new();
    let mut thawed = 0;
    for (name, mut parameter) in decoder.parameters_mut() {
        let module =
            Path::new(&name).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if has_suffix(&module, suffix) {
            parameter.set_training(Training::Trained);
            thawed += 1;
        }
        modules.push(module);
    }
    if thawed == 0 {
        modules.dedup();
        let found = format!("`{suffix}`, which names no module");
        return Err(Error::mismatch(
            "lora.modules-to-save",
            found,
            format!("suffixes of {}", modules.join(", ")),
        ));
    }
    Ok(())
}

/// Replaces a layer by a function of it.
pub(super) fn replace(linear: &mut Linear, change: impl FnOnce(Linear) -> Linear) {
    let empty = Linear::dense(Tensor::zeros([1, 1], &Device::default()), None);
    let taken = std::mem::replace(linear, empty);
    *linear = change(taken);
}
