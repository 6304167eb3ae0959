//! PPO as in InternLM2's report: an actor, a critic that values the beginnings of answers, a reference and rewards.
//!
//! The reward of a token is `-0.01 (log pi - log ref)`; the score of the answer is added at its last token. Advantages
//! come from [`Gae`] with gamma 1 and lambda 0.99, without normalization; values are not clipped. The critic starts from
//! the reward model and learns alone for the first 50 steps. Text of pre-training keeps the actor's language.

use burn::module::Module;
use internlm_kit::context::RunContext;
use internlm_model::Tokenizer;
use internlm_model::decoder::Decoder;
use internlm_train::batch::{ShardRows, ShardRowsConfig};
use internlm_train::{BaseWeights, Head, Row, RowSource, Start, StepReport, StepTimes, Trainer};
use serde_json::json;

use super::collect::AskedPrompts;
use super::config::PpoConfig;
use super::experience::{answer_row, at_labels};
use super::gae::{Gae, token_rewards};
use super::grpo::shares;
use super::objective::{AnswerTokens, PolicyLoss, PolicyObjective, PolicyRow, ValueObjective};
use super::policy::{Clip, KlEstimator};
use super::prepare::Shared;
use super::round::{Round, mean};
use super::rounds::{Learner, Rounds};
use super::session::Trainers;
use crate::config::FinetuneConfig;
use crate::samples::Samples;
use crate::{Error, FinetuneReport, Result, setup};

/// A text that vocabularies cut into different ids.
const PROBE: &str = "The critic reads 12,345 tokens\n\tfn main() { x[0] += 1; } — Größe, память, 模型 и 🙂";

/// Runs `ppo` into `config.run.out`, as [`run_grpo`](super::run_grpo) does.
///
/// # Errors
/// As [`run_grpo`](super::run_grpo), and a critic that does not fit the model.
pub fn run_ppo(
    config: &FinetuneConfig,
    ppo: &PpoConfig,
    start: Start,
    context: &RunContext,
) -> Result<FinetuneReport> {
    setup::protect(config, &start)?;
    let setup = setup::load(config)?;
    let mut prepared = Shared::of_ppo(ppo).prepare(config, &setup)?;
    let reference = setup.decoder.clone().without_adapters().valid();
    let text = open_text(config, ppo, setup.model.vocab)?;
    let per_epoch = prepared.order.rounds_per_epoch() * ppo.rounds.steps as f64;
    let actor = setup::trainer(config, setup.decoder, setup.base, per_epoch)?;
    let steps = ppo.rounds.steps;
    let total = ppo.critic_warmup.div_ceil(steps) + actor.config().schedule.steps.div_ceil(steps);
    let critic = open_critic(config, ppo, (&actor, &setup.tokenizer), total * steps)?;
    let trainers = Trainers { actor, critic: Some(critic) };
    let identity = PpoConfig { rollout: super::RolloutConfig::default(), ..ppo.clone() };
    let shards = text.as_ref().map(RowSource::fingerprint);
    prepared.identify(&trainers, json!({"ppo": identity, "engine": ppo.rollout.identity(), "text": shards}));
    let mut learner = PpoLearner { ppo, reference, text, pass_tokens: config.run.pass_tokens };
    let (order, collector) = (prepared.order, prepared.collector);
    let samples = Samples::of(config, &setup.tokenizer, &setup.template);
    let rounds = Rounds { config, context, rounds: &ppo.rounds, total, order, collector, samples };
    rounds.run(&start, trainers, &mut learner)
}

/// The text of pre-training of a step.
fn open_text(config: &FinetuneConfig, ppo: &PpoConfig, vocab: usize) -> Result<Option<ShardRows>> {
    let Some(text) = &ppo.pretrain else { return Ok(None) };
    let rows = ShardRowsConfig::new(&text.shards, text.seq_len, vocab)
        .with_micro_num(text.rows)
        .with_seed(config.run.seed);
    Ok(Some(ShardRows::open(&rows)?))
}

/// The critic of a run of `steps` of its steps. It reads the actor's ids: its vocabulary must be the same.
fn open_critic(
    config: &FinetuneConfig,
    ppo: &PpoConfig,
    (actor, tokenizer): (&Trainer, &Tokenizer),
    steps: u64,
) -> Result<Trainer> {
    let Some(path) = ppo.critic_folder() else {
        return Err(Error::mismatch("objective.critic", "none", "the folder of a reward model"));
    };
    let decoder = Decoder::load(path, &setup::device_of(config)?)?;
    let place = path.display().to_string();
    if decoder.logits_width() != 1 {
        let found = format!("a model with {} outputs per token", decoder.logits_width());
        return Err(Error::mismatch(place, found, "a reward model, which has one value"));
    }
    if Tokenizer::load(path)?.encode(PROBE) != tokenizer.encode(PROBE) {
        let found = "a critic with another vocabulary";
        return Err(Error::mismatch(place, found, "the one of model.path, whose ids it reads"));
    }
    let model = decoder.config().clone();
    let longest = config.dataset.max_length + ppo.answer.max_tokens;
    setup::check_length(&place, longest.min(actor.model().max_position), &model)?;
    let mut settings = actor.config().clone();
    settings.optim.lr = ppo.critic_lr;
    settings.schedule.steps = steps;
    settings.base = Some(BaseWeights::read("objective.critic", path)?);
    Ok(Trainer::new(model, decoder, settings)?)
}

/// Learns from single answers with the help of a critic.
struct PpoLearner<'a> {
    ppo: &'a PpoConfig,
    /// The model before training, without autodiff.
    reference: Decoder,
    text: Option<ShardRows>,
    pass_tokens: usize,
}

/// The answers of a round, ready to be learned from by both models.
struct Experience {
    rows: Vec<Row>,
    tokens: Vec<AnswerTokens>,
    returns: Vec<Vec<f64>>,
    /// Mean value that the critic gave the tokens.
    value: f64,
}

impl PpoLearner<'_> {
    fn loss(&self) -> PolicyLoss {
        let clip = Clip { low: self.ppo.clip, high: self.ppo.clip, cap: None };
        let text_weight = self.ppo.pretrain.as_ref().map_or(0.0, |text| text.weight);
        // The distance to the reference is part of the rewards, not of the loss.
        PolicyLoss { clip, kl: KlEstimator::K1, kl_weight: 0.0, text_weight }
    }

    fn experience(
        &self,
        round: &Round,
        asked: &AskedPrompts,
        (actor, critic): (&Trainer, &Trainer),
    ) -> Result<Experience> {
        let rows: Vec<Row> =
            round.answers.iter().map(|answer| answer_row(&asked.ids[answer.prompt], &answer.ids)).collect();
        let at = |decoder: &Decoder, head| at_labels(decoder, &rows, head, self.pass_tokens);
        let old = at(&actor.validation_decoder(), Head::LogProbabilities)?;
        let references = at(&self.reference, Head::LogProbabilities)?;
        let values = at(&critic.validation_decoder(), Head::Values)?;
        let gae = Gae { gamma: self.ppo.gamma, lambda: self.ppo.lambda };
        let value = mean(values.iter().flatten().copied());
        let (mut tokens, mut returns) = (Vec::new(), Vec::new());
        for (((old, references), values), answer) in
            old.into_iter().zip(references).zip(values).zip(&round.answers)
        {
            let rewards = token_rewards(&old, &references, self.ppo.kl_weight, answer.reward);
            let advantages = gae.advantages(&rewards, &values);
            returns
                .push(advantages.iter().zip(&values).map(|(advantage, value)| advantage + value).collect());
            tokens.push(AnswerTokens { old, advantages, references, importance: Vec::new() });
        }
        Ok(Experience { rows, tokens, returns, value })
    }

    /// One step of the actor over some answers and the text of the step.
    fn actor_step(
        &mut self,
        actor: &mut Trainer,
        answers: &[Row],
        tokens: &[AnswerTokens],
    ) -> Result<StepReport> {
        let mut rows: Vec<(Row, PolicyRow)> =
            (answers.iter().cloned()).zip(tokens.iter().cloned().map(PolicyRow::Answer)).collect();
        if let Some(text) = &mut self.text {
            let text = text.batch(actor.state().step)?;
            rows.extend(text.into_iter().map(|row| (row, PolicyRow::Text)));
        }
        let plain: Vec<Row> = rows.iter().map(|(row, _)| row.clone()).collect();
        let mut objective = PolicyObjective::new(self.loss(), &rows)?;
        Ok(actor.step_with(&plain, &mut objective)?)
    }
}

impl Learner for PpoLearner<'_> {
    fn learn(
        &mut self,
        round: &Round,
        asked: &AskedPrompts,
        trainers: &mut Trainers,
    ) -> Result<Vec<StepReport>> {
        let Trainers { actor, critic: Some(critic) } = trainers else {
            return Err(Error::mismatch("ppo", "no critic", "one"));
        };
        let experience = self.experience(round, asked, (&*actor, &*critic))?;
        let warm = critic.state().step >= self.ppo.critic_warmup;
        let mut reports = Vec::new();
        for range in shares(experience.rows.len(), self.ppo.rounds.steps) {
            let rows = &experience.rows[range.clone()];
            let mut objective = ValueObjective::new(rows, &experience.returns[range.clone()])?;
            let mut report = critic.step_with(rows, &mut objective)?;
            report.measured.push(("value".to_owned(), experience.value));
            if warm && actor.state().step < actor.config().schedule.steps {
                let of_actor = self.actor_step(actor, rows, &experience.tokens[range])?;
                report = of_both(report, of_actor);
            }
            reports.push(report);
        }
        Ok(reports)
    }
}

/// The report of a step of both models: numbered like the critic's, with the loss of the actor, and with the operations
/// and the time of both for the tokens that the actor reads.
fn of_both(critic: StepReport, actor: StepReport) -> StepReport {
    let mut measured = actor.measured;
    measured.push(("actor_step".to_owned(), actor.step as f64));
    measured.extend(critic.measured);
    let times = StepTimes {
        data: actor.times.data + critic.times.data,
        forward: actor.times.forward + critic.times.forward,
        backward: actor.times.backward + critic.times.backward,
        optimizer: actor.times.optimizer + critic.times.optimizer,
    };
    StepReport { step: critic.step, flops: actor.flops + critic.flops, times, measured, ..actor }
}

#[cfg(test)]
mod tests {
    use internlm_train::StepOutcome;

    use super::*;

    fn report(step: u64, flops: f64, seconds: f64) -> StepReport {
        StepReport {
            step,
            loss: flops,
            lr: 1e-3,
            grad_norm: 1.0,
            tokens: 7 * step,
            flops,
            outcome: StepOutcome::Updated,
            times: StepTimes { forward: seconds, backward: 2.0 * seconds, ..StepTimes::default() },
            measured: vec![(format!("of_{step}"), 1.0)],
        }
    }

    #[test]
    fn a_step_of_both_models_takes_the_operations_and_the_time_of_both() {
        let both = of_both(report(9, 100.0, 1.0), report(2, 40.0, 0.5));
        assert_eq!((both.step, both.loss, both.tokens, both.flops), (9, 40.0, 14, 140.0));
        assert_eq!(both.times.total(), 4.5);
        let names: Vec<&str> = both.measured.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["of_2", "actor_step", "of_9"]);
    }
}
