//! Supervised fine-tuning: from a config to a tuned model and, with LoRA, its adapter.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use internlm_kit::rng::CounterRng;
use internlm_kit::{atomic, provenance};
use internlm_model::chat::ChatTemplate;
use internlm_model::decoder::Decoder;
use internlm_model::{ModelConfig, Tokenizer, device};
use internlm_train::report::{End, RunReport};
use internlm_train::{Hooks, Resume, Row, RunConfig, Trainer, evaluate};

use crate::config::{FinetuneConfig, Method};
use crate::dataset::{EncodeStats, Encoded, Sample, SftRows, encode, read_openai};
use crate::export::export_model;
use crate::lora::{Adapter, AdapterConfig, inject};
use crate::summary::Summary;
use crate::{Error, Result};

/// What a run did, and its summary when it finished.
#[derive(Clone, Debug, PartialEq)]
pub struct FinetuneReport {
    /// How it went.
    pub run: RunReport,
    /// The numbers of `summary.json`; `None` when the run was stopped before its last step.
    pub summary: Option<Summary>,
}

/// The encoded data of a run, split by a seeded permutation.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What is learned from.
    pub train: Vec<Sample>,
    /// What the validation loss is measured on.
    pub valid: Vec<Sample>,
    /// Counts over both.
    pub stats: EncodeStats,
}

/// Runs `config` into `config.run.out`: `checkpoints/`, `metrics.jsonl`, `config.toml` and, at the end, `hf/`,
/// with LoRA `adapter/`, and `summary.json`.
///
/// # Errors
/// Bad data, models and checkpoints, I/O errors, and numbers that stay not finite.
pub fn finetune(config: &FinetuneConfig, resume: Resume, stop: Arc<AtomicBool>) -> Result<FinetuneReport> {
    let device = device::parse(&config.run.device)?;
    let decoder = Decoder::load(&config.model.path, &device)?;
    let tokenizer = Tokenizer::load(&config.model.path)?;
    let template = ChatTemplate::load(&config.model.path)?;
    let data = load_dataset(config, &tokenizer, &template)?;
    check_length(config, decoder.config())?;
    let section = &config.dataset;
    let mut rows = SftRows::new(&data.train, section.row_tokens(), section.rows_per_step, config.run.seed);
    let decoder = match config.model.method {
        Method::Full => decoder,
        Method::Lora => inject(decoder, &config.lora, config.run.seed)?,
    };
    let settings = config.trainer(rows.rows() as f64 / section.rows_per_step as f64);
    let mut trainer = Trainer::new(decoder.config().clone(), decoder, settings)?;
    describe(&trainer, &data, &rows);
    write_config(config)?;
    let validation = data.valid.iter().map(Sample::row).collect();
    let mut hooks = Validation { rows: validation, pass_tokens: config.run.pass_tokens };
    let run = RunConfig { out: config.run.out.clone(), resume, stop };
    let report = trainer.fit(&mut rows, &mut hooks, &run)?;
    let summary = match report.end {
        End::Stopped => None,
        End::Finished => Some(finish(config, &trainer, &tokenizer, &report)?),
    };
    Ok(FinetuneReport { run: report, summary })
}

/// Reads and encodes every file of `config` and splits the validation samples off.
///
/// # Errors
/// Files that cannot be read or parsed, and data without a sample.
pub fn load_dataset(
    config: &FinetuneConfig,
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
) -> Result<Dataset> {
    let mut conversations = Vec::new();
    for path in &config.dataset.paths {
        let read = read_openai(path)?;
        if read.is_empty() {
            return Err(Error::mismatch(path.display().to_string(), "no conversation", "one per line"));
        }
        conversations.extend(read);
    }
    let Encoded { samples, stats } = encode(&conversations, tokenizer, template, config.dataset.max_length)?;
    let count = config.dataset.valid_conversations.min(samples.len() / 10);
    let order = CounterRng::new(config.run.seed, "validation").permutation(samples.len());
    let mut held_out = vec![false; samples.len()];
    order.into_iter().take(count).for_each(|sample| held_out[sample] = true);
    let (mut train, mut valid) = (Vec::new(), Vec::new());
    for (sample, held_out) in samples.into_iter().zip(held_out) {
        if held_out { valid.push(sample) } else { train.push(sample) }
    }
    Ok(Dataset { train, valid, stats })
}

fn check_length(config: &FinetuneConfig, model: &ModelConfig) -> Result<()> {
    let (found, most) = (config.dataset.max_length, model.max_position);
    if found <= most {
        return Ok(());
    }
    let expected = format!("at most the model's {most} positions");
    Err(Error::mismatch("dataset.max-length", found.to_string(), expected))
}

fn describe(trainer: &Trainer, data: &Dataset, rows: &SftRows) {
    let trained: usize = trainer.parameters().iter().map(|info| info.elements()).sum();
    let EncodeStats { conversations, truncated, dropped, labels, .. } = data.stats;
    let (tokens, rows) = (rows.tokens(), rows.rows());
    let steps = trainer.config().schedule.steps;
    tracing::info!(
        trained,
        conversations,
        truncated,
        dropped,
        tokens,
        labels,
        rows,
        "fine-tuning of {steps} steps"
    );
}

/// The resolved config, defaults and overrides included.
fn write_config(config: &FinetuneConfig) -> Result<()> {
    let path = config.run.out.join("config.toml");
    let text = toml::to_string_pretty(config)
        .map_err(|error| Error::mismatch("config", error.to_string(), "values that TOML can hold"))?;
    let text = provenance::header(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")) + &text;
    atomic::write(&path, text.as_bytes()).map_err(Error::io(&path, "write"))
}

/// Writes adapter, merged model and summary.
fn finish(
    config: &FinetuneConfig,
    trainer: &Trainer,
    tokenizer: &Tokenizer,
    report: &RunReport,
) -> Result<Summary> {
    let out = &config.run.out;
    if config.model.method == Method::Lora {
        // The decoder in training mode knows what is trained; the one for measuring does not.
        let adapter = AdapterConfig::new(&config.lora, &config.model.path);
        Adapter::of(trainer.decoder(), adapter).write(&out.join("adapter"))?;
    }
    let decoder = trainer.validation_decoder();
    export_model(&decoder, tokenizer, &config.model.path, &hf_folder(out))?;
    let total: usize = total_parameters(trainer);
    let summary = Summary::of(trainer, report, total);
    summary.write(&out.join("summary.json"))?;
    Ok(summary)
}

/// Parameters of the model without adapters.
fn total_parameters(trainer: &Trainer) -> usize {
    trainer
        .decoder()
        .parameters()
        .iter()
        .filter(|(name, _)| !name.contains(".lora_"))
        .map(|(_, parameter)| parameter.shape().iter().product::<usize>())
        .sum()
}

/// Where a run puts the tuned model.
#[must_use]
pub fn hf_folder(out: &Path) -> PathBuf {
    out.join("hf")
}

/// Loss on the held-out conversations.
struct Validation {
    rows: Vec<Row>,
    pass_tokens: usize,
}

impl Hooks for Validation {
    fn validate(&mut self, _step: u64, decoder: &Decoder) -> internlm_train::Result<Vec<(String, f64)>> {
        if self.rows.is_empty() {
            return Ok(Vec::new());
        }
        let loss = evaluate(decoder, &self.rows, self.pass_tokens)?.loss();
        Ok(vec![("valid_loss".to_owned(), loss)])
    }
}
