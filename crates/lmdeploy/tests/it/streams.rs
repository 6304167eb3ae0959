//! Streamed answers: the same text as whole ones, nothing leaked, errors told, disconnects noticed.

use futures_util::StreamExt;
use internlm_model::TokenId;
use internlm_model::tokenizer::Special;
use lmdeploy::protocol::{
    ChatChunk, ChatDelta, ChatRequest, ChatResponse, CompletionRequest, FinishReason, MessageRole, OneOrMany,
    Prompt, StreamOptions, StreamedCalls, ToolDefinition,
};
use lmdeploy::testing::MockFault;
use serde_json::json;

use crate::fixture::{Served, ask, echo, mock, run, tokenizer};

async fn chunks(served: &Served, request: &ChatRequest) -> Vec<ChatChunk> {
    let stream = served.client.chat_stream(request).await.expect("a stream");
    stream.map(|chunk| chunk.expect("a chunk")).collect().await
}

#[test]
fn chunks_have_the_promised_shape() {
    run(async {
        let slow = mock("héllo 你好 🙂!").with_delay(std::time::Duration::from_millis(2));
        let served = Served::start(slow);
        let request = ask("hi").with_logprobs(0);
        let chunks = chunks(&served, &request).await;
        let (usage, choices) = chunks.split_last().expect("chunks");
        assert!(usage.choices.is_empty());
        assert!(usage.usage.is_some_and(|usage| usage.completion_tokens > 0));
        let (last, texts) = choices.split_last().expect("chunks with choices");
        assert_eq!(last.choices[0].finish_reason, Some(FinishReason::Stop));
        let role = Some(MessageRole::Assistant);
        let empty = ChatDelta { role, content: Some(String::new()), ..ChatDelta::default() };
        assert_eq!(last.choices[0].delta, empty);
        assert!(last.choices[0].logprobs.is_none());
        let mut text = String::new();
        for chunk in texts {
            let choice = &chunk.choices[0];
            assert!(choice.finish_reason.is_none() && chunk.usage.is_none());
            assert_eq!(choice.delta.role, role);
            assert!(chunk.system_fingerprint.as_deref().is_some_and(|name| name.starts_with('b')));
            assert!(!choice.logprobs.as_ref().expect("asked for").content.is_empty());
            text += choice.delta.content.as_deref().expect("text");
        }
        assert_eq!(text, "héllo 你好 🙂!");
        assert!(texts.len() > 3, "it came in pieces");
    });
}

#[test]
fn streamed_and_whole_answers_say_what_the_model_said() {
    run(async {
        let call =
            "<|action_start|><|plugin|>\n{\"name\": \"add\", \"parameters\": {\"x\": 1}}<|action_end|>";
        let twice = format!("a{call} b {call}");
        let bad = "<|action_start|><|plugin|>\n{bad}<|action_end|> z";
        let cut = tokenizer().decode(&tokenizer().encode_with_special(&twice)[..9], Special::Keep);
        for (reply, stop, max_tokens, (text, calls, reason)) in [
            ("one two three", None, None, ("one two three", 0, FinishReason::Stop)),
            ("one two\nUser: x", Some("\nUser"), None, ("one two", 0, FinishReason::Stop)),
            ("one two\nUse", Some("\nUser"), None, ("one two\nUse", 0, FinishReason::Stop)),
            // Four ids are four bytes: a character, and the first byte of the next one.
            ("你好 🙂 世界", None, Some(4), ("你\u{FFFD}", 0, FinishReason::Length)),
            (twice.as_str(), None, None, ("a b ", 2, FinishReason::ToolCalls)),
            (twice.as_str(), Some(" b "), None, ("a", 1, FinishReason::ToolCalls)),
            // A call that is cut off is text, with its marks.
            (twice.as_str(), None, Some(9), (cut.as_str(), 0, FinishReason::Length)),
            (bad, None, None, (bad, 0, FinishReason::Stop)),
        ] {
            let served = Served::start(mock(reply));
            let mut request = ask("hi");
            request.stop = stop.map(|stop: &str| OneOrMany::One(stop.to_owned()));
            request.max_tokens = max_tokens;
            let expected = vec![("add", "{\"x\":1}"); calls];

            let whole = served.client.chat(&request).await.expect("an answer");
            let choice = &whole.choices[0];
            assert_eq!(
                (choice.message.text().as_str(), choice.finish_reason),
                (text, Some(reason)),
                "{reply}"
            );
            let functions = choice.message.calls().iter().map(|call| &call.function);
            let found: Vec<_> = functions.map(|call| (call.name.as_str(), call.arguments.as_str())).collect();
            assert_eq!(found, expected, "{reply}");

            let (mut streamed, mut pieces, mut end) = (String::new(), StreamedCalls::default(), None);
            for choice in chunks(&served, &request).await.into_iter().flat_map(|chunk| chunk.choices) {
                streamed += &choice.delta.content.unwrap_or_default();
                choice.delta.tool_calls.into_iter().flatten().for_each(|piece| pieces.push(piece));
                end = choice.finish_reason.or(end);
            }
            assert_eq!((streamed.as_str(), end), (text, Some(reason)), "{reply}");
            let pieces = pieces.finish();
            let functions = pieces.iter().map(|call| &call.function);
            let found: Vec<_> = functions.map(|call| (call.name.as_str(), call.arguments.as_str())).collect();
            assert_eq!(found, expected, "{reply}");
        }
    });
}

#[test]
fn a_forced_call_that_is_cut_off_leaves_no_text() {
    run(async {
        let call =
            "<|action_start|><|plugin|>\n{\"name\": \"add\", \"parameters\": {\"x\": 1}}<|action_end|>";
        let served = Served::start(mock(call));
        let parameters =
            json!({"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]});
        let mut request = ask("hi").with_tools([ToolDefinition::function("add", "Adds.", parameters)]);
        request.tool_choice = Some(json!("required"));
        for max_tokens in 1..30 {
            request.max_tokens = Some(max_tokens);
            let whole = served.client.chat(&request).await.expect("an answer");
            assert_eq!(whole.text(), "", "{max_tokens}");
            let chunks = chunks(&served, &request).await;
            let deltas = chunks.iter().flat_map(|chunk| &chunk.choices).map(|choice| &choice.delta);
            let text: String = deltas.filter_map(|delta| delta.content.as_deref()).collect();
            assert_eq!(text, "", "{max_tokens}");
        }
    });
}

#[test]
fn the_wire_format_is_events_then_done() {
    run(async {
        let served = Served::start(mock("one two"));
        let mut request = ask("hi");
        request.stream = Some(true);
        let response = served.http.post(format!("{}/v1/chat/completions", served.url)).json(&request);
        let response = response.send().await.expect("an answer");
        let headers = response.headers().clone();
        assert!(headers["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/event-stream")));
        assert_eq!(headers["cache-control"], "no-cache");
        assert_eq!(headers["x-accel-buffering"], "no");
        let body = response.text().await.expect("text");
        let events: Vec<&str> = body.split_terminator("\n\n").collect();
        assert!(events.iter().all(|event| event.starts_with("data: ") && !event.contains('\n')), "{body}");
        assert_eq!(events.last(), Some(&"data: [DONE]"));
        // Without include_usage there is no usage chunk.
        assert!(events[..events.len() - 1].iter().all(|event| event.contains("\"usage\":null")));
        assert!(events[events.len() - 2].contains("\"finish_reason\":\"stop\""));
    });
}

#[test]
fn helpers_that_join_all_strings_get_the_role_once() {
    run(async {
        let served = Served::start(mock("one two").with_delay(std::time::Duration::from_millis(1)));
        let mut request = ask("hi").with_n(2);
        request.stream = Some(true);
        for (helper, expected) in [(Some("chat.completions.stream"), 2), (None, usize::MAX)] {
            let mut post = served.http.post(format!("{}/v1/chat/completions", served.url)).json(&request);
            if let Some(helper) = helper {
                post = post.header("X-Stainless-Helper-Method", helper);
            }
            let body = post.send().await.expect("an answer").text().await.expect("text");
            let deltas = body.matches("\"delta\":{").count();
            assert_eq!(body.matches("\"role\":\"assistant\"").count(), expected.min(deltas), "{body}");
        }
    });
}

#[test]
fn ids_are_sent_under_both_names_and_those_of_the_prompt_once() {
    run(async {
        let served = Served::start(mock("one two three"));
        let mut request = ask("hi");
        (request.return_token_ids, request.return_tokens_as_token_ids) = (Some(true), Some(true));
        request.logprobs = Some(true);
        let whole = served.client.chat(&request).await.expect("an answer");
        let prompt: Vec<u32> = served.server.prompts()[0].iter().map(|id| id.0).collect();
        assert_eq!(whole.prompt_token_ids.as_ref(), Some(&prompt));
        let choice = &whole.choices[0];
        let ids = choice.token_ids.clone().expect("asked for");
        assert_eq!(choice.output_ids.as_ref(), Some(&ids));
        assert_eq!(ids.len() as u64, whole.usage.completion_tokens, "the id that ends the text is not sent");
        let names =
            choice.logprobs.iter().flat_map(|scores| &scores.content).map(|score| score.token.clone());
        assert!(names.eq(ids.iter().map(|id| format!("token_id:{id}"))));
        let chunks = chunks(&served, &request).await;
        assert_eq!(chunks[0].prompt_token_ids.as_ref(), Some(&prompt));
        assert!(chunks[1..].iter().all(|chunk| chunk.prompt_token_ids.is_none()));
        let streamed =
            chunks.iter().flat_map(|chunk| &chunk.choices).flat_map(|choice| choice.token_ids.clone());
        assert_eq!(streamed.flatten().collect::<Vec<u32>>(), ids);

        let mut request = CompletionRequest::new("a").with_max_tokens(20);
        request.return_token_ids = Some(true);
        let mut stream = served.client.completions_stream(&request).await.expect("a stream");
        let (mut prompts, mut streamed) = (Vec::new(), Vec::new());
        while let Some(piece) = stream.next().await {
            for choice in piece.expect("a piece").choices {
                prompts.extend(choice.prompt_token_ids);
                streamed.extend(choice.token_ids.expect("asked for"));
            }
        }
        let prompt: Vec<u32> = served.server.prompts().last().into_iter().flatten().map(|id| id.0).collect();
        assert_eq!((prompts, streamed), (vec![prompt], ids));
    });
}

#[test]
fn the_id_that_ends_a_text_counts_when_it_is_part_of_it() {
    run(async {
        let served = Served::start(mock("one two"));
        let mut request = ask("hi");
        (request.return_token_ids, request.skip_special_tokens) = (Some(true), Some(false));
        let plain = served.client.chat(&request).await.expect("an answer");
        request.include_stop_str_in_output = Some(true);
        let shown = served.client.chat(&request).await.expect("an answer");
        assert_eq!(shown.usage.completion_tokens, plain.usage.completion_tokens + 1);
        let ids = |answer: &ChatResponse| answer.choices[0].token_ids.clone().expect("asked for");
        let shown_ids = ids(&shown);
        let (end, before) = shown_ids.split_last().expect("at least the end");
        assert_eq!(before, ids(&plain));
        let end = tokenizer().decode(&[TokenId(*end)], Special::Keep);
        assert_eq!(shown.text(), format!("{}{end}", plain.text()));
        assert!(!end.is_empty());
        assert_eq!(shown.choices[0].finish_reason, Some(FinishReason::Stop));
    });
}

#[test]
fn completions_stream_all_prompts() {
    run(async {
        let served = Served::start(echo());
        let texts = ["the quick", "brown 你", "fox jumps over"];
        let prompt = Prompt::Texts(texts.iter().map(|text| (*text).to_owned()).collect());
        let request = CompletionRequest::new(prompt).with_max_tokens(50).with_logprobs(1).with_echo();
        let mut stream = served.client.completions_stream(&request).await.expect("a stream");
        let whole = served.client.completions(&request).await.expect("an answer");
        let mut found = vec![(String::new(), Vec::new(), None); texts.len()];
        let mut usage = None;
        while let Some(piece) = stream.next().await {
            let piece = piece.expect("a piece");
            usage = piece.usage.or(usage);
            for choice in piece.choices {
                let slot = &mut found[choice.index];
                assert!(!choice.text.is_empty() || choice.finish_reason.is_some());
                slot.0 += &choice.text;
                slot.1.extend(choice.logprobs.expect("asked for").text_offset);
                slot.2 = choice.finish_reason;
            }
        }
        for (choice, (text, offsets, reason)) in whole.choices.iter().zip(found) {
            assert_eq!((&choice.text, choice.finish_reason), (&text, reason));
            assert_eq!(choice.logprobs.as_ref().expect("asked for").text_offset, offsets);
        }
        assert_eq!(whole.usage, usage);
    });
}

#[test]
fn an_error_before_the_first_byte_is_an_http_error() {
    run(async {
        let served = Served::start(mock("one").with_fault(0, MockFault::Panic));
        let error = served.client.chat_stream(&ask("hi")).await.err().expect("fails before it streams");
        assert!(matches!(error, lmdeploy::Error::Status { status: 500, .. }), "{error}");
    });
}

#[test]
fn an_error_after_it_is_an_event_and_done() {
    run(async {
        let served = Served::start(mock("one two three four").with_fault(3, MockFault::Error));
        let mut request = ask("hi");
        request.stream = Some(true);
        request.stream_options = Some(StreamOptions { include_usage: true, ..StreamOptions::default() });
        let response = served.http.post(format!("{}/v1/chat/completions", served.url)).json(&request);
        let body = response.send().await.expect("an answer").text().await.expect("text");
        let events: Vec<&str> = body.split_terminator("\n\n").collect();
        let [.., error, done] = events.as_slice() else { panic!("{body}") };
        assert!(error.starts_with("data: {\"error\":{") && error.contains("\"code\":500"), "{error}");
        assert_eq!(*done, "data: [DONE]");
        let mut stream = served.client.chat_stream(&ask("hi")).await.expect("the next one is fine");
        assert!(stream.next().await.is_some_and(|chunk| chunk.is_ok()));
    });
}

#[test]
fn a_client_that_goes_away_frees_its_blocks() {
    run(async {
        let slow = mock(&"the ".repeat(200)).with_delay(std::time::Duration::from_millis(2));
        let served = Served::start(slow);
        let mut streams = Vec::new();
        for _ in 0..4 {
            let mut stream = served.client.chat_stream(&ask("the quick brown fox")).await.expect("a stream");
            assert!(stream.next().await.is_some_and(|chunk| chunk.is_ok()));
            streams.push(stream);
        }
        assert_eq!(served.metric("lmdeploy:num_requests_running").await, 4);
        assert!(
            served.metric("lmdeploy:kv_blocks{model_name=\"tiny\",engine=\"0\",state=\"active\"}").await >= 4
        );
        // A whole answer that nobody waits for any more.
        let request = ask("hi");
        let whole = tokio::time::timeout(std::time::Duration::from_millis(20), served.client.chat(&request));
        assert!(whole.await.is_err());
        drop(streams);
        served.until_free().await;
        assert_eq!(served.metric("lmdeploy:num_requests_running").await, 0);
        let aborted =
            "lmdeploy:request_success_total{model_name=\"tiny\",engine=\"0\",finished_reason=\"abort\"}";
        assert_eq!(served.metric(aborted).await, 5);
    });
}

#[test]
fn eight_clients_at_once_get_their_own_texts() {
    run(async {
        let served = Served::start(echo());
        let asks = (0..8).map(|index| {
            let client = served.client.clone();
            tokio::spawn(async move {
                let ids: Vec<u32> =
                    tokenizer().encode(&format!("fox {index}")).into_iter().map(u32::from).collect();
                let request = CompletionRequest::new(ids).with_max_tokens(50);
                (index, client.completions(&request).await.expect("an answer"))
            })
        });
        for (index, answer) in futures_util::future::join_all(asks).await.into_iter().flatten() {
            assert_eq!(answer.choices[0].text, format!("fox {index}"));
        }
    });
}
