//! [`ChatAnswer`]: the engine's outputs -> chunks of one choice of a chat answer, or the whole choice.

mod unsent;
mod whole;

use internlm_model::tokenizer::Special;
use serde_json::Value;

use self::unsent::Unsent;
use self::whole::Whole;
use super::ServedModel;
use super::refusal::{finish_reason, stop_reason};
use super::reply::{Reply, ReplyLimits};
use super::responder::{FINGERPRINT, now, timings};
use super::thinking::parse_options;
use super::token_names::TokenNames;
use crate::Result;
use crate::engine::{Finished, Output};
use crate::parse::Section;
use crate::protocol::{
    ChatChoice, ChatChunk, ChatChunkChoice, ChatDelta, ChatRequest, ChatResponse, CompletionTokensDetails,
    FinishReason, MessageRole, PromptLogprobs, Timings, Usage,
};

/// What a chat answer needs besides model and request.
#[derive(Clone, Debug)]
pub struct AnswerOptions {
    /// Name of the answer: `chatcmpl-` and a unique name, the same for all of its choices.
    pub id: String,
    /// Place in the list of choices, from 0.
    pub index: usize,
    /// Number of ids in the prompt.
    pub prompt_tokens: usize,
    /// The ids of the prompt, when the answer shows them.
    pub prompt_ids: Option<Vec<u32>>,
    /// The prompt as text, when the answer shows it.
    pub prompt_text: Option<String>,
    /// Whether the answer shows the scores of its ids; the engine must have been asked for them.
    pub wants_logprobs: bool,
    /// Whether the content shows special tokens that are not marks of the format.
    pub special: Special,
    /// Whether the prompt ends inside of reasoning; see [`ServedModel::starts_in_reasoning`].
    pub starts_in_reasoning: bool,
}

/// One choice of a chat answer that is being generated.
#[derive(Debug)]
pub struct ChatAnswer {
    id: String,
    index: usize,
    created: u64,
    model: String,
    names: TokenNames,
    reply: Reply,
    /// The request's own stop ids.
    stop_ids: Vec<u32>,
    roles: Roles,
    /// Whether a chunk has been made.
    begun: bool,
    /// Number of ids in the prompt.
    prompt_tokens: usize,
    /// Number of generated ids so far.
    generated: usize,
    /// The text that is repeated in front of the answer, until it is sent.
    echo: Option<String>,
    /// The ids of the prompt, until they are sent.
    prompt_ids: Option<Vec<u32>>,
    /// The prompt as text, until it is sent.
    prompt_text: Option<String>,
    /// Number of most likely ids at each place of the prompt; none: the prompt's scores are not shown.
    prompt_top: Option<usize>,
    prompt_logprobs: Option<PromptLogprobs>,
    /// Whether the answer shows how long it took.
    shows_timings: bool,
    timings: Option<Timings>,
    unsent: Unsent,
}

/// Which chunks say whose message this is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Roles {
    /// Each of them, as upstream.
    All,
    /// The first one, for clients that join the strings of all chunks.
    First,
}

impl ChatAnswer {
    /// The answer to `request`, before its first output.
    #[must_use]
    pub fn new(model: &ServedModel, request: &ChatRequest, options: AnswerOptions) -> Self {
        let name = options.id.strip_prefix("chatcmpl-").unwrap_or(&options.id);
        let prefix = match options.index {
            0 => format!("call_{name}"),
            index => format!("call_{name}_{index}"),
        };
        let start = if options.starts_in_reasoning { Section::Reasoning } else { Section::Content };
        let parse = parse_options(model, request, start, options.special);
        let limits = ReplyLimits {
            calls: if request.parallel_tool_calls == Some(false) { 1 } else { usize::MAX },
            only_calls: must_call(request),
            shows_reasoning: request.include_reasoning != Some(false),
        };
        Self {
            reply: Reply::new(model, parse, prefix, limits),
            id: options.id,
            index: options.index,
            created: now(),
            model: model.name.clone(),
            names: TokenNames::new(&model.tokenizer, request.return_tokens_as_token_ids),
            stop_ids: request.stop_token_ids.clone().unwrap_or_default(),
            roles: Roles::All,
            begun: false,
            prompt_tokens: options.prompt_tokens,
            generated: 0,
            echo: echoed(request),
            prompt_ids: options.prompt_ids,
            prompt_text: options.prompt_text,
            prompt_top: request.prompt_logprobs.map(|top| top as usize),
            prompt_logprobs: None,
            shows_timings: request.timings_per_token == Some(true),
            timings: None,
            unsent: Unsent::new(request, options.wants_logprobs.then(Vec::new)),
        }
    }

    /// The same answer with the role in its first chunk only, for clients that join the strings of all chunks.
    #[must_use]
    pub fn with_role_once(self) -> Self {
        Self { roles: Roles::First, ..self }
    }

    /// The chunks that an output gives: none while no text is certain, the last one with a finish reason. None of them
    /// has the usage; see [`ChatAnswer::usage_chunk`].
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status of a request that failed.
    pub fn chunks(&mut self, output: Output) -> Result<Vec<ChatChunk>> {
        let mut message = Vec::new();
        match output {
            Output::Prompt(scores) => {
                self.prompt_logprobs = self.prompt_top.map(|top| self.names.prompt_logprobs(&scores, top));
                Ok(Vec::new())
            }
            Output::Pieces(pieces) => {
                message.extend(self.echo.take().map(text_delta));
                self.generated += pieces.len();
                for piece in pieces {
                    self.unsent.add(&self.names, &piece);
                    self.reply.push(&piece, &mut message);
                }
                Ok(message.into_iter().map(|delta| self.chunk(delta)).collect())
            }
            Output::Finished(finished) => {
                let reason = finish_reason(&finished.end)?;
                self.timings = self.shows_timings.then(|| timings(&finished));
                message.extend(self.echo.take().map(text_delta));
                self.reply.finish(&finished, &mut message);
                let mut chunks: Vec<ChatChunk> = message.into_iter().map(|delta| self.chunk(delta)).collect();
                // Ids whose text was a stop string were generated too, so their scores are sent; and an answer without
                // any text has an author all the same.
                if !self.unsent.is_empty() || !self.begun {
                    chunks.push(self.chunk(text_delta(String::new())));
                }
                chunks.push(self.last_chunk(reason, &finished));
                Ok(chunks)
            }
        }
    }

    /// Number of ids in the prompt, which is known before the first output.
    #[must_use]
    pub fn prompt_tokens(&self) -> usize {
        self.prompt_tokens
    }

    /// The token counts of this choice, once it has ended.
    #[must_use]
    pub fn usage(&self, finished: &Finished) -> Usage {
        let reasoning_tokens = self.reply.reasoning_tokens() as u64;
        let usage = Usage::new(finished.prompt_tokens as u64, finished.generated_tokens as u64);
        Usage {
            completion_tokens_details: Some(CompletionTokensDetails { reasoning_tokens }),
            ..usage.with_cached(finished.cached_tokens as u64)
        }
    }

    /// The token counts of this choice so far. How many of the prompt's were cached is known in the end.
    #[must_use]
    pub fn usage_so_far(&self) -> Usage {
        let reasoning_tokens = self.reply.reasoning_tokens() as u64;
        Usage {
            prompt_tokens_details: None,
            completion_tokens_details: Some(CompletionTokensDetails { reasoning_tokens }),
            ..Usage::new(self.prompt_tokens as u64, self.generated as u64)
        }
    }

    /// The chunk with the usage of all choices and without choices.
    #[must_use]
    pub fn usage_chunk(&self, usage: Usage) -> ChatChunk {
        ChatChunk { usage: Some(usage), ..self.empty_chunk() }
    }

    /// The whole choice, from all outputs of its request, and its token counts.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status of a request that failed.
    pub fn whole_choice(&mut self, outputs: Vec<Output>) -> Result<(ChatChoice, Usage)> {
        let mut whole = Whole::default();
        let mut end = None;
        // A whole answer has them once, and not in its choices.
        let (prompt_ids, prompt_text) = (self.prompt_ids.take(), self.prompt_text.take());
        for output in outputs {
            if let Output::Finished(finished) = &output {
                end = Some(finished.clone());
            }
            for chunk in self.chunks(output)? {
                chunk.choices.into_iter().for_each(|choice| whole.add(choice));
            }
        }
        (self.prompt_ids, self.prompt_text) = (prompt_ids, prompt_text);
        let usage = end.map(|finished| self.usage(&finished)).unwrap_or_default();
        Ok((whole.choice(self.index, &self.unsent), usage))
    }

    /// How long this choice took, once it has ended, when the request asks for it.
    #[must_use]
    pub fn timings(&self) -> Option<Timings> {
        self.timings
    }

    /// The body of a whole answer with these choices, of which this is the first one.
    #[must_use]
    pub fn response(&mut self, choices: Vec<ChatChoice>, usage: Usage) -> ChatResponse {
        ChatResponse {
            id: self.id.clone(),
            object: "chat.completion".to_owned(),
            created: self.created,
            model: self.model.clone(),
            system_fingerprint: Some(FINGERPRINT.clone()),
            choices,
            usage,
            timings: self.timings,
            prompt_token_ids: self.prompt_ids.take(),
            prompt_text: self.prompt_text.take(),
            prompt_logprobs: self.prompt_logprobs.take(),
        }
    }

    /// A chunk with a delta and all that is unsent.
    fn chunk(&mut self, delta: ChatDelta) -> ChatChunk {
        let choice = self.unsent.take();
        self.chunk_of(ChatChunkChoice { delta, ..choice })
    }

    fn last_chunk(&mut self, reason: FinishReason, finished: &Finished) -> ChatChunk {
        let reason = match reason {
            FinishReason::Stop if self.reply.has_calls() => FinishReason::ToolCalls,
            reason => reason,
        };
        let chunk = self.chunk_of(ChatChunkChoice {
            delta: text_delta(String::new()),
            finish_reason: Some(reason),
            stop_reason: stop_reason(finished, &self.stop_ids),
            ..ChatChunkChoice::default()
        });
        ChatChunk { timings: self.timings, ..chunk }
    }

    /// A chunk with a piece of this choice; the first one has what comes before the answer.
    fn chunk_of(&mut self, choice: ChatChunkChoice) -> ChatChunk {
        let is_first = !std::mem::replace(&mut self.begun, true);
        let role = (is_first || self.roles == Roles::All).then_some(MessageRole::Assistant);
        let delta = ChatDelta { role, ..choice.delta };
        ChatChunk {
            choices: vec![ChatChunkChoice { index: self.index, delta, ..choice }],
            prompt_token_ids: self.prompt_ids.take(),
            prompt_text: self.prompt_text.take(),
            ..self.empty_chunk()
        }
    }

    fn empty_chunk(&self) -> ChatChunk {
        ChatChunk {
            id: self.id.clone(),
            object: "chat.completion.chunk".to_owned(),
            created: self.created,
            model: self.model.clone(),
            system_fingerprint: Some(FINGERPRINT.clone()),
            ..ChatChunk::default()
        }
    }
}

/// The text in front of an answer to `request` that repeats it: that of the last message, if it is the assistant's.
fn echoed(request: &ChatRequest) -> Option<String> {
    let last = request.messages.last().filter(|_| request.echo == Some(true))?;
    let text = (last.role == MessageRole::Assistant).then(|| last.text())?;
    (!text.is_empty()).then_some(text)
}

/// Whether the grammar of the answer allows nothing but calls behind its reasoning.
fn must_call(request: &ChatRequest) -> bool {
    match &request.tool_choice {
        Some(Value::String(choice)) => choice == "required",
        Some(choice) => choice.get("function").is_some(),
        None => false,
    }
}

fn text_delta(text: String) -> ChatDelta {
    ChatDelta { content: Some(text), ..ChatDelta::default() }
}
