//! Blocks as messages, and what is wrong with them.

use serde_json::json;

use super::*;

fn request(body: &Value) -> MessagesRequest {
    let mut body = body.clone();
    body["model"] = json!("tiny");
    serde_json::from_value(body).expect("a request")
}

fn read(body: &Value) -> std::result::Result<Value, String> {
    let conversation = Conversation::read(&request(body)).map_err(|error| error.to_string())?;
    assert_eq!(conversation.messages.len(), conversation.places.len());
    Ok(json!(conversation.messages))
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

#[test]
fn texts_of_all_roles() {
    let body = json!({"system": "Be brief.", "messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [text("a"), text("b")]},
        {"role": "system", "content": [text("c")]},
        {"role": "user", "content": [{"type": "text", "text": "d", "cache_control": {"type": "ephemeral"}}]},
    ]});
    let expected = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "ab"},
        {"role": "system", "content": [text("c")]},
        {"role": "user", "content": [text("d")]},
    ]);
    assert_eq!(read(&body), Ok(expected));
    for empty in [json!(""), json!([]), json!([text("")]), json!(null)] {
        let body = json!({"system": empty, "messages": [{"role": "user", "content": "hi"}]});
        assert_eq!(read(&body), Ok(json!([{"role": "user", "content": "hi"}])), "{empty}");
    }
}

#[test]
fn calls_and_results() {
    let body = json!({"messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "tool_use", "id": "1", "name": "f", "input": {"b": 1, "a": 2}},
            {"type": "tool_use", "id": "2", "name": "g", "input": {}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "1", "content": "x"},
            {"type": "tool_result", "tool_use_id": "2", "content": [text("y"), text("z")], "is_error": true},
            {"type": "tool_result", "tool_use_id": "3"},
            text("and?")]},
    ]});
    let call = |id: &str, name: &str, arguments: &str| {
        let function = json!({"name": name, "arguments": arguments});
        json!({"id": id, "type": "function", "function": function})
    };
    let expected = json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": null, "reasoning_content": "hm",
            "tool_calls": [call("1", "f", "{\"b\":1,\"a\":2}"), call("2", "g", "{}")]},
        {"role": "tool", "content": "x", "tool_call_id": "1"},
        {"role": "tool", "content": [text("Error: y"), text("z")], "tool_call_id": "2"},
        {"role": "tool", "content": "", "tool_call_id": "3"},
        {"role": "user", "content": [text("and?")]},
    ]);
    assert_eq!(read(&body), Ok(expected));
}

#[test]
fn a_begun_answer_is_text_of_the_model_at_the_end() {
    let begun = |last: Value| {
        let body = json!({"messages": [{"role": "user", "content": "hi"}, last]});
        Conversation::read(&request(&body)).expect("a conversation").is_begun_answer()
    };
    assert!(begun(json!({"role": "assistant", "content": "The answer is ("})));
    assert!(begun(json!({"role": "assistant", "content": [text("a")]})));
    assert!(!begun(json!({"role": "assistant", "content": ""})));
    assert!(!begun(json!({"role": "user", "content": "a"})));
}

#[test]
fn wrong_messages_are_named() {
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}});
    for (messages, message) in [
        (json!([]), "messages: found none"),
        (json!([{"role": "tool", "content": "a"}]), "messages.0.role: found `tool`, expected `user`"),
        (
            json!([{"role": "user", "content": [image]}]),
            "messages.0.content.0.type: found `image`, expected `text`",
        ),
        (json!([{"role": "user", "content": []}]), "messages.0.content: found no blocks"),
        (
            json!([{"role": "user", "content": [{"type": "text"}]}]),
            "messages.0.content.0.text: found nothing",
        ),
        (
            json!([{"role": "user", "content": [{"type": "tool_result", "content": "a"}]}]),
            "messages.0.content.0.tool_use_id: found nothing",
        ),
        (
            json!([{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": [image]}]}]),
            "messages.0.content.0.content.0.type: found `image`",
        ),
        (
            json!([{"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": "{}"}]}]),
            "messages.0.content.0.input: found `{}`, expected an object",
        ),
        (
            json!([{"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]}]),
            "messages.0.content: found calls at the end",
        ),
        (
            json!([{"role": "system", "content": [image]}]),
            "messages.0.content.0.type: found `image`, expected `text`",
        ),
    ] {
        let error = read(&json!({"messages": messages})).expect_err(message);
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn ids_are_a_prompt_without_messages_and_system() {
    assert_eq!(read(&json!({"messages": [], "input_ids": [1, 2]})), Ok(json!([])));
    assert_eq!(read(&json!({"input_ids": []})), Ok(json!([])), "which is refused with the prompt");
    let told = "system: expected the field to be absent: `input_ids` are the whole prompt".to_owned();
    assert_eq!(read(&json!({"system": "a", "input_ids": [1]})), Err(told));
    let missing = "messages: found none, expected at least one".to_owned();
    assert_eq!(read(&json!({})), Err(missing));
}
