//! `lagent run`: asks an agent the questions of a file.

use std::path::PathBuf;

use clap::Args;
use internlm_kit::config::ConfigError;
use internlm_kit::context::RunContext;
use internlm_kit::stop::Stop;
use internlm_kit::{outln, run_folder};

use super::consent::{TerminalConsent, Unknown};
use super::loaded::{Loaded, Resolved};
use super::tool_notice::tool_notice;
use crate::Error;
use crate::batch::{Batch, Start, read_questions};
use crate::config::QuestionsConfig;
use crate::driver::World;
use crate::llm::{LanguageModel, OpenAi};

const EXAMPLES: &str = "Examples:
  lagent run recipes/tiny/6-agent.toml --set model.base-url=http://127.0.0.1:23333
  lagent run agent.toml my-questions.jsonl --set questions.concurrency=1 --fresh
  lagent run team.toml my-questions.jsonl --out runs/team

Writes transcripts.jsonl, predictions.jsonl, summary.json and config.toml into the output folder.
An answer is right if its last number equals the expected one exactly.

Every question is a conversation of its own; a [memory] in the file is for `lagent chat` and `lagent serve`.
An interrupted run resumes where it was, in the middle of a question if need be. A call that may have been made when
the process ended is not made again, unless a person at the terminal or --repeat-calls says so: the model reads that
its outcome is unknown.";

/// Number of questions that are asked at the same time unless the file says otherwise.
const CONCURRENCY: usize = 4;

/// Arguments of `lagent run`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Run {
    /// The agent file or team file in TOML.
    config: PathBuf,
    /// Questions as JSON lines or one JSON list of {"id", "question", "answer"} [default: questions.path of the agent file].
    input: Option<PathBuf>,
    /// Folder of the results [default: questions.out of the agent file].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Override one key of the file, for instance model.base-url=http://127.0.0.1:23333. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Ask every question, even those that an interrupted run has already finished.
    #[arg(long)]
    fresh: bool,
    /// Make calls again that an interrupted run may have made already.
    #[arg(long)]
    repeat_calls: bool,
}

impl Run {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let loaded = Loaded::open(Some(&self.config), &self.overrides)?;
        let paths = self.paths(loaded.questions.clone())?;
        let questions = read_questions(&paths.path, paths.limit)?;
        let start = if self.fresh { Start::Fresh } else { Start::Resume };
        let unknown = if self.repeat_calls { Unknown::Repeat } else { Unknown::Ask };
        let consent = TerminalConsent::new(unknown);
        let context = RunContext::terminal(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .with_stop(Stop::on_signals()?);
        let runtime = super::runtime()?;
        let summary = runtime.block_on(async {
            let model = OpenAi::connect(&loaded.model).await?;
            if let Some(notice) = tool_notice(&loaded.machine, &loaded.model, model.name()).await {
                tracing::warn!("{notice}");
            }
            tracing::info!(model = model.name(), questions = questions.len(), "asking");
            let world = World::new(&model, &loaded.tools).with_hooks(&loaded.hooks);
            let batch = Batch::of(loaded.machine.clone(), world, &questions, &paths.out)
                .with_concurrency(paths.concurrency)
                .with_consent(&consent)
                .with_secrets(loaded.secrets.clone());
            batch.run(start, &context).await
        });
        // Tools that still run end with the process.
        runtime.shutdown_background();
        let summary = summary?;
        write_config(loaded.resolved, &paths, &context)?;
        outln!("{}", serde_json::to_string_pretty(&summary)?)?;
        Ok(())
    }

    /// The questions and the folder of the results: those of the file, replaced by the arguments.
    fn paths(&self, table: Option<QuestionsConfig>) -> Result<QuestionsConfig, Error> {
        let (input, out) = (self.input.clone(), self.out.clone());
        match (table, input, out) {
            (Some(table), input, out) => Ok(QuestionsConfig {
                path: input.unwrap_or(table.path),
                out: out.unwrap_or(table.out),
                ..table
            }),
            (None, Some(path), Some(out)) => {
                Ok(QuestionsConfig { path, out, limit: None, concurrency: CONCURRENCY })
            }
            (None, ..) => {
                let expected = "expected a table with path and out, or the arguments INPUT and --out DIR";
                let problems = vec![format!("questions: missing, {expected}")];
                Err(ConfigError::Invalid { path: self.config.clone(), problems }.into())
            }
        }
    }
}

/// Writes what the run has used next to its results.
fn write_config(resolved: Resolved, paths: &QuestionsConfig, context: &RunContext) -> anyhow::Result<()> {
    let resolved = match resolved {
        Resolved::Agent(mut config) => {
            config.questions = Some(paths.clone());
            Resolved::Agent(config)
        }
        Resolved::Team(config) => Resolved::Team(config),
    };
    let origin = context.provenance_or(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    run_folder::write_config(paths.out.join("config.toml"), &resolved, &origin)?;
    Ok(())
}
