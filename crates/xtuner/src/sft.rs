//! Supervised fine-tuning: from a config to a tuned model and, with LoRA, its adapter.

use std::path::{Path, PathBuf};

use internlm_kit::context::RunContext;
use internlm_kit::rng::CounterRng;
use internlm_model::decoder::Decoder;
use internlm_model::{ModelConfig, Tokenizer};
use internlm_train::report::End;
use internlm_train::{FitOptions, Hooks, Row, Start, ValidationConfig, ValidationSet, evaluate};

use crate::config::{FinetuneConfig, ObjectiveConfig};
use crate::dataset::format::{self, ReadOptions};
use crate::dataset::{Document, EncodeStats, MixedRows, Sample, SampleSet, SftRows, UnreadKeys, encode};
use crate::finetune_report::FinetuneReport;
use crate::samples::Samples;
use crate::template::Template;
use crate::{Error, Result, preference, reward, rl, setup};

/// The encoded data of a run, split by a seeded permutation.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The samples that are learned from, one set for each source of the config.
    pub train: Vec<SampleSet>,
    /// The samples that the validation loss is measured on.
    pub valid: Vec<Sample>,
    /// Counts over all conversations, before the split.
    pub stats: EncodeStats,
}

/// Runs `config` into `config.run.out`: `checkpoints/`, `metrics.jsonl`, `config.toml` and, at the end, `hf/`,
/// with adapters `adapter/`, and `summary.json`. What is minimized is the config's objective.
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
    setup::protect(config, &start)?;
    match &config.objective {
        ObjectiveConfig::Sft => supervised(config, start, context),
        ObjectiveConfig::Preference(preference) => preference::run(config, preference, start, context),
        ObjectiveConfig::Reward(reward) => reward::run(config, reward, start, context),
        ObjectiveConfig::Grpo(grpo) => rl::run_grpo(config, grpo, start, context),
        ObjectiveConfig::Ppo(ppo) => rl::run_ppo(config, ppo, start, context),
    }
}

fn supervised(config: &FinetuneConfig, start: Start, context: &RunContext) -> Result<FinetuneReport> {
    let setup = setup::load(config)?;
    let data = load_dataset(config, &setup.tokenizer, &setup.template)?;
    setup::check_length("dataset.max-length", config.dataset.max_length, &setup.model)?;
    let section = &config.dataset;
    let rows = SftRows::new(&data.train, &config.rows_config())?;
    let mut rows = MixedRows::conversations(rows);
    if let Some(text) = &section.pretrain {
        setup::check_length("dataset.pretrain.seq-len", text.seq_len, &setup.model)?;
        rows = rows.with_text(text, section.step_tokens(), setup.model.vocab, config.run.seed)?;
    }
    let held_out = held_out_text(config, &setup.model, &setup.tokenizer)?;
    let decoder = match config.dataset.neftune(config.run.seed) {
        Some(noise) => setup.decoder.with_embedding_noise(noise),
        None => setup.decoder,
    };
    let steps_per_epoch = rows.packed().rows() as f64 / section.rows_per_step as f64;
    let mut trainer = setup::trainer(config, decoder, setup.base, steps_per_epoch)?;
    describe(&data, rows.packed());
    let validation = data.valid.iter().map(Sample::row).collect();
    let samples = Samples::of(config, &setup.tokenizer, &setup.template);
    let mut hooks = RunHooks { config, context, rows: validation, held_out, samples };
    let options = FitOptions::new(&config.run.out).with_start(start).with_context(context).with_lock()?;
    let report = trainer.fit(&mut rows, &mut hooks, &options)?;
    let summary = match report.end {
        End::Stopped => None,
        End::Finished => {
            setup::write_model(config, &trainer, &setup.tokenizer)?;
            let summary = setup::summary(&trainer, &report);
            summary.write(setup::summary_file(&config.run.out))?;
            Some(summary)
        }
    };
    Ok(FinetuneReport { run: report, summary })
}

/// Reads and encodes every file of `config` and splits the validation samples off. Keys of the data that reach no
/// token are logged as warnings, one for each key.
///
/// # Errors
/// Files that cannot be read or parsed, and data without a sample.
pub fn load_dataset(config: &FinetuneConfig, tokenizer: &Tokenizer, template: &Template) -> Result<Dataset> {
    let (mut sets, mut stats, mut unread) = (Vec::new(), EncodeStats::default(), UnreadKeys::default());
    for source in config.dataset.sources() {
        let mut documents: Vec<Document> = Vec::new();
        for path in &source.paths {
            let options = ReadOptions::new(source.format).with_compat(source.compat);
            let read = format::read_with(path, &options)?;
            if read.is_empty() {
                return Err(Error::mismatch(path.display().to_string(), "no conversation", "one per line"));
            }
            documents.extend(read);
        }
        unread.count(&documents, template);
        let encoded = encode(&documents, tokenizer, template, config.dataset.max_length)?;
        stats.add(&encoded.stats);
        sets.push(SampleSet {
            samples: encoded.samples,
            repeat: source.repeat,
            weight: source.weight as f32,
        });
    }
    unread.warn();
    let valid = split(&mut sets, config);
    Ok(Dataset { train: sets, valid, stats })
}

/// Takes the validation samples out of `sets`: a seeded choice over all of them.
fn split(sets: &mut [SampleSet], config: &FinetuneConfig) -> Vec<Sample> {
    let total: usize = sets.iter().map(|set| set.samples.len()).sum();
    let count = config.dataset.valid_conversations.min(total / 10);
    let order = CounterRng::new(config.run.seed, "validation").permutation(total);
    let mut held_out = vec![false; total];
    order.into_iter().take(count).for_each(|sample| held_out[sample] = true);
    let (mut valid, mut marks) = (Vec::new(), held_out.into_iter());
    for set in sets {
        let samples = std::mem::take(&mut set.samples);
        for (sample, held_out) in samples.into_iter().zip(marks.by_ref()) {
            if held_out { valid.push(sample) } else { set.samples.push(sample) }
        }
    }
    valid
}

fn describe(data: &Dataset, rows: &SftRows) {
    let EncodeStats { conversations, truncated, dropped, labels, .. } = data.stats;
    let (tokens, rows) = (rows.tokens(), rows.rows());
    tracing::info!(conversations, truncated, dropped, tokens, labels, rows, "supervised fine-tuning");
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
    samples: Option<Samples<'a>>,
}

impl Hooks for RunHooks<'_> {
    fn started(&mut self) -> internlm_train::Result<()> {
        setup::record(self.config, self.context)
    }

    fn validate(&mut self, step: u64, decoder: &Decoder) -> internlm_train::Result<Vec<(String, f64)>> {
        if let Some(samples) = &self.samples {
            samples.log(step, decoder);
        }
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
