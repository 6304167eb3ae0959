//! Streamed answers: the same text as whole ones, nothing leaked, errors told, disconnects noticed.

use futures_util::StreamExt;
use lmdeploy::protocol::{
    ChatChunk, ChatRequest, CompletionRequest, FinishReason, OneOrMany, Prompt, StreamOptions,
};
use lmdeploy::testing::MockFault;

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
        let request = ChatRequest { logprobs: Some(true), ..ask("hi") };
        let chunks = chunks(&served, &request).await;
        let (usage, choices) = chunks.split_last().expect("chunks");
        assert!(usage.choices.is_empty());
        assert!(usage.usage.is_some_and(|usage| usage.completion_tokens > 0));
        let (last, texts) = choices.split_last().expect("chunks with choices");
        assert_eq!(last.choices[0].finish_reason, Some(FinishReason::Stop));
        assert_eq!(last.choices[0].delta.content.as_deref(), Some(""));
        assert!(last.choices[0].logprobs.is_none());
        let mut text = String::new();
        for chunk in texts {
            let choice = &chunk.choices[0];
            assert!(choice.finish_reason.is_none() && chunk.usage.is_none());
            assert!(choice.delta.role.is_some());
            assert!(!choice.logprobs.as_ref().expect("asked for").content.is_empty());
            text += choice.delta.content.as_deref().expect("text");
        }
        assert_eq!(text, "héllo 你好 🙂!");
        assert!(texts.len() > 3, "it came in pieces");
    });
}

#[test]
fn a_stream_says_what_the_whole_answer_says() {
    run(async {
        let call =
            "a<|action_start|><|plugin|>\n{\"name\": \"add\", \"parameters\": {\"x\": 1}}<|action_end|>";
        let twice = format!("{call} b {call}");
        for (reply, stop, max_tokens) in [
            ("one two three", None, None),
            ("one two\nUser: x", Some("\nUser"), None),
            ("one two\nUse", Some("\nUser"), None),
            ("你好 🙂 世界", None, Some(4)),
            (twice.as_str(), None, None),
            (twice.as_str(), Some(" b "), None),
            (twice.as_str(), None, Some(9)),
            ("<|action_start|><|plugin|>\n{bad}<|action_end|> z", None, None),
        ] {
            let served = Served::start(mock(reply));
            let stop = stop.map(|stop| OneOrMany::One(stop.to_owned()));
            let request = ChatRequest { stop, max_tokens, ..ask("hi") };
            let whole = served.client.chat(&request).await.expect("an answer");
            let mut text = String::new();
            let mut calls = Vec::new();
            let mut reason = None;
            for chunk in chunks(&served, &request).await {
                for choice in chunk.choices {
                    text += &choice.delta.content.unwrap_or_default();
                    calls.extend(choice.delta.tool_calls.unwrap_or_default());
                    reason = choice.finish_reason.or(reason);
                }
            }
            let choice = &whole.choices[0];
            assert_eq!((text, reason), (choice.message.text(), choice.finish_reason), "{reply}");
            assert_eq!(calls.len(), choice.message.calls().len());
            for (index, (delta, call)) in calls.iter().zip(choice.message.calls()).enumerate() {
                let function = delta.function.as_ref().expect("whole calls");
                assert_eq!(delta.index, index);
                assert_eq!(function.name.as_deref(), Some(call.function.name.as_str()));
                assert_eq!(function.arguments.as_deref(), Some(call.function.arguments.as_str()));
            }
        }
    });
}

#[test]
fn the_wire_format_is_events_then_done() {
    run(async {
        let served = Served::start(mock("one two"));
        let request = ChatRequest { stream: Some(true), stream_options: None, ..ask("hi") };
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
fn completions_stream_all_prompts() {
    run(async {
        let served = Served::start(echo());
        let texts = ["the quick", "brown 你", "fox jumps over"];
        let request = CompletionRequest {
            prompt: Prompt::Texts(texts.iter().map(|text| (*text).to_owned()).collect()),
            max_tokens: Some(50),
            logprobs: Some(1),
            echo: Some(true),
            ..CompletionRequest::default()
        };
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
        let request = ChatRequest {
            stream: Some(true),
            stream_options: Some(StreamOptions { include_usage: true }),
            ..ask("hi")
        };
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
        assert!(served.metric("lmdeploy:kv_blocks{model_name=\"tiny\",state=\"active\"}").await >= 4);
        // A whole answer that nobody waits for any more.
        let request = ask("hi");
        let whole = tokio::time::timeout(std::time::Duration::from_millis(20), served.client.chat(&request));
        assert!(whole.await.is_err());
        drop(streams);
        served.until_free().await;
        assert_eq!(served.metric("lmdeploy:num_requests_running").await, 0);
        let aborted = "lmdeploy:request_success_total{model_name=\"tiny\",finished_reason=\"abort\"}";
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
                let request = CompletionRequest {
                    prompt: Prompt::Ids(ids),
                    max_tokens: Some(50),
                    ..CompletionRequest::default()
                };
                (index, client.completions(&request).await.expect("an answer"))
            })
        });
        for (index, answer) in futures_util::future::join_all(asks).await.into_iter().flatten() {
            assert_eq!(answer.choices[0].text, format!("fox {index}"));
        }
    });
}
