//! `xtuner test`: exact calls and answers on held-out questions.

use std::path::{Path, PathBuf};

use clap::Args;
use internlm_kit::context::RunContext;
use internlm_kit::outln;
use internlm_model::chat::ChatTemplate;
use internlm_model::decoder::Decoder;
use internlm_model::{Tokenizer, device};

use crate::exactness::{Exactness, Examined, Examiner};
use crate::generator::{Question, read_questions};
use crate::{Error, FinetuneConfig, Result, hf_folder};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner test recipes/tiny/3-finetune.toml
  xtuner test recipes/tiny/3-finetune.toml runs/trial/hf --set test.limit=20 --show-misses

call_exact: share of questions whose expression is given to the calculator exactly. answer_exact: share whose last
sentence has the right number after the result. direct_exact: share that is answered right without tools.
Without MODEL the shares are also added to summary.json of the run.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Test {
    /// TOML with a table `[test]`.
    config: PathBuf,
    /// Folder of the tuned model; default: `hf` in `run.out` of the config.
    model: Option<PathBuf>,
    /// Override one key, for instance `test.limit=20`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Maximum number of tokens of one reply; default: `test.max-tokens` of the config.
    #[arg(long)]
    max_tokens: Option<usize>,
    /// The name that MODEL had as an option.
    #[arg(long = "model", value_name = "DIR", hide = true, conflicts_with = "model")]
    model_option: Option<PathBuf>,
    /// Print what the model did with the questions that it missed.
    #[arg(long)]
    show_misses: bool,
}

impl Test {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = FinetuneConfig::load_with(&self.config, &self.set)?;
        let Some(test) = &config.test else {
            let place = self.config.display().to_string();
            return Err(Error::mismatch(place, "no table [test]", "one with `questions`").into());
        };
        let questions = read_questions(&test.questions)?;
        let asked = &questions[..test.limit.min(questions.len())];
        let model = self.model.as_ref().or(self.model_option.as_ref());
        let folder = model.cloned().unwrap_or_else(|| hf_folder(&config.run.out));
        let max_tokens = self.max_tokens.unwrap_or(test.max_tokens);
        let examined = examine(&config, max_tokens, &folder, asked)?;
        let mut exactness = Exactness::default();
        for (question, examined) in asked.iter().zip(&examined) {
            let before = exactness.answers;
            exactness.count(question, examined);
            if self.show_misses && exactness.answers == before {
                let call = examined.expression.as_deref().unwrap_or("no call");
                outln!("{}: {} | {call} | {}", question.id, question.question, examined.answer)?;
            }
        }
        outln!("{:>16}  {}", "questions", exactness.questions)?;
        let summary = exactness.summary();
        for (name, value) in summary.rows() {
            outln!("{name:>16}  {value}")?;
        }
        if model.is_none() {
            summary.merge_into(config.run.out.join("summary.json"))?;
        }
        Ok(())
    }
}

/// Asks every question, with and without the calculator.
fn examine(
    config: &FinetuneConfig,
    max_tokens: usize,
    folder: &Path,
    questions: &[Question],
) -> Result<Vec<Examined>> {
    let decoder = Decoder::load(folder, &device::parse(&config.run.device)?)?;
    let (tokenizer, template) = (Tokenizer::load(folder)?, ChatTemplate::load(folder)?);
    let examiner = Examiner::new(&decoder, &tokenizer, &template, max_tokens);
    let context = RunContext::terminal(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let progress = context.reporter.start("test", "questions", questions.len() as u64);
    questions
        .iter()
        .map(|question| {
            let examined = examiner.ask(question);
            progress.advance(1);
            examined
        })
        .collect()
}
