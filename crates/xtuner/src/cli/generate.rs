//! `xtuner generate`: conversations and held-out questions from a seed.

use std::path::PathBuf;

use clap::Args;

use crate::{Error, FinetuneConfig, generator};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner generate recipes/tiny/3-finetune.toml
  xtuner generate recipes/tiny/3-finetune.toml --set generate.calculator=500 --set generate.seed=7

The same config gives the same bytes.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Generate {
    /// TOML with a table `[generate]`.
    config: PathBuf,
    /// Override one key, for instance `generate.seed=7`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl Generate {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = FinetuneConfig::load_with(&self.config, &self.set)?;
        let Some(generate) = &config.generate else {
            let place = self.config.display().to_string();
            return Err(Error::mismatch(place, "no table [generate]", "one with counts and files").into());
        };
        let report = generator::generate(generate)?;
        let (conversations, questions) = (report.conversations, report.questions);
        if conversations > 0 {
            tracing::info!("{conversations} conversations: {}", generate.conversations.display());
        }
        if let Some(prompts) = &generate.prompts {
            tracing::info!("{} prompts: {}", generate.prompt_count, prompts.display());
        }
        tracing::info!("{questions} questions: {}", generate.questions.display());
        Ok(())
    }
}
