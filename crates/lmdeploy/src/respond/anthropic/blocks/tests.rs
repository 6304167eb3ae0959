//! The events add up to the blocks, whatever the pieces are.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::protocol::FunctionCallDelta;

fn text(text: &str) -> ChatDelta {
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

fn blocks(deltas: impl IntoIterator<Item = ChatDelta>) -> (Vec<ContentBlock>, Vec<MessageEvent>) {
    finished(Blocks::new("msg_7".to_owned()), deltas)
}

fn finished(
    mut blocks: Blocks,
    deltas: impl IntoIterator<Item = ChatDelta>,
) -> (Vec<ContentBlock>, Vec<MessageEvent>) {
    deltas.into_iter().for_each(|delta| blocks.push(delta));
    blocks.finish();
    (blocks.list().to_vec(), blocks.take_events())
}

/// What a client makes of the events; one block at a time is open.
fn built_up(events: &[MessageEvent]) -> Vec<ContentBlock> {
    let (mut list, mut open, mut json) = (Vec::new(), false, String::new());
    for event in events {
        match event {
            MessageEvent::ContentBlockStart { index, content_block } => {
                assert!(!open && *index == list.len());
                list.push(content_block.clone());
                open = true;
            }
            MessageEvent::ContentBlockDelta { index, delta, .. } => {
                assert!(open && index + 1 == list.len());
                match (list.last_mut().expect("a block"), delta) {
                    (ContentBlock::Text { text }, BlockDelta::TextDelta { text: more }) => *text += more,
                    (
                        ContentBlock::Thinking { thinking, .. },
                        BlockDelta::ThinkingDelta { thinking: more },
                    ) => {
                        *thinking += more;
                    }
                    (
                        ContentBlock::Thinking { signature, .. },
                        BlockDelta::SignatureDelta { signature: whole },
                    ) => {
                        signature.clone_from(whole);
                    }
                    (ContentBlock::ToolUse { .. }, BlockDelta::InputJsonDelta { partial_json }) => {
                        json += partial_json;
                    }
                    other => panic!("{other:?}"),
                }
            }
            MessageEvent::ContentBlockStop { index } => {
                assert!(open && index + 1 == list.len());
                open = false;
                if let Some(ContentBlock::ToolUse { input, .. }) = list.last_mut() {
                    *input = serde_json::from_str(&std::mem::take(&mut json)).unwrap_or_default();
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(!open);
    list
}

#[test]
fn blocks_stand_in_the_order_in_which_they_appeared() {
    let deltas = [
        text(""),
        thought("h"),
        thought("m"),
        text("a"),
        call(0, Some("f"), "{\"x\":"),
        call(0, None, "1}"),
        call(1, Some("g"), "{}"),
        text("b"),
    ];
    let (list, events) = blocks(deltas);
    let expected = json!([
        {"type": "thinking", "thinking": "hm", "signature": "msg_7"},
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "call_0", "name": "f", "input": {"x": 1}},
        {"type": "tool_use", "id": "call_1", "name": "g", "input": {}},
        {"type": "text", "text": "b"},
    ]);
    assert_eq!(json!(list), expected);
    assert_eq!(built_up(&events), list);
}

#[test]
fn a_message_without_anything_has_an_empty_text() {
    let (list, events) = blocks([]);
    assert_eq!(list, [ContentBlock::Text { text: String::new() }]);
    assert_eq!(built_up(&events), list);
}

#[test]
fn arguments_that_were_cut_off_are_only_in_the_stream() {
    let (list, events) = blocks([call(0, Some("f"), "{\"x\":")]);
    let ContentBlock::ToolUse { input, .. } = &list[0] else { panic!("a call") };
    assert!(input.is_empty());
    let delta = BlockDelta::InputJsonDelta { partial_json: "{\"x\":".to_owned() };
    let (output_ids, output_token_logprobs) = (None, None);
    let expected = MessageEvent::ContentBlockDelta { index: 0, delta, output_ids, output_token_logprobs };
    assert!(events.contains(&expected));
}

proptest! {
    #[test]
    fn clients_build_up_the_same_blocks(pieces in prop::collection::vec((0..4_u8, "[a-c]{0,2}"), 0..12)) {
        let mut calls = 0;
        let deltas = pieces.iter().map(|(kind, piece)| match kind {
            0 => thought(piece),
            1 => text(piece),
            2 => {
                calls += 1;
                call(calls, Some("f"), "{\"a\":")
            }
            _ => call(calls, None, "1}"),
        });
        let deltas: Vec<ChatDelta> = deltas.collect();
        let (list, events) = blocks(deltas);
        prop_assert_eq!(built_up(&events), list);
    }
}

#[test]
fn thoughts_that_are_omitted_leave_their_block() {
    let blocks = Blocks::new("msg_7".to_owned()).without_thoughts();
    let (list, events) = finished(blocks, [thought("hm"), thought("m"), text("four")]);
    let thinking = ContentBlock::Thinking { thinking: String::new(), signature: "msg_7".to_owned() };
    assert_eq!(list, [thinking, ContentBlock::Text { text: "four".to_owned() }]);
    assert_eq!(built_up(&events), list);
    let is_told = |event: &MessageEvent| {
        matches!(event, MessageEvent::ContentBlockDelta { delta: BlockDelta::ThinkingDelta { .. }, .. })
    };
    assert!(!events.iter().any(is_told));
}

/// The ids that each delta brings along.
fn ids(events: &[MessageEvent]) -> Vec<Option<Vec<u32>>> {
    let of = |event: &MessageEvent| match event {
        MessageEvent::ContentBlockDelta { output_ids, output_token_logprobs, .. } => {
            let scored = output_token_logprobs.as_ref();
            let numbers = scored.map(|scored| scored.iter().map(|(_, id)| *id).collect::<Vec<u32>>());
            assert_eq!(numbers, *output_ids);
            Some(output_ids.clone())
        }
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn ids_come_with_the_next_delta_and_none_is_lost() {
    let written = |list: &[(u32, ChatDelta)], mut blocks: Blocks| {
        for (id, delta) in list {
            blocks.add_ids(Some(vec![*id]), Some(vec![(-0.5, *id)]));
            blocks.push(delta.clone());
        }
        blocks.add_ids(Some(Vec::new()), None);
        blocks.finish();
        ids(&blocks.take_events())
    };
    let new = || Blocks::new("msg_7".to_owned());
    let called = call(0, Some("f"), "");
    let list = [(1, thought("hm")), (2, text("")), (3, text("a")), (4, called), (5, text(""))];
    // A thought, its signature, a text, and the arguments that have not come.
    assert_eq!(written(&list, new()), [Some(vec![1]), None, Some(vec![2, 3]), Some(vec![4, 5])]);
    let omitted = written(&list[..3], new().without_thoughts());
    assert_eq!(omitted, [None, Some(vec![1, 2, 3])]);
    assert_eq!(written(&[(1, text(""))], new()), [Some(vec![1])], "an answer without text");
    assert!(written(&[], new()).is_empty(), "nothing was generated");
}
