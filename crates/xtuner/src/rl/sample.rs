//! [`sample_answers`]: answers of a model to the prompts of a run, scored but not learned from.

use std::path::PathBuf;

use burn::module::Module;
use internlm_kit::context::RunContext;
use internlm_model::chat::openai::write_messages;

use super::collect::{Ask, Collector};
use super::labels::AnswerRecord;
use super::prepare::Shared;
use super::round::{Purpose, StoredAnswer};
use crate::config::{FinetuneConfig, ObjectiveConfig};
use crate::{Error, Result, setup};

/// Which answers are generated.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SampleOptions {
    /// Folder of the model that answers; default `model.path` of the config.
    pub model: Option<PathBuf>,
    /// Number of answers to each prompt; default that of the config.
    pub answers: Option<usize>,
    /// Maximum number of prompts, from the beginning of the files; default all.
    pub limit: Option<usize>,
}

impl SampleOptions {
    /// The same with answers of the model in this folder.
    #[must_use]
    pub fn with_model(self, model: impl Into<PathBuf>) -> Self {
        Self { model: Some(model.into()), ..self }
    }

    /// The same with this number of answers to each prompt.
    #[must_use]
    pub fn with_answers(self, answers: usize) -> Self {
        Self { answers: Some(answers), ..self }
    }

    /// The same for the first `limit` prompts.
    #[must_use]
    pub fn with_limit(self, limit: usize) -> Self {
        Self { limit: Some(limit), ..self }
    }
}

/// Answers to the prompts of `config`, whose objective is `grpo` or `ppo`, with their rewards.
///
/// # Errors
/// Another objective, and whatever a run of that config would refuse.
pub fn sample_answers(
    config: &FinetuneConfig,
    options: &SampleOptions,
    context: &RunContext,
) -> Result<Vec<AnswerRecord>> {
    let mut config = config.clone();
    if let Some(model) = &options.model {
        config.model.path.clone_from(model);
    }
    let shared = match &config.objective {
        ObjectiveConfig::Grpo(grpo) => Shared::of_grpo(grpo),
        ObjectiveConfig::Ppo(ppo) => Shared::of_ppo(ppo),
        _ => return Err(Error::mismatch("objective.kind", "another objective", "`grpo` or `ppo`")),
    };
    let setup = setup::load(&config)?;
    let answers = options.answers.unwrap_or(shared.answers);
    let shared = Shared { answers, ..shared };
    let mut collector = shared.prepare(&config, &setup)?.collector;
    let decoder = setup.decoder.without_adapters().valid();
    let count = collector.asked.prompts.len();
    let asked: Vec<usize> = (0..options.limit.unwrap_or(count).min(count)).collect();
    let progress = context.reporter.start("rollout", "prompts", asked.len() as u64);
    collector.rollout.update(&decoder)?;
    let mut records = Vec::with_capacity(asked.len() * answers);
    for (number, prompts) in asked.chunks(shared.rounds.prompts).enumerate() {
        let ask = Ask { purpose: Purpose::Train, number: number as u64, prompts };
        let generated = collector.answers(ask)?;
        records.extend(generated.into_iter().map(|answer| record(&collector, answer)));
        progress.advance(prompts.len() as u64);
        if context.stop.is_requested() {
            break;
        }
    }
    collector.rollout.release()?;
    Ok(records)
}

fn record(collector: &Collector, answer: StoredAnswer) -> AnswerRecord {
    let prompt = &collector.asked.prompts[answer.prompt];
    let mut record = AnswerRecord::new(write_messages(&prompt.messages), answer.text, answer.reward);
    record.parts = collector.scorer.names().into_iter().zip(answer.parts).collect();
    record.length = answer.ids.len();
    record.domain.clone_from(&prompt.domain);
    record
}
