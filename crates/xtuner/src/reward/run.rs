//! [`run`]: from a config to a reward model.

use internlm_kit::context::RunContext;
use internlm_model::decoder::Decoder;
use internlm_train::report::End;
use internlm_train::{FitOptions, Hooks, Objective, Start};

use super::config::RewardConfig;
use super::data::{RewardData, load_pairs, packed};
use super::encode::RewardPair;
use super::head;
use super::loss::PairLoss;
use super::measure::{RewardMeasure, measure};
use super::objective::RewardObjective;
use crate::config::FinetuneConfig;
use crate::dataset::Reduction;
use crate::preference::{PackedExamples, PreferenceRows};
use crate::{Error, FinetuneReport, Result, setup};

/// Trains a reward model into `config.run.out`, which holds what every fine-tuning run writes; the model in `hf/` is an
/// `InternLM2ForRewardModel` that keeps the system prompts of its domains. `metrics.jsonl` has scores and accuracy of
/// each step, and of held-out comparisons at each validation.
///
/// # Errors
/// Bad data, models and checkpoints, settings that contradict each other, I/O errors, and losses that remain
/// non-finite.
pub fn run(
    config: &FinetuneConfig,
    reward: &RewardConfig,
    start: Start,
    context: &RunContext,
) -> Result<FinetuneReport> {
    check(config)?;
    // The file that records the run has the config as it was given.
    let (tuning, setup) = head::load(config, reward)?;
    setup::check_length("dataset.max-length", config.dataset.max_length, &setup.model)?;
    let data = load_pairs(config, &setup.model, (&setup.tokenizer, &setup.template))?;
    let mut rows =
        PreferenceRows::new(packed(config, &data.train)?, config.dataset.rows_per_step, config.run.seed);
    describe(&data, rows.packed());
    let objective = RewardObjective::new(reward.clone(), rows.clone());
    let decoder = match config.dataset.neftune(config.run.seed) {
        Some(noise) => setup.decoder.with_embedding_noise(noise),
        None => setup.decoder,
    };
    let steps_per_epoch = rows.packed().rows().len() as f64 / config.dataset.rows_per_step as f64;
    let mut trainer = setup::trainer(&tuning, decoder, setup.base, steps_per_epoch)?;
    let mut hooks = RunHooks { config, reward, context, objective, held_out: data.valid };
    let options = FitOptions::new(&config.run.out).with_start(start).with_context(context).with_lock()?;
    let report = trainer.fit(&mut rows, &mut hooks, &options)?;
    let summary = match report.end {
        End::Stopped => None,
        End::Finished => {
            setup::write_model(&tuning, &trainer, &setup.tokenizer)?;
            let summary = setup::summary(&trainer, &report);
            summary.write(setup::summary_file(&config.run.out))?;
            Some(summary)
        }
    };
    Ok(FinetuneReport { run: report, summary })
}

/// Refuses settings that change nothing here.
fn check(config: &FinetuneConfig) -> Result<()> {
    let data = &config.dataset;
    let unread = [
        ("dataset.pretrain", data.pretrain.is_some()),
        ("dataset.reduction", data.reduction != Reduction::default()),
        ("dataset.group-by-length", data.group_by_length),
    ];
    if config.samples.is_some() {
        let expected = "no such table: a reward model gives scores and no answers";
        return Err(Error::mismatch("samples", "a table", expected));
    }
    match unread.into_iter().find(|(_, is_set)| *is_set) {
        Some((key, _)) => {
            let expected = "no such setting: a step is the mean over the pairs of its rows";
            Err(Error::mismatch(key, "a setting of conversations", expected))
        }
        None => Ok(()),
    }
}

fn describe(data: &RewardData, packed: &PackedExamples) {
    let stats = data.stats;
    tracing::info!(
        comparisons = stats.read,
        truncated = stats.truncated,
        equal = stats.equal,
        too_long = stats.too_long,
        tokens = stats.tokens,
        rows = packed.rows().len(),
        held_out = data.valid.len(),
        "reward model from {} pairs",
        packed.examples()
    );
    if stats.without_domain > 0 {
        tracing::warn!(
            "{} of {} comparisons have no `domain`: they get no system prompt",
            stats.without_domain,
            stats.read
        );
    }
}

/// What a run adds to the loop: its resolved config, its loss, and what is measured on held-out pairs.
struct RunHooks<'a> {
    config: &'a FinetuneConfig,
    reward: &'a RewardConfig,
    context: &'a RunContext,
    objective: RewardObjective,
    held_out: Vec<RewardPair>,
}

impl Hooks for RunHooks<'_> {
    fn started(&mut self) -> internlm_train::Result<()> {
        setup::record(self.config, self.context)
    }

    fn objective(&mut self) -> Option<&mut dyn Objective> {
        Some(&mut self.objective)
    }

    fn validate(&mut self, _step: u64, decoder: &Decoder) -> internlm_train::Result<Vec<(String, f64)>> {
        if self.held_out.is_empty() {
            return Ok(Vec::new());
        }
        let measured = measure(decoder, &self.held_out, self.config.run.pass_tokens)?;
        let loss = ("loss".to_owned(), mean_loss(self.reward, &measured));
        let named = std::iter::once(loss).chain(measured.named());
        Ok(named.map(|(name, value)| (format!("valid_{name}"), value)).collect())
    }
}

fn mean_loss(reward: &RewardConfig, measured: &RewardMeasure) -> f64 {
    let losses: f64 = measured.scores.iter().map(|scores| PairLoss::of(reward, *scores).loss).sum();
    losses / measured.scores.len().max(1) as f64
}
