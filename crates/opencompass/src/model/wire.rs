//! Translates requests into bodies of the OpenAI API and its responses into answers, the same way over HTTP and
//! in process.

use internlm_model::tokenizer::Tokenizer;
use lmdeploy::protocol::{
    ChatMessage, ChatRequest, ChatResponse, CompletionChoice, CompletionLogprobs, CompletionRequest,
    CompletionResponse, FinishReason, FunctionDefinition, GenerateBody, GenerateResponse, OneOrMany, Prompt,
    ToolDefinition,
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
    let request = CompletionRequest::new(prompt_of(text)).with_model(model).with_max_tokens(0);
    request.with_echo().with_logprobs(0).with_temperature(0.0)
}

fn prompt_of(text: &ScoredText) -> Prompt {
    match text {
        ScoredText::Text(text) => Prompt::Text(text.clone()),
        ScoredText::Ids(ids) => Prompt::Ids(ids.clone()),
    }
}

/// Creates the body of `/generate` for ids of which only those from place `from` on are scored. A server of ours then
/// computes only what it does not find in its prefix cache.
pub(super) fn rest_request(ids: &[u32], from: usize) -> GenerateBody {
    let mut body = GenerateBody::default();
    body.input_ids = Some(ids.to_vec());
    body.max_tokens = Some(0);
    body.temperature = Some(0.0);
    body.return_logprob = Some(true);
    // The field names the place *behind which* ids are scored.
    body.logprob_start_len = Some(i32::try_from(from.max(1) - 1).unwrap_or(i32::MAX));
    body
}

/// Sums the log-probabilities of the ids from place `from` on, which `/generate` returned.
pub(super) fn rest_answer(response: &GenerateResponse, ids: &[u32], from: usize) -> Result<Answer> {
    let place = "meta_info.input_token_logprobs";
    let scores = response.meta_info.input_token_logprobs.as_ref();
    let scores = scores.ok_or_else(|| missing(place, "those of the prompt"))?;
    let expected = ids.len().saturating_sub(from.max(1));
    if scores.len() != expected {
        return Err(Error::Answer {
            place: place.to_owned(),
            found: format!("{} values for {expected} ids", scores.len()),
            expected: "one per id",
        });
    }
    let mut log_prob = 0.0;
    for (index, (value, _)) in scores.iter().enumerate() {
        log_prob += f64::from(finite(*value, || format!("{place}.{index}"))?);
    }
    Ok(Answer::Scored { tokens: ids.len(), log_prob, unscored_bytes: 0 })
}

/// Returns the first token of each choice.
pub(super) fn choice_ids(tokenizer: Option<&Tokenizer>, choices: &[String]) -> Result<Vec<u32>> {
    let wrong = |found: String, expected: &'static str| Error::Answer {
        place: "choices".to_owned(),
        found,
        expected,
    };
    let tokenizer = tokenizer
        .ok_or_else(|| wrong("a model without a tokenizer".to_owned(), "model.weights, which has one"))?;
    let first = |choice: &String| {
        let ids = tokenizer.encode(choice);
        let first = ids.first().ok_or_else(|| wrong(format!("{choice:?}"), "text of at least one token"))?;
        Ok(first.0)
    };
    let ids = choices.iter().map(first).collect::<Result<Vec<u32>>>()?;
    let mut different = ids.clone();
    different.sort_unstable();
    different.dedup();
    if different.len() < ids.len() {
        return Err(wrong(choices.join(", "), "choices whose first tokens differ"));
    }
    Ok(ids)
}

/// Creates the body for the probabilities of `ids` as the next token of a prompt.
pub(super) fn choices_request(model: &str, prompt: &ScoredText, ids: &[u32]) -> CompletionRequest {
    let mut request = CompletionRequest::new(prompt_of(prompt))
        .with_model(model)
        .with_max_tokens(1)
        .with_logprobs(1)
        .with_temperature(0.0);
    request.logprob_token_ids = Some(ids.to_vec());
    request.return_tokens_as_token_ids = Some(true);
    request.ignore_eos = Some(true);
    request
}

/// Reads the log-probabilities of `ids`, one per id in their order.
pub(super) fn choices_answer(response: CompletionResponse, ids: &[u32]) -> Result<Answer> {
    let place = "logprobs.top_logprobs.0";
    let log_probs = choice(response)?.logprobs;
    let top = log_probs.and_then(|log_probs| log_probs.top_logprobs?.into_iter().next()?);
    let top = top.ok_or_else(|| missing(place, "those of the choices"))?;
    let of = |id: &u32| {
        let name = format!("token_id:{id}");
        let value = top.get(&name).copied();
        finite(value, || format!("{place}.{name}")).map(f64::from)
    };
    Ok(Answer::Choices { log_probs: ids.iter().map(of).collect::<Result<_>>()? })
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

/// Reads the log-probabilities of an echoed prompt and sums those from place `from` on.
pub(super) fn score_answer(response: CompletionResponse, text: &ScoredText, from: usize) -> Result<Answer> {
    let log_probs = choice(response)?.logprobs;
    let log_probs = log_probs.ok_or_else(|| missing("logprobs", "those of the prompt"))?;
    summed(&log_probs, text, from)
}

/// Reads the log-probability of every token of an echoed prompt.
pub(super) fn tokens_answer(response: CompletionResponse) -> Result<Answer> {
    let log_probs = choice(response)?.logprobs;
    let log_probs = log_probs.ok_or_else(|| missing("logprobs", "those of the prompt"))?;
    let value = |(index, value): (usize, &Option<f32>)| match (index, value) {
        (0, None) => Ok(None),
        _ => finite(*value, || token_place(index)).map(|value| Some(f64::from(value))),
    };
    let values = log_probs.token_logprobs.iter().enumerate().map(value).collect::<Result<Vec<_>>>()?;
    if values.is_empty() {
        return Err(missing(TOKENS, "one per token"));
    }
    Ok(Answer::Tokens { log_probs: values, texts: log_probs.tokens })
}

/// Says whether nothing of a text would be scored, so that no model has to be asked.
pub(super) fn nothing_scored(text: &ScoredText, from: usize) -> Option<Answer> {
    match text {
        ScoredText::Ids(ids) if from > 0 && from >= ids.len() => {
            Some(Answer::Scored { tokens: ids.len(), log_prob: 0.0, unscored_bytes: 0 })
        }
        _ => None,
    }
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

/// The list of log-probabilities in an answer.
const TOKENS: &str = "logprobs.token_logprobs";

fn token_place(index: usize) -> String {
    format!("{TOKENS}.{index}")
}

/// Returns a value that a sum can use.
fn finite(value: Option<f32>, place: impl FnOnce() -> String) -> Result<f32> {
    value.filter(|value| value.is_finite()).ok_or_else(|| Error::Answer {
        place: place(),
        found: value.map_or("null".to_owned(), |value| value.to_string()),
        expected: "a finite number",
    })
}

/// Sums the log-probabilities of the tokens from place `from` on; the first one of all counts only if it has one.
fn summed(log_probs: &CompletionLogprobs, text: &ScoredText, from: usize) -> Result<Answer> {
    let values = &log_probs.token_logprobs;
    let Some(first) = values.first() else {
        return Err(missing(TOKENS, "one per token"));
    };
    let mut log_prob = 0.0;
    for (index, value) in values.iter().enumerate().skip(from.max(1)) {
        log_prob += f64::from(finite(*value, || token_place(index))?);
    }
    let unscored_bytes = match (first.filter(|first| first.is_finite()), text) {
        _ if from > 0 => 0,
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
            let found = summed(&log_probs(&[first, "x"], &[None, Some(-1.0)]), &text, 0).expect("sums");
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
            let error = summed(&log_probs(&["a", "b"], values), &text, 0).expect_err(message);
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn a_rest_is_the_same_from_an_echo_and_from_generate() {
        let ids = ScoredText::Ids(vec![1, 5, 6, 7]);
        let echo = log_probs(&["<s>", "a", "b", "c"], &[None, Some(-1.0), Some(-2.0), Some(-4.0)]);
        let expected = Answer::Scored { tokens: 4, log_prob: -6.0, unscored_bytes: 0 };
        assert_eq!(summed(&echo, &ids, 2).expect("sums"), expected);
        let body = rest_request(&[1, 5, 6, 7], 2);
        assert_eq!((body.logprob_start_len, body.max_tokens), (Some(1), Some(0)));
        let mut response = GenerateResponse::default();
        response.meta_info.input_token_logprobs = Some(vec![(Some(-2.0), 6), (Some(-4.0), 7)]);
        assert_eq!(rest_answer(&response, &[1, 5, 6, 7], 2).expect("sums"), expected);
        let error = rest_answer(&response, &[1, 5, 6, 7], 3).expect_err("one too many").to_string();
        assert!(error.ends_with("found 2 values for 1 ids, expected one per id"), "{error}");
        let nothing = Answer::Scored { tokens: 4, log_prob: 0.0, unscored_bytes: 0 };
        assert_eq!((nothing_scored(&ids, 4), nothing_scored(&ids, 3)), (Some(nothing), None));
    }

    #[test]
    fn choices_are_read_by_their_ids() {
        let top = [("token_id:7", -0.5), ("token_id:9", -1.5), ("token_id:3", -0.1)];
        let top = top.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        let logprobs = CompletionLogprobs { top_logprobs: Some(vec![Some(top)]), ..log_probs(&[], &[]) };
        let choice = CompletionChoice { logprobs: Some(logprobs), ..CompletionChoice::default() };
        let response = CompletionResponse { choices: vec![choice], ..CompletionResponse::default() };
        let found = choices_answer(response.clone(), &[9, 7]).expect("both are there");
        assert_eq!(found, Answer::Choices { log_probs: vec![-1.5, -0.5] });
        let error = choices_answer(response, &[8]).expect_err("not there").to_string();
        assert!(error.contains("top_logprobs.0.token_id:8: found null"), "{error}");
    }
}
