//! `POST /v1/chat/completions`: whole and streamed answers, and tools that the client calls.

use std::sync::atomic::Ordering;

use futures_util::StreamExt;
use lagent::Toolbox;
use lagent::client::RunStatus;
use lagent::protocol::{Plain, Protocol};
use lagent::run::{AgentRun, AgentSpec};
use lagent::serve::{Agents, ServedAgent};
use lmdeploy::protocol::{ChatMessage, ChatRequest, ChatResponse, FinishReason, StreamedCalls};
use serde_json::{Value, json};

use super::stage::{Counter, Player, Stage, config, raw, run, until};

const CHAT: &str = "/v1/chat/completions";

fn ask(text: &str) -> ChatRequest {
    ChatRequest::new([ChatMessage::user(text)]).with_model("solver")
}

#[test]
fn an_agent_is_a_model_whose_tools_run_inside() {
    run(async {
        let counter = Counter::default();
        let stage = Stage::with(&Player::usual(), &counter, config());
        let openai = stage.client.openai();
        let answer = openai.chat(&ask("calc 12*34").with_temperature(0.5)).await.expect("an answer");
        assert_eq!((answer.text().as_str(), answer.model.as_str()), ("It is 408.", "solver"));
        assert_eq!(answer.choices[0].finish_reason, Some(FinishReason::Stop));
        assert_eq!(counter.0.load(Ordering::SeqCst), 1);
        // Each request is a conversation of its own.
        assert_eq!(openai.chat(&ask("b")).await.expect("an answer").text(), "b");
        let mut stream = openai.chat_stream(&ask("calc 1+1")).await.expect("a stream");
        let (mut text, mut finish, mut usage) = (String::new(), None, None);
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.expect("a chunk");
            usage = chunk.usage.or(usage);
            for choice in chunk.choices {
                text.push_str(&choice.delta.content.unwrap_or_default());
                finish = choice.finish_reason.or(finish);
            }
        }
        assert_eq!((text.as_str(), finish, usage.is_some()), ("It is 2.", Some(FinishReason::Stop), true));
    });
}

/// A request whose tools the client calls.
fn with_calls(messages: &[Value]) -> String {
    json!({"model": "solver", "messages": messages, "agent_tools": "calls"}).to_string()
}

#[test]
fn tools_can_be_left_to_the_client() {
    run(async {
        let counter = Counter::default();
        let stage = Stage::with(&Player::usual(), &counter, config());
        let mut messages = vec![json!({"role": "user", "content": "calc 12*34"})];
        let (status, body) = raw(&stage.url, "POST", CHAT, Some(&with_calls(&messages))).await;
        let first: ChatResponse = serde_json::from_value(body.clone()).unwrap_or_else(|_| panic!("{body}"));
        assert_eq!((status, first.choices[0].finish_reason), (200, Some(FinishReason::ToolCalls)));
        assert_eq!(first.text(), "I compute.");
        let [call] = first.choices[0].message.calls() else { panic!("{first:?}") };
        assert_eq!(call.function.name, "Calculator");
        assert_eq!(call.function.arguments, r#"{"expression":"12*34"}"#);
        let runs = stage.client.runs().await.expect("a list").data;
        assert_eq!(runs[0].status, RunStatus::NeedsTools);
        // Another conversation does not get the answer of this one.
        let wrong = [
            json!({"role": "user", "content": "other"}),
            body["choices"][0]["message"].clone(),
            json!({"role": "tool", "tool_call_id": call.id, "content": "7"}),
        ];
        let (status, refused) = raw(&stage.url, "POST", CHAT, Some(&with_calls(&wrong))).await;
        assert_eq!((status, refused["error"]["param"].as_str()), (400, Some("messages")), "{refused}");
        messages.push(body["choices"][0]["message"].clone());
        messages.push(json!({"role": "tool", "tool_call_id": call.id, "content": "a lot"}));
        let (status, body) = raw(&stage.url, "POST", CHAT, Some(&with_calls(&messages))).await;
        assert_eq!((status, body["choices"][0]["message"]["content"].as_str()), (200, Some("It is a lot.")));
        assert_eq!(counter.0.load(Ordering::SeqCst), 0, "the server called nothing");
        let (status, body) = raw(&stage.url, "POST", CHAT, Some(&with_calls(&messages))).await;
        assert_eq!(status, 404, "the run is over: {body}");
        let runs = stage.client.runs().await.expect("a list").data;
        assert_eq!((runs.len(), runs[0].status), (1, RunStatus::Finished));
    });
}

#[test]
fn calls_are_streamed_and_can_be_given_up() {
    run(async {
        let stage = Stage::start(&Player::usual());
        let body = json!({
            "messages": [{"role": "user", "content": "calc 1+1"}], "agent_tools": "calls", "stream": true,
            "stream_options": {"include_usage": true},
        });
        let (status, text) = raw(&stage.url, "POST", CHAT, Some(&body.to_string())).await;
        let text = text.as_str().expect("events");
        let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        assert_eq!((status, lines.last().copied()), (200, Some("[DONE]")));
        let mut calls = StreamedCalls::default();
        let mut finish = None;
        for line in &lines[..lines.len() - 1] {
            let chunk: lmdeploy::protocol::ChatChunk = serde_json::from_str(line).expect("a chunk");
            for choice in chunk.choices {
                finish = choice.finish_reason.or(finish);
                choice.delta.tool_calls.unwrap_or_default().into_iter().for_each(|piece| calls.push(piece));
            }
        }
        let calls = calls.finish();
        assert_eq!((finish, calls.len()), (Some(FinishReason::ToolCalls), 1));
        assert_eq!(calls[0].function.name, "Calculator");
        let id = stage.client.runs().await.expect("a list").data[0].id.clone();
        assert_eq!(stage.client.cancel(&id).await.expect("is known").status, RunStatus::Cancelled);
    });
}

#[test]
fn an_agent_without_tools_streams_its_text() {
    run(async {
        let spec = AgentSpec::new(Protocol::Plain(Plain::default()), Vec::new());
        let agent = ServedAgent::new("talker", AgentRun::new(spec), Player::usual(), Toolbox::default());
        let stage = Stage::of(Agents::new([agent]).expect("an agent"), config());
        let request = ChatRequest::new([ChatMessage::user("one two three")]);
        let mut stream = stage.client.openai().chat_stream(&request).await.expect("a stream");
        let mut pieces = Vec::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.expect("a chunk");
            pieces.extend(chunk.choices.into_iter().filter_map(|choice| choice.delta.content));
        }
        assert_eq!(pieces, ["", "one ", "two ", "three"]);
    });
}

#[test]
fn errors_come_before_or_inside_of_a_stream() {
    run(async {
        let player = Player::usual();
        let stage = Stage::start(&player);
        for (name, value, status) in [
            ("tools", json!([{"type": "function", "function": {"name": "f"}}]), 400),
            ("n", json!(2), 400),
            ("session_id", json!(1), 400),
            ("model", json!("nobody"), 404),
        ] {
            let messages = json!([{"role": "user", "content": "a"}]);
            let mut body = json!({"model": "solver", "messages": messages, "stream": true});
            body[name] = value;
            let (found, answer) = raw(&stage.url, "POST", CHAT, Some(&body.to_string())).await;
            assert_eq!((found, answer["error"]["param"].as_str()), (status, Some(name)), "{answer}");
        }
        let endless = Stage::start(&Player::new(|_| super::stage::calculate("1+1")));
        let mut stream = endless.client.openai().chat_stream(&ask("go")).await.expect("a stream");
        let mut last = None;
        while let Some(chunk) = stream.next().await {
            last = Some(chunk);
        }
        let error = last.expect("something").expect_err("no answer").to_string();
        assert!(error.contains("limit max-turn reached"), "{error}");
        // A client that leaves a stream ends its run.
        let stream = stage.client.openai().chat_stream(&ask("sleep")).await.expect("a stream");
        until("the model is asked", async || player.open.load(Ordering::SeqCst) == 1).await;
        drop(stream);
        until("the request is dropped", async || player.open.load(Ordering::SeqCst) == 0).await;
    });
}
