//! [`run`]: from a config to a model that prefers what people prefer.

use std::sync::Arc;

use burn::module::Module;
use internlm_kit::context::RunContext;
use internlm_kit::rng::CounterRng;
use internlm_model::decoder::Decoder;
use internlm_train::report::{End, RunReport};
use internlm_train::{FitOptions, Hooks, Objective, Start};

use super::config::{PreferenceConfig, ReferenceConfig};
use super::data::{PreferenceData, load_preferences, pack_examples};
use super::held_out::HeldOut;
use super::objective::PreferenceObjective;
use super::reference::Reference;
use super::rows::{PackedExamples, PreferenceRows};
use super::stored::Store;
use crate::config::{FinetuneConfig, Method};
use crate::samples::Samples;
use crate::setup::Setup;
use crate::{Error, FinetuneReport, Result, setup};

/// Runs preference learning into `config.run.out`, which holds what every fine-tuning run writes; `metrics.jsonl` has
/// rewards, accuracy and margin of each step, and of held-out comparisons at each validation.
///
/// # Errors
/// Bad data, models and checkpoints, settings that contradict each other, I/O errors, and losses that remain
/// non-finite.
pub fn run(
    config: &FinetuneConfig,
    preference: &PreferenceConfig,
    start: Start,
    context: &RunContext,
) -> Result<FinetuneReport> {
    check(config, preference)?;
    let setup = setup::load(config)?;
    setup::check_length("dataset.max-length", config.dataset.max_length, &setup.model)?;
    let data = load_preferences(config, preference, &setup.tokenizer, &setup.template)?;
    let (train, valid) = (pack_examples(config, &data.train)?, pack_examples(config, &data.valid)?);
    let mut rows = PreferenceRows::new(train, config.dataset.rows_per_step, config.run.seed);
    describe(&data, rows.packed());
    let options = FitOptions::new(&config.run.out).with_start(start).with_context(context).with_lock()?;
    let mut sets = measured_sets(config, rows.packed(), valid);
    let before = BeforeTraining { config, preference, setup: &setup, context };
    let Some(reference) = before.reference(rows.packed(), &mut sets)? else {
        return Ok(stopped());
    };
    let steps_per_epoch = rows.packed().rows().len() as f64 / config.dataset.rows_per_step as f64;
    let objective = PreferenceObjective::new(preference.clone(), rows.clone(), reference);
    let decoder = match config.dataset.neftune(config.run.seed) {
        Some(noise) => setup.decoder.with_embedding_noise(noise),
        None => setup.decoder,
    };
    let mut trainer = setup::trainer(config, decoder, setup.base, steps_per_epoch)?;
    let samples = Samples::of(config, &setup.tokenizer, &setup.template);
    let mut hooks = RunHooks { config, preference, context, objective, sets, samples };
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

/// Refuses a reference that cannot be made.
fn check(config: &FinetuneConfig, preference: &PreferenceConfig) -> Result<()> {
    let full = config.model.method == Method::Full;
    if full && preference.reference == Some(ReferenceConfig::AdapterOff) {
        let expected = "frozen-copy or stored: model.method = \"full\" has no adapters";
        return Err(Error::mismatch("objective.reference", "adapter-off", expected));
    }
    Ok(())
}

/// A run that was asked to stop before its first step.
fn stopped() -> FinetuneReport {
    let run = RunReport { end: End::Stopped, resumed_from: None, validation: Vec::new(), peak: 0.0 };
    FinetuneReport { run, summary: None }
}

fn describe(data: &PreferenceData, packed: &PackedExamples) {
    let stats = data.stats;
    tracing::info!(
        comparisons = stats.read,
        truncated = stats.truncated,
        without_answer = stats.without_answer,
        equal = stats.equal,
        too_long = stats.too_long,
        tokens = stats.tokens,
        rows = packed.rows().len(),
        held_out = data.valid.len(),
        "preference learning from {} examples",
        packed.examples()
    );
}

/// The held-out examples, and rows of as many of those that are learned from: the distance of both is what was learned
/// by heart.
fn measured_sets(config: &FinetuneConfig, train: &PackedExamples, valid: PackedExamples) -> Vec<HeldOut> {
    let (mut numbers, mut examples) = (Vec::new(), 0);
    for number in CounterRng::new(config.run.seed, "measured").permutation(train.rows().len()) {
        if examples >= valid.examples() {
            break;
        }
        examples += train.examples_of(number);
        numbers.push(number);
    }
    let sets = [("valid", valid), ("train", train.chosen(&numbers))];
    let sets = sets.into_iter().filter(|(_, packed)| packed.examples() > 0);
    sets.map(|(name, packed)| HeldOut { name, packed, references: None }).collect()
}

/// What the reference is made from.
struct BeforeTraining<'a> {
    config: &'a FinetuneConfig,
    preference: &'a PreferenceConfig,
    setup: &'a Setup,
    context: &'a RunContext,
}

impl BeforeTraining<'_> {
    /// The reference that the config asks for; `None` when a stop was requested before its numbers were complete.
    fn reference(&self, train: &PackedExamples, sets: &mut [HeldOut]) -> Result<Option<Reference>> {
        if !self.preference.loss.needs_reference() {
            return Ok(Some(Reference::Absent));
        }
        // The copy shares the numbers of what is frozen; what is trained is copied when the first step changes it.
        let decoder = self.setup.decoder.clone().without_adapters().valid();
        let pass_tokens = self.config.run.pass_tokens;
        if self.preference.reference != Some(ReferenceConfig::Stored) {
            return Ok(Some(Reference::model(decoder, pass_tokens)));
        }
        let store = Store {
            decoder: &decoder,
            model: self.identity(),
            folder: &self.config.run.out,
            pass_tokens,
            context: self.context,
        };
        for set in sets {
            let Some(sums) = store.sums(&set.packed)? else { return Ok(None) };
            set.references = Some(sums);
        }
        Ok(store.sums(train)?.map(|sums| Reference::Stored(Arc::new(sums))))
    }

    /// What the reference's numbers depend on: the weights, and how they are held in memory.
    fn identity(&self) -> String {
        let format = match self.config.model.method {
            Method::Full => String::new(),
            _ => serde_json::to_string(&self.config.lora_tuning()).unwrap_or_default(),
        };
        format!("{} {format}", self.setup.base.hash)
    }
}

/// What a run adds to the loop: its resolved config, its loss, and what is measured on held-out examples.
struct RunHooks<'a> {
    config: &'a FinetuneConfig,
    preference: &'a PreferenceConfig,
    context: &'a RunContext,
    objective: PreferenceObjective,
    sets: Vec<HeldOut>,
    samples: Option<Samples<'a>>,
}

impl Hooks for RunHooks<'_> {
    fn started(&mut self) -> internlm_train::Result<()> {
        setup::record(self.config, self.context)
    }

    fn objective(&mut self) -> Option<&mut dyn Objective> {
        Some(&mut self.objective)
    }

    fn validate(&mut self, step: u64, decoder: &Decoder) -> internlm_train::Result<Vec<(String, f64)>> {
        if let Some(samples) = &self.samples {
            samples.log(step, decoder);
        }
        let mut measured = Vec::new();
        let reader = (decoder, self.config.run.pass_tokens);
        for set in &mut self.sets {
            measured.extend(set.measure(self.preference, self.objective.reference(), reader)?);
        }
        // The summary has the loss of the last steps under this name.
        measured.retain(|(name, _)| name != "train_loss");
        Ok(measured)
    }
}
