//! `lagent run`: a file of questions.

use std::path::PathBuf;

use clap::Args;
use internlm_kit::config::ConfigError;
use internlm_kit::{atomic, provenance};

use crate::Error;
use crate::batch::{Batch, Start, read_questions, run_batch};
use crate::config::AgentConfig;
use crate::llm::OpenAi;

const EXAMPLES: &str = "Examples:
  lagent run recipes/tiny/6-agent.toml --set model.base-url=http://127.0.0.1:23333
  lagent run agent.toml my-questions.jsonl --set questions.concurrency=1 --fresh

Writes transcripts.jsonl, predictions.jsonl, summary.json and config.toml into questions.out.
An answer is right when its last number is exactly the expected one.";

/// Arguments of `lagent run`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Run {
    /// The agent's TOML.
    config: PathBuf,
    /// Questions as JSON lines {"id", "question", "answer"}; default `questions.path` of the config.
    input: Option<PathBuf>,
    /// Overrides one key of the config, for instance model.base-url=http://127.0.0.1:23333.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Ask every question, also those that an interrupted run finished.
    #[arg(long)]
    fresh: bool,
}

impl Run {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = AgentConfig::load(&self.config, &self.overrides)?;
        let Some(mut paths) = config.questions.clone() else {
            let problems = vec!["questions: missing, expected a table with path and out".to_owned()];
            return Err(Error::Config(ConfigError::Invalid { path: self.config, problems }).into());
        };
        if let Some(input) = self.input {
            paths.path = input;
        }
        let questions = read_questions(&paths.path, paths.limit)?;
        let tools = config.executor()?;
        let spec = config.spec(&tools);
        let start = if self.fresh { Start::Fresh } else { Start::Resume };
        let summary = super::runtime()?.block_on(async {
            let model = OpenAi::connect(&config.model).await?;
            tracing::info!(model = model.name(), questions = questions.len(), "asking");
            let batch = Batch {
                spec: &spec,
                model: &model,
                model_name: model.name(),
                tools: &tools,
                questions: &questions,
                out: &paths.out,
                concurrency: paths.concurrency,
            };
            run_batch(&batch, start).await
        })?;
        let resolved = AgentConfig { questions: Some(paths.clone()), ..config };
        let path = paths.out.join("config.toml");
        let header = provenance::header(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        let written = atomic::write(&path, (header + &toml::to_string(&resolved)?).as_bytes());
        written.map_err(|source| Error::File { path, verb: "write", source })?;
        println!("{}", serde_json::to_string_pretty(&summary)?);
        Ok(())
    }
}
