//! Translates requests into bodies of the OpenAI API and its responses into answers, the same way over HTTP and
//! in process.

use lmdeploy::protocol::{
    ChatMessage, ChatRequest, ChatResponse, CompletionChoice, CompletionLogprobs, CompletionRequest,
    CompletionResponse, FinishReason, FunctionDefinition, OneOrMany, Prompt, ToolDefinition,
};
use serde_json::Value;

use super::{Answer, Request, Sampling, ScoredText};
use crate::{Error, Result};

/// How lmdeploy writes a token that is only part of a character.
const PARTIAL: &str = "bytes:\\x";

/// Creates the body for a conversation.
pub(super) fn chat_request(
    model: &str,
    messages: &[ChatMessage],
    tools: &[Value],
    sampling: &Sampling,
) -> Result<ChatRequest> {
    let tools = tools.iter().enumerate().map(|(index, tool)| {
        let unfit = |error: serde_json::Error| Error::Value {
            place: format!("infer.tools.{index}"),
            found: tool.to_string(),
            expected: format!("a function ({error})"),
        };
        let function: FunctionDefinition = serde_json::from_value(tool.clone()).map_err(unfit)?;
        Ok(ToolDefinition { kind: "function".to_owned(), function })
    });
    let tools = tools.collect::<Result<Vec<_>>>()?;
    let mut request = ChatRequest::new(messages.to_vec())
        .with_model(model)
        .with_temperature(sampling.temperature)
        .with_seed(sampling.seed.cast_signed());
    request.tools = (!tools.is_empty()).then_some(tools);
    request.max_tokens = sampling.max_tokens;
    request.stop = stop(sampling);
    Ok(request)
}

/// Creates the body for a text to continue.
pub(super) fn complete_request(model: &str, prompt: &str, sampling: &Sampling) -> CompletionRequest {
    let mut request = CompletionRequest::new(prompt)
        .with_model(model)
        .with_temperature(sampling.temperature)
        .with_seed(sampling.seed.cast_signed());
    request.max_tokens = sampling.max_tokens;
    request.stop = stop(sampling);
    request
}

/// Creates the body for a text to score: an echo of the prompt without new tokens.
pub(super) fn score_request(model: &str, text: &ScoredText) -> CompletionRequest {
    let prompt = match text {
        ScoredText::Text(text) => Prompt::Text(text.clone()),
        ScoredText::Ids(ids) => Prompt::Ids(ids.clone()),
    };
    let request = CompletionRequest::new(prompt).with_model(model).with_max_tokens(0);
    request.with_echo().with_logprobs(0).with_temperature(0.0)
}

/// Reads text and calls of a chat response.
pub(super) fn chat_answer(response: &ChatResponse) -> Result<Answer> {
    let choice = response.choices.first().ok_or_else(no_choice)?;
    let calls = choice.message.calls().iter().map(|call| call.function.clone()).collect();
    Ok(Answer::Reply { text: choice.message.text(), calls, cut: is_cut(choice.finish_reason) })
}

/// Reads the text of a completion.
pub(super) fn complete_answer(response: CompletionResponse) -> Result<Answer> {
    let choice = choice(response)?;
    Ok(Answer::Reply { text: choice.text, calls: Vec::new(), cut: is_cut(choice.finish_reason) })
}

fn is_cut(reason: Option<FinishReason>) -> bool {
    reason == Some(FinishReason::Length)
}

/// Reads the log-probabilities of an echoed prompt and sums them.
pub(super) fn score_answer(response: CompletionResponse, text: &ScoredText) -> Result<Answer> {
    let log_probs = choice(response)?.logprobs;
    let log_probs = log_probs.ok_or_else(|| missing("logprobs", "those of the prompt"))?;
    summed(&log_probs, text)
}

/// The error for a request that this kind of model cannot answer.
pub(super) fn unsupported(request: &Request) -> Error {
    let kind = serde_json::to_value(request).ok().and_then(|value| value["kind"].as_str().map(str::to_owned));
    Error::Answer {
        place: "request".to_owned(),
        found: kind.unwrap_or_default(),
        expected: "a kind that this model can answer",
    }
}

fn choice(response: CompletionResponse) -> Result<CompletionChoice> {
    response.choices.into_iter().next().ok_or_else(no_choice)
}

fn no_choice() -> Error {
    missing("choices", "one")
}

fn missing(place: &str, expected: &'static str) -> Error {
    Error::Answer { place: place.to_owned(), found: "none".to_owned(), expected }
}

/// Sums the log-probabilities of all tokens; the first one counts only if it has one.
fn summed(log_probs: &CompletionLogprobs, text: &ScoredText) -> Result<Answer> {
    let values = &log_probs.token_logprobs;
    let Some(first) = values.first() else {
        return Err(missing("logprobs.token_logprobs", "one per token"));
    };
    let mut log_prob = 0.0;
    for (index, value) in values.iter().enumerate().skip(1) {
        let finite = value.filter(|value| value.is_finite()).ok_or_else(|| Error::Answer {
            place: format!("logprobs.token_logprobs.{index}"),
            found: value.map_or("null".to_owned(), |value| value.to_string()),
            expected: "a finite number",
        })?;
        log_prob += f64::from(finite);
    }
    let unscored_bytes = match (first.filter(|first| first.is_finite()), text) {
        (Some(first), _) => {
            log_prob += f64::from(first);
            0
        }
        (None, ScoredText::Text(text)) => text_bytes(log_probs.tokens.first(), text),
        // Ids begin with `<s>`, which is not text.
        (None, ScoredText::Ids(_)) => 0,
    };
    Ok(Answer::Scored { tokens: values.len(), log_prob, unscored_bytes })
}

/// Counts the bytes of a first token that is the beginning of `text` and not `<s>`. Their probability is unknown.
fn text_bytes(token: Option<&String>, text: &str) -> usize {
    match token {
        Some(token) if text.starts_with(token.as_str()) => token.len(),
        Some(token) if token.starts_with(PARTIAL) => token.matches("\\x").count(),
        _ => 0,
    }
}

fn stop(sampling: &Sampling) -> Option<OneOrMany> {
    (!sampling.stop.is_empty()).then(|| OneOrMany::Many(sampling.stop.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_probs(tokens: &[&str], values: &[Option<f32>]) -> CompletionLogprobs {
        let tokens = tokens.iter().map(|token| (*token).to_owned()).collect();
        CompletionLogprobs { tokens, token_logprobs: values.to_vec(), ..CompletionLogprobs::default() }
    }

    #[test]
    fn a_first_token_of_text_is_taken_out_and_a_mark_is_not() {
        let text = ScoredText::Text("ä b".to_owned());
        for (first, unscored) in [("<s>", 0), ("", 0), ("ä", 2), ("bytes:\\xc3", 1)] {
            let found = summed(&log_probs(&[first, "x"], &[None, Some(-1.0)]), &text).expect("sums");
            assert_eq!(
                found,
                Answer::Scored { tokens: 2, log_prob: -1.0, unscored_bytes: unscored },
                "{first}"
            );
        }
    }

    #[test]
    fn missing_and_infinite_values_are_errors() {
        let text = ScoredText::Text("a".to_owned());
        for (values, message) in [
            (&[][..], "answer: logprobs.token_logprobs: found none, expected one per token"),
            (&[None, None][..], "answer: logprobs.token_logprobs.1: found null, expected a finite number"),
            (
                &[None, Some(f32::NEG_INFINITY)][..],
                "answer: logprobs.token_logprobs.1: found -inf, expected a finite number",
            ),
        ] {
            let error = summed(&log_probs(&["a", "b"], values), &text).expect_err(message);
            assert_eq!(error.to_string(), message);
        }
    }
}
