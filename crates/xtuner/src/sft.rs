//! Supervised fine-tuning: from a config to a tuned model and, with LoRA, its adapter.

use std::path::{Path, PathBuf};

use internlm_kit::context::RunContext;
use internlm_kit::file;
use internlm_kit::rng::CounterRng;
use internlm_kit::summary::{Summary, significant};
use internlm_model::chat::ChatTemplate;
use internlm_model::decoder::Decoder;
use internlm_model::{ModelConfig, Tokenizer, device};
use internlm_train::report::{End, RunReport};
use internlm_train::{
    BaseWeights, FitOptions, Hooks, Row, Start, Trainer, ValidationConfig, ValidationSet, evaluate,
};

use crate::config::{FinetuneConfig, Method};
use crate::dataset::{EncodeStats, Encoded, MixedRows, Sample, SftRows, UnreadKeys, encode, read_openai};
use crate::export::export_model;
use crate::lora::{Adapter, AdapterConfig, inject};
use crate::{Error, Result};

/// What a fine-tuning run did, and its summary when it finished.
#[derive(Clone, Debug, PartialEq)]
pub struct FinetuneReport {
    /// How the loop ended and what the last validation measured.
    pub run: RunReport,
    /// The numbers of `summary.json`; `None` when the run was stopped before its last step.
    pub summary: Option<Summary>,
}

/// The encoded data of a run, split by a seeded permutation.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The samples that are learned from.
    pub train: Vec<Sample>,
    /// The samples that the validation loss is measured on.
    pub valid: Vec<Sample>,
    /// Counts over all conversations, before the split.
    pub stats: EncodeStats,
}

/// Runs `config` into `config.run.out`: `checkpoints/`, `metrics.jsonl`, `config.toml` and, at the end, `hf/`,
/// with LoRA `adapter/`, and `summary.json`.
///
/// A stop that is requested through `context` ends the run after the current step, with a checkpoint; the same call
/// then resumes it. A run of another config, of other data or of other weights at `config.model.path` in the same
/// folder is refused, unless `start` replaces it.
///
/// # Errors
/// Bad data, models and checkpoints, I/O errors, and losses that remain non-finite.
pub fn finetune(
    config: &FinetuneConfig,
    start: impl Into<Start>,
    context: &RunContext,
) -> Result<FinetuneReport> {
    let start = start.into();
    // These tables belong to other verbs: what they write is part of the data, which is compared by its hash.
    start.protect(&config.run.out, config, &["generate", "test"])?;
    let device = device::parse(&config.run.device)?;
    let decoder = Decoder::load(&config.model.path, &device)?;
    // What cannot be written at the end is refused at the start.
    decoder.check_save()?;
    let model = decoder.config().clone();
    let tokenizer = Tokenizer::load(&config.model.path)?;
    let template = ChatTemplate::load(&config.model.path)?;
    let data = load_dataset(config, &tokenizer, &template)?;
    check_length(config, &model)?;
    let section = &config.dataset;
    let rows = SftRows::new(&data.train, section.row_tokens(), section.rows_per_step, config.run.seed);
    let mut rows = MixedRows::conversations(rows);
    if let Some(text) = &section.pretrain {
        rows = rows.with_text(text, section.step_tokens(), model.vocab, config.run.seed)?;
    }
    let held_out = held_out_text(config, &model, &tokenizer)?;
    let decoder = match config.model.method {
        Method::Full => decoder,
        Method::Lora => inject(decoder, &config.lora, config.run.seed)?,
    };
    let settings = config.trainer(rows.packed().rows() as f64 / section.rows_per_step as f64);
    let base = BaseWeights::read("model.path", &config.model.path)?;
    let mut trainer = Trainer::new(model, decoder, settings.with_base(base))?;
    describe(&trainer, &data, rows.packed());
    let validation = data.valid.iter().map(Sample::row).collect();
    let mut hooks = RunHooks { config, context, rows: validation, held_out };
    let options = FitOptions::new(&config.run.out).with_start(start).with_context(context).with_lock()?;
    let report = trainer.fit(&mut rows, &mut hooks, &options)?;
    let summary = match report.end {
        End::Stopped => None,
        End::Finished => Some(finish(config, &trainer, &tokenizer, &report)?),
    };
    Ok(FinetuneReport { run: report, summary })
}

/// Reads and encodes every file of `config` and splits the validation samples off. Keys of the data that reach no
/// token are logged as warnings, one for each key.
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
    UnreadKeys::count(&conversations, template).warn();
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
    let limit = model.max_position;
    let text = config.dataset.pretrain.as_ref().map(|text| ("dataset.pretrain.seq-len", text.seq_len));
    let lengths = [("dataset.max-length", config.dataset.max_length)].into_iter().chain(text);
    match lengths.into_iter().find(|(_, length)| *length > limit) {
        Some((key, length)) => {
            let expected = format!("at most the model's {limit} positions");
            Err(Error::mismatch(key, length.to_string(), expected))
        }
        None => Ok(()),
    }
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
        let adapter = Adapter::of(trainer.decoder(), adapter);
        // Two files that only make sense together: a kill leaves both of the old adapter or both of the new one.
        file::replace_folder(out.join("adapter"), |folder| adapter.write(folder))?;
    }
    let decoder = trainer.validation_decoder();
    export_model(&decoder, tokenizer, &config.model.path, hf_folder(out))?;
    let summary = summary(trainer, report);
    summary.write(out.join("summary.json"))?;
    Ok(summary)
}

/// The numbers of a finished run.
fn summary(trainer: &Trainer, report: &RunReport) -> Summary {
    let state = trainer.state();
    let trained: usize = trainer.parameters().iter().map(|info| info.elements()).sum();
    let mut summary = Summary::from_iter([
        ("parameters", total_parameters(trainer) as f64),
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

/// Number of parameters of the model without adapters.
fn total_parameters(trainer: &Trainer) -> usize {
    trainer
        .decoder()
        .parameters()
        .iter()
        .filter(|(name, _)| !name.contains(".lora_"))
        .map(|(_, parameter)| parameter.shape().iter().product::<usize>())
        .sum()
}

/// Where the run in the folder `out` writes the tuned model.
#[must_use]
pub fn hf_folder(out: impl AsRef<Path>) -> PathBuf {
    out.as_ref().join("hf")
}

/// The held-out text of `[dataset.pretrain]`.
fn held_out_text(
    config: &FinetuneConfig,
    model: &ModelConfig,
    tokenizer: &Tokenizer,
) -> Result<Option<ValidationSet>> {
    let Some(text) = &config.dataset.pretrain else { return Ok(None) };
    let Some(dir) = text.valid.clone() else { return Ok(None) };
    let held_out = ValidationConfig::new(dir, model.vocab)
        .with_tokens(text.valid_tokens)
        .with_seq_len(text.seq_len)
        .with_pass_tokens(config.run.pass_tokens);
    Ok(Some(ValidationSet::open(&held_out, Some(tokenizer))?))
}

/// What a run adds to the loop: its resolved config, the loss on held-out conversations, and bits per byte of
/// held-out text.
struct RunHooks<'a> {
    config: &'a FinetuneConfig,
    context: &'a RunContext,
    rows: Vec<Row>,
    held_out: Option<ValidationSet>,
}

impl Hooks for RunHooks<'_> {
    fn started(&mut self) -> internlm_train::Result<()> {
        let origin = self.context.provenance_or(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Start::record(&self.config.run.out, self.config, &origin)
    }

    fn validate(&mut self, _step: u64, decoder: &Decoder) -> internlm_train::Result<Vec<(String, f64)>> {
        let mut measured = Vec::new();
        if !self.rows.is_empty() {
            let loss = evaluate(decoder, &self.rows, self.config.run.pass_tokens)?.loss();
            measured.push(("valid_loss".to_owned(), loss));
        }
        if let Some(held_out) = &self.held_out {
            let bits = held_out.measure(decoder)?.bits_per_byte;
            measured.extend(bits.map(|bits| ("valid_bits_per_byte".to_owned(), bits)));
        }
        Ok(measured)
    }
}
