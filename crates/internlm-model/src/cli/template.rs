//! `internlm-model template`: a conversation as the model sees it.

use std::path::PathBuf;

use clap::Args;

use crate::chat::{ChatTemplate, Message, Prompt};
use crate::{Error, Tokenizer};

/// Print a conversation as text in the model's chat format, or its ids.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  internlm-model template --model runs/tiny/finetune/hf --chat chat.json
  internlm-model template --model model.gguf --chat chat.json --ids --generate

chat.json is a list of {\"role\": \"user\", \"content\": \"Hi\"}; roles are system, user, assistant, environment.")]
pub(super) struct TemplateArgs {
    /// Model folder or GGUF file.
    #[arg(long)]
    model: PathBuf,
    /// JSON list of messages.
    #[arg(long)]
    chat: PathBuf,
    /// Print ids as one JSON list.
    #[arg(long)]
    ids: bool,
    /// End with the start of the assistant's answer.
    #[arg(long)]
    generate: bool,
}

pub(super) fn run(args: &TemplateArgs) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(&args.chat).map_err(|source| Error::read(&args.chat, source))?;
    let messages: Vec<Message> = serde_json::from_str(&text).map_err(|error| {
        Error::Invalid(format!("{}: expected a JSON list of messages: {error}", args.chat.display()))
    })?;
    let tokenizer = Tokenizer::load(&args.model)?;
    let template = ChatTemplate::of(&tokenizer)?;
    let prompt = if args.generate { Prompt::Generate } else { Prompt::None };
    if args.ids {
        super::print(&(serde_json::to_string(&template.encode(&tokenizer, &messages, prompt)?)? + "\n"))?;
    } else {
        super::print(&template.render(&messages, prompt)?)?;
    }
    Ok(())
}
