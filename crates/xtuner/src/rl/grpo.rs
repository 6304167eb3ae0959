//! GRPO: several answers to each prompt, each as good as it is better than the others.
//!
//! A round asks `rounds.prompts` prompts K times each. Advantages come from the rewards of a group
//! ([`group_advantages`]), old log-probabilities from the trainer itself, and the loss is the clipped ratio with an
//! optional distance to the model before training (Shao et al., "DeepSeekMath", 2024; XTuner's `xtuner/v1/rl`).

use std::ops::Range;

use burn::module::Module;
use internlm_kit::context::RunContext;
use internlm_model::decoder::Decoder;
use internlm_train::{Head, Row, Start, StepReport};
use serde_json::json;

use super::advantage::{AdvantageSettings, GroupAnswer, group_advantages};
use super::collect::AskedPrompts;
use super::config::GrpoConfig;
use super::experience::{answer_row, at_labels};
use super::objective::{AnswerTokens, PolicyLoss, PolicyObjective, PolicyRow};
use super::policy::{Clip, ratio};
use super::prepare::Shared;
use super::round::{Round, StoredAnswer};
use super::rounds::{Learner, Rounds};
use super::session::Trainers;
use crate::config::FinetuneConfig;
use crate::samples::Samples;
use crate::{FinetuneReport, Result, setup};

/// Runs `grpo` into `config.run.out`: `rounds/`, `checkpoints/`, `metrics.jsonl`, and at the end the files of every
/// fine-tuning run. The files of `dataset.paths` are prompts, see [`Prompt`](super::Prompt).
///
/// # Errors
/// Bad prompts, models, rewards and checkpoints, an engine that fails, and losses that remain non-finite.
pub fn run_grpo(
    config: &FinetuneConfig,
    grpo: &GrpoConfig,
    start: Start,
    context: &RunContext,
) -> Result<FinetuneReport> {
    setup::protect(config, &start)?;
    let setup = setup::load(config)?;
    let mut prepared = Shared::of_grpo(grpo).prepare(config, &setup)?;
    // Without a weight there is nothing to compare with, and no memory to spend on it.
    let reference = (grpo.kl_weight > 0.0).then(|| setup.decoder.clone().without_adapters().valid());
    let per_epoch = prepared.order.rounds_per_epoch() * grpo.rounds.steps as f64;
    let actor = setup::trainer(config, setup.decoder, setup.base, per_epoch)?;
    let trainers = Trainers { actor, critic: None };
    prepared.identify(&trainers, json!({"grpo": grpo_identity(grpo), "engine": grpo.rollout.identity()}));
    let total = trainers.actor.config().schedule.steps.div_ceil(grpo.rounds.steps);
    let mut learner = GrpoLearner { grpo, reference, pass_tokens: config.run.pass_tokens };
    let (order, collector) = (prepared.order, prepared.collector);
    let samples = Samples::of(config, &setup.tokenizer, &setup.template);
    let rounds = Rounds { config, context, rounds: &grpo.rounds, total, order, collector, samples };
    rounds.run(&start, trainers, &mut learner)
}

/// The table without the address of the engine, which changes nothing.
fn grpo_identity(grpo: &GrpoConfig) -> GrpoConfig {
    GrpoConfig { rollout: super::RolloutConfig::default(), ..grpo.clone() }
}

/// Learns from groups of answers.
struct GrpoLearner<'a> {
    grpo: &'a GrpoConfig,
    /// The model before training, without autodiff; `None` when the loss does not need it.
    reference: Option<Decoder>,
    pass_tokens: usize,
}

impl GrpoLearner<'_> {
    fn loss(&self) -> PolicyLoss {
        let clip =
            Clip { low: self.grpo.clip_low, high: self.grpo.clip_high, cap: Some(self.grpo.negative_cap) };
        PolicyLoss { clip, kl: self.grpo.kl, kl_weight: self.grpo.kl_weight, text_weight: 0.0 }
    }

    fn advantages(&self, round: &Round) -> Vec<f64> {
        let settings = AdvantageSettings {
            kind: self.grpo.advantage,
            max_length: self.grpo.answer.max_tokens as f64,
            k: self.grpo.pass_k,
        };
        let group = |answers: &[StoredAnswer]| {
            let answers: Vec<GroupAnswer> = (answers.iter())
                .map(|answer| GroupAnswer { reward: answer.reward, length: answer.ids.len() as f64 })
                .collect();
            group_advantages(&answers, &settings)
        };
        round.answers.chunks(self.grpo.answers).flat_map(group).collect()
    }

    /// How much likelier the trainer finds each token than the engine did; empty when that is off or not known.
    fn importance(&self, answer: &StoredAnswer, old: &[f64]) -> Vec<f64> {
        let engine = answer.log_probs.as_ref().filter(|engine| engine.len() == old.len());
        let (Some(cap), Some(engine)) = (self.grpo.importance_cap, engine) else { return Vec::new() };
        old.iter().zip(engine).map(|(old, engine)| ratio(old - f64::from(*engine)).min(cap)).collect()
    }

    /// The answers to learn from, and how much better than the others of its group each is.
    fn learned<'r>(&self, round: &'r Round) -> Vec<(&'r StoredAnswer, f64)> {
        let answers = || round.answers.iter().zip(self.advantages(round));
        let groups = round.answers.chunks(self.grpo.answers);
        let differ = |group: &[StoredAnswer]| group.iter().any(|answer| answer.reward != group[0].reward);
        let differ = Vec::from_iter(groups.map(differ));
        if !self.grpo.filter_groups || !differ.contains(&true) {
            return answers().collect();
        }
        let kept = differ.iter().flat_map(|differ| std::iter::repeat_n(*differ, self.grpo.answers));
        answers().zip(kept).filter(|(_, kept)| *kept).map(|(answer, _)| answer).collect()
    }

    /// Every answer to learn from as a row with the numbers of its loss.
    fn rows(
        &self,
        round: &Round,
        asked: &AskedPrompts,
        trainers: &Trainers,
    ) -> Result<Vec<(Row, PolicyRow)>> {
        let learned = self.learned(round);
        let row = |(answer, _): &(&StoredAnswer, f64)| answer_row(&asked.ids[answer.prompt], &answer.ids);
        let rows = Vec::from_iter(learned.iter().map(row));
        let log_probs =
            |decoder: &Decoder| at_labels(decoder, &rows, Head::LogProbabilities, self.pass_tokens);
        let old = log_probs(&trainers.actor.validation_decoder())?;
        let references = match &self.reference {
            Some(reference) => log_probs(reference)?,
            None => vec![Vec::new(); rows.len()],
        };
        let numbers = old.into_iter().zip(references).zip(learned);
        let tokens = numbers.map(|((old, references), (answer, advantage))| AnswerTokens {
            advantages: vec![advantage; old.len()],
            importance: self.importance(answer, &old),
            references,
            old,
        });
        let tokens: Vec<AnswerTokens> = tokens.collect();
        Ok(rows.into_iter().zip(tokens.into_iter().map(PolicyRow::Answer)).collect())
    }
}

impl Learner for GrpoLearner<'_> {
    fn learn(
        &mut self,
        round: &Round,
        asked: &AskedPrompts,
        trainers: &mut Trainers,
    ) -> Result<Vec<StepReport>> {
        let rows = self.rows(round, asked, trainers)?;
        let mut reports = Vec::new();
        for range in shares(rows.len(), self.grpo.rounds.steps) {
            if trainers.actor.state().step >= trainers.actor.config().schedule.steps {
                break;
            }
            let rows = &rows[range];
            let plain: Vec<Row> = rows.iter().map(|(row, _)| row.clone()).collect();
            let mut objective = PolicyObjective::new(self.loss(), rows)?;
            reports.push(trainers.actor.step_with(&plain, &mut objective)?);
        }
        Ok(reports)
    }
}

/// Which of `rows` rows each of `steps` steps learns from; steps without rows are left out.
pub(super) fn shares(rows: usize, steps: u64) -> Vec<Range<usize>> {
    let border = |step: u64| (step as usize * rows) / steps.max(1) as usize;
    (0..steps).map(|step| border(step)..border(step + 1)).filter(|range| !range.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use internlm_model::TokenId;

    use super::super::rollout::Finish;
    use super::*;

    /// A round with these rewards, two answers to each prompt.
    fn round(rewards: &[f64]) -> Round {
        let answer = |(place, reward): (usize, &f64)| StoredAnswer {
            prompt: place / 2,
            text: String::new(),
            ids: vec![TokenId(1)],
            finish: Finish::Stop,
            log_probs: None,
            reward: *reward,
            parts: Vec::new(),
        };
        let answers = rewards.iter().enumerate().map(answer).collect();
        Round { number: 0, run: String::new(), answers }
    }

    #[test]
    fn groups_without_a_difference_are_left_out_unless_all_are_so() {
        let grpo = GrpoConfig { answers: 2, filter_groups: true, ..GrpoConfig::default() };
        let learner = GrpoLearner { grpo: &grpo, reference: None, pass_tokens: 8 };
        let learned = |rewards: &[f64]| {
            let round = round(rewards);
            let learned = learner.learned(&round);
            learned.iter().map(|(answer, advantage)| (answer.prompt, *advantage > 0.0)).collect::<Vec<_>>()
        };
        assert_eq!(learned(&[1.0, 1.0, 0.0, 1.0, 0.0, 0.0]), [(1, false), (1, true)]);
        assert_eq!(learned(&[1.0, 1.0, 0.0, 0.0]), [(0, false), (0, false), (1, false), (1, false)]);
    }

    #[test]
    fn every_answer_belongs_to_one_step() {
        assert_eq!(shares(10, 3), [0..3, 3..6, 6..10]);
        assert_eq!(shares(2, 4), [0..1, 1..2]);
        assert!(shares(0, 2).is_empty());
    }
}
