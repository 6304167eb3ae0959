//! Items of inputs as messages, and what is wrong with them.

use serde_json::json;

use super::*;
use crate::protocol::responses::{MessageItem, OutputItem, OutputPart, ResponseObject};

fn input(items: &Value) -> ResponseInput {
    serde_json::from_value(items.clone()).expect("an input")
}

fn read(items: &Value) -> std::result::Result<Value, String> {
    let mut conversation = Conversation::default();
    conversation.read(&input(items), &ResponseStore::default()).map_err(|error| error.to_string())?;
    assert_eq!(conversation.messages.len(), conversation.places.len());
    Ok(json!(conversation.messages))
}

#[test]
fn texts_and_messages_of_all_roles() {
    assert_eq!(read(&json!("hi")), Ok(json!([{"role": "user", "content": "hi"}])));
    let items = json!([
        {"role": "developer", "content": "Be brief."},
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]},
        {"role": "assistant", "content": [{"type": "output_text", "text": "c"}, {"type": "refusal", "refusal": "d"}]},
        {"role": "system", "content": ""},
    ]);
    let expected = json!([
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        {"role": "assistant", "content": "cd"},
        {"role": "system", "content": ""},
    ]);
    assert_eq!(read(&items), Ok(expected));
}

#[test]
fn one_turn_of_the_model_is_one_message() {
    let call = |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"});
    let items = json!([
        {"role": "user", "content": "go"},
        {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
        {"role": "assistant", "content": "a"},
        call("1"),
        call("2"),
        {"role": "assistant", "content": "b"},
        {"type": "function_call_output", "call_id": "1", "output": "x"},
        {"type": "function_call_output", "call_id": "2", "output": [{"type": "input_text", "text": "y"}]},
        {"role": "assistant", "content": "c"},
        {"role": "assistant", "content": "d"},
    ]);
    let made = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let expected = json!([
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": "ab", "tool_calls": [made("1"), made("2")], "reasoning_content": "hm"},
        {"role": "tool", "content": "x", "tool_call_id": "1"},
        {"role": "tool", "content": [{"type": "text", "text": "y"}], "tool_call_id": "2"},
        {"role": "assistant", "content": "c"},
        {"role": "assistant", "content": "d"},
    ]);
    assert_eq!(read(&items), Ok(expected));
}

#[test]
fn reasoning_comes_back_in_three_forms() {
    for item in [
        json!({"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}),
        json!({"type": "reasoning", "summary": [], "content": null, "encrypted_content": "plain:hm"}),
        json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}),
    ] {
        let expected = json!([{"role": "assistant", "content": null, "reasoning_content": "hm"}]);
        assert_eq!(read(&json!([item])), Ok(expected), "{item}");
    }
    assert_eq!(read(&json!([{"type": "reasoning", "summary": []}])), Ok(json!([])));
}

#[test]
fn references_mean_stored_items() {
    let store = ResponseStore::default();
    let content = vec![OutputPart::output_text("said")];
    let item = OutputItem::Message(MessageItem {
        id: "msg_1".to_owned(),
        role: MessageRole::Assistant,
        content,
        ..MessageItem::default()
    });
    store.put(ResponseObject { output: vec![item], ..ResponseObject::default() }, Vec::new(), Vec::new());
    for reference in [json!({"type": "item_reference", "id": "msg_1"}), json!({"id": "msg_1"})] {
        let mut conversation = Conversation::default();
        conversation.read(&input(&json!([reference])), &store).expect("is there");
        assert_eq!(conversation.messages, [ChatMessage::assistant("said")]);
    }
    let absent = input(&json!([{"type": "item_reference", "id": "msg_2"}]));
    let error = Conversation::default().read(&absent, &store).expect_err("is not there");
    assert!(matches!(error, Error::Refused { status: 404, .. }), "{error}");
}

#[test]
fn wrong_items_are_named() {
    for (item, message) in [
        (
            json!({"type": {}, "role": "user", "content": "a"}),
            "input.0.type: found an object, expected a string",
        ),
        (json!({"type": "computer_call"}), "input.0.type: found `computer_call`, expected `message`"),
        (json!({"content": "a"}), "input.0.role: found nothing, expected a string"),
        (json!({"role": "tool", "content": "a"}), "input.0.role: found `tool`, expected `user`"),
        (json!({"role": "user"}), "input.0.content: found nothing, expected a string or a list of parts"),
        (
            json!({"role": "user", "content": [{"type": "input_image", "image_url": "data:"}]}),
            "input.0.content.0.type: found `input_image`, expected `input_text`",
        ),
        (json!({"role": "user", "content": ["a"]}), "input.0.content.0: found `a`, expected an object"),
        (json!({"type": "function_call", "name": "f", "arguments": "{}"}), "input.0.call_id: found nothing"),
        (
            json!({"type": "function_call", "call_id": "1", "name": "f", "arguments": {}}),
            "input.0.arguments: found an object, expected a string",
        ),
        (json!({"type": "function_call_output", "call_id": "1"}), "input.0.output: found nothing"),
        (
            json!({"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"}),
            "input.0.encrypted_content: found `gAAAA`, expected reasoning of this server",
        ),
    ] {
        let error = read(&json!([item])).expect_err(message);
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn nothing_is_joined_to_an_earlier_response() {
    let mut conversation = Conversation::resume(vec![ChatMessage::assistant("")], "previous_response_id");
    let call = json!([{"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"}]);
    conversation.read(&input(&call), &ResponseStore::default()).expect("a call");
    conversation.begin_with(ChatMessage::system("s"), "instructions");
    assert_eq!(conversation.places, ["instructions", "previous_response_id", "input.0"]);
    assert_eq!(conversation.messages[2].calls().len(), 1);
}
