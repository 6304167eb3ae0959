//! From a plain decoder to one whose adapters, and nothing else, learn.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use internlm_model::decoder::Decoder;
use internlm_model::linear::{Linear, LoraConfig};
use internlm_model::parameter::Training;

use super::LoraTuningConfig;
use super::config::has_suffix;
use crate::{Error, Result};

/// Freezes `decoder`, adds adapters to the target layers and thaws the modules to save.
///
/// A is drawn from (seed, layer name) and B is zero: the output does not change.
///
/// # Errors
/// Targets or modules to save that the model does not have.
pub fn inject(mut decoder: Decoder, config: &LoraTuningConfig, seed: u64) -> Result<Decoder> {
    for (_, mut parameter) in decoder.parameters_mut() {
        parameter.set_training(Training::Frozen);
    }
    let lora = LoraConfig::new(config.rank, config.alpha).with_seed(seed);
    let noise = decoder.noise().clone();
    let (mut names, mut targets) = (Vec::new(), 0);
    for (name, linear) in decoder.linears_mut() {
        if config.target_modules.matches(&name) {
            replace(linear, |linear| linear.inject_lora(&lora, &name, &noise));
            targets += 1;
        }
        names.push(name);
    }
    if targets == 0 {
        let found = format!("{:?}, which name no layer", config.target_modules);
        return Err(Error::mismatch(
            "lora.target-modules",
            found,
            format!("suffixes of {}", names.join(", ")),
        ));
    }
    for suffix in &config.modules_to_save {
        thaw(&mut decoder, suffix)?;
    }
    Ok(decoder)
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
