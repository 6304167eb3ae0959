//! Answers with reasoning and tool calls, whole and streamed.

use internlm_model::chat::ChatTemplate;
use internlm_model::{TokenId, Tokenizer};
use lmdeploy::Pipeline;
use lmdeploy::engine::{Executor, SchedulerConfig};
use lmdeploy::parse::{ReasoningFormat, ToolFormat};
use lmdeploy::protocol::{
    ChatChoice, ChatDelta, ChatRequest, FinishReason, MessageRole, StopReason, StreamedCalls,
};
use lmdeploy::respond::ServedModel;
use lmdeploy::testing::MockModel;

use crate::fixture::{ask, tokenizer};
use crate::parsers::{MARKED, tools};

/// A model that says `reply`, with these parsers.
fn pipeline(tokenizer: &Tokenizer, reply: &str, tools: &str) -> Pipeline {
    let mock = MockModel::from(reply).with_tokenizer(tokenizer.clone());
    let model = ServedModel::new("tiny", tokenizer.clone(), Some(ChatTemplate::InternLm2), &[]);
    let model = model.with_tool_parser(tools).expect("a parser").with_reasoning_parser("default");
    let executor = mock.executor();
    let scheduler = SchedulerConfig::new(&executor.capacity());
    Pipeline::new(Box::new(executor), model.expect("a parser"), scheduler, 0)
}

/// The whole choice, and what the chunks of a stream add up to.
fn answers(pipeline: &Pipeline, request: &ChatRequest) -> (ChatChoice, ChatChoice, Vec<ChatDelta>) {
    let whole = pipeline.chat(request).expect("an answer").choices.remove(0);
    let (mut streamed, mut calls, mut deltas) = (ChatChoice::default(), StreamedCalls::default(), Vec::new());
    let (mut content, mut thought) = (String::new(), String::new());
    for chunk in pipeline.chat_stream(request).expect("a stream") {
        for choice in chunk.expect("a chunk").choices {
            content += choice.delta.content.as_deref().unwrap_or_default();
            thought += choice.delta.reasoning_content.as_deref().unwrap_or_default();
            choice.delta.tool_calls.iter().flatten().for_each(|call| calls.push(call.clone()));
            streamed.finish_reason = choice.finish_reason;
            streamed.stop_reason = choice.stop_reason;
            streamed.output_ids.get_or_insert_default().extend(choice.output_ids.unwrap_or_default());
            deltas.push(choice.delta);
        }
    }
    let calls = calls.finish();
    streamed.message.content = whole.message.content.clone().filter(|_| whole.message.text() == content);
    streamed.message.tool_calls = (!calls.is_empty()).then_some(calls);
    streamed.message.role = MessageRole::Assistant;
    if !thought.is_empty() {
        streamed.message.fields.insert("reasoning_content".to_owned(), thought.into());
    }
    streamed.output_ids = streamed.output_ids.filter(|_| whole.output_ids.is_some());
    streamed.token_ids.clone_from(&streamed.output_ids);
    (whole, streamed, deltas)
}

/// Ids of calls are unique, so that those of two answers differ.
fn without_ids(mut choice: ChatChoice) -> ChatChoice {
    choice.message.tool_calls.iter_mut().flatten().for_each(|call| call.id.clear());
    choice
}

/// A reply that thinks, speaks and calls twice.
const CALLS: &str = "<think>one two</think>I add.\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n\
    </tool_call>\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";

#[test]
fn answers_have_reasoning_and_calls() {
    for tokenizer in [&tokenizer(), &*MARKED] {
        let pipeline = pipeline(tokenizer, CALLS, "qwen");
        let request = ask("hi").with_tools(tools());
        let (whole, streamed, deltas) = answers(&pipeline, &request);
        assert_eq!(whole.message.fields["reasoning_content"], "one two");
        assert_eq!(whole.message.text(), "I add.\n");
        let calls = whole.message.calls();
        let functions: Vec<_> = calls
            .iter()
            .map(|call| (call.function.name.as_str(), call.function.arguments.as_str()))
            .collect();
        assert_eq!(functions, [("add", "{\"a\":1}"), ("now", "{}")]);
        assert!(calls[0].id.starts_with("call_") && calls[0].id != calls[1].id);
        assert_eq!(whole.finish_reason, Some(FinishReason::ToolCalls));
        assert_eq!(without_ids(streamed), without_ids(whole));
        let (first, others) = deltas.split_first().expect("chunks");
        assert_eq!(first.role, Some(MessageRole::Assistant));
        assert!(first.reasoning_content.is_some() && others.iter().all(|delta| delta.role == first.role));
        let last = ChatDelta { role: first.role, content: Some(String::new()), ..ChatDelta::default() };
        assert_eq!(deltas.last(), Some(&last));
        let usage = pipeline.chat(&request).expect("an answer").usage;
        let thinking = usage.completion_tokens_details.expect("always there").reasoning_tokens;
        assert_eq!(thinking, tokenizer.encode("one two").len() as u64);
    }
}

#[test]
fn the_first_delta_of_a_call_has_its_name_and_the_others_its_arguments() {
    let (_, _, deltas) = answers(&pipeline(&MARKED, CALLS, "qwen"), &ask("hi").with_tools(tools()));
    let pieces: Vec<_> = deltas.into_iter().flat_map(|delta| delta.tool_calls.unwrap_or_default()).collect();
    assert!(pieces.windows(2).all(|pair| pair[0].index <= pair[1].index));
    for index in 0..2 {
        let of_call: Vec<_> = pieces.iter().filter(|piece| piece.index == index).collect();
        for (place, piece) in of_call.iter().enumerate() {
            let function = piece.function.as_ref().expect("always there");
            let named = [piece.id.is_some(), piece.kind.is_some(), function.name.is_some()];
            assert_eq!(named, [place == 0; 3]);
            assert!(function.arguments.is_some());
        }
    }
}

#[test]
fn fields_of_the_request_change_what_is_found() {
    let pipeline = pipeline(&MARKED, CALLS, "qwen");
    let mut request = ask("hi").with_tools(tools());
    request.parallel_tool_calls = Some(false);
    let (whole, streamed, _) = answers(&pipeline, &request);
    assert_eq!((whole.message.calls().len(), whole.finish_reason), (1, Some(FinishReason::ToolCalls)));
    assert_eq!(without_ids(streamed), without_ids(whole));

    let mut request = ask("hi").with_tools(tools());
    request.tool_choice = Some("none".into());
    let (whole, streamed, _) = answers(&pipeline, &request);
    assert!(whole.message.calls().is_empty() && whole.message.text().contains("{\"name\": \"add\""));
    assert_eq!((whole.finish_reason, streamed), (Some(FinishReason::Stop), whole.clone()));

    let request = ask("hi").with_stop(["two"]);
    let (whole, streamed, _) = answers(&pipeline, &request);
    assert_eq!(whole.stop_reason, Some(StopReason::Text("two".to_owned())));
    assert_eq!((whole.message.content.clone(), streamed), (None, whole));

    let mut request = ask("hi");
    request.return_token_ids = Some(true);
    let (whole, streamed, _) = answers(&pipeline, &request);
    let ids: Vec<u32> = MARKED.encode_with_special(CALLS).into_iter().map(u32::from).collect();
    assert_eq!((whole.output_ids.clone(), without_ids(streamed)), (Some(ids), without_ids(whole)));
}

#[test]
fn reasoning_is_where_the_request_wants_it() {
    let reply = "<think>one two</think>I add.";
    for tokenizer in [&tokenizer(), &*MARKED] {
        let pipeline = pipeline(tokenizer, reply, "qwen");
        for (format, include, content, thought) in [
            (None, None, "I add.", Some("one two")),
            (Some("deepseek"), Some(true), "I add.", Some("one two")),
            (Some("none"), None, reply, None),
            (None, Some(false), "I add.", None),
            (Some("none"), Some(false), "I add.", None),
        ] {
            let mut request = ask("hi");
            request.reasoning_format = format.map(str::to_owned);
            request.include_reasoning = include;
            let (whole, streamed, _) = answers(&pipeline, &request);
            let found = whole.message.fields.get("reasoning_content").and_then(|text| text.as_str());
            assert_eq!((whole.message.text().as_str(), found), (content, thought), "{format:?} {include:?}");
            assert_eq!(streamed, whole);
            let usage = pipeline.chat(&request).expect("an answer").usage;
            let thinking = usage.completion_tokens_details.expect("always there").reasoning_tokens;
            assert_eq!(thinking, tokenizer.encode("one two").len() as u64, "it is counted all the same");
        }
        let mut request = ask("hi");
        request.reasoning_format = Some("granite".to_owned());
        let error = pipeline.chat(&request).expect_err("no such format").to_string();
        assert_eq!(error, "reasoning_format: found \"granite\", expected `auto`, `deepseek` or `none`");
    }
}

#[test]
fn a_call_that_is_cut_off_says_so() {
    let ids = MARKED.encode_with_special(CALLS);
    let text = CALLS.split_once(" 1}").expect("an argument").0;
    let length = MARKED.encode_with_special(text).len();
    assert!(length < ids.len());
    let mut request = ask("hi").with_tools(tools());
    request.max_tokens = u32::try_from(length).ok();
    let (whole, streamed, _) = answers(&pipeline(&MARKED, CALLS, "qwen"), &request);
    let [call] = whole.message.calls() else { panic!("one call") };
    assert_eq!((call.function.name.as_str(), call.function.arguments.as_str()), ("add", "{\"a\":"));
    assert_eq!(whole.finish_reason, Some(FinishReason::Length));
    assert_eq!(without_ids(streamed), without_ids(whole));
}

#[test]
fn another_chat_template_brings_its_own_parsers() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("chat.jinja");
    std::fs::write(&path, "{{ messages }}{{ tools }}<think><tool_call><parameter=>").expect("writes");
    let model = || ServedModel::new("tiny", tokenizer(), Some(ChatTemplate::InternLm2), &[]);
    assert_eq!((model().tools, model().reasoning), (ToolFormat::Internlm, ReasoningFormat::None));
    let other = model().with_chat_template(&path).expect("a template");
    assert_eq!((other.tools, other.reasoning), (ToolFormat::Qwen3Coder, ReasoningFormat::Think));
    let chosen = other.with_tool_parser("hermes").expect("a parser");
    assert_eq!(chosen.tools, ToolFormat::Qwen);
    assert_eq!(chosen.with_tool_parser("auto").expect("a parser").tools, ToolFormat::Qwen3Coder);
    std::fs::write(&path, "{% if %}").expect("writes");
    let error = model().with_chat_template(&path).expect_err("no template").to_string();
    assert!(error.contains("chat.jinja: "), "{error}");
}

#[test]
fn sampling_defaults_come_from_where_they_are_asked_for() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let file = folder.path().join("generation_config.json");
    std::fs::write(&file, r#"{"temperature": 0.3, "eos_token_id": [7, 2]}"#).expect("writes");
    let model = || ServedModel::new("tiny", tokenizer(), None, &[]);
    for path in [&file, &folder.path().to_owned()] {
        let model = model().with_generation_config(&path.to_string_lossy()).expect("reads");
        assert_eq!((model.sampling.temperature, model.sampling.top_k), (0.3, Some(50)));
        assert!(model.stop_ids.contains(&TokenId(7)));
        let model = model.with_generation_config("auto").expect("changes nothing");
        assert_eq!(model.sampling.temperature, 0.3);
        let model = model.with_generation_config("lmdeploy").expect("upstream's");
        assert_eq!(model.sampling.temperature, 0.8);
    }
    assert!(model().with_generation_config("nowhere.json").is_err());
}
