//! [`ChatAnswer`]: the engine's outputs -> chunks of one choice of a chat answer, or the whole choice.

use internlm_model::tokenizer::Special;
use internlm_model::{TokenId, Tokenizer};
use serde_json::Value;

use super::ServedModel;
use super::refusal::{finish_reason, stop_reason};
use super::reply::Reply;
use super::responder::now;
use crate::Result;
use crate::decode::{IdLogprob, TokenScores};
use crate::engine::{Finished, Output, Piece};
use crate::parse::{Functions, ParseOptions, Section, ToolFormat};
use crate::protocol::{
    ChatChoice, ChatChunk, ChatChunkChoice, ChatDelta, ChatLogprobs, ChatMessage, ChatRequest, ChatResponse,
    CompletionTokensDetails, Content, FinishReason, MessageRole, StreamedCalls, TokenLogprob, TopLogprob,
    Usage,
};

/// Scores and ids that chunks have not shown yet.
#[derive(Debug, Default)]
struct Unsent {
    logprobs: Option<Vec<TokenLogprob>>,
    ids: Option<Vec<u32>>,
    id_logprobs: Option<Vec<(f32, u32)>>,
}

/// What a chat answer needs besides model and request.
#[derive(Clone, Debug)]
pub struct AnswerOptions {
    /// Name of the answer: `chatcmpl-` and a unique name, the same for all of its choices.
    pub id: String,
    /// Place in the list of choices, from 0.
    pub index: usize,
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
    tokenizer: Tokenizer,
    reply: Reply,
    /// The request's own stop ids.
    stop_ids: Vec<u32>,
    /// Whether a chunk has said whose message this is; clients join the strings of all chunks.
    begun: bool,
    unsent: Unsent,
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
        let hides_tools = request.tool_choice.as_ref().and_then(Value::as_str) == Some("none");
        let parse = ParseOptions::new(if hides_tools { ToolFormat::None } else { model.tools })
            .with_reasoning(model.reasoning, start)
            .with_special(options.special)
            .with_functions(Functions::of(request.tools.as_deref().unwrap_or_default()));
        let max_calls = if request.parallel_tool_calls == Some(false) { 1 } else { usize::MAX };
        Self {
            reply: Reply::new(model, parse, prefix, max_calls),
            id: options.id,
            index: options.index,
            created: now(),
            model: model.name.clone(),
            tokenizer: model.tokenizer.clone(),
            stop_ids: request.stop_token_ids.clone().unwrap_or_default(),
            begun: false,
            unsent: Unsent {
                logprobs: options.wants_logprobs.then(Vec::new),
                ids: (request.return_token_ids == Some(true)).then(Vec::new),
                id_logprobs: (request.return_logprob == Some(true)).then(Vec::new),
            },
        }
    }

    /// The chunks that an output gives: none while no text is certain, the last one with a finish reason. None of them
    /// has the usage; see [`ChatAnswer::usage_chunk`].
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status of a request that failed.
    pub fn chunks(&mut self, output: Output) -> Result<Vec<ChatChunk>> {
        let mut message = Vec::new();
        match output {
            Output::Prompt(_) => Ok(Vec::new()),
            Output::Pieces(pieces) => {
                for piece in pieces {
                    self.unsent.add(&self.tokenizer, &piece);
                    self.reply.push(&piece, &mut message);
                }
                Ok(message.into_iter().map(|delta| self.chunk(delta)).collect())
            }
            Output::Finished(finished) => {
                let reason = finish_reason(&finished.end)?;
                self.reply.finish(&finished.rest, &mut message);
                let mut chunks: Vec<ChatChunk> = message.into_iter().map(|delta| self.chunk(delta)).collect();
                // Ids whose text was a stop string were generated too, so their scores are sent; and an answer without
                // any text has an author all the same.
                if !self.unsent.is_empty() || !self.begun {
                    chunks.push(self.chunk(text_delta()));
                }
                chunks.push(self.last_chunk(reason, &finished));
                Ok(chunks)
            }
        }
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
        for output in outputs {
            if let Output::Finished(finished) = &output {
                end = Some(finished.clone());
            }
            for chunk in self.chunks(output)? {
                chunk.choices.into_iter().for_each(|choice| whole.add(choice));
            }
        }
        let usage = end.map(|finished| self.usage(&finished)).unwrap_or_default();
        Ok((whole.choice(self.index, &self.unsent), usage))
    }

    /// The body of a whole answer with these choices.
    #[must_use]
    pub fn response(&self, choices: Vec<ChatChoice>, usage: Usage) -> ChatResponse {
        ChatResponse {
            id: self.id.clone(),
            object: "chat.completion".to_owned(),
            created: self.created,
            model: self.model.clone(),
            choices,
            usage,
        }
    }

    /// A chunk with a delta and all that is unsent; the first one has the role.
    fn chunk(&mut self, delta: ChatDelta) -> ChatChunk {
        let role = (!std::mem::replace(&mut self.begun, true)).then_some(MessageRole::Assistant);
        let logprobs = self.unsent.logprobs.as_mut().map(std::mem::take).filter(|scores| !scores.is_empty());
        let choice = ChatChunkChoice {
            index: self.index,
            delta: ChatDelta { role, ..delta },
            logprobs: logprobs.map(|content| ChatLogprobs { content }),
            output_ids: self.unsent.ids.as_mut().map(std::mem::take),
            output_token_logprobs: self.unsent.id_logprobs.as_mut().map(std::mem::take),
            ..ChatChunkChoice::default()
        };
        ChatChunk { choices: vec![choice], ..self.empty_chunk() }
    }

    fn last_chunk(&self, reason: FinishReason, finished: &Finished) -> ChatChunk {
        let reason = match reason {
            FinishReason::Stop if self.reply.has_calls() => FinishReason::ToolCalls,
            reason => reason,
        };
        let choice = ChatChunkChoice {
            index: self.index,
            delta: text_delta(),
            finish_reason: Some(reason),
            stop_reason: stop_reason(finished, &self.stop_ids),
            ..ChatChunkChoice::default()
        };
        ChatChunk { choices: vec![choice], ..self.empty_chunk() }
    }

    fn empty_chunk(&self) -> ChatChunk {
        ChatChunk {
            id: self.id.clone(),
            object: "chat.completion.chunk".to_owned(),
            created: self.created,
            model: self.model.clone(),
            choices: Vec::new(),
            usage: None,
        }
    }
}

impl Unsent {
    fn add(&mut self, tokenizer: &Tokenizer, piece: &Piece) {
        if let Some(ids) = &mut self.ids {
            ids.push(piece.id.0);
        }
        let Some(scores) = &piece.scores else { return };
        if let Some(logprobs) = &mut self.logprobs {
            logprobs.push(token_logprob(tokenizer, scores));
        }
        if let Some(logprobs) = &mut self.id_logprobs {
            logprobs.push((scores.chosen.logprob, scores.chosen.id.0));
        }
    }

    fn is_empty(&self) -> bool {
        let has_ids = self.ids.as_ref().is_some_and(|ids| !ids.is_empty());
        let has_logprobs = self.logprobs.as_ref().is_some_and(|logprobs| !logprobs.is_empty());
        !has_ids && !has_logprobs && self.id_logprobs.as_ref().is_none_or(Vec::is_empty)
    }
}

/// What the chunks add up to.
#[derive(Default)]
struct Whole {
    content: String,
    reasoning: String,
    calls: StreamedCalls,
    sent: Unsent,
    end: ChatChunkChoice,
}

impl Whole {
    fn add(&mut self, choice: ChatChunkChoice) {
        self.content += choice.delta.content.as_deref().unwrap_or_default();
        self.reasoning += choice.delta.reasoning_content.as_deref().unwrap_or_default();
        for call in choice.delta.tool_calls.unwrap_or_default() {
            self.calls.push(call);
        }
        let sent = &mut self.sent;
        sent.logprobs.get_or_insert_default().extend(choice.logprobs.unwrap_or_default().content);
        sent.ids.get_or_insert_default().extend(choice.output_ids.unwrap_or_default());
        sent.id_logprobs.get_or_insert_default().extend(choice.output_token_logprobs.unwrap_or_default());
        self.end.finish_reason = choice.finish_reason.or(self.end.finish_reason);
        self.end.stop_reason = choice.stop_reason.or(self.end.stop_reason.take());
    }

    /// The choice; `wanted` says which of the scores and ids the request asked for.
    fn choice(self, index: usize, wanted: &Unsent) -> ChatChoice {
        let calls = self.calls.finish();
        let is_silent = self.content.is_empty() && !(calls.is_empty() && self.reasoning.is_empty());
        let mut message = ChatMessage {
            role: MessageRole::Assistant,
            content: (!is_silent).then_some(Content::Text(self.content)),
            tool_calls: (!calls.is_empty()).then_some(calls),
            ..ChatMessage::default()
        };
        if !self.reasoning.is_empty() {
            message.fields.insert("reasoning_content".to_owned(), Value::String(self.reasoning));
        }
        let content = self.sent.logprobs.unwrap_or_default();
        ChatChoice {
            index,
            message,
            logprobs: wanted.logprobs.as_ref().map(|_| ChatLogprobs { content }),
            finish_reason: self.end.finish_reason,
            stop_reason: self.end.stop_reason,
            output_ids: self.sent.ids.filter(|_| wanted.ids.is_some()),
            output_token_logprobs: self.sent.id_logprobs.filter(|_| wanted.id_logprobs.is_some()),
        }
    }
}

fn text_delta() -> ChatDelta {
    ChatDelta { content: Some(String::new()), ..ChatDelta::default() }
}

fn token_logprob(tokenizer: &Tokenizer, scores: &TokenScores) -> TokenLogprob {
    let top_logprobs = scores.top.iter().map(|&IdLogprob { id, logprob }| {
        let (token, bytes) = token_text(tokenizer, id);
        TopLogprob { token, logprob, bytes: Some(bytes) }
    });
    let (token, bytes) = token_text(tokenizer, scores.chosen.id);
    TokenLogprob {
        token,
        logprob: scores.chosen.logprob,
        bytes: Some(bytes),
        top_logprobs: top_logprobs.collect(),
    }
}

fn token_text(tokenizer: &Tokenizer, id: TokenId) -> (String, Vec<u8>) {
    let bytes = tokenizer.token_bytes(id).to_vec();
    (String::from_utf8_lossy(&bytes).into_owned(), bytes)
}
