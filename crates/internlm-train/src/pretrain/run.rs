//! From a config to a trained, exported model.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use internlm_kit::{atomic, provenance};
use internlm_model::decoder::Decoder;
use internlm_model::{ModelConfig, Tokenizer, device};

use super::{PretrainConfig, Summary, export};
use crate::batch::ShardRows;
use crate::report::{End, RunReport};
use crate::{Error, Hooks, Result, Resume, RowSource, RunConfig, Trainer, ValidationSet};

/// What a run did, and its summary when it finished.
#[derive(Clone, Debug, PartialEq)]
pub struct PretrainReport {
    /// How it went.
    pub run: RunReport,
    /// The numbers of `summary.json`; `None` when the run was stopped before its last step.
    pub summary: Option<Summary>,
}

/// Runs `config` into `config.run.out`: `checkpoints/`, `metrics.jsonl`, `config.toml` and, at the end, `hf/`
/// and `summary.json`.
///
/// # Errors
/// Bad data, models and checkpoints, I/O errors, and numbers that stay not finite.
pub fn pretrain(config: &PretrainConfig, resume: Resume, stop: Arc<AtomicBool>) -> Result<PretrainReport> {
    let device = device::parse(&config.run.device)?;
    let decoder = start_model(config, &device)?;
    let model = decoder.config().clone();
    let tokenizer = config.data.tokenizer.as_deref().map(Tokenizer::load).transpose()?;
    if let Some(tokenizer) = &tokenizer {
        check_vocabulary(config, tokenizer, &model)?;
    }
    let mut rows = ShardRows::open(&config.train_rows(model.vocab))?;
    let validation = config
        .validation(model.vocab)
        .map(|validation| ValidationSet::open(&validation, tokenizer.as_ref()))
        .transpose()?;
    let mut trainer = Trainer::new(model, decoder, config.trainer())?;
    describe(&trainer, config, &rows);
    write_config(config)?;
    let run = RunConfig { out: config.run.out.clone(), resume, stop };
    let report = trainer.fit(&mut rows, &mut Validate(validation), &run)?;
    let summary = match report.end {
        End::Stopped => None,
        End::Finished => {
            let hf = config.run.out.join("hf");
            export(&trainer.validation_decoder(), tokenizer.as_ref(), &hf)?;
            let summary = Summary::of(&trainer, &report, config.data.summary.as_deref())?;
            summary.write(&config.run.out.join("summary.json"))?;
            Some(summary)
        }
    };
    Ok(PretrainReport { run: report, summary })
}

/// A fresh model, or the one the run continues.
fn start_model(config: &PretrainConfig, device: &Device) -> Result<Decoder> {
    match (&config.run.init_from, &config.model) {
        (Some(path), _) => Ok(Decoder::load(path, device)?),
        (None, Some(model)) => Ok(config.init.decoder(model, config.run.seed, device)),
        (None, None) => Err(Error::mismatch("model", "no [model] and no run.init-from", "one of the two")),
    }
}

fn check_vocabulary(config: &PretrainConfig, tokenizer: &Tokenizer, model: &ModelConfig) -> Result<()> {
    let (found, most) = (tokenizer.vocab_size(), model.vocab);
    if found <= most {
        return Ok(());
    }
    let place = config.data.tokenizer.as_deref().unwrap_or_else(|| "data.tokenizer".as_ref());
    let expected = format!("at most the model's vocab {most}");
    Err(Error::mismatch(place.display().to_string(), format!("a vocabulary of {found}"), expected))
}

fn describe(trainer: &Trainer, config: &PretrainConfig, rows: &ShardRows) {
    let parameters: usize = trainer.parameters().iter().map(|info| info.elements()).sum();
    let packer = rows.packer();
    let step_tokens = config.data.seq_len * config.data.micro_bsz * config.data.micro_num;
    tracing::info!(
        parameters,
        tokens = packer.tokens(),
        rows = packer.rows(),
        dropped_documents = packer.dropped(),
        step_tokens,
        epochs = format!("{:.2}", rows.epoch(config.schedule.steps)),
        "pre-training of {} steps",
        config.schedule.steps
    );
}

/// The resolved config, defaults and overrides included.
fn write_config(config: &PretrainConfig) -> Result<()> {
    let path = config.run.out.join("config.toml");
    let text = toml::to_string_pretty(config)
        .map_err(|error| Error::mismatch("config", error.to_string(), "values that TOML can hold"))?;
    let text = provenance::header(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")) + &text;
    atomic::write(&path, text.as_bytes()).map_err(Error::io(&path, "write"))
}

/// Measures the held-out set, when there is one.
struct Validate(Option<ValidationSet>);

impl Hooks for Validate {
    fn validate(&mut self, _step: u64, decoder: &Decoder) -> Result<Vec<(String, f64)>> {
        self.0.as_ref().map_or(Ok(Vec::new()), |set| Ok(set.measure(decoder)?.named()))
    }
}
