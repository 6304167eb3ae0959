//! `xtuner test`: exact calls and answers on held-out questions.

use std::path::{Path, PathBuf};

use clap::Args;
use internlm_kit::config;
use internlm_kit::progress::Progress;
use internlm_model::chat::ChatTemplate;
use internlm_model::decoder::Decoder;
use internlm_model::{Tokenizer, device};

use crate::exactness::{Exactness, Examined, Examiner};
use crate::generator::{Question, read_questions};
use crate::{Error, FinetuneConfig, Result, hf_folder};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner test recipes/tiny/3-finetune.toml
  xtuner test recipes/tiny/3-finetune.toml --set test.limit=20 --model runs/trial/hf --show-misses

call_exact: the calculator is called with exactly the expression of the question. answer_exact: after its result
the last sentence has the right number. direct_exact: the same questions without tools.
Without --model the shares are also added to summary.json of the run.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Test {
    /// A config with a `[test]` section.
    config: PathBuf,
    /// Overrides one key; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Tuned model, instead of `hf` in the config's `run.out`.
    #[arg(long, value_name = "DIR")]
    model: Option<PathBuf>,
    /// Prints what the model did with the questions it missed.
    #[arg(long)]
    show_misses: bool,
}

impl Test {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config: FinetuneConfig = config::load_with(&self.config, &self.set).map_err(Error::from)?;
        let Some(test) = &config.test else {
            let place = self.config.display().to_string();
            return Err(Error::mismatch(place, "no section [test]", "one with `questions`").into());
        };
        let questions = read_questions(&test.questions)?;
        let asked = &questions[..test.limit.min(questions.len())];
        let folder = self.model.clone().unwrap_or_else(|| hf_folder(&config.run.out));
        let examined = examine(&config, test.max_new_tokens, &folder, asked)?;
        let mut exactness = Exactness::default();
        for (question, examined) in asked.iter().zip(&examined) {
            let before = exactness.answers;
            exactness.count(question, examined);
            if self.show_misses && exactness.answers == before {
                let call = examined.expression.as_deref().unwrap_or("no call");
                println!("{}: {} | {call} | {}", question.id, question.question, examined.answer);
            }
        }
        println!("{:>16}  {}", "questions", exactness.questions);
        let summary = exactness.summary();
        for (name, value) in summary.rows() {
            println!("{name:>16}  {value}");
        }
        if self.model.is_none() {
            summary.merge_into(&config.run.out.join("summary.json"))?;
        }
        Ok(())
    }
}

/// Asks every question.
fn examine(
    config: &FinetuneConfig,
    max_new_tokens: usize,
    folder: &Path,
    questions: &[Question],
) -> Result<Vec<Examined>> {
    let (_, decoder) = Decoder::load(folder, &device::parse(&config.run.device)?)?;
    let (tokenizer, template) = (Tokenizer::load(folder)?, ChatTemplate::load(folder)?);
    let examiner = Examiner { decoder: &decoder, tokenizer: &tokenizer, template: &template, max_new_tokens };
    let progress = Progress::new("test", "questions", questions.len() as u64);
    questions
        .iter()
        .map(|question| {
            let examined = examiner.ask(question);
            progress.advance(1);
            examined
        })
        .collect()
}
