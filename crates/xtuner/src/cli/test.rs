//! `xtuner test`: what a tuned model or a checkpoint has learned.

use std::path::PathBuf;

use burn::module::Module;
use clap::Args;
use internlm_kit::context::RunContext;
use internlm_kit::outln;
use internlm_kit::summary::{Summary, significant};
use internlm_model::chat::ChatTemplate;
use internlm_model::decoder::Decoder;
use internlm_model::{Tokenizer, device};
use internlm_train::{Row, evaluate};
use rayon::prelude::*;

use crate::config::SamplesConfig;
use crate::convert::load_checkpoint;
use crate::dataset::Sample;
use crate::exactness::{Exactness, Examined, Examiner};
use crate::generator::{Question, read_questions};
use crate::samples::Samples;
use crate::template::Template;
use crate::{Error, FinetuneConfig, ObjectiveConfig, Result, hf_folder, load_dataset};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  xtuner test recipes/tiny/3-finetune.toml
  xtuner test recipes/tiny/3-finetune.toml runs/trial/hf --set test.limit=20 --show-misses
  xtuner test mine.toml --checkpoint runs/mine/checkpoints/step-100
  xtuner test recipes/tiny/3b-align.toml --compare

With a table [test] the questions of its file are asked. call_exact: share of questions whose expression is given to the
calculator exactly. answer_exact: share whose last sentence has the right number after the result. direct_exact: share
that is answered right without tools. Without MODEL the shares are also added to summary.json of the run; with --compare
those of the model that the run began with are added as call_exact_before and so on.
Without [test], and for a checkpoint: the loss on held-out samples, and answers to the questions of [samples].";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Test {
    /// TOML of the run, or the name of a ready configuration.
    config: PathBuf,
    /// Folder of the tuned model; default: `hf` in `run.out` of the config.
    model: Option<PathBuf>,
    /// Test a training checkpoint of the run instead, such as `checkpoints/step-100`.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["model", "model_option"])]
    checkpoint: Option<PathBuf>,
    /// Override one key, for instance `test.limit=20`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Maximum number of tokens of one reply; default: `test.max-tokens` or `samples.max-tokens` of the config.
    #[arg(long)]
    max_tokens: Option<usize>,
    /// The name that MODEL had as an option.
    #[arg(long = "model", value_name = "DIR", hide = true, conflicts_with = "model")]
    model_option: Option<PathBuf>,
    /// Print what the model did with the questions that it missed.
    #[arg(long)]
    show_misses: bool,
    /// Ask the model that the run began with, `model.path`, the same questions.
    #[arg(long, conflicts_with_all = ["model", "model_option", "checkpoint"])]
    compare: bool,
}

/// A model with the folder that its tokenizer and template come from.
struct Tested {
    decoder: Decoder,
    tokenizer: Tokenizer,
    folder: PathBuf,
}

impl Tested {
    /// The model in `folder`, on the device of `config`.
    fn load(folder: PathBuf, config: &FinetuneConfig) -> Result<Self> {
        let decoder = Decoder::load(&folder, &device::parse(&config.run.device)?)?;
        Ok(Self { decoder, tokenizer: Tokenizer::load(&folder)?, folder })
    }
}

impl Test {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = FinetuneConfig::load_with(&self.config, &self.set)?;
        if matches!(config.objective, ObjectiveConfig::Reward(_)) {
            let expected = "a model that answers; `xtuner eval-rm` measures reward models";
            return Err(Error::mismatch("objective.kind", "\"reward\"", expected).into());
        }
        let asks_nothing = config.samples.as_ref().is_none_or(|samples| samples.prompts.is_empty());
        let has_loss = matches!(config.objective, ObjectiveConfig::Sft);
        if config.test.is_none() && asks_nothing && !has_loss {
            let place = self.config.display().to_string();
            return Err(
                Error::mismatch(place, "neither [test] nor [samples]", "what to ask the model").into()
            );
        }
        if self.compare && config.test.is_none() {
            let place = self.config.display().to_string();
            return Err(Error::mismatch(place, "no [test]", "questions for --compare").into());
        }
        let tested = self.load(&config)?;
        if config.test.is_none() || self.checkpoint.is_some() {
            self.measure(&config, &tested)?;
        }
        let Some(test) = &config.test else { return Ok(()) };
        let questions = read_questions(&test.questions)?;
        let questions = &questions[..test.limit.min(questions.len())];
        let max_tokens = self.max_tokens.unwrap_or(test.max_tokens);
        let mut summary = self.ask(questions, max_tokens, &tested)?;
        if self.compare {
            let folder = config.model.path.clone();
            let before = self.ask(questions, max_tokens, &Tested::load(folder, &config)?)?;
            summary.extend(before.rows().iter().map(|(name, value)| (format!("{name}_before"), *value)));
        }
        outln!("{:>20}  {}", "questions", questions.len())?;
        for (name, value) in summary.rows() {
            outln!("{name:>20}  {value}")?;
        }
        if self.checkpoint.is_none() && self.model().is_none() {
            summary.merge_into(config.run.out.join("summary.json"))?;
        }
        Ok(())
    }

    fn model(&self) -> Option<&PathBuf> {
        self.model.as_ref().or(self.model_option.as_ref())
    }

    fn load(&self, config: &FinetuneConfig) -> Result<Tested> {
        let (decoder, folder) = match &self.checkpoint {
            Some(checkpoint) => (load_checkpoint(config, checkpoint)?.valid(), config.model.path.clone()),
            None => {
                let folder = self.model().cloned().unwrap_or_else(|| hf_folder(&config.run.out));
                return Tested::load(folder, config);
            }
        };
        Ok(Tested { decoder, tokenizer: Tokenizer::load(&folder)?, folder })
    }

    /// Prints the loss on held-out samples, and the answers to the questions of the config.
    fn measure(&self, config: &FinetuneConfig, tested: &Tested) -> anyhow::Result<()> {
        let Tested { decoder, tokenizer, folder } = tested;
        let template = Template::load(folder, config.dataset.template.as_deref())?;
        if matches!(config.objective, ObjectiveConfig::Sft) {
            let valid = load_dataset(config, tokenizer, &template)?.valid;
            let rows: Vec<Row> = valid.iter().map(Sample::row).collect();
            outln!("{:>20}  {}", "samples", rows.len())?;
            if !rows.is_empty() {
                let loss = evaluate(decoder, &rows, config.run.pass_tokens).map_err(Error::from)?.loss();
                outln!("{:>20}  {}", "valid_loss", significant(loss, 4))?;
            }
        }
        let Some(samples) = &config.samples else { return Ok(()) };
        let mut samples: SamplesConfig = samples.clone();
        samples.max_tokens = self.max_tokens.unwrap_or(samples.max_tokens);
        let asked = Samples { config: &samples, tokenizer, template: &template };
        for (prompt, answer) in samples.prompts.iter().zip(asked.answers(decoder)?) {
            outln!("--- {prompt}\n{answer}")?;
        }
        Ok(())
    }

    /// Asks the questions of `[test]`: the shares of exact calls and answers.
    fn ask(&self, questions: &[Question], max_tokens: usize, tested: &Tested) -> anyhow::Result<Summary> {
        let examined = examine(tested, max_tokens, questions)?;
        let mut exactness = Exactness::default();
        for (question, examined) in questions.iter().zip(&examined) {
            let before = exactness.answers;
            exactness.count(question, examined);
            if self.show_misses && exactness.answers == before {
                let call = examined.expression.as_deref().unwrap_or("no call");
                outln!("{}: {} | {call} | {}", question.id, question.question, examined.answer)?;
            }
        }
        Ok(exactness.summary())
    }
}

/// Asks every question, with and without the calculator.
fn examine(tested: &Tested, max_tokens: usize, questions: &[Question]) -> Result<Vec<Examined>> {
    let template = ChatTemplate::load(&tested.folder)?;
    let examiner = Examiner::new(&tested.decoder, &tested.tokenizer, &template, max_tokens);
    let context = RunContext::terminal(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let progress = context.reporter.start("test", "questions", questions.len() as u64);
    // One answer at a time leaves most of a machine idle.
    questions
        .par_iter()
        .map(|question| {
            let examined = examiner.ask(question);
            progress.advance(1);
            examined
        })
        .collect()
}
