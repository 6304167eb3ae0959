//! A model in this process: the same answers as over HTTP, whole and in chunks.

use std::time::Duration;

use lmdeploy::Error;
use lmdeploy::protocol::{
    ChatMessage, ChatRequest, CompletionRequest, FinishReason, Prompt, StreamedCalls, ToolCall,
};
use lmdeploy::testing::{MockFault, MockModel};

use crate::fixture::{Served, ask, echo, mock, run};

const REPLY: &str =
    "a <|action_start|><|plugin|>\n{\"name\": \"add\", \"parameters\": {\"x\": [1, null]}}<|action_end|> b";

#[test]
fn a_pipeline_answers_what_a_server_answers() {
    run(async {
        let served = Served::start(mock(REPLY));
        let request = ask("1+1?").with_logprobs(2).with_seed(1);
        let here = mock(REPLY).pipeline().chat(&request).expect("an answer");
        let there = served.client.chat(&request).await.expect("an answer");
        assert_eq!(here.choices[0].logprobs, there.choices[0].logprobs);
        assert_eq!(here.choices[0].finish_reason, there.choices[0].finish_reason);
        assert_eq!((here.text(), here.usage), (there.text(), there.usage));
        let calls = |message: &ChatMessage| {
            message.calls().iter().map(|call| call.function.clone()).collect::<Vec<_>>()
        };
        assert_eq!(calls(&here.choices[0].message), calls(&there.choices[0].message));

        let served = Served::start(echo());
        let texts = ["the quick", "brown 你 fox"].map(str::to_owned).to_vec();
        let request =
            CompletionRequest::new(Prompt::Texts(texts)).with_echo().with_logprobs(1).with_max_tokens(50);
        let here = echo().pipeline().completions(&request).expect("an answer");
        let there = served.client.completions(&request).await.expect("an answer");
        assert_eq!((here.choices, here.usage), (there.choices, there.usage));
    });
}

#[test]
fn chunks_add_up_to_the_whole_answer() {
    let pipeline = mock(REPLY).pipeline();
    let whole = pipeline.chat(&ask("1+1?")).expect("an answer");
    let (mut text, mut calls, mut reasons) = (String::new(), StreamedCalls::default(), Vec::new());
    for chunk in pipeline.chat_stream(&ask("1+1?")).expect("starts") {
        for choice in chunk.expect("a chunk").choices {
            text += &choice.delta.content.unwrap_or_default();
            choice.delta.tool_calls.unwrap_or_default().into_iter().for_each(|piece| calls.push(piece));
            reasons.extend(choice.finish_reason);
        }
    }
    let functions = |calls: &[ToolCall]| calls.iter().map(|call| call.function.clone()).collect::<Vec<_>>();
    assert_eq!(text, whole.text());
    assert_eq!(functions(&calls.finish()), functions(whole.choices[0].message.calls()));
    assert_eq!(reasons, [FinishReason::ToolCalls], "one reason, at the end");
}

#[test]
fn the_choices_of_a_stream_are_interleaved_and_add_up_to_the_whole_answer() {
    let model = || mock("the quick brown fox").with_delay(Duration::from_millis(1));
    let whole = model().pipeline().chat(&ask("hi").with_n(3)).expect("an answer");
    let pipeline = model().pipeline();
    let mut texts = vec![String::new(); 3];
    let mut order = Vec::new();
    for chunk in pipeline.chat_stream(&ask("hi").with_n(3)).expect("starts") {
        for choice in chunk.expect("a chunk").choices {
            texts[choice.index] += &choice.delta.content.unwrap_or_default();
            order.push(choice.index);
        }
    }
    let expected: Vec<String> = whole.choices.iter().map(|choice| choice.message.text()).collect();
    assert_eq!(texts, expected);
    assert!(!order.is_sorted(), "one choice after the other: {order:?}");
    // A choice that fails ends the stream.
    let pipeline = model().with_fault(3, MockFault::Error).pipeline();
    let items: Vec<_> = pipeline.chat_stream(&ask("hi").with_n(2)).expect("starts").collect();
    assert!(matches!(items.last(), Some(Err(Error::Refused { status: 500, .. }))));
    assert_eq!(items.iter().filter(|item| item.is_err()).count(), 1);
}

#[test]
fn a_failure_is_the_last_item_of_a_stream() {
    let pipeline = MockModel::from("one two three four").with_fault(3, MockFault::Panic).pipeline();
    let items: Vec<_> = pipeline.chat_stream(&ask_anyone()).expect("starts").collect();
    let (last, before) = items.split_last().expect("items");
    assert!(before.iter().all(Result::is_ok) && !before.is_empty());
    let Err(Error::Refused { status: 500, message, .. }) = last else { panic!("{last:?}") };
    assert!(message.contains("a scripted panic"), "{message}");
    assert_eq!(pipeline.chat(&ask_anyone()).expect("the engine goes on").text(), "one two three four");
}

#[test]
fn wrong_requests_are_refused_before_anything_runs() {
    let model = MockModel::from("x");
    let executor = model.executor();
    let log = executor.log();
    let pipeline = model.pipeline();
    for (request, param) in [
        (ChatRequest::new([]), "messages"),
        (ask_anyone().with_temperature(3.0), "temperature"),
        (ask_anyone().with_model("gpt-9"), "model"),
        (ask_anyone().with_stop([""]), "stop"),
    ] {
        let error = pipeline.chat(&request).expect_err("a wrong request");
        let Error::Refused { param: Some(found), status, .. } = &error else { panic!("{error}") };
        assert_eq!(found, param);
        assert!((400..500).contains(status));
        assert!(pipeline.chat_stream(&request).is_err(), "streams are refused at once");
    }
    assert!(log.prompts().is_empty());
}

#[test]
fn a_stream_that_is_dropped_makes_room_for_the_next_request() {
    let endless = "the ".repeat(100_000);
    let model = MockModel::from(endless.as_str()).with_delay(Duration::from_millis(1));
    let pipeline = model.pipeline();
    let mut stream = pipeline.chat_stream(&ask_anyone()).expect("starts");
    assert!(stream.next().is_some_and(|chunk| chunk.is_ok()));
    drop(stream);
    let answer = pipeline.chat(&ask_anyone().with_max_tokens(3)).expect("an answer");
    assert_eq!(answer.usage.completion_tokens, 3);
    pipeline.shutdown(Duration::from_secs(30));
}

/// A request that any model takes.
fn ask_anyone() -> ChatRequest {
    ChatRequest::new([ChatMessage::user("hi")])
}
