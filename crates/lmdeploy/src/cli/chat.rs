//! `lmdeploy chat`: a conversation on the terminal, or through pipes.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::pin::Pin;

use clap::Args;
use futures_util::{Stream, StreamExt, stream};
use internlm_kit::{out, outln};

use super::options::BackendOptions;
use crate::client::{Client, ClientConfig};
use crate::protocol::{
    ChatChunk, ChatMessage, ChatRequest, Content, FinishReason, MessageRole, OneOrMany, StreamedCalls,
    ToolCall,
};
use crate::respond::Responder;
use crate::{Error, Pipeline, Result};

const EXAMPLES: &str =
    "An empty line ends a message. `end` forgets the conversation and `exit` leaves. Ctrl-C stops an answer and
drops that turn; Ctrl-D leaves.

Examples:
  lmdeploy chat runs/tiny/finetune/hf
  lmdeploy chat --api-url http://127.0.0.1:23333
  printf 'What is 12*34?\\n' | lmdeploy chat model.gguf --temperature 0 --max-tokens 40 --json";

/// Options of `lmdeploy chat`.
#[derive(Args, Debug)]
#[command(override_usage = "lmdeploy chat <MODEL | --api-url URL> [OPTIONS]", after_help = EXAMPLES)]
pub(super) struct ChatArguments {
    /// Model to chat with: a Hugging Face folder or a GGUF file
    #[arg(required_unless_present = "api_url", conflicts_with = "api_url")]
    model: Option<PathBuf>,
    /// Chat with the server at this address instead, such as http://host:port or http://host:port/v1
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
    #[command(flatten)]
    backend: BackendOptions,
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
            temperature: self.temperature,
            top_p: self.top_p,
            seed: self.seed,
            stop: (!self.stop.is_empty()).then(|| OneOrMany::Many(self.stop.clone())),
            max_tokens: self.max_tokens,
            ..ChatRequest::new(messages.iter().cloned())
        }
    }
}

type Chunks = Pin<Box<dyn Stream<Item = Result<ChatChunk>>>>;

/// Who answers.
enum Partner {
    Local(Pipeline),
    Remote(Client),
}

impl Partner {
    async fn ask(&self, request: &ChatRequest) -> Result<Chunks> {
        match self {
            Self::Remote(client) => Ok(client.chat_stream(request).await.map_err(|error| match error {
                // It has answered before, so it was there and has broken off.
                Error::Unreachable { url, message } if has_answer(request) => {
                    Error::Connection { url, message }
                }
                error => error,
            })?),
            Self::Local(pipeline) => local(pipeline.responder(), request),
        }
    }
}

/// Whether the conversation has an answer already.
fn has_answer(request: &ChatRequest) -> bool {
    request.messages.iter().any(|message| message.role == MessageRole::Assistant)
}

/// Chunks of an answer from the engine in this process.
fn local(responder: &Responder, request: &ChatRequest) -> Result<Chunks> {
    // The requests of a chat ask for one choice.
    let (mut generations, mut answers) = responder.chat(request)?;
    let both = (generations.remove(0), answers.remove(0));
    let chunks = stream::unfold(both, |(mut generation, mut answer)| async {
        let chunks = answer.chunks(generation.next().await?);
        let items = match chunks {
            Ok(chunks) => chunks.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        Some((stream::iter(items), (generation, answer)))
    });
    Ok(Box::pin(chunks.flatten()))
}

/// Reads messages and shows answers until the input ends.
pub(super) fn run(arguments: &ChatArguments) -> anyhow::Result<()> {
    let partner = match (&arguments.api_url, &arguments.model) {
        (Some(url), _) => Partner::Remote(Client::new(ClientConfig::new(url))?),
        (None, model) => {
            let mut config = arguments.backend.read(None, &[], model.as_ref())?;
            config.engine.max_batch_size = 1;
            Partner::Local(Pipeline::load(&config)?)
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let first: Vec<ChatMessage> = arguments.system.iter().map(ChatMessage::system).collect();
    let mut messages = first.clone();
    let mut input = std::io::stdin().lock();
    while let Some(text) = read_message(&mut input)? {
        match text.as_str() {
            "exit" => return Ok(()),
            "end" => messages.clone_from(&first),
            _ => {
                messages.push(ChatMessage::user(text));
                let request = arguments.request(&messages);
                match runtime.block_on(answer(&partner, &request, arguments.json))? {
                    Some(reply) => messages.push(reply),
                    // An answer that was stopped takes its question with it.
                    None => drop(messages.pop()),
                }
            }
        }
    }
    Ok(())
}

/// Reads lines until an empty one or the end of the input; none when nothing is left.
fn read_message(input: &mut impl BufRead) -> std::io::Result<Option<String>> {
    if std::io::stdin().is_terminal() {
        out!("\ndouble enter to end input >>> ")?;
    }
    let mut message = String::new();
    loop {
        let mut line = String::new();
        let read = input.read_line(&mut line)?;
        let ended = read == 0 || line.trim().is_empty();
        if ended && !message.trim().is_empty() {
            return Ok(Some(message.trim_end().to_owned()));
        }
        if read == 0 {
            return Ok(None);
        }
        if !ended {
            message += &line;
        }
    }
}

/// An answer as far as it has come.
#[derive(Default)]
struct Answer {
    text: String,
    calls: StreamedCalls,
    reason: Option<FinishReason>,
}

impl Answer {
    /// Takes the next chunk and gives the text that is new with it.
    fn take(&mut self, chunk: ChatChunk) -> String {
        let start = self.text.len();
        for choice in chunk.choices {
            self.text += &choice.delta.content.unwrap_or_default();
            choice.delta.tool_calls.unwrap_or_default().into_iter().for_each(|piece| self.calls.push(piece));
            self.reason = choice.finish_reason.or(self.reason);
        }
        self.text[start..].to_owned()
    }
}

/// Shows an answer as it comes, and gives its message; none when Ctrl-C stopped it. What the model wrote cannot command
/// a terminal: `out!` writes control characters as text.
async fn answer(partner: &Partner, request: &ChatRequest, json: bool) -> anyhow::Result<Option<ChatMessage>> {
    let mut chunks = partner.ask(request).await?;
    let mut answer = Answer::default();
    loop {
        let chunk = tokio::select! {
            chunk = chunks.next() => chunk,
            stopped = tokio::signal::ctrl_c() => {
                stopped?;
                outln!()?;
                return Ok(None);
            }
        };
        let Some(chunk) = chunk else { break };
        let more = answer.take(chunk?);
        if !json {
            out!("{more}")?;
        }
    }
    let (text, reason) = (answer.text, answer.reason);
    let calls = answer.calls.finish();
    if json {
        let line = serde_json::json!({ "content": text, "tool_calls": calls, "finish_reason": reason });
        outln!("{line}")?;
    } else {
        show_end(&calls, reason, request.max_tokens)?;
    }
    // As a server writes it: null stands for the content of an answer that only calls tools.
    let content = (!text.is_empty() || calls.is_empty()).then_some(Content::Text(text));
    let tool_calls = (!calls.is_empty()).then_some(calls);
    Ok(Some(ChatMessage { content, tool_calls, ..ChatMessage::assistant("") }))
}

/// Shows what follows the text of an answer: its calls, and that it is not complete.
fn show_end(calls: &[ToolCall], reason: Option<FinishReason>, max_tokens: Option<u32>) -> anyhow::Result<()> {
    for call in calls {
        outln!("[call {} {}]", call.function.name, call.function.arguments)?;
    }
    outln!()?;
    if reason == Some(FinishReason::Length) {
        let note = if max_tokens.is_some() {
            "[stopped at --max-tokens]"
        } else {
            "[stopped at the maximum number of tokens]"
        };
        if std::io::stdout().is_terminal() {
            outln!("{note}")?;
        } else {
            tracing::warn!("{note}");
        }
    }
    Ok(())
}
