//! The loop of rounds: ask, score, store, learn, measure, save.

use internlm_kit::context::RunContext;
use internlm_kit::summary::{Summary, significant};
use internlm_model::Tokenizer;
use internlm_train::report::{End, RunReport};
use internlm_train::{Start, StepReport};

use super::collect::{Ask, AskedPrompts, Collector};
use super::order::PromptOrder;
use super::round::{Purpose, Round};
use super::rounds_config::{Keep, RoundsConfig};
use super::session::{Opening, Session, Trainers};
use crate::config::FinetuneConfig;
use crate::samples::Samples;
use crate::{FinetuneReport, Result, setup};

/// What a kind of reinforcement learning does with the answers of a round.
pub(super) trait Learner {
    /// Makes the steps of one round.
    ///
    /// # Errors
    /// Rows that do not fit the models, and losses that remain non-finite.
    fn learn(
        &mut self,
        round: &Round,
        asked: &AskedPrompts,
        trainers: &mut Trainers,
    ) -> Result<Vec<StepReport>>;
}

/// A run of rounds that is ready to begin.
pub(super) struct Rounds<'a> {
    pub(super) config: &'a FinetuneConfig,
    pub(super) context: &'a RunContext,
    pub(super) rounds: &'a RoundsConfig,
    /// Number of rounds of the run.
    pub(super) total: u64,
    pub(super) order: PromptOrder,
    pub(super) collector: Collector,
    /// Questions whose answers are logged at every validation.
    pub(super) samples: Option<Samples<'a>>,
}

impl Rounds<'_> {
    /// Runs all rounds, or until a stop is requested.
    ///
    /// # Errors
    /// An engine, a reward or a step that fails, and files that cannot be read or written.
    pub(super) fn run(
        mut self,
        start: &Start,
        mut trainers: Trainers,
        learner: &mut dyn Learner,
    ) -> Result<FinetuneReport> {
        let opening = Opening { start, run: self.collector.run.clone(), trainers: &mut trainers };
        let mut session = Session::begin(self.config, self.context, opening)?;
        let progress = self.context.reporter.start("train", "rounds", self.total);
        progress.advance(session.counters.rounds);
        if session.counters.rounds == 0 {
            self.validate(&mut session, &trainers)?;
        }
        while session.counters.rounds < self.total {
            let before = trainers.steps();
            self.round(&mut session, &mut trainers, learner)?;
            progress.advance(1);
            progress.message(&format!("rounds, reward {:.4}", session.counters.reward));
            let every = self.config.checkpoint.every;
            let finished = session.counters.rounds == self.total;
            let stopped = session.stopped() && !finished;
            if finished || stopped || trainers.steps() / every > before / every {
                session.save(&trainers)?;
            }
            if stopped {
                let run = report(&session, End::Stopped);
                return Ok(FinetuneReport { run, summary: None });
            }
        }
        self.finish(&session, trainers)
    }

    /// One round, its measurement included.
    fn round(
        &mut self,
        session: &mut Session<'_>,
        trainers: &mut Trainers,
        learner: &mut dyn Learner,
    ) -> Result<()> {
        let number = session.counters.rounds;
        let asked = self.order.round(number);
        let ask = Ask { purpose: Purpose::Train, number, prompts: &asked };
        let (round, seconds) = self.collector.round(ask, &trainers.actor.validation_decoder())?;
        let steps = learner.learn(&round, &self.collector.asked, trainers)?;
        session.counters.rounds += 1;
        session.counters.reward = round.reward();
        let mut measured = round.measured(&self.collector.scorer.names());
        measured.push(("seconds_rollout".to_owned(), seconds));
        for report in &steps {
            session.record(report, &measured)?;
        }
        let done = session.counters.rounds;
        if done == self.total || done.is_multiple_of(self.rounds.valid_every.max(1)) {
            self.validate(session, trainers)?;
        }
        Ok(())
    }

    /// Logs the answers to the questions of `[samples]`, measures the actor on the validation prompts, when there are
    /// any, and keeps the best weights.
    fn validate(&mut self, session: &mut Session<'_>, trainers: &Trainers) -> Result<()> {
        if let Some(samples) = &self.samples {
            samples.log(trainers.steps(), &trainers.actor.validation_decoder());
        }
        let prompts = self.order.valid();
        if prompts.is_empty() {
            return Ok(());
        }
        let ask = Ask { purpose: Purpose::Valid, number: session.counters.rounds, prompts };
        let (round, _) = self.collector.round(ask, &trainers.actor.validation_decoder())?;
        let reward = round.reward();
        session.counters.valid_reward = Some(reward);
        session.record_validation(trainers.steps(), &[("valid_reward".to_owned(), reward)])?;
        match self.rounds.keep {
            Keep::Best => session.keep_best(&trainers.actor, reward),
            Keep::Last => Ok(()),
        }
    }

    /// Writes the model that the run ends with and its numbers.
    fn finish(self, session: &Session<'_>, mut trainers: Trainers) -> Result<FinetuneReport> {
        let run = report(session, End::Finished);
        let summary = self.summary(session, &trainers, &run);
        if let Some(best) = session.best(&trainers.actor)? {
            trainers.actor.restore(best);
        }
        let tokenizer: &Tokenizer = &self.collector.tokenizer;
        setup::write_model(self.config, &trainers.actor, tokenizer)?;
        summary.write(setup::summary_file(&self.config.run.out))?;
        Ok(FinetuneReport { run, summary: Some(summary) })
    }

    fn summary(&self, session: &Session<'_>, trainers: &Trainers, run: &RunReport) -> Summary {
        let (counters, state) = (&session.counters, trainers.actor.state());
        // The clock of a run of rounds is the session's: it runs while answers are generated, too.
        let of_trainer = setup::summary(&trainers.actor, run);
        let timed = ["tokens_per_second", "seconds"];
        let mut summary: Summary =
            of_trainer.rows().iter().filter(|(name, _)| !timed.contains(&name.as_str())).cloned().collect();
        summary.push("rounds", counters.rounds as f64);
        summary.push("reward", significant(counters.reward, 3));
        if let Some(best) = counters.best {
            summary.push("best_valid_reward", significant(best.reward, 3));
            summary.push("best_round", best.rounds as f64);
        }
        summary.push(
            "tokens_per_second",
            (state.tokens as f64 / counters.seconds.max(f64::MIN_POSITIVE)).round(),
        );
        summary.push("seconds", counters.seconds.round());
        summary
    }
}

/// What the caller learns of a run that ended.
fn report(session: &Session<'_>, end: End) -> RunReport {
    let valid = session.counters.valid_reward;
    RunReport {
        end,
        resumed_from: session.resumed_from,
        validation: valid.map(|reward| ("valid_reward".to_owned(), reward)).into_iter().collect(),
        peak: session.peak,
    }
}
