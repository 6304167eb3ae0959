//! The events add up to the items, whatever the pieces are.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::protocol::FunctionCallDelta;

fn content(text: &str) -> ChatDelta {
    ChatDelta { content: Some(text.to_owned()), ..ChatDelta::default() }
}

fn thought(text: &str) -> ChatDelta {
    ChatDelta { reasoning_content: Some(text.to_owned()), ..ChatDelta::default() }
}

fn call(index: usize, name: Option<&str>, arguments: &str) -> ChatDelta {
    let function = FunctionCallDelta { name: name.map(str::to_owned), arguments: Some(arguments.to_owned()) };
    let id = name.map(|_| format!("call_{index}"));
    let piece = ToolCallDelta { index, id, function: Some(function), ..ToolCallDelta::default() };
    ChatDelta { tool_calls: Some(vec![piece]), ..ChatDelta::default() }
}

fn items(deltas: impl IntoIterator<Item = ChatDelta>) -> (Vec<OutputItem>, Vec<Event>) {
    let mut items = Items::new("7".to_owned(), false);
    for delta in deltas {
        items.push(delta, Vec::new());
    }
    items.finish(ItemStatus::Completed);
    (items.list().to_vec(), items.take_events())
}

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|(name, _)| name.strip_prefix("response.").expect("all of them")).collect()
}

/// What a client makes of the events.
fn built_up(events: &[Event]) -> Vec<Value> {
    let mut list: Vec<Value> = Vec::new();
    for (name, body) in events {
        let body = serde_json::to_value(body).expect("writes");
        let place = body["output_index"].as_u64().expect("every event has one") as usize;
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        match *name {
            "response.output_item.added" => {
                assert_eq!((place, &body["item"]["status"]), (list.len(), &json!("in_progress")));
                list.push(body["item"].clone());
            }
            "response.content_part.added" => {
                list[place]["content"].as_array_mut().expect("parts").push(body["part"].clone());
            }
            "response.output_text.delta" | "response.reasoning_text.delta" => {
                let whole = text(&list[place]["content"][0]["text"]) + &text(&body["delta"]);
                list[place]["content"][0]["text"] = json!(whole);
            }
            "response.function_call_arguments.delta" => {
                let whole = text(&list[place]["arguments"]) + &text(&body["delta"]);
                list[place]["arguments"] = json!(whole);
            }
            "response.output_text.done" | "response.reasoning_text.done" => {
                assert_eq!(body["text"], list[place]["content"][0]["text"]);
            }
            "response.content_part.done" => assert_eq!(body["part"], list[place]["content"][0]),
            "response.function_call_arguments.done" => {
                assert_eq!(body["arguments"], list[place]["arguments"])
            }
            "response.output_item.done" => {
                list[place]["status"] = body["item"]["status"].clone();
                assert_eq!(body["item"], list[place]);
            }
            other => panic!("{other}"),
        }
    }
    list
}

#[test]
fn a_text_has_the_events_that_clients_wait_for() {
    let (list, events) = items([content(""), content("He"), content("y"), content("")]);
    assert_eq!(
        names(&events),
        [
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
        ]
    );
    assert_eq!((list.len(), list[0].id(), list[0].text()), (1, "msg_7_0", "Hey"));
}

#[test]
fn items_stand_in_the_order_in_which_they_appeared() {
    let deltas = [
        thought("hm"),
        content("a"),
        call(0, Some("f"), ""),
        call(0, None, "{\"x\":"),
        call(0, None, "1}"),
        call(1, Some("g"), "{}"),
        content("b"),
    ];
    let (list, events) = items(deltas);
    let found: Vec<(&str, &str)> = list.iter().map(|item| (item.id(), item.text())).collect();
    let expected =
        [("rs_7_0", "hm"), ("msg_7_1", "a"), ("fc_7_2", "{\"x\":1}"), ("fc_7_3", "{}"), ("msg_7_4", "b")];
    assert_eq!(found, expected);
    assert_eq!(json!(list), Value::Array(built_up(&events)));
}

#[test]
fn an_answer_without_anything_is_an_empty_message() {
    let (list, events) = items([]);
    assert_eq!((list.len(), list[0].text()), (1, ""));
    assert_eq!(built_up(&events).len(), 1);
}

#[test]
fn scores_without_text_stay_with_the_message() {
    let score = |token: &str| TokenLogprob { token: token.to_owned(), ..TokenLogprob::default() };
    let mut items = Items::new("7".to_owned(), true);
    items.push(content(""), vec![score("lost")]);
    items.push(content("a"), vec![score("a")]);
    items.push(content(""), vec![score("stop")]);
    items.finish(ItemStatus::Incomplete);
    let OutputItem::Message(message) = &items.list()[0] else { panic!("a message") };
    let OutputPart::OutputText { logprobs, .. } = &message.content[0] else { panic!("text") };
    assert_eq!(logprobs, &[score("a"), score("stop")]);
    assert_eq!(message.status, ItemStatus::Incomplete);
}

#[test]
fn reasoning_is_repeated_for_clients_that_ask_for_it() {
    let mut items = Items::new("7".to_owned(), true);
    items.push(thought("hm"), Vec::new());
    items.finish(ItemStatus::Completed);
    let OutputItem::Reasoning(reasoning) = &items.list()[0] else { panic!("reasoning") };
    assert_eq!(reasoning.encrypted_content.as_deref(), Some("plain:hm"));
}

proptest! {
    #[test]
    fn clients_build_up_the_same_items(pieces in prop::collection::vec((0..4_u8, "[a-c]{0,2}"), 0..12)) {
        let mut calls = 0;
        let deltas = pieces.iter().map(|(kind, text)| match kind {
            0 => thought(text),
            1 => content(text),
            2 => {
                calls += 1;
                call(calls, Some("f"), text)
            }
            _ => call(calls, None, text),
        });
        let deltas: Vec<ChatDelta> = deltas.collect();
        let (list, events) = items(deltas);
        prop_assert_eq!(json!(list), Value::Array(built_up(&events)));
    }
}
