//! [`Scorer`]: the reward of answers, a weighted sum of judges, reward models and user commands.

use internlm_train::TrainerConfig;

use super::super::prompt::Prompt;
use super::command::Command;
use super::model::RewardModel;
use super::{Answered, Judge, RewardSourceConfig, Scored};
use crate::{Error, Result};

/// All sources of rewards of a run.
#[derive(Debug)]
pub struct Scorer {
    sources: Vec<(RewardSourceConfig, Source)>,
    /// Maximum number of tokens of one pass of a reward model.
    pass_tokens: usize,
}

/// One source, ready to score.
#[derive(Debug)]
enum Source {
    Judge(Judge),
    Command(Command),
    Model(Box<RewardModel>),
}

impl Scorer {
    /// Opens every source; reward models are loaded onto the device called `device`.
    ///
    /// # Errors
    /// A model that cannot be loaded or has no value head.
    pub fn open(sources: &[RewardSourceConfig], device: &str) -> Result<Self> {
        let open = |config: &RewardSourceConfig| {
            let source = match (Judge::of(config)?, config) {
                (Some(judge), _) => Source::Judge(judge),
                (None, RewardSourceConfig::Command { program, timeout_seconds, .. }) => {
                    Source::Command(Command::new(program, *timeout_seconds))
                }
                (None, RewardSourceConfig::Model { path, domains, template, .. }) => {
                    let model = RewardModel::load(path, template.as_deref(), device)?;
                    Source::Model(Box::new(model.with_domains(domains.clone())))
                }
                (None, other) => {
                    return Err(Error::mismatch(
                        "objective.rewards",
                        other.name(),
                        "a judge, command or model",
                    ));
                }
            };
            Ok((config.clone(), source))
        };
        let sources = sources.iter().map(open).collect::<Result<_>>()?;
        Ok(Self { sources, pass_tokens: TrainerConfig::PASS_TOKENS })
    }

    /// The same sources, whose reward models read at most `tokens` tokens at once; default 4096.
    #[must_use]
    pub fn with_pass_tokens(self, tokens: usize) -> Self {
        Self { pass_tokens: tokens, ..self }
    }

    /// Refuses prompts that lack what a source compares with.
    ///
    /// # Errors
    /// The first such prompt, by file and line.
    pub fn check(&self, prompts: &[Prompt]) -> Result<()> {
        for prompt in prompts {
            for (_, source) in &self.sources {
                match source {
                    Source::Judge(judge) => judge.check(prompt)?,
                    Source::Model(model) => model.check(prompt)?,
                    Source::Command(_) => {}
                }
            }
        }
        Ok(())
    }

    /// Names of the parts, for metrics: `reward_gsm8k`; equal names get a number.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (config, _) in &self.sources {
            let name = format!("reward_{}", config.name().replace('-', "_"));
            let same = names
                .iter()
                .filter(|other| **other == name || other.starts_with(&format!("{name}_")))
                .count();
            names.push(if same == 0 { name } else { format!("{name}_{}", same + 1) });
        }
        names
    }

    /// The reward of each answer, in the same order.
    ///
    /// # Errors
    /// A command that fails, and rewards that are not finite.
    pub fn score(&self, answers: &[Answered<'_>]) -> Result<Vec<Scored>> {
        let mut scored = vec![Scored { reward: 0.0, parts: Vec::new() }; answers.len()];
        for (config, source) in &self.sources {
            let parts = match source {
                Source::Judge(judge) => answers.iter().map(|answer| judge.score(answer)).collect(),
                Source::Command(command) => command.score(answers)?,
                Source::Model(model) => model.score(answers, self.pass_tokens)?,
            };
            for ((scored, part), answer) in scored.iter_mut().zip(parts).zip(answers) {
                if !part.is_finite() {
                    let found = format!("the reward {part} of `{}` for `{}`", config.name(), answer.text);
                    return Err(answer.prompt.error(&found, "a finite number"));
                }
                scored.reward += config.weight() * part;
                scored.parts.push(part);
            }
        }
        Ok(scored)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct List {
        rewards: Vec<RewardSourceConfig>,
    }

    #[test]
    fn rewards_are_weighted_sums_and_parts_keep_their_names() {
        let text = "rewards = [{ kind = 'number', weight = 2.0 }, { kind = 'contains', weight = -0.5 }, \
                    { kind = 'regex', pattern = '=' }, { kind = 'regex', pattern = 'x' }]";
        let list: List = toml::from_str(text).expect("keys that exist");
        let scorer = Scorer::open(&list.rewards, "cpu").expect("opens");
        assert_eq!(scorer.names(), ["reward_number", "reward_contains", "reward_regex", "reward_regex_2"]);
        let prompt = Prompt::new("12*34?").with_reference("408");
        scorer.check(std::slice::from_ref(&prompt)).expect("has a reference");
        let answers = ["12*34 = 408", "It is 41."].map(|text| Answered { prompt: &prompt, text });
        let scored = scorer.score(&answers).expect("scores");
        assert_eq!(scored[0], Scored { reward: 2.5, parts: vec![1.0, 1.0, 1.0, 0.0] });
        assert_eq!(scored[1], Scored { reward: 0.0, parts: vec![0.0; 4] });
        let bare = [Prompt::new("12*34?")];
        let text = scorer.check(&bare).expect_err("no reference").to_string();
        assert!(text.contains("found no reference"), "{text}");
    }
}
