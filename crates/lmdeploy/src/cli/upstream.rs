//! [`UpstreamOptions`]: options of upstream's `api_server` that this server does not need, so that its command lines
//! work here. What would change answers is refused by name; the rest is passed over with a warning.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};
use internlm_kit::config::ConfigError;

/// What happens to an option of upstream.
#[derive(Clone, Copy, Debug)]
enum Treatment {
    /// It means what this server does anyway.
    Silent,
    /// It is passed over, for this reason.
    Ignored(&'static str),
    /// It is refused unless it has one of these values, which ask for nothing.
    Refused(&'static [&'static str]),
}

/// How many values an option has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Takes {
    Nothing,
    Value,
    Values,
}

use Takes::{Nothing, Value, Values};
use Treatment::{Ignored, Refused, Silent};

const ONE: Treatment = Refused(&["1"]);
const FROM_FILES: Treatment = Ignored("it is read from the model's files");
const LOCAL: Treatment = Ignored("models are read from local files");
const OTHER_ENGINE: Treatment = Ignored("it belongs to an engine on other devices");
const NO_VISION: Treatment = Ignored("models with images are not supported");

/// Name without dashes, what it takes, what happens to it.
const OPTIONS: [(&str, Takes, Treatment); 43] = [
    ("enable-abort-handling", Nothing, Silent),
    ("enable-metrics", Nothing, Silent),
    ("adapters", Values, Refused(&[])),
    ("speculative-algorithm", Value, Refused(&[])),
    ("speculative-draft-model", Value, Refused(&[])),
    ("proxy-url", Value, Refused(&[])),
    ("hf-overrides", Value, Refused(&["{}", ""])),
    ("rope-scaling-factor", Value, Refused(&["0", "0.0", "1", "1.0"])),
    ("tp", Value, ONE),
    ("dp", Value, ONE),
    ("ep", Value, ONE),
    ("cp", Value, ONE),
    ("nnodes", Value, ONE),
    ("node-rank", Value, Refused(&["0"])),
    ("dp-rank", Value, Refused(&["0"])),
    ("role", Value, Refused(&["Hybrid"])),
    ("model-format", Value, FROM_FILES),
    ("speculative-num-draft-tokens", Value, Ignored("there is no speculative decoding without an algorithm")),
    ("num-tokens-per-iter", Value, Ignored("--max-prefill-token-num limits the tokens of a step")),
    ("max-prefill-iters", Value, Ignored("--max-prefill-token-num limits the tokens of a step")),
    ("prefill-interval", Value, Ignored("prefill and decoding share every step")),
    ("logprobs-mode", Value, Ignored("log-probabilities are there for every request that asks")),
    ("download-dir", Value, LOCAL),
    ("revision", Value, LOCAL),
    ("trust-remote-code", Nothing, Ignored("no code of models is run")),
    ("communicator", Value, OTHER_ENGINE),
    ("eager-mode", Nothing, OTHER_ENGINE),
    ("async", Value, OTHER_ENGINE),
    ("enable-microbatch", Nothing, OTHER_ENGINE),
    ("enable-eplb", Nothing, OTHER_ENGINE),
    ("enable-return-routed-experts", Nothing, OTHER_ENGINE),
    ("mp-engine-backend", Value, OTHER_ENGINE),
    ("migration-backend", Value, OTHER_ENGINE),
    ("dist-init-addr", Value, OTHER_ENGINE),
    ("distributed-executor-backend", Value, OTHER_ENGINE),
    ("disable-cuda-graph", Nothing, OTHER_ENGINE),
    ("kernel-block-size", Value, OTHER_ENGINE),
    ("prefix-cache-state-interval", Value, OTHER_ENGINE),
    ("cache-chunk-size", Value, OTHER_ENGINE),
    ("vision-max-batch-size", Value, NO_VISION),
    ("disable-vision-encoder", Nothing, NO_VISION),
    ("language-model-only", Nothing, NO_VISION),
    ("allow-local-media-path", Value, NO_VISION),
];

/// The options of upstream that were given, with their values.
#[derive(Clone, Debug, Default)]
pub(super) struct UpstreamOptions {
    given: Vec<(&'static str, Treatment, Vec<String>)>,
}

impl UpstreamOptions {
    /// Warns about what is passed over.
    ///
    /// # Errors
    /// When an option is given that would change answers, or the way of running, and that this server does not have.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        for (name, treatment, values) in &self.given {
            match treatment {
                Silent => {}
                Ignored(reason) => tracing::warn!("--{name} is ignored: {reason}"),
                Refused(neutral) => {
                    let asked = values.iter().find(|value| !neutral.contains(&value.as_str()));
                    problems.extend(asked.map(|value| {
                        let expected = match neutral {
                            [] => "the option to be absent".to_owned(),
                            [first, ..] => format!("{first} or the option to be absent"),
                        };
                        format!("--{name}: found `{value}`, expected {expected}: it is not supported yet")
                    }));
                }
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(ConfigError::Invalid { path: "command line".into(), problems })
    }
}

impl Args for UpstreamOptions {
    fn augment_args(command: Command) -> Command {
        command.args(OPTIONS.iter().map(|(name, takes, _)| {
            let option = Arg::new(*name).long(*name).hide(true);
            match takes {
                Nothing => option.action(ArgAction::SetTrue),
                Value => option.action(ArgAction::Append),
                Values => option.num_args(1..).action(ArgAction::Append),
            }
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for UpstreamOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut given = Vec::new();
        for (name, takes, treatment) in OPTIONS {
            let values: Vec<String> = match takes {
                Nothing if matches.get_flag(name) => Vec::new(),
                Value | Values if matches.contains_id(name) => {
                    matches.get_many::<String>(name).into_iter().flatten().cloned().collect()
                }
                _ => continue,
            };
            given.push((name, treatment, values));
        }
        Ok(Self { given })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<UpstreamOptions, Error> {
        let command = UpstreamOptions::augment_args(Command::new("x").no_binary_name(true));
        UpstreamOptions::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }

    #[test]
    fn what_asks_for_nothing_is_taken() {
        for arguments in [
            &["--tp", "1", "--enable-abort-handling"][..],
            &["--eager-mode", "--model-format", "awq", "--rope-scaling-factor=0.0"],
            &[],
        ] {
            assert!(read(arguments).expect("options").check().is_ok(), "{arguments:?}");
        }
    }

    #[test]
    fn what_would_change_answers_is_refused_by_name() {
        let options = read(&["--tp", "2", "--adapters", "a=b", "c=d", "--eager-mode"]).expect("options");
        let error = options.check().expect_err("two of them").to_string();
        for part in ["--tp: found `2`, expected 1", "--adapters: found `a=b`", "not supported yet"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(!error.contains("eager-mode"), "{error}");
    }

    #[test]
    fn every_option_is_there_once() {
        for (index, (name, ..)) in OPTIONS.iter().enumerate() {
            assert!(OPTIONS[..index].iter().all(|(other, ..)| other != name), "{name}");
        }
        UpstreamOptions::augment_args(Command::new("x")).debug_assert();
    }
}
