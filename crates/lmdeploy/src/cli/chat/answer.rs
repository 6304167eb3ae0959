//! [`Answer`]: an answer as far as it has come, and what becomes of it.

use serde_json::{Map, Value, json};

use crate::protocol::{ChatChunk, ChatMessage, Content, FinishReason, StreamedCalls, ToolCall, Usage};

/// An answer as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Answer {
    text: String,
    reasoning: String,
    calls: StreamedCalls,
    reason: Option<FinishReason>,
    usage: Option<Usage>,
}

/// An answer that has ended.
#[derive(Debug)]
pub(super) struct Reply {
    text: String,
    reasoning: String,
    pub(super) calls: Vec<ToolCall>,
    pub(super) reason: Option<FinishReason>,
    pub(super) usage: Option<Usage>,
}

impl Answer {
    /// Takes the next chunk and gives what is new with it, of the reasoning and of the text.
    pub(super) fn take(&mut self, chunk: ChatChunk) -> (&str, &str) {
        let (thought, said) = (self.reasoning.len(), self.text.len());
        for choice in chunk.choices {
            self.reasoning += &choice.delta.reasoning_content.unwrap_or_default();
            self.text += &choice.delta.content.unwrap_or_default();
            choice.delta.tool_calls.unwrap_or_default().into_iter().for_each(|piece| self.calls.push(piece));
            self.reason = choice.finish_reason.or(self.reason);
        }
        self.usage = chunk.usage.or(self.usage);
        (&self.reasoning[thought..], &self.text[said..])
    }

    pub(super) fn finish(self) -> Reply {
        let Self { text, reasoning, calls, reason, usage } = self;
        Reply { text, reasoning, calls: calls.finish(), reason, usage }
    }
}

impl Reply {
    /// One object for programs; `reasoning_content` is there when the model thought. The counts are those that every
    /// run gives again: how many tokens were cached is not among them.
    pub(super) fn line(&self) -> Value {
        let mut line = Map::new();
        line.insert("content".to_owned(), json!(self.text));
        if !self.reasoning.is_empty() {
            line.insert("reasoning_content".to_owned(), json!(self.reasoning));
        }
        line.insert("tool_calls".to_owned(), json!(self.calls));
        line.insert("finish_reason".to_owned(), json!(self.reason));
        let usage = self.usage.map(|usage| {
            json!({
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "total_tokens": usage.total_tokens,
            })
        });
        line.insert("usage".to_owned(), json!(usage));
        Value::Object(line)
    }

    /// The message that the conversation continues with. As a server writes it: null is the content of an answer that
    /// only calls tools. Reasoning is not repeated to the model.
    pub(super) fn into_message(self) -> ChatMessage {
        let content = (!self.text.is_empty() || self.calls.is_empty()).then_some(Content::Text(self.text));
        let tool_calls = (!self.calls.is_empty()).then_some(self.calls);
        ChatMessage { content, tool_calls, ..ChatMessage::assistant("") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(json: Value) -> ChatChunk {
        serde_json::from_value(json).expect("a chunk")
    }

    #[test]
    fn every_chunk_gives_what_is_new_and_the_whole_is_kept() {
        let mut answer = Answer::default();
        for (delta, expected) in [
            (json!({"role": "assistant", "content": ""}), ("", "")),
            (json!({"reasoning_content": "hm"}), ("hm", "")),
            (json!({"reasoning_content": ".", "content": "fo"}), (".", "fo")),
            (json!({"content": "ur"}), ("", "ur")),
        ] {
            assert_eq!(answer.take(chunk(json!({"choices": [{"delta": delta}]}))), expected);
        }
        answer.take(chunk(json!({"choices": [{"delta": {}, "finish_reason": "stop"}]})));
        answer.take(chunk(
            json!({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}),
        ));
        let reply = answer.finish();
        let line = reply.line();
        assert_eq!((&line["content"], &line["reasoning_content"]), (&json!("four"), &json!("hm.")));
        assert_eq!((&line["finish_reason"], &line["usage"]["total_tokens"]), (&json!("stop"), &json!(5)));
        assert_eq!(reply.into_message(), ChatMessage::assistant("four"));
    }

    #[test]
    fn an_answer_that_thinks_or_counts_nothing_says_so() {
        let line = Answer::default().finish().line();
        let keys: Vec<&String> = line.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["content", "tool_calls", "finish_reason", "usage"]);
        assert_eq!((&line["finish_reason"], &line["usage"]), (&Value::Null, &Value::Null));
    }
}
