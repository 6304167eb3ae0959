//! The protocol's JSON: what is written can be read again, absent fields stay absent, unknown ones are ignored.

use lmdeploy::protocol::{
    ChatChunk, ChatMessage, ChatRequest, ChatResponse, CompletionRequest, CompletionResponse,
    CompletionTokensDetails, ErrorBody, FinishReason, OneOrMany, Prompt, StopReason, StreamOptions,
    ToolDefinition, Usage,
};
use proptest::option;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Writes, adds a field that nobody knows, and reads.
fn round_trip<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let mut json = serde_json::to_value(value).expect("writes");
    json.as_object_mut().expect("an object").insert("x-unknown".to_owned(), json!({"a": [1, null]}));
    serde_json::from_value(json).expect("reads what it wrote")
}

fn message() -> impl Strategy<Value = ChatMessage> {
    let text = "\\PC{0,12}";
    prop_oneof![
        text.prop_map(ChatMessage::system),
        text.prop_map(ChatMessage::user),
        text.prop_map(ChatMessage::assistant),
        ("[a-z0-9_]{1,8}", text).prop_map(|(id, text)| ChatMessage::tool(id, text)),
    ]
}

fn chat_request() -> impl Strategy<Value = ChatRequest> {
    let numbers = (option::of(0.0_f32..2.0), option::of(0.0_f32..1.0), option::of(any::<u32>()));
    let limits = (option::of(any::<u32>()), option::of(any::<i64>()), option::of(0.0_f64..1e6));
    let switches = (option::of(any::<bool>()), option::of(any::<bool>()), option::of(any::<i32>()));
    let stop = option::of(prop_oneof![
        "\\PC{1,6}".prop_map(OneOrMany::One),
        prop::collection::vec("\\PC{1,6}", 0..3).prop_map(OneOrMany::Many),
    ]);
    let tools = option::of(prop::collection::vec("[a-z]{1,6}", 0..3));
    let messages = prop::collection::vec(message(), 0..4);
    let rules = (
        option::of(-2.0_f32..2.0),
        option::of(prop::collection::btree_map("[0-9]{1,5}", -100.0_f32..100.0, 0..3)),
        option::of(prop::collection::vec("\\PC{1,6}", 0..3)),
        option::of(any::<u32>()),
    );
    let formats = (option::of("[a-z]{1,6}"), option::of(prop::collection::vec(any::<u32>(), 0..4)));
    (messages, numbers, limits, switches, stop, tools, rules, formats).prop_map(
        |(messages, numbers, limits, switches, stop, tools, rules, formats)| {
            let mut request = ChatRequest::new(messages);
            (request.frequency_penalty, request.n) = (rules.0, limits.0);
            (request.presence_penalty, request.logit_bias, request.bad_words, request.min_new_tokens) = rules;
            (request.guided_regex, request.input_ids) = formats;
            (request.return_token_ids, request.parallel_tool_calls) = (switches.0, switches.1);
            (request.temperature, request.top_p, request.top_k) = numbers;
            (request.max_tokens, request.seed, request.timeout) = limits;
            (request.ignore_eos, request.logprobs, request.priority) = switches;
            request.stop = stop;
            request.tools = tools.map(|names| {
                names
                    .iter()
                    .map(|name| ToolDefinition::function(name, "", json!({"type": "object"})))
                    .collect()
            });
            request.stream_options =
                switches.0.map(|include_usage| StreamOptions { include_usage, ..StreamOptions::default() });
            request
        },
    )
}

fn prompt() -> impl Strategy<Value = Prompt> {
    let ids = || prop::collection::vec(any::<u32>(), 1..5);
    prop_oneof![
        "\\PC{0,12}".prop_map(Prompt::Text),
        prop::collection::vec("\\PC{0,6}", 1..4).prop_map(Prompt::Texts),
        ids().prop_map(Prompt::Ids),
        prop::collection::vec(ids(), 1..3).prop_map(Prompt::IdLists),
    ]
}

proptest! {
    #[test]
    fn chat_requests_survive_the_wire(request in chat_request()) {
        prop_assert_eq!(round_trip(&request), request.clone());
        let json = serde_json::to_value(&request).expect("writes");
        let nulls = json.as_object().expect("an object").values().filter(|value| value.is_null()).count();
        prop_assert_eq!(nulls, 0, "absent fields are not written");
    }

    #[test]
    fn completion_requests_survive_the_wire(prompt in prompt(), seed in any::<i64>(), echo in any::<bool>()) {
        let request = CompletionRequest::new(prompt).with_seed(seed).with_top_k(3).with_max_tokens(0);
        let request = if echo { request.with_echo().with_logprobs(2) } else { request };
        prop_assert_eq!(round_trip(&request), request);
    }

    #[test]
    fn error_bodies_say_the_same_nested_and_flat(status in 400..600_u16, message in "\\PC{0,20}") {
        let body = ErrorBody::new(status, message.as_str(), Some("messages[0].role".to_owned()));
        let json = serde_json::to_value(&body).expect("writes");
        for field in ["message", "type", "param", "code", "object"] {
            prop_assert_eq!(&json[field], &json["error"][field]);
        }
        prop_assert_eq!(round_trip(&body), body);
    }
}

#[test]
fn builders_set_the_fields_of_their_name() {
    let chat = ChatRequest::new([ChatMessage::user("hi")])
        .with_model("m")
        .with_temperature(0.5)
        .with_top_p(0.9)
        .with_top_k(7)
        .with_seed(-3)
        .with_max_tokens(9)
        .with_stop(["a", "b"])
        .with_n(3)
        .with_logprobs(2)
        .with_tools([ToolDefinition::function("f", "d", json!({}))]);
    let expected = json!({
        "model": "m", "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {}}}],
        "temperature": 0.5, "top_p": 0.9_f32, "top_k": 7, "seed": -3, "max_tokens": 9, "stop": ["a", "b"],
        "n": 3, "logprobs": true, "top_logprobs": 2,
    });
    assert_eq!(serde_json::to_value(&chat).expect("writes"), expected);
    let completion =
        CompletionRequest::new("once").with_model("m").with_echo().with_logprobs(1).with_max_tokens(0);
    let expected = json!({"model": "m", "prompt": "once", "max_tokens": 0, "echo": true, "logprobs": 1});
    assert_eq!(serde_json::to_value(&completion).expect("writes"), expected);
    let ids = serde_json::to_value(CompletionRequest::new(vec![1, 2])).expect("writes");
    assert_eq!(ids["prompt"], json!([1, 2]));
}

#[test]
fn answers_of_other_servers_are_read() {
    let response: ChatResponse = serde_json::from_value(json!({
        "id": "x", "system_fingerprint": "fp", "choices": [{
            "index": 0, "finish_reason": "content_filter",
            "message": {"role": "assistant", "content": null, "refusal": null},
        }],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "completion_tokens_details": {}},
    }))
    .expect("reads");
    assert_eq!(response.choices[0].finish_reason, Some(FinishReason::Other));
    assert_eq!((response.text(), response.usage.total_tokens), (String::new(), 7));
    assert_eq!(response.system_fingerprint.as_deref(), Some("fp"));
    assert_eq!(response.usage.prompt_tokens_details, None);
    assert_eq!(response.usage.completion_tokens_details, Some(CompletionTokensDetails::default()));
    let chunk: ChatChunk =
        serde_json::from_value(json!({"choices": [{"delta": {"content": "a"}}]})).expect("reads");
    assert_eq!(chunk.choices[0].delta.content.as_deref(), Some("a"));
    let piece: CompletionResponse =
        serde_json::from_value(json!({"choices": [{"text": "a"}]})).expect("reads");
    assert_eq!((piece.choices[0].text.as_str(), piece.usage), ("a", None));
    let empty: ChatResponse = serde_json::from_value(json!({"choices": []})).expect("reads");
    assert_eq!((empty.message(), empty.text()), (None, String::new()));
}

#[test]
fn vllms_names_and_answers_are_read() {
    let request: ChatRequest = serde_json::from_value(json!({
        "messages": [], "min_tokens": 3.0, "structured_outputs": {"regex": "a+"}, "user": "u", "session_id": 7,
    }))
    .expect("reads");
    assert_eq!(request.min_new_tokens, Some(3));
    assert_eq!(request.structured_outputs.and_then(|outputs| outputs.regex).as_deref(), Some("a+"));
    let mut request = ChatRequest::new([]);
    request.min_new_tokens = Some(3);
    assert_eq!(serde_json::to_value(request).expect("writes")["min_new_tokens"], 3);
    let response: ChatResponse = serde_json::from_value(json!({
        "choices": [{"message": {"role": "assistant", "content": "a"}, "stop_reason": "END"}, {
            "message": {"role": "assistant", "content": "b"}, "stop_reason": 7, "output_ids": [1],
            "output_token_logprobs": [[-0.5, 1]], "token_ids": [1],
        }], "prompt_token_ids": [4, 5],
        "prompt_logprobs": [null, {"5": {"logprob": -1.5, "rank": 2, "decoded_token": "x"}}],
    }))
    .expect("reads");
    assert_eq!(response.choices[0].stop_reason, Some(StopReason::Text("END".to_owned())));
    assert_eq!(response.choices[1].stop_reason, Some(StopReason::Id(7)));
    assert_eq!(response.choices[1].output_token_logprobs, Some(vec![(-0.5, 1)]));
    assert_eq!(
        (response.choices[1].token_ids.as_deref(), response.prompt_token_ids),
        (Some(&[1][..]), Some(vec![4, 5]))
    );
    let scores = response.prompt_logprobs.expect("scores");
    assert_eq!((scores[0].is_none(), scores[1].as_ref().and_then(|place| place[&5].rank)), (true, Some(2)));
}

#[test]
fn usage_counts_both_sides() {
    let usage = serde_json::to_value(Usage::new(3, 4)).expect("writes");
    let expected: Value = json!({
        "prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7, "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    });
    assert_eq!(usage, expected);
}
