//! [`ChatAnswer`]: the engine's outputs -> chunks of a chat answer, or the whole answer.

use internlm_model::{TokenId, Tokenizer};

use super::refusal::finish_reason;
use super::reply::{ReplyDelta, ReplyParser};
use crate::Result;
use crate::decode::{IdLogprob, TokenScores};
use crate::engine::{Finished, Output};
use crate::protocol::{
    ChatChoice, ChatChunk, ChatChunkChoice, ChatDelta, ChatLogprobs, ChatMessage, ChatResponse, Content,
    FinishReason, MessageRole, TokenLogprob, ToolCall, ToolCallDelta, TopLogprob, Usage,
};

/// A chat answer that is being generated.
#[derive(Debug)]
pub struct ChatAnswer {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) model: String,
    pub(super) tokenizer: Tokenizer,
    pub(super) parser: ReplyParser,
    pub(super) wants_logprobs: bool,
    /// Whether a chunk has said whose message this is; clients join the strings of all chunks.
    pub(super) begun: bool,
    /// Scores of ids whose text has not been sent yet.
    pub(super) unsent: Vec<TokenLogprob>,
}

impl ChatAnswer {
    /// The chunks that an output gives: none while no text is certain, the last one with a finish reason. None of them
    /// has the usage; see [`ChatAnswer::usage_chunk`].
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status of a request that failed.
    pub fn chunks(&mut self, output: Output) -> Result<Vec<ChatChunk>> {
        let finished = match output {
            Output::Prompt(_) => return Ok(Vec::new()),
            Output::Finished(finished) => finished,
            Output::Pieces(pieces) => {
                let mut deltas = Vec::new();
                for piece in pieces {
                    if let Some(scores) = piece.scores.as_ref().filter(|_| self.wants_logprobs) {
                        self.unsent.push(token_logprob(&self.tokenizer, scores));
                    }
                    deltas.extend(self.parser.push(&piece));
                }
                return Ok(self.delta_chunks(deltas));
            }
        };
        let reason = finish_reason(&finished.end)?;
        let deltas = self.parser.finish(&finished.rest);
        let mut chunks = self.delta_chunks(deltas);
        // Ids whose text was a stop string were generated too, so their scores are sent; and an answer without any text
        // has an author all the same.
        if !self.unsent.is_empty() || !self.begun {
            chunks.push(self.chunk(text_delta(String::new()), None));
        }
        let reason = match reason {
            FinishReason::Stop if self.parser.calls() > 0 => FinishReason::ToolCalls,
            reason => reason,
        };
        chunks.push(self.chunk(ChatDelta::default(), Some(reason)));
        Ok(chunks)
    }

    /// The chunk with the usage and without choices.
    #[must_use]
    pub fn usage_chunk(&self, finished: &Finished) -> ChatChunk {
        ChatChunk { choices: Vec::new(), usage: Some(usage(finished)), ..self.empty_chunk() }
    }

    /// The whole answer, from all outputs of the request.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] with the status of a request that failed.
    pub fn whole(&mut self, outputs: Vec<Output>) -> Result<ChatResponse> {
        let mut whole = Whole::default();
        for output in outputs {
            if let Output::Finished(finished) = &output {
                whole.usage = usage(finished);
            }
            for chunk in self.chunks(output)? {
                chunk.choices.into_iter().for_each(|choice| whole.add(choice));
            }
        }
        let logprobs = self.wants_logprobs.then_some(ChatLogprobs { content: whole.scores });
        let content =
            if whole.content.is_empty() && !whole.calls.is_empty() { None } else { Some(whole.content) };
        let message = ChatMessage {
            role: MessageRole::Assistant,
            content: content.map(Content::Text),
            tool_calls: (!whole.calls.is_empty()).then_some(whole.calls),
            ..ChatMessage::default()
        };
        Ok(ChatResponse {
            id: self.id.clone(),
            object: "chat.completion".to_owned(),
            created: self.created,
            model: self.model.clone(),
            choices: vec![ChatChoice { index: 0, message, logprobs, finish_reason: whole.reason }],
            usage: whole.usage,
        })
    }

    /// One chunk per run of content and per call.
    fn delta_chunks(&mut self, deltas: Vec<ReplyDelta>) -> Vec<ChatChunk> {
        let mut chunks = Vec::new();
        let mut text = String::new();
        let mut index =
            self.parser.calls() - deltas.iter().filter(|d| matches!(d, ReplyDelta::Call(_))).count();
        for delta in deltas {
            match delta {
                ReplyDelta::Content(more) => text += &more,
                ReplyDelta::Call(call) => {
                    if !text.is_empty() {
                        chunks.push(self.chunk(text_delta(std::mem::take(&mut text)), None));
                    }
                    chunks.push(self.chunk(call_delta(index, call), None));
                    index += 1;
                }
            }
        }
        if !text.is_empty() {
            chunks.push(self.chunk(text_delta(text), None));
        }
        chunks
    }

    /// A chunk with a delta and the unsent scores; the first one has the role, the last one has neither.
    fn chunk(&mut self, delta: ChatDelta, finish_reason: Option<FinishReason>) -> ChatChunk {
        let role = (!std::mem::replace(&mut self.begun, true)).then_some(MessageRole::Assistant);
        let delta = ChatDelta { role, ..delta };
        let scored = self.wants_logprobs && finish_reason.is_none();
        let logprobs = scored.then(|| ChatLogprobs { content: std::mem::take(&mut self.unsent) });
        let choice = ChatChunkChoice { index: 0, delta, logprobs, finish_reason };
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

/// What the chunks add up to.
#[derive(Default)]
struct Whole {
    content: String,
    calls: Vec<ToolCall>,
    scores: Vec<TokenLogprob>,
    reason: Option<FinishReason>,
    usage: Usage,
}

impl Whole {
    fn add(&mut self, choice: ChatChunkChoice) {
        self.content += &choice.delta.content.unwrap_or_default();
        for call in choice.delta.tool_calls.unwrap_or_default() {
            let function = call.function.unwrap_or_default();
            let function = crate::protocol::FunctionCall {
                name: function.name.unwrap_or_default(),
                arguments: function.arguments.unwrap_or_default(),
            };
            let (id, kind) = (call.id.unwrap_or_default(), call.kind.unwrap_or_default());
            self.calls.push(ToolCall { id, kind, function });
        }
        self.scores.extend(choice.logprobs.unwrap_or_default().content);
        self.reason = choice.finish_reason.or(self.reason);
    }
}

fn text_delta(text: String) -> ChatDelta {
    ChatDelta { content: Some(text), ..ChatDelta::default() }
}

fn call_delta(index: usize, call: ToolCall) -> ChatDelta {
    ChatDelta { tool_calls: Some(vec![ToolCallDelta::whole(index, call)]), ..ChatDelta::default() }
}

pub(super) fn usage(finished: &Finished) -> Usage {
    Usage::new(finished.prompt_tokens as u64, finished.generated_tokens as u64)
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
