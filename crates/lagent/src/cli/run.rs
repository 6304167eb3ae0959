//! `lagent run`: asks an agent the questions of a file.

use std::path::PathBuf;

use clap::Args;
use internlm_kit::config::ConfigError;
use internlm_kit::context::RunContext;
use internlm_kit::stop::Stop;
use internlm_kit::{outln, run_folder};

use crate::Error;
use crate::batch::{Batch, Start, read_questions};
use crate::config::AgentConfig;
use crate::driver::World;
use crate::llm::{LanguageModel, OpenAi};

const EXAMPLES: &str = "Examples:
  lagent run recipes/tiny/6-agent.toml --set model.base-url=http://127.0.0.1:23333
  lagent run agent.toml my-questions.jsonl --set questions.concurrency=1 --fresh

Writes transcripts.jsonl, predictions.jsonl, summary.json and config.toml into the output folder.
An answer is right if its last number equals the expected one exactly.";

/// Arguments of `lagent run`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Run {
    /// The agent file in TOML.
    config: PathBuf,
    /// Questions as JSON lines or one JSON list of {"id", "question", "answer"} [default: questions.path of the agent file].
    input: Option<PathBuf>,
    /// Folder of the results [default: questions.out of the agent file].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Override one key of the agent file, for instance model.base-url=http://127.0.0.1:23333. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Ask every question, even those that an interrupted run has already finished.
    #[arg(long)]
    fresh: bool,
}

impl Run {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = AgentConfig::load_with(&self.config, &self.overrides)?;
        let Some(mut paths) = config.questions.clone() else {
            let problems = vec!["questions: missing, expected a table with path and out".to_owned()];
            return Err(Error::Config(ConfigError::Invalid { path: self.config, problems }).into());
        };
        if let Some(input) = self.input {
            paths.path = input;
        }
        if let Some(out) = self.out {
            paths.out = out;
        }
        let questions = read_questions(&paths.path, paths.limit)?;
        let tools = config.toolbox()?;
        let spec = config.spec(&tools);
        let start = if self.fresh { Start::Fresh } else { Start::Resume };
        let context = RunContext::terminal(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .with_stop(Stop::on_signals()?);
        let summary = super::runtime()?.block_on(async {
            let model = OpenAi::connect(&config.model).await?;
            tracing::info!(model = model.name(), questions = questions.len(), "asking");
            let world = World::new(&model, &tools);
            let batch = Batch::new(&spec, world, &questions, &paths.out);
            batch.with_concurrency(paths.concurrency).run(start, &context).await
        })?;
        let resolved = AgentConfig { questions: Some(paths.clone()), ..config };
        let origin = context.provenance_or(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        run_folder::write_config(paths.out.join("config.toml"), &resolved, &origin)?;
        outln!("{}", serde_json::to_string_pretty(&summary)?)?;
        Ok(())
    }
}
