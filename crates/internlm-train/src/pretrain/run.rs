//! From a config to a trained, exported model.

use burn::tensor::Device;
use internlm_kit::context::RunContext;
use internlm_kit::summary::Summary;
use internlm_model::decoder::Decoder;
use internlm_model::{ModelConfig, Tokenizer, device};

use super::summary::summary;
use super::{PretrainConfig, export};
use crate::batch::ShardRows;
use crate::report::{End, RunReport};
use crate::{BaseWeights, Error, FitOptions, Hooks, Result, RowSource, Start, Trainer, ValidationSet};

/// What a pre-training run did, and its summary when it finished.
#[derive(Clone, Debug, PartialEq)]
pub struct PretrainReport {
    /// How the loop ended and what the last validation measured.
    pub run: RunReport,
    /// The numbers of `summary.json`; `None` when the run was stopped before its last step.
    pub summary: Option<Summary>,
}

/// Runs `config` into `config.run.out`: `checkpoints/`, `metrics.jsonl`, `config.toml` and, at the end, `hf/`
/// and `summary.json`.
///
/// A stop that is requested through `context` ends the run after the current step, with a checkpoint; the same call
/// then resumes it. A finished run of another config in the same folder is refused, unless `start` replaces it.
///
/// # Errors
/// Bad data, models and checkpoints, I/O errors, and losses that remain non-finite.
pub fn pretrain(
    config: &PretrainConfig,
    start: impl Into<Start>,
    context: &RunContext,
) -> Result<PretrainReport> {
    let start = start.into();
    start.protect(&config.run.out, config, &[])?;
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
    let mut settings = config.trainer();
    if let Some(path) = &config.run.init_from {
        settings = settings.with_base(BaseWeights::read("run.init-from", path)?);
    }
    let mut trainer = Trainer::new(model, decoder, settings)?;
    describe(&trainer, config, &rows);
    let mut hooks = RunHooks { config, context, validation };
    let options = FitOptions::new(&config.run.out).with_start(start).with_context(context).with_lock()?;
    let report = trainer.fit(&mut rows, &mut hooks, &options)?;
    let summary = match report.end {
        End::Stopped => None,
        End::Finished => {
            let hf = config.run.out.join("hf");
            export(&trainer.validation_decoder(), tokenizer.as_ref(), hf)?;
            let summary = summary(&trainer, &report, config.data.summary.as_deref())?;
            summary.write(config.run.out.join("summary.json"))?;
            Some(summary)
        }
    };
    Ok(PretrainReport { run: report, summary })
}

/// A new model, or the one that the run starts from.
fn start_model(config: &PretrainConfig, device: &Device) -> Result<Decoder> {
    let decoder = match (&config.run.init_from, &config.model) {
        (Some(path), _) => Decoder::load(path, device)?,
        (None, Some(model)) => config.init.decoder(model, config.run.seed, device),
        (None, None) => {
            return Err(Error::mismatch("model", "no [model] and no run.init-from", "one of the two"));
        }
    };
    // What cannot be written at the end is refused at the start.
    decoder.check_save()?;
    let precision = config.run.precision;
    let expected = "f32-exact: the device does not compute in this format";
    decoder
        .with_precision(precision)
        .map_err(|_| Error::mismatch("run.precision", precision.to_string(), expected))
}

fn check_vocabulary(config: &PretrainConfig, tokenizer: &Tokenizer, model: &ModelConfig) -> Result<()> {
    let (found, limit) = (tokenizer.vocab_size(), model.vocab);
    if found <= limit {
        return Ok(());
    }
    let place = config.data.tokenizer.as_deref().unwrap_or_else(|| "data.tokenizer".as_ref());
    let expected = format!("at most the model's vocab {limit}");
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

/// What a run adds to the loop: its resolved config, and the held-out text.
struct RunHooks<'a> {
    config: &'a PretrainConfig,
    context: &'a RunContext,
    validation: Option<ValidationSet>,
}

impl Hooks for RunHooks<'_> {
    fn started(&mut self) -> Result<()> {
        let origin = self.context.provenance_or(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Start::record(&self.config.run.out, self.config, &origin)
    }

    fn validate(&mut self, _step: u64, decoder: &Decoder) -> Result<Vec<(String, f64)>> {
        self.validation.as_ref().map_or(Ok(Vec::new()), |set| Ok(set.measure(decoder)?.named()))
    }
}
