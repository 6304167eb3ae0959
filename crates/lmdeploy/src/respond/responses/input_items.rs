//! [`written`]: the items of an input as the server shows them again, each with a name and in one form.

use serde_json::{Map, Value, json};

use super::super::raw_object::RawObject;
use super::ResponseStore;
use super::input::referred;
use crate::protocol::responses::ResponseInput;

/// The items of an input that has been read. Those that have no name get one that ends with `name` and their place.
pub(super) fn written(input: &ResponseInput, store: &ResponseStore, name: &str) -> Vec<Map<String, Value>> {
    let items = match input {
        ResponseInput::Text(text) => {
            vec![Map::from_iter([("role".to_owned(), json!("user")), ("content".to_owned(), json!(text))])]
        }
        ResponseInput::Items(items) => items.clone(),
    };
    let written = items.into_iter().enumerate().map(|(index, item)| {
        // What was referred to is there: the input has been read.
        let referred = referred(&RawObject::new(&item, ""), store).ok().flatten();
        one(referred.unwrap_or(item), &format!("{name}_i{index}"))
    });
    written.collect()
}

/// One item with its type, status and name.
fn one(mut item: Map<String, Value>, name: &str) -> Map<String, Value> {
    let kind = RawObject::new(&item, "").kind().to_owned();
    let (kind, start) = match kind.as_str() {
        "" | "message" => ("message", "msg"),
        "function_call" => ("function_call", "fc"),
        "function_call_output" => ("function_call_output", "fco"),
        other => (other, "rs"),
    };
    if kind == "message" {
        let is_said = item.get("role").is_some_and(|role| role == "assistant");
        if let Some(Value::String(text)) = item.get("content") {
            let part = if is_said {
                json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
            } else {
                json!({"type": "input_text", "text": text})
            };
            item.insert("content".to_owned(), json!([part]));
        }
    }
    if kind == "reasoning" {
        set(&mut item, "summary", json!([]));
    } else {
        set(&mut item, "status", json!("completed"));
    }
    set(&mut item, "type", json!(kind));
    if item.get("id").and_then(Value::as_str).is_none_or(str::is_empty) {
        item.insert("id".to_owned(), json!(format!("{start}_{name}")));
    }
    item
}

/// Sets a field that is absent or null.
fn set(item: &mut Map<String, Value>, name: &str, value: Value) {
    if item.get(name).is_none_or(Value::is_null) {
        item.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::responses::{MessageItem, OutputItem, OutputPart, ResponseObject};

    fn items(input: &Value) -> Value {
        let store = ResponseStore::default();
        let item = MessageItem {
            id: "msg_old".to_owned(),
            content: vec![OutputPart::output_text("c")],
            ..MessageItem::default()
        };
        let output = vec![OutputItem::Message(item)];
        store.put(ResponseObject { output, ..ResponseObject::default() }, Vec::new(), Vec::new());
        let input: ResponseInput = serde_json::from_value(input.clone()).expect("an input");
        json!(written(&input, &store, "7"))
    }

    #[test]
    fn a_text_is_a_message_of_the_user() {
        let part = json!({"type": "input_text", "text": "hi"});
        let expected = json!([{
            "role": "user", "content": [part], "status": "completed", "type": "message", "id": "msg_7_i0",
        }]);
        assert_eq!(items(&json!("hi")), expected);
    }

    #[test]
    fn every_item_has_type_name_and_status() {
        let items = items(&json!([
            {"role": "assistant", "content": "a"},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "b"}], "id": "mine"},
            {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}", "status": null},
            {"type": "function_call_output", "call_id": "1", "output": "x"},
            {"type": "reasoning", "content": []},
            {"type": "item_reference", "id": "msg_old"},
            {"id": "msg_old"},
        ]));
        let column = |name: &str| {
            let items = items.as_array().expect("a list").iter();
            items.map(|item| item[name].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            column("id"),
            ["msg_7_i0", "mine", "fc_7_i2", "fco_7_i3", "rs_7_i4", "msg_old", "msg_old"]
        );
        let said = ["message", "message", "function_call", "function_call_output", "reasoning", "message"];
        assert_eq!(column("type")[..6], said);
        assert_eq!(column("status")[..4], ["completed"; 4]);
        let text = json!({"type": "output_text", "text": "a", "annotations": [], "logprobs": []});
        assert_eq!((&items[0]["content"], &items[4]["summary"]), (&json!([text]), &json!([])));
        assert_eq!(items[6]["content"][0]["text"], "c");
    }
}
