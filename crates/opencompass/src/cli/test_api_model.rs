//! `opencompass test-api-model`: sends one question to models, before a long run does.

use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use internlm_kit::exit::Failure;
use internlm_kit::outln;

use super::settings::models;
use crate::EvaluationConfig;
use crate::model::{Answer, ChatMessage, EvaluatedModelConfig, Needs, Request, Sampling, connect};

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  opencompass test-api-model http://127.0.0.1:23333\n  \
                        opencompass test-api-model run.toml --prompt 'What is 6 times 7?'")]
pub(super) struct Arguments {
    /// A run file, whose models are all asked, or a model: an address as http://host:port, a model folder or a GGUF file.
    target: String,
    /// The question.
    #[arg(long, default_value = "Who are you?")]
    prompt: String,
    /// Maximum number of tokens of the answer.
    #[arg(long, value_name = "N", default_value_t = 64)]
    max_out_len: u32,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let targets: Vec<EvaluatedModelConfig> = if arguments.target.ends_with(".toml") {
        EvaluationConfig::load(&arguments.target)?.models().cloned().collect()
    } else {
        models(&[], &arguments.target)?
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut code = ExitCode::SUCCESS;
    for target in &targets {
        if !runtime.block_on(test(target, arguments))? {
            code = Failure::Partial.code().into();
        }
    }
    Ok(code)
}

/// Asks one model, and returns whether it answered.
async fn test(target: &EvaluatedModelConfig, arguments: &Arguments) -> anyhow::Result<bool> {
    let model = connect(target, Needs::LogProbs).await?;
    let profile = model.profile();
    let log_probs = profile.log_probs.as_ref().err().map_or("yes", String::as_str);
    outln!(
        "{}: {}, {} tokens, log-probabilities: {log_probs}",
        target.name,
        profile.identity,
        profile.max_seq_len
    )?;
    let request = Request::Chat {
        messages: vec![ChatMessage::user(arguments.prompt.as_str())],
        tools: Vec::new(),
        sampling: Sampling { max_tokens: Some(arguments.max_out_len), ..Sampling::default() },
    };
    let started = Instant::now();
    let answer = model.answer(&request).await;
    let seconds = started.elapsed().as_secs_f64();
    match &answer {
        Ok(Answer::Reply { text, .. }) => outln!("  {text}\n  in {seconds:.1} s")?,
        Ok(other) => outln!("  {other:?}\n  in {seconds:.1} s")?,
        Err(error) => outln!("  failed after {seconds:.1} s: {error}")?,
    }
    Ok(answer.is_ok())
}
