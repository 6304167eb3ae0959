//! `/v1/messages`: whole and streamed messages, counted tokens, tools, begun answers, refusals.

use internlm_model::chat::ChatTemplate;
use lmdeploy::Pipeline;
use lmdeploy::engine::{Executor, SchedulerConfig};
use lmdeploy::protocol::anthropic::{AnthropicMessage, ContentBlock, MessageStop, MessagesRequest};
use lmdeploy::respond::ServedModel;
use lmdeploy::testing::{MockFault, MockModel};
use serde_json::{Value, json};

use crate::fixture::{MODEL, Served, mock, run, tokenizer};
use crate::responses::{CALL, events, script};

impl Served {
    fn anthropic(&self, route: &str, body: &Value) -> reqwest::RequestBuilder {
        let request = self.http.post(format!("{}{route}", self.url)).json(body);
        request.header("anthropic-version", "2023-06-01")
    }

    /// Status and body of a request to `/v1/messages`.
    async fn message(&self, body: &Value) -> (u16, Value) {
        let response = self.anthropic("/v1/messages", body).send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.expect("a JSON answer"))
    }

    async fn streamed_message(&self, body: &Value) -> Vec<(String, Value)> {
        let mut body = body.clone();
        body["stream"] = json!(true);
        events(self.anthropic("/v1/messages", &body)).await
    }

    async fn count(&self, body: &Value) -> u64 {
        let response = self.anthropic("/v1/messages/count_tokens", body).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), 200);
        let count: Value = response.json().await.expect("a JSON answer");
        count["input_tokens"].as_u64().expect("a number")
    }
}

fn ask(text: &str) -> Value {
    json!({"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": text}]})
}

#[test]
fn a_whole_message_has_all_fields() {
    run(async {
        let served = Served::start(mock("one two"));
        let mut body = ask("hi");
        body["system"] =
            json!([{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]);
        let request = served.anthropic("/v1/messages", &body).header("x-request-id", "mine");
        let response = request.send().await.expect("an answer");
        assert_eq!(response.headers()["request-id"], "mine");
        let answer: Value = response.json().await.expect("a JSON answer");
        for (field, expected) in [
            ("type", json!("message")),
            ("role", json!("assistant")),
            ("model", json!(MODEL)),
            ("content", json!([{"type": "text", "text": "one two"}])),
            ("stop_reason", json!("end_turn")),
            ("stop_sequence", Value::Null),
        ] {
            assert_eq!(answer[field], expected, "{field}");
        }
        assert!(answer["id"].as_str().is_some_and(|id| id.starts_with("msg_")));
        let usage = &answer["usage"];
        assert_eq!(usage["input_tokens"], json!(served.server.prompts()[0].len()));
        assert_eq!(usage["cache_creation_input_tokens"], 0);
        assert!(usage["output_tokens"].as_u64().is_some_and(|tokens| tokens > 1));
        let prompt = "<s><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n\
            <|im_start|>assistant\n";
        assert_eq!(served.server.prompt_texts(), [prompt]);
        assert_eq!(served.count(&body).await, served.server.prompts()[0].len() as u64);
        body.as_object_mut().expect("an object").remove("max_tokens");
        assert_eq!(
            served.count(&body).await,
            served.server.prompts()[0].len() as u64,
            "without a limit as well"
        );
    });
}

#[test]
fn a_stream_builds_up_the_whole_message() {
    run(async {
        let served = Served::start(mock("one two"));
        let events = served.streamed_message(&ask("hi")).await;
        let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names[..3], ["message_start", "ping", "content_block_start"]);
        assert_eq!(names[names.len() - 3..], ["content_block_stop", "message_delta", "message_stop"]);
        let start = &events[0].1["message"];
        assert_eq!((&start["content"], &start["stop_reason"]), (&json!([]), &Value::Null));
        assert_eq!(start["usage"]["input_tokens"], json!(served.count(&ask("hi")).await));
        let deltas = events.iter().filter(|(name, _)| name == "content_block_delta");
        let text: String =
            deltas.map(|(_, data)| data["delta"]["text"].as_str().expect("text").to_owned()).collect();
        assert_eq!(text, "one two");
        let end = &events[events.len() - 2].1;
        assert_eq!(end["delta"], json!({"stop_reason": "end_turn", "stop_sequence": null}));
        assert_eq!(end["usage"]["input_tokens"], start["usage"]["input_tokens"]);
        served.until_free().await;
    });
}

#[test]
fn what_coding_agents_send_with_every_request_is_taken() {
    run(async {
        let served = Served::start(mock("one"));
        let mut body = ask("hi");
        for (field, value) in [
            ("thinking", json!({"type": "adaptive", "display": "omitted"})),
            ("output_config", json!({"effort": "high"})),
            ("context_management", json!({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]})),
            ("metadata", json!({"user_id": "u"})),
            ("system", json!([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}])),
        ] {
            body[field] = value;
        }
        let (status, answer) = served.message(&body).await;
        assert_eq!((status, &answer["content"][0]["text"]), (200, &json!("one")), "{answer}");
        assert_eq!(served.streamed_message(&body).await.last().expect("events").0, "message_stop");
    });
}

#[test]
fn cached_tokens_are_counted_apart() {
    run(async {
        let served = Served::start(script(["one", "one"]));
        let count = served.count(&ask("hi")).await;
        served.message(&ask("hi")).await;
        let (_, second) = served.message(&ask("hi")).await;
        let usage = |field: &str| second["usage"][field].as_u64().expect("a number");
        let cached = usage("cache_read_input_tokens");
        assert!(cached > 0, "{second}");
        assert_eq!(usage("input_tokens") + cached, count);
    });
}

#[test]
fn a_begun_answer_is_continued() {
    run(async {
        let served = Served::start(mock("B)"));
        let mut body = ask("Helios or Sol?");
        body["messages"]
            .as_array_mut()
            .expect("a list")
            .push(json!({"role": "assistant", "content": "It is ("}));
        let (status, answer) = served.message(&body).await;
        assert_eq!((status, &answer["content"][0]["text"]), (200, &json!("B)")), "{answer}");
        let prompt = &served.server.prompt_texts()[0];
        assert!(prompt.ends_with("<|im_start|>assistant\nIt is ("), "{prompt}");
    });
}

#[test]
fn every_end_has_its_reason() {
    run(async {
        let served = Served::start(mock("one two three four"));
        let mut body = ask("hi");
        body["stop_sequences"] = json!(["zero", " three"]);
        let (_, answer) = served.message(&body).await;
        assert_eq!(
            (&answer["stop_reason"], &answer["stop_sequence"]),
            (&json!("stop_sequence"), &json!(" three"))
        );
        assert_eq!(answer["content"], json!([{"type": "text", "text": "one two"}]));
        let events = served.streamed_message(&body).await;
        let end = json!({"stop_reason": "stop_sequence", "stop_sequence": " three"});
        assert_eq!(events[events.len() - 2].1["delta"], end);
        body["max_tokens"] = json!(1);
        let (_, answer) = served.message(&body).await;
        assert_eq!((&answer["stop_reason"], &answer["stop_sequence"]), (&json!("max_tokens"), &Value::Null));
    });
}

#[test]
fn calls_go_out_and_results_come_back() {
    run(async {
        let spoken = format!("I add.{CALL}");
        let served = Served::start(script([&spoken, "two", &spoken]));
        let tool = json!({"name": "add", "description": "Adds.", "input_schema": {"type": "object"}});
        let mut body = ask("1+1?");
        body["tools"] = json!([tool]);
        body["tool_choice"] = json!({"type": "auto"});
        let (_, answer) = served.message(&body).await;
        assert_eq!(answer["stop_reason"], "tool_use", "{answer}");
        let call = &answer["content"][1];
        let found = (&call["type"], &call["name"], &call["input"]);
        assert_eq!(found, (&json!("tool_use"), &json!("add"), &json!({"a": 1})));
        let result = json!({"type": "tool_result", "tool_use_id": call["id"], "content": "2"});
        body["messages"].as_array_mut().expect("a list").extend([
            json!({"role": "assistant", "content": answer["content"]}),
            json!({"role": "user", "content": [result]}),
        ]);
        let (status, answer) = served.message(&body).await;
        assert_eq!((status, &answer["content"][0]["text"]), (200, &json!("two")), "{answer}");
        assert_eq!(served.count(&body).await, served.server.prompts()[1].len() as u64);
        let prompt = &served.server.prompt_texts()[1];
        assert!(prompt.contains(&format!("assistant\nI add.{CALL}<|im_end|>")), "{prompt}");
        body["messages"].as_array_mut().expect("a list").truncate(1);
        let events = served.streamed_message(&body).await;
        let starts: Vec<(&Value, &Value)> = events
            .iter()
            .filter(|(name, _)| name == "content_block_start")
            .map(|(_, data)| (&data["index"], &data["content_block"]["type"]))
            .collect();
        assert_eq!(starts, [(&json!(0), &json!("text")), (&json!(1), &json!("tool_use"))]);
        let pieces = events.iter().filter_map(|(_, data)| data["delta"]["partial_json"].as_str());
        assert_eq!(pieces.collect::<String>(), "{\"a\":1}");
    });
}

#[test]
fn what_is_wrong_or_not_supported_is_named() {
    run(async {
        let served = Served::start(mock("one"));
        let (status, answer) = served.post("/v1/messages", &ask("hi").to_string()).await;
        assert_eq!((status, &answer["type"]), (400, &json!("error")));
        assert_eq!(answer["error"]["message"], "Missing required header: anthropic-version");
        assert!(answer["request_id"].as_str().is_some_and(|id| !id.is_empty()));
        let image =
            json!([{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "a"}}]}]);
        for (field, value, start) in [
            ("messages", image, "messages.0.content.0.type: found `image`"),
            ("messages", json!([]), "messages: found none"),
            ("model", Value::Null, "model: found null"),
            ("max_tokens", Value::Null, "max_tokens: found nothing"),
            ("max_tokens", json!(0), "max_tokens: found 0"),
            ("temperature", json!(1.5), "temperature: found 1.5, expected a number in [0, 1]"),
            ("stop_sequences", json!([""]), "stop_sequences: found an empty string"),
            (
                "tools",
                json!([{"type": "bash_20250124", "name": "bash"}]),
                "tools.0.type: found `bash_20250124`",
            ),
            ("tool_choice", json!({"type": "required"}), "tool_choice.type: found `required`"),
            ("thinking", json!({"type": "enabled", "display": "all"}), "thinking.display: found `all`"),
            ("return_routed_experts", json!(true), "return_routed_experts: found true"),
            ("container", json!("c"), "container: found \"c\""),
            ("output_config", json!({"effort": "huge"}), "output_config.effort: found \"huge\""),
            ("thinking", json!({"type": "enabled"}), "thinking.budget_tokens: found nothing"),
            ("context_management", json!({"edits": [{}]}), "context_management.edits.0.type: found nothing"),
            ("mirostat", json!(2), "mirostat: found 2"),
        ] {
            let mut body = ask("hi");
            body[field] = value;
            let (status, answer) = served.message(&body).await;
            let message = answer["error"]["message"].as_str().expect("text");
            assert!(message.starts_with(start), "{message}");
            assert_eq!(
                (status, &answer["error"]["type"]),
                (400, &json!("invalid_request_error")),
                "{answer}"
            );
        }
        let mut body = ask("hi");
        body["model"] = json!("claude");
        let (status, answer) = served.message(&body).await;
        assert_eq!((status, &answer["error"]["type"]), (404, &json!("not_found_error")));
        let counted = served.anthropic("/v1/messages/count_tokens", &body).send().await.expect("an answer");
        assert_eq!(counted.status().as_u16(), 404);
    });
}

#[test]
fn a_failing_engine_is_an_error_before_the_stream_and_an_event_in_it() {
    run(async {
        let served = Served::start(mock("one two").with_fault(0, MockFault::Error));
        let mut body = ask("hi");
        body["stream"] = json!(true);
        let (status, answer) = served.message(&body).await;
        assert_eq!((status, &answer["error"]["type"]), (500, &json!("api_error")));
        let slow = mock("one two three four five six").with_delay(std::time::Duration::from_millis(5));
        let served = Served::start(slow.with_fault(6, MockFault::Error));
        let events = served.streamed_message(&ask("hi")).await;
        let (name, data) = events.last().expect("events");
        assert_eq!((name.as_str(), &data["error"]["type"]), ("error", &json!("api_error")));
        assert!(data["request_id"].as_str().is_some_and(|id| !id.is_empty()));
    });
}

#[test]
fn models_are_listed_in_their_form() {
    run(async {
        let served = Served::start(mock("one"));
        let list =
            served.http.get(format!("{}/anthropic/v1/models", served.url)).send().await.expect("an answer");
        let list: Value = list.json().await.expect("a JSON answer");
        let model = &list["data"][0];
        assert_eq!(
            (&model["id"], &model["type"], &list["has_more"]),
            (&json!(MODEL), &json!("model"), &json!(false))
        );
        assert!(model["created_at"].as_str().is_some_and(|time| time.len() == 20 && time.ends_with('Z')));
        assert_eq!(list["first_id"], list["last_id"]);
    });
}

#[test]
fn thoughts_are_a_block() {
    let tokenizer = tokenizer();
    let model = ServedModel::new("tiny", tokenizer.clone(), Some(ChatTemplate::InternLm2), &[]);
    let model = model.with_reasoning_parser("default").expect("a parser");
    let executor = MockModel::from("<think>hm</think>four").with_tokenizer(tokenizer).executor();
    let scheduler = SchedulerConfig::new(&executor.capacity());
    let pipeline = Pipeline::new(Box::new(executor), model, scheduler, 0);
    let request = MessagesRequest::new(50, [AnthropicMessage::user("2+2?")]);
    let (mut generations, answer) = pipeline.responder().messages(&request).expect("a message");
    let message = answer.whole(std::iter::from_fn(|| generations[0].wait())).expect("an answer");
    assert_eq!((message.stop_reason, message.text().as_str()), (Some(MessageStop::EndTurn), "four"));
    let ContentBlock::Thinking { thinking, signature } = &message.content[0] else { panic!("{message:?}") };
    assert_eq!((thinking.as_str(), signature), ("hm", &message.id));
    assert!(message.usage.output_tokens_details.thinking_tokens > 0);
}
