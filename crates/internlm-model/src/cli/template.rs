//! `internlm-model template`: a conversation as the model sees it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::model::ModelArg;
use crate::Tokenizer;
use crate::chat::{ChatTemplate, Prompt};

/// Show a conversation as the model sees it
///
/// Puts messages through the model's chat template and prints the resulting text or token ids.
#[derive(Args, Debug)]
#[command(
    override_usage = "internlm-model template [OPTIONS] <MODEL> --chat <CHAT>",
    after_help = "Examples:
  internlm-model template runs/tiny/finetune/hf --chat chat.json
  internlm-model template model.gguf --chat chat.json --format ids --generate

chat.json is a list of OpenAI's messages: {\"role\": \"user\", \"content\": \"Hi\"}, with tool_calls and the role tool for results."
)]
pub(super) struct TemplateArgs {
    #[command(flatten)]
    model: ModelArg,
    /// Read the messages from this file, a JSON list
    #[arg(long)]
    chat: PathBuf,
    /// Choose what is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The name of `--format ids` up to version 0.1; kept for one release.
    #[arg(long, hide = true, conflicts_with = "format")]
    ids: bool,
    /// End with the start of the assistant's answer, as for generation
    #[arg(long)]
    generate: bool,
}

/// What is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// The text, special tokens by name
    Text,
    /// One JSON list of ids
    Ids,
}

pub(super) fn run(args: &TemplateArgs) -> anyhow::Result<()> {
    let messages = super::json::read_chat(&args.chat)?;
    let tokenizer = Tokenizer::load(args.model.path())?;
    let template = ChatTemplate::of(&tokenizer)?;
    let prompt = if args.generate { Prompt::Generate } else { Prompt::None };
    if args.ids || args.format == Format::Ids {
        let ids = template.encode(&tokenizer, &messages, prompt)?;
        internlm_kit::outln!("{}", serde_json::to_string(&ids)?)?;
    } else {
        internlm_kit::out!("{}", template.render(&messages, prompt)?)?;
    }
    Ok(())
}
