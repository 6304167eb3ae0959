//! What every objective begins and ends with: the base model, its method of tuning, the trainer, and the files of a
//! finished run.

use std::path::Path;

use burn::tensor::Device;
use internlm_kit::context::RunContext;
use internlm_kit::file;
use internlm_kit::summary::{Summary, significant};
use internlm_model::decoder::Decoder;
use internlm_model::parameter::Training;
use internlm_model::{ModelConfig, Tokenizer, device};
use internlm_train::report::RunReport;
use internlm_train::{BaseWeights, Start, Trainer};

use crate::config::{FinetuneConfig, Method};
use crate::export::export_model;
use crate::lora::{Adapter, AdapterConfig, has_suffix, inject};
use crate::template::Template;
use crate::{Error, Result};

/// The base model of a run with its method of tuning applied.
pub(crate) struct Setup {
    /// The model: adapters injected, what is not trained frozen.
    pub(crate) decoder: Decoder,
    /// Its shape.
    pub(crate) model: ModelConfig,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) template: Template,
    /// Identity of the weights: a run resumes only on the same ones.
    pub(crate) base: BaseWeights,
}

/// Loads the model of `config` and applies its method.
pub(crate) fn load(config: &FinetuneConfig) -> Result<Setup> {
    let decoder = Decoder::load(&config.model.path, &device_of(config)?)?;
    // What cannot be written at the end is refused at the start.
    decoder.check_save()?;
    let model = decoder.config().clone();
    Ok(Setup {
        decoder: tuned(decoder, config)?,
        model,
        tokenizer: Tokenizer::load(&config.model.path)?,
        template: Template::load(&config.model.path, config.dataset.template.as_deref())?,
        base: BaseWeights::read("model.path", &config.model.path)?,
    })
}

/// The device that `config` names.
pub(crate) fn device_of(config: &FinetuneConfig) -> Result<Device> {
    Ok(device::parse(&config.run.device)?)
}

/// `decoder` with the method of `config`: what learns, and with which adapters.
pub(crate) fn tuned(decoder: Decoder, config: &FinetuneConfig) -> Result<Decoder> {
    match config.model.method {
        Method::Full => choose(decoder, &config.model.trained),
        Method::Lora | Method::Qlora | Method::Dora => {
            inject(decoder, &config.lora_tuning(), config.run.seed)
        }
    }
}

/// Freezes everything but the modules that end in one of `suffixes`; an empty list trains everything.
fn choose(mut decoder: Decoder, suffixes: &[String]) -> Result<Decoder> {
    if suffixes.is_empty() {
        return Ok(decoder);
    }
    let mut used = vec![false; suffixes.len()];
    let mut modules = Vec::new();
    for (name, mut parameter) in decoder.parameters_mut() {
        let module = name.rsplit_once('.').map_or(name.as_str(), |(module, _)| module);
        let matching = suffixes.iter().position(|suffix| has_suffix(module, suffix));
        parameter.set_training(if matching.is_some() { Training::Trained } else { Training::Frozen });
        matching.into_iter().for_each(|index| used[index] = true);
        modules.push(module.to_owned());
    }
    match used.iter().position(|used| !used) {
        Some(unused) => {
            modules.dedup();
            let found = format!("`{}`, which names no module", suffixes[unused]);
            Err(Error::mismatch("model.trained", found, format!("suffixes of {}", modules.join(", "))))
        }
        None => Ok(decoder),
    }
}

/// The trainer of `decoder` under the settings of `config`, for data of which one epoch takes `steps_per_epoch` steps.
pub(crate) fn trainer(
    config: &FinetuneConfig,
    decoder: Decoder,
    base: BaseWeights,
    steps_per_epoch: f64,
) -> Result<Trainer> {
    let model = decoder.config().clone();
    let settings = config.trainer(steps_per_epoch).with_base(base);
    let trainer = Trainer::new(model, decoder, settings)?;
    let trained: usize = trainer.parameters().iter().map(|info| info.elements()).sum();
    let steps = trainer.config().schedule.steps;
    tracing::info!(trained, steps, "tuning of {} parameters", total_parameters(trainer.decoder()));
    Ok(trainer)
}

/// Writes `adapter/`, when there are adapters, and the merged model into `hf/`.
pub(crate) fn write_model(config: &FinetuneConfig, trainer: &Trainer, tokenizer: &Tokenizer) -> Result<()> {
    let out = &config.run.out;
    if config.model.method != Method::Full {
        // The decoder in training mode knows what is trained; the one for measuring does not.
        let adapter = AdapterConfig::new(&config.lora_tuning(), &config.model.path);
        let adapter = Adapter::of(trainer.decoder(), adapter);
        // Two files that only make sense together: a kill leaves both of the old adapter or both of the new one.
        file::replace_folder(out.join("adapter"), |folder| adapter.write(folder))?;
    }
    let hf = out.join("hf");
    export_model(&trainer.validation_decoder(), tokenizer, &config.model.path, &hf)?;
    let template = Template::load(&config.model.path, config.dataset.template.as_deref())?;
    // A server writes what was trained.
    if let Some(source) = template.jinja() {
        file::write(hf.join("chat_template.jinja"), source)?;
    }
    Ok(())
}

/// The numbers of a finished run.
pub(crate) fn summary(trainer: &Trainer, report: &RunReport) -> Summary {
    let state = trainer.state();
    let trained: usize = trainer.parameters().iter().map(|info| info.elements()).sum();
    let mut summary = Summary::from_iter([
        ("parameters", total_parameters(trainer.decoder()) as f64),
        ("trained_parameters", trained as f64),
        ("steps", state.step as f64),
        ("tokens", state.tokens as f64),
        ("tokens_per_second", (state.tokens as f64 / state.seconds).round()),
        ("train_loss", significant(state.loss, 3)),
    ]);
    summary.extend(report.validation.iter().map(|(name, value)| (name.clone(), significant(*value, 3))));
    summary.push("seconds", state.seconds.round());
    summary
}

/// Number of parameters of the model without adapters, packed ones included.
fn total_parameters(decoder: &Decoder) -> usize {
    let mut decoder = decoder.clone();
    let packed: usize = decoder
        .linears_mut()
        .iter()
        .filter_map(|(_, linear)| linear.packed_matrix())
        .map(|matrix| matrix.shape().iter().product::<usize>())
        .sum();
    let own = decoder.parameters();
    let own = own.iter().filter(|(name, _)| !name.contains(".lora_"));
    packed + own.map(|(_, parameter)| parameter.shape().iter().product::<usize>()).sum::<usize>()
}

/// Writes the resolved config of a run that is allowed to start.
pub(crate) fn record(config: &FinetuneConfig, context: &RunContext) -> internlm_train::Result<()> {
    let origin = context.provenance_or(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    Start::record(&config.run.out, config, &origin)
}

/// Refuses to replace a finished run of another config in the folder of `config`.
pub(crate) fn protect(config: &FinetuneConfig, start: &Start) -> Result<()> {
    // These tables belong to other verbs: what they write is part of the data, which is compared by its hash.
    Ok(start.protect(&config.run.out, config, &["generate", "samples", "test"])?)
}

/// Refuses a length of `key` beyond the positions of the model.
pub(crate) fn check_length(key: &str, length: usize, model: &ModelConfig) -> Result<()> {
    if length <= model.max_position {
        return Ok(());
    }
    let expected = format!("at most the model's {} positions", model.max_position);
    Err(Error::mismatch(key, length.to_string(), expected))
}

/// Where the run in the folder `out` writes the numbers of its end.
pub(crate) fn summary_file(out: &Path) -> std::path::PathBuf {
    out.join("summary.json")
}
