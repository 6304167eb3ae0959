//! [`AskedModel`]: the evaluated model as the language model of an agent.

use std::time::Instant;

use internlm_model::chat::openai::{ToolCall, read_reply_call, write_messages};
use lagent::llm::{LanguageModel, ModelRequest};
use lagent::run::{FailureKind, Finish, ModelOutcome};
use serde_json::json;

use crate::model::{Answer, Model, Request, Sampling};

/// Asks the evaluated model like any other request, so that its key, its limits and its retries are the same. Numbers
/// of tokens are not known.
pub(super) struct AskedModel<'a> {
    model: &'a dyn Model,
}

impl<'a> AskedModel<'a> {
    /// Lets agents ask `model`.
    pub(super) fn new(model: &'a dyn Model) -> Self {
        Self { model }
    }
}

impl LanguageModel for AskedModel<'_> {
    fn name(&self) -> &str {
        &self.model.profile().name
    }

    async fn chat(&self, asked: ModelRequest<'_>) -> ModelOutcome {
        if asked.grammar.is_some() {
            let message = "constrain: found a grammar, expected `off`: evaluated models answer freely";
            return failed(FailureKind::Rejected, message.to_owned());
        }
        let started = Instant::now();
        let answer = self.model.answer(&request(asked)).await;
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match answer {
            Ok(Answer::Reply { text, calls, cut }) => ModelOutcome::Reply {
                content: text,
                calls: calls.into_iter().map(|call| read_reply_call(&ToolCall::new("", call))).collect(),
                finish: if cut { Finish::Length } else { Finish::Stop },
                input_tokens: 0,
                output_tokens: 0,
                milliseconds,
            },
            Ok(_) => {
                failed(FailureKind::Malformed, "found another kind of answer, expected a text".to_owned())
            }
            Err(error) => failed(FailureKind::Server, error.to_string()),
        }
    }
}

fn request(asked: ModelRequest<'_>) -> Request {
    let tool = |tool: &lagent::action::ToolSpec| json!({ "name": tool.name, "description": tool.description, "parameters": tool.parameters });
    let params = asked.params;
    Request::Chat {
        messages: write_messages(asked.messages),
        tools: asked.tools.iter().map(tool).collect(),
        sampling: Sampling {
            max_tokens: Some(params.max_tokens),
            temperature: params.temperature,
            stop: params.stop.clone(),
            seed: params.seed.cast_unsigned(),
        },
    }
}

fn failed(kind: FailureKind, message: String) -> ModelOutcome {
    ModelOutcome::Failed { kind, message, milliseconds: 0 }
}
