//! `lmdeploy chat`: a conversation on the terminal, or through pipes.

mod answer;
mod conversation;
mod entry;
mod input;
mod partner;
mod screen;
mod session;

use std::path::PathBuf;

use clap::Args;

use self::entry::COMMANDS;
use self::partner::Partner;
use self::session::Session;
use super::options::BackendOptions;
use crate::Pipeline;
use crate::client::{Client, ClientConfig};
use crate::protocol::{ChatMessage, ChatRequest, OneOrMany};

const EXAMPLES: &str = "Examples:
  lmdeploy chat runs/tiny/finetune/hf
  lmdeploy chat --api-url http://127.0.0.1:23333
  printf 'What is 12*34?\\n' | lmdeploy chat model.gguf --temperature 0 --max-tokens 40 --json";

/// Options of `lmdeploy chat`.
#[derive(Args, Debug)]
#[command(
    override_usage = "lmdeploy chat <MODEL | --api-url URL> [OPTIONS]",
    after_help = format!("{COMMANDS}\n\n{EXAMPLES}")
)]
pub(super) struct ChatArguments {
    /// Model to chat with: a Hugging Face folder or a GGUF file
    #[arg(required_unless_present = "api_url", conflicts_with = "api_url")]
    model: Option<PathBuf>,
    /// Chat with the server at this address instead, such as http://host:port or http://host:port/v1
    #[arg(
        long,
        visible_alias = "api",
        value_name = "URL",
        conflicts_with_all = ["device", "backend", "quant_policy", "dtype", "threads", "chat_template"]
    )]
    api_url: Option<String>,
    /// Send this bearer token to the server
    #[arg(long, value_name = "KEY", conflicts_with = "model")]
    api_key: Option<String>,
    /// Ask the server for the model of this name [default: the one that it serves]
    #[arg(long, value_name = "NAME", conflicts_with = "model")]
    model_name: Option<String>,
    #[command(flatten)]
    backend: BackendOptions,
    /// Use this chat template: a file, or a name such as chatml, llama3 or vicuna [default: the model's own]
    #[arg(long, value_name = "TEMPLATE")]
    chat_template: Option<PathBuf>,
    /// Begin the conversation with this system message
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Sampling temperature in [0, 2]; 0 decodes greedily [default: the model's]
    #[arg(long, allow_negative_numbers = true)]
    temperature: Option<f32>,
    /// Sample among the most likely tokens whose probabilities add up to this number, in (0, 1] [default: the model's]
    #[arg(long, allow_negative_numbers = true)]
    top_p: Option<f32>,
    /// Seed of the sampling; the same seed gives the same answer [default: a new one for each answer]
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<i64>,
    /// End an answer before this text; may be given several times
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Maximum number of tokens in an answer [default: as many as fit into the context]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    max_tokens: Option<u32>,
    /// Print one line of JSON per answer
    #[arg(long)]
    json: bool,
}

impl ChatArguments {
    /// The request for the next answer of a conversation.
    fn request(&self, messages: &[ChatMessage]) -> ChatRequest {
        ChatRequest {
            model: self.model_name.clone().unwrap_or_default(),
            temperature: self.temperature,
            top_p: self.top_p,
            seed: self.seed,
            stop: (!self.stop.is_empty()).then(|| OneOrMany::Many(self.stop.clone())),
            max_tokens: self.max_tokens,
            ..ChatRequest::new(messages.iter().cloned())
        }
    }

    /// Loads the model, or prepares to ask the server, which is not asked yet.
    fn partner(&self) -> anyhow::Result<Partner> {
        if let Some(url) = &self.api_url {
            let mut config = ClientConfig::new(url);
            config.api_key.clone_from(&self.api_key);
            return Ok(Partner::Remote(Client::new(config)?));
        }
        let mut config = self.backend.read(None, &[], self.model.as_ref())?;
        config.engine.max_batch_size = 1;
        config.model.chat_template.clone_from(&self.chat_template);
        Ok(Partner::Local(Pipeline::load(&config)?))
    }
}

/// Reads messages and shows answers until the input ends.
pub(super) fn run(arguments: &ChatArguments) -> anyhow::Result<()> {
    let session = Session::new(arguments, arguments.partner()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(session.run())
}
