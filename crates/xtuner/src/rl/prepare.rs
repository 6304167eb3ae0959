//! What both kinds of reinforcement learning begin with: prompts, rewards, the engine, and the identity of the run.

use internlm_kit::hash;
use internlm_model::sampling::SamplingConfig;
use internlm_train::BaseWeights;
use serde_json::{Value, json};

use super::collect::{AskedPrompts, Asking, Collector, stop_ids};
use super::config::{GrpoConfig, PpoConfig};
use super::order::PromptOrder;
use super::prompt::{prompts_fingerprint, read_prompts};
use super::rollout::RolloutConfig;
use super::rounds_config::{AnswerConfig, RoundsConfig};
use super::score::{RewardSourceConfig, Scorer};
use super::session::Trainers;
use crate::config::FinetuneConfig;
use crate::dataset::{PackingConfig, Reduction, plain_paths};
use crate::setup::{self, Setup};
use crate::{Error, Result};

/// Share of probability that candidates of PPO reach together, when the config does not say (report: 0.9).
const PPO_TOP_P: f64 = 0.9;

/// The parts of an objective that both kinds have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shared<'a> {
    pub(super) rewards: &'a [RewardSourceConfig],
    pub(super) rounds: &'a RoundsConfig,
    pub(super) answer: &'a AnswerConfig,
    pub(super) rollout: &'a RolloutConfig,
    /// Number of answers to each prompt.
    pub(super) answers: usize,
    /// Share of probability that candidates reach together, where the config does not say.
    pub(super) top_p: f64,
}

/// Prompts in their order, and what asks them.
pub(super) struct Prepared {
    pub(super) order: PromptOrder,
    pub(super) collector: Collector,
    /// Identities of prompts, as they are and as ids, and of reward models.
    pub(super) inputs: Vec<String>,
}

impl<'a> Shared<'a> {
    /// Those of GRPO.
    pub(super) fn of_grpo(grpo: &'a GrpoConfig) -> Self {
        let GrpoConfig { rewards, rounds, answer, rollout, answers, .. } = grpo;
        Self { rewards, rounds, answer, rollout, answers: *answers, top_p: 1.0 }
    }

    /// Those of PPO.
    pub(super) fn of_ppo(ppo: &'a PpoConfig) -> Self {
        let PpoConfig { rewards, rounds, answer, rollout, .. } = ppo;
        Self { rewards, rounds, answer, rollout, answers: 1, top_p: PPO_TOP_P }
    }

    /// Sampling of answers.
    fn sampling(&self) -> SamplingConfig {
        self.answer.sampling(self.top_p)
    }

    /// Reads the prompts and opens rewards and engine.
    ///
    /// # Errors
    /// Prompts that cannot be read or do not fit model and rewards, and rewards that cannot be opened.
    pub(super) fn prepare(&self, config: &FinetuneConfig, setup: &Setup) -> Result<Prepared> {
        let (model, max_tokens) = (&setup.model, self.answer.max_tokens);
        // One token of a prompt has to fit, too.
        setup::check_length("objective.answer.max-tokens", max_tokens + 1, model)?;
        check_settings(config)?;
        let prompts = read_prompts(&plain_paths(&config.dataset, "prompts")?)?;
        let scorer = Scorer::open(self.rewards, &config.run.device)?.with_pass_tokens(config.run.pass_tokens);
        scorer.check(&prompts)?;
        let mut inputs = vec![prompts_fingerprint(&prompts)];
        for source in self.rewards {
            if let RewardSourceConfig::Model { path, .. } = source {
                inputs.push(BaseWeights::read("objective.rewards", path)?.hash);
            }
        }
        let longest = config.dataset.max_length.min(model.max_position - max_tokens);
        let asked = AskedPrompts::encode(prompts, &setup.tokenizer, &setup.template, longest)?;
        let stop_ids = stop_ids(&setup.template, &setup.tokenizer, model);
        inputs.push(hash::sha256(format!("{:?} {stop_ids:?}", asked.ids))[..16].to_owned());
        let (count, valid) = (asked.prompts.len(), self.rounds.valid_prompts);
        if valid >= count {
            let expected = format!("fewer than the {count} prompts");
            return Err(Error::mismatch("objective.rounds.valid-prompts", valid.to_string(), expected));
        }
        let seed = config.run.seed;
        let collector = Collector {
            asked,
            scorer,
            rollout: self.rollout.open(&setup.tokenizer, &config.run.out)?,
            asking: Asking {
                seed,
                answers: self.answers,
                max_tokens,
                sampling: self.sampling(),
                valid_temperature: self.rounds.valid_temperature,
            },
            tokenizer: setup.tokenizer.clone(),
            stop_ids,
            out: config.run.out.clone(),
            run: String::new(),
        };
        let order = PromptOrder::new(seed, count, valid, self.rounds.prompts);
        Ok(Prepared { order, collector, inputs })
    }
}

/// Refuses settings that belong to conversations with labels.
fn check_settings(config: &FinetuneConfig) -> Result<()> {
    let data = &config.dataset;
    if config.monitor.valid_every != 0 {
        let expected = "0: the key of rounds is objective.rounds.valid-every";
        return Err(Error::mismatch("monitor.valid-every", config.monitor.valid_every.to_string(), expected));
    }
    let settings = [
        ("dataset.pretrain", data.pretrain.is_some()),
        ("dataset.row-tokens", data.row_tokens.is_some()),
        ("dataset.packing", data.packing != PackingConfig::default()),
        ("dataset.reduction", data.reduction != Reduction::default()),
        ("dataset.group-by-length", data.group_by_length),
        ("dataset.neftune-alpha", data.neftune_alpha.is_some()),
    ];
    match settings.into_iter().find(|(_, is_set)| *is_set) {
        Some((key, _)) => {
            Err(Error::mismatch(key, "a value", "none: these files are prompts, which have no labels"))
        }
        None => Ok(()),
    }
}

impl Prepared {
    /// Names the run by everything that decides its numbers; `objective` is the table without the engine's address.
    pub(super) fn identify(&mut self, trainers: &Trainers, objective: Value) {
        let critic = trainers.critic.as_ref().map(|critic| &critic.state().config);
        let identity = json!({
            "actor": trainers.actor.state().config,
            "critic": critic,
            "objective": objective,
            "inputs": self.inputs,
        });
        self.collector.run = hash::sha256(identity.to_string())[..16].to_owned();
    }
}
