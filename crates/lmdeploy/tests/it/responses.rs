//! `/v1/responses`: whole and streamed responses, the store, tools, refusals.

use internlm_model::chat::ChatTemplate;
use lmdeploy::Pipeline;
use lmdeploy::engine::{Executor, SchedulerConfig};
use lmdeploy::protocol::responses::{OutputItem, ResponseStatus, ResponsesRequest};
use lmdeploy::respond::{ResponseStore, ServedModel};
use lmdeploy::testing::{MockFault, MockModel};
use serde_json::{Value, json};

use crate::fixture::{MODEL, Served, capacity, mock, run, tokenizer};

/// A call of the function `add`, as the mock model writes it.
pub(crate) const CALL: &str =
    "<|action_start|><|plugin|>\n{\"name\": \"add\", \"parameters\": {\"a\": 1}}<|action_end|>";

/// Name and data of each event of a streamed answer.
pub(crate) async fn events(request: reqwest::RequestBuilder) -> Vec<(String, Value)> {
    let response = request.send().await.expect("an answer");
    assert_eq!(response.status().as_u16(), 200);
    let kind = response.headers()["content-type"].to_str().expect("text").to_owned();
    assert!(kind.starts_with("text/event-stream"), "{kind}");
    let body = response.text().await.expect("text");
    let events = body.split_terminator("\n\n").filter(|event| !event.starts_with(':'));
    let read = |event: &str| {
        let (name, data) = event.split_once('\n').expect("two lines");
        let name = name.strip_prefix("event: ").expect("a name").to_owned();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").expect("data")).expect("JSON");
        assert_eq!(data["type"], json!(name));
        (name, data)
    };
    events.map(read).collect()
}

/// A model that gives these replies, with a small cache and context.
pub(crate) fn script<const N: usize>(replies: [&str; N]) -> MockModel {
    MockModel::new(replies).with_name(MODEL).with_capacity(capacity())
}

impl Served {
    /// Status and body of a request to `/v1/responses`.
    async fn respond(&self, body: &Value) -> (u16, Value) {
        self.post("/v1/responses", &body.to_string()).await
    }

    async fn streamed(&self, body: &Value) -> Vec<(String, Value)> {
        let mut body = body.clone();
        body["stream"] = json!(true);
        events(self.http.post(format!("{}/v1/responses", self.url)).json(&body)).await
    }

    async fn stored(&self, method: reqwest::Method, id: &str) -> (u16, Value) {
        let request = self.http.request(method, format!("{}/v1/responses/{id}", self.url));
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.expect("a JSON answer"))
    }

    /// A page of the items that a response was asked with.
    async fn input_items(&self, id: &str, query: &str) -> (u16, Value) {
        self.stored(reqwest::Method::GET, &format!("{id}/input_items{query}")).await
    }
}

fn tool() -> Value {
    json!({"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": true})
}

#[test]
fn a_whole_response_has_all_fields() {
    run(async {
        let served = Served::start(mock("one two"));
        let body = json!({
            "model": MODEL, "input": "hi", "instructions": "Be brief.", "temperature": 0.7, "top_p": 0.9,
            "metadata": {"a": "b"}, "user": "u", "max_output_tokens": 50,
        });
        let (status, answer) = served.respond(&body).await;
        assert_eq!(status, 200, "{answer}");
        for (field, expected) in [
            ("object", json!("response")),
            ("status", json!("completed")),
            ("model", json!(MODEL)),
            ("instructions", json!("Be brief.")),
            ("temperature", json!(0.7)),
            ("top_p", json!(0.9)),
            ("metadata", json!({"a": "b"})),
            ("user", json!("u")),
            ("max_output_tokens", json!(50)),
            ("error", Value::Null),
            ("incomplete_details", Value::Null),
            ("tools", json!([])),
            ("tool_choice", json!("auto")),
            ("parallel_tool_calls", json!(true)),
            ("store", json!(true)),
            ("background", json!(false)),
            ("truncation", json!("disabled")),
            ("output_text", json!("one two")),
        ] {
            assert_eq!(answer[field], expected, "{field}");
        }
        assert_eq!(answer["text"]["format"], json!({"type": "text"}));
        let item = &answer["output"][0];
        assert!(answer["id"].as_str().is_some_and(|id| id.starts_with("resp_") && id.len() > 25), "{answer}");
        assert!(item["id"].as_str().is_some_and(|id| id.starts_with("msg_")));
        assert_eq!((&item["type"], &item["role"]), (&json!("message"), &json!("assistant")));
        let part = json!({"type": "output_text", "text": "one two", "annotations": [], "logprobs": []});
        assert_eq!(item["content"], json!([part]));
        let usage = &answer["usage"];
        let count = |field: &str| usage[field].as_u64().expect(field);
        assert_eq!(count("total_tokens"), count("input_tokens") + count("output_tokens"));
        assert_eq!(count("input_tokens"), served.server.prompts()[0].len() as u64);
        assert_eq!(usage["input_tokens_details"]["cached_tokens"], 0);
        assert_eq!(usage["output_tokens_details"]["reasoning_tokens"], 0);
        let prompt = "<s><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n\
            <|im_start|>assistant\n";
        assert_eq!(served.server.prompt_texts(), [prompt]);
    });
}

#[test]
fn a_stream_builds_up_the_whole_response() {
    run(async {
        let served = Served::start(mock("one two"));
        let events = served.streamed(&json!({"input": "hi"})).await;
        let names: Vec<&str> =
            events.iter().map(|(name, _)| name.strip_prefix("response.").expect(name)).collect();
        assert_eq!(names[..4], ["created", "in_progress", "output_item.added", "content_part.added"]);
        let end = ["output_text.done", "content_part.done", "output_item.done", "completed"];
        assert_eq!(names[names.len() - 4..], end);
        let numbers = events.iter().map(|(_, data)| data["sequence_number"].as_u64());
        assert!(numbers.eq((0..events.len() as u64).map(Some)), "numbers rise from 0");
        let deltas = events.iter().filter(|(name, _)| name.ends_with("output_text.delta"));
        let text: String = deltas.map(|(_, data)| data["delta"].as_str().expect("text").to_owned()).collect();
        assert_eq!(text, "one two");
        let begun = &events[0].1["response"];
        assert_eq!((&begun["status"], &begun["output"]), (&json!("in_progress"), &json!([])));
        let whole = &events[events.len() - 1].1["response"];
        assert_eq!((&whole["status"], &whole["id"]), (&json!("completed"), &begun["id"]));
        assert_eq!(whole["output"][0]["content"][0]["text"], "one two");
        let id = whole["id"].as_str().expect("text");
        assert_eq!(served.stored(reqwest::Method::GET, id).await, (200, whole.clone()));
        served.until_free().await;
    });
}

#[test]
fn a_response_continues_another_one() {
    run(async {
        let served = Served::start(script(["one", "two", "three"]));
        let (_, first) = served.respond(&json!({"input": "a", "instructions": "Be brief."})).await;
        let (status, second) =
            served.respond(&json!({"input": "b", "previous_response_id": first["id"]})).await;
        assert_eq!((status, &second["previous_response_id"]), (200, &first["id"]));
        let prompt = "<s><|im_start|>user\na<|im_end|>\n<|im_start|>assistant\none<|im_end|>\n\
            <|im_start|>user\nb<|im_end|>\n<|im_start|>assistant\n";
        assert_eq!(served.server.prompt_texts()[1], prompt, "without the instructions of the first one");
        let id = first["id"].as_str().expect("text");
        assert_eq!(served.stored(reqwest::Method::DELETE, id).await.1["deleted"], true);
        let (status, body) = served.stored(reqwest::Method::GET, id).await;
        assert_eq!((status, &body["error"]["type"]), (404, &json!("not_found_error")));
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "the nested object alone: {body}");
        assert_eq!(served.stored(reqwest::Method::DELETE, id).await.0, 404);
        let third = json!({"input": "c", "previous_response_id": second["id"], "store": false});
        let (status, third) = served.respond(&third).await;
        assert_eq!(status, 200, "it has the conversation of the one that was deleted");
        assert_eq!(served.stored(reqwest::Method::GET, third["id"].as_str().expect("text")).await.0, 404);
        let (status, body) =
            served.respond(&json!({"input": "d", "previous_response_id": third["id"]})).await;
        assert_eq!((status, &body["error"]["param"]), (404, &json!("previous_response_id")));
        assert_eq!(body["error"]["code"], "previous_response_not_found", "as OpenAI's clients know it");
        let (status, body) =
            served.respond(&json!({"input": "d", "previous_response_id": "resp_other"})).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (400, &json!("previous_response_not_found")),
            "not a name of ours"
        );
        let stream = format!("{}?stream=true", second["id"].as_str().expect("text"));
        let (status, body) = served.stored(reqwest::Method::GET, &stream).await;
        assert_eq!((status, &body["error"]["param"]), (400, &json!("stream")));
    });
}

#[test]
fn the_input_of_a_response_is_listed_with_what_it_continues() {
    run(async {
        let served = Served::start(script(["one", "two", "three"]));
        let (_, first) = served.respond(&json!({"input": "a"})).await;
        let body = json!({"input": [{"role": "user", "content": "b"}], "previous_response_id": first["id"]});
        let (_, second) = served.respond(&body).await;
        let id = second["id"].as_str().expect("text");
        let (status, page) = served.input_items(id, "?order=asc").await;
        assert_eq!((status, &page["object"], &page["has_more"]), (200, &json!("list"), &json!(false)));
        let items = page["data"].as_array().expect("items");
        let said = |item: &Value| (item["role"].clone(), item["content"][0]["text"].clone());
        let expected = [("user", "a"), ("assistant", "one"), ("user", "b")];
        assert_eq!(
            items.iter().map(said).collect::<Vec<_>>(),
            expected.map(|(role, text)| (json!(role), json!(text)))
        );
        assert_eq!((&page["first_id"], &page["last_id"]), (&items[0]["id"], &items[2]["id"]));
        assert_eq!(items[1], first["output"][0], "what the model said is as it was answered");
        let (_, page) = served.input_items(id, "?limit=1").await;
        assert_eq!((&page["data"], &page["has_more"]), (&json!([items[2]]), &json!(true)), "newest first");
        let after = format!("?after={}", items[1]["id"].as_str().expect("text"));
        assert_eq!(served.input_items(id, &after).await.1["data"], json!([items[0]]));
        for (query, status, param) in [
            ("?limit=0", 400, "limit"),
            ("?order=up", 400, "order"),
            ("?include[]=x", 400, "include"),
            ("?after=x", 404, "after"),
        ] {
            let (found, answer) = served.input_items(id, query).await;
            assert_eq!((found, &answer["error"]["param"]), (status, &json!(param)), "{answer}");
        }
        assert_eq!(served.input_items("resp_0", "").await.0, 404);
        let (status, answer) = served.stored(reqwest::Method::GET, &format!("{id}?include=x")).await;
        assert_eq!((status, &answer["error"]["param"]), (400, &json!("include")));
        let reference = json!({"input": [{"type": "item_reference", "id": items[0]["id"]}]});
        assert_eq!(served.respond(&reference).await.0, 200, "what is listed can be referred to");
    });
}

#[test]
fn a_response_is_not_cancelled_and_its_prompt_can_be_counted() {
    run(async {
        let served = Served::start(mock("one"));
        let body = json!({"input": "a", "instructions": "Be brief.", "tools": [tool()]});
        let (status, count) = served.post("/v1/responses/input_tokens", &body.to_string()).await;
        assert_eq!((status, &count["object"]), (200, &json!("response.input_tokens")), "{count}");
        let (_, answer) = served.respond(&body).await;
        assert_eq!(count["input_tokens"], answer["usage"]["input_tokens"]);
        assert_eq!(served.server.prompts().len(), 1, "counting generates nothing");
        let (status, wrong) = served.post("/v1/responses/input_tokens", "{}").await;
        assert_eq!((status, &wrong["error"]["param"]), (400, &json!("input")));
        let cancel = format!("{}/cancel", answer["id"].as_str().expect("text"));
        let (status, refused) = served.stored(reqwest::Method::POST, &cancel).await;
        assert_eq!(
            (status, &refused["error"]["message"]),
            (400, &json!("Cannot cancel a synchronous response."))
        );
        assert_eq!(served.stored(reqwest::Method::POST, "resp_0/cancel").await.0, 404);
    });
}

#[test]
fn the_limits_of_other_servers_work() {
    run(async {
        let served = Served::start(mock("one two three"));
        let body = json!({"input": "a", "stop": " three", "include_stop_str_in_output": true});
        assert_eq!(served.respond(&body).await.1["output_text"], "one two three");
        let body = json!({"input": "a", "structured_outputs": {"choice": ["yes"]}});
        assert_eq!(served.respond(&body).await.1["output_text"], "yes");
        let (status, answer) = served.respond(&json!({"input": "a", "bad_words": [" "]})).await;
        assert_eq!((status, &answer["error"]["param"]), (400, &json!("bad_words")));
    });
}

#[test]
fn calls_go_out_and_results_come_back() {
    run(async {
        let spoken = format!("I add.{CALL}");
        let served = Served::start(script([&spoken, "two", &spoken]));
        let (_, answer) = served.respond(&json!({"input": "1+1?", "tools": [tool()]})).await;
        let output = answer["output"].as_array().expect("items");
        let kinds: Vec<&Value> = output.iter().map(|item| &item["type"]).collect();
        assert_eq!(kinds, [&json!("message"), &json!("function_call")], "{answer}");
        assert_eq!((&answer["status"], &answer["tools"]), (&json!("completed"), &json!([tool()])));
        let call = &output[1];
        assert_eq!((&call["name"], &call["arguments"]), (&json!("add"), &json!("{\"a\":1}")));
        assert!(call["id"].as_str().is_some_and(|id| id.starts_with("fc_")));
        let result = json!({"type": "function_call_output", "call_id": call["call_id"], "output": "2"});
        let body = json!({"input": [result], "tools": [tool()], "previous_response_id": answer["id"]});
        assert_eq!(served.respond(&body).await.0, 200);
        // The same conversation as items that the client kept itself.
        let mut items = vec![json!({"role": "user", "content": "1+1?"})];
        items.extend(output.iter().cloned());
        items.push(result);
        let events = served.streamed(&json!({"input": items, "tools": [tool()]})).await;
        let prompts = served.server.prompt_texts();
        assert_eq!(prompts[1], prompts[2]);
        assert!(prompts[1].contains(&format!("assistant\nI add.{CALL}<|im_end|>")), "{}", prompts[1]);
        let arguments = events.iter().filter(|(name, _)| name == "response.function_call_arguments.delta");
        let arguments: String =
            arguments.map(|(_, data)| data["delta"].as_str().expect("text").to_owned()).collect();
        assert_eq!(arguments, "{\"a\":1}");
    });
}

#[test]
fn limits_and_stops() {
    run(async {
        let served = Served::start(mock("one two three four"));
        let (_, answer) = served.respond(&json!({"input": "a", "max_output_tokens": 2})).await;
        assert_eq!(answer["status"], "incomplete");
        assert_eq!(answer["incomplete_details"], json!({"reason": "max_output_tokens"}));
        assert_eq!(answer["output"][0]["status"], "incomplete");
        let events = served.streamed(&json!({"input": "a", "max_output_tokens": 2})).await;
        assert_eq!(events.last().map(|(name, _)| name.as_str()), Some("response.incomplete"));
        let (_, answer) = served.respond(&json!({"input": "a", "stop": " three"})).await;
        assert_eq!(answer["output"][0]["content"][0]["text"], "one two");
        let (_, answer) =
            served.respond(&json!({"input": "a", "top_logprobs": 2, "max_output_tokens": 2})).await;
        let logprobs = answer["output"][0]["content"][0]["logprobs"].as_array().expect("scores").clone();
        assert_eq!(logprobs.len(), 2);
        assert!(
            logprobs.iter().all(|score| score["top_logprobs"].as_array().is_some_and(|top| top.len() == 2))
        );
    });
}

#[test]
fn what_is_wrong_or_not_supported_is_named() {
    run(async {
        let served = Served::start(mock("one"));
        for (body, param) in [
            (json!({}), "input"),
            (json!({"input": []}), "input"),
            (json!({"input": 7}), "input"),
            (json!({"input": "a", "background": true}), "background"),
            (json!({"input": "a", "conversation": "c"}), "conversation"),
            (json!({"input": "a", "tools": [{"type": "web_search"}]}), "tools"),
            (json!({"input": "a", "max_output_tokens": 0}), "max_output_tokens"),
            (json!({"input": "a", "max_output_tokens": -1}), "max_output_tokens"),
            (json!({"input": "a", "max_tokens": 5}), "max_tokens"),
            (json!({"input": "a", "temperature": 3}), "temperature"),
            (json!({"input": "a", "truncation": "middle"}), "truncation"),
            (json!({"input": "a", "include": ["x"]}), "include"),
            (json!({"input": "a", "reasoning": {"effort": "huge"}}), "reasoning"),
            (json!({"input": "a", "reasoning": {"summary": "detailed"}}), "reasoning"),
            (json!({"input": "a", "text": {"format": {"type": "xml"}}}), "text"),
            (json!({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}), "input"),
            (
                json!({"input": [{"type": "function_call", "call_id": "1", "name": "f", "arguments": "{"}]}),
                "input",
            ),
            (json!({"input": "a", "metadata": {"b": 1}}), "metadata"),
            (json!({"input": "a", "guided_json": {}}), "guided_json"),
        ] {
            let (status, answer) = served.respond(&body).await;
            assert_eq!((status, &answer["error"]["param"]), (400, &json!(param)), "{body}: {answer}");
            assert_eq!(answer.as_object().map(serde_json::Map::len), Some(1), "{answer}");
        }
        let (status, answer) = served.respond(&json!({"input": "a", "model": "gpt-9"})).await;
        assert_eq!((status, &answer["error"]["type"]), (404, &json!("not_found_error")));
    });
}

#[test]
fn a_long_conversation_is_cut_when_the_request_says_so() {
    run(async {
        let served = Served::start(mock("one"));
        // Each of them is two bytes, and each byte a token.
        let long = "ä".repeat(50);
        let items: Vec<Value> = (0..4)
            .flat_map(|turn| {
                let user = json!({"role": "user", "content": format!("{turn} {long}")});
                [user, json!({"role": "assistant", "content": "ok"})]
            })
            .chain([json!({"role": "user", "content": "last"})])
            .collect();
        let body = json!({"input": items, "instructions": "Be brief."});
        let (status, answer) = served.respond(&body).await;
        assert!(
            status == 400
                && answer["error"]["message"].as_str().is_some_and(|m| m.contains("context length"))
        );
        let mut body = body;
        body["truncation"] = json!("auto");
        let (status, answer) = served.respond(&body).await;
        assert_eq!((status, &answer["truncation"]), (200, &json!("auto")), "{answer}");
        let prompt = served.server.prompt_texts().pop().expect("a prompt");
        assert!(
            prompt.starts_with("<s><|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n3 ä"),
            "{prompt}"
        );
        assert!(prompt.ends_with("user\nlast<|im_end|>\n<|im_start|>assistant\n"), "{prompt}");
    });
}

#[test]
fn a_failing_engine_is_an_error_before_the_stream_and_an_event_in_it() {
    run(async {
        let served = Served::start(mock("one two three four").with_fault(0, MockFault::Error));
        let (status, answer) = served.respond(&json!({"input": "a", "stream": true})).await;
        assert_eq!((status, &answer["error"]["type"]), (500, &json!("server_error")));
        let slow = mock("one two three four five six").with_delay(std::time::Duration::from_millis(5));
        let served = Served::start(slow.with_fault(6, MockFault::Error));
        let events = served.streamed(&json!({"input": "a"})).await;
        let (name, data) = events.last().expect("events");
        let response = &data["response"];
        assert_eq!((name.as_str(), &response["status"]), ("response.failed", &json!("failed")));
        assert_eq!(response["error"]["code"], "server_error");
        assert_eq!(response["output"][0]["status"], "incomplete");
        let id = response["id"].as_str().expect("text");
        assert_eq!(served.stored(reqwest::Method::GET, id).await.0, 404, "what failed is not kept");
    });
}

#[test]
fn reasoning_is_an_item() {
    let tokenizer = tokenizer();
    let model = ServedModel::new("tiny", tokenizer.clone(), Some(ChatTemplate::InternLm2), &[]);
    let model = model.with_reasoning_parser("default").expect("a parser");
    let executor = MockModel::from("<think>hm</think>four").with_tokenizer(tokenizer).executor();
    let scheduler = SchedulerConfig::new(&executor.capacity());
    let pipeline = Pipeline::new(Box::new(executor), model, scheduler, 0);
    let mut request = ResponsesRequest::new("2+2?");
    request.include = Some(vec!["reasoning.encrypted_content".to_owned()]);
    let started = pipeline.responder().responses(&request, &ResponseStore::default());
    let (mut generations, answer) = started.expect("a response");
    let response = answer.whole(std::iter::from_fn(|| generations[0].wait())).expect("an answer");
    assert_eq!((response.status, response.text().as_str()), (ResponseStatus::Completed, "four"));
    let OutputItem::Reasoning(reasoning) = &response.output[0] else { panic!("{response:?}") };
    assert_eq!(reasoning.encrypted_content.as_deref(), Some("plain:hm"));
    assert_eq!(response.output[0].text(), "hm");
    assert!(response.usage.is_some_and(|usage| usage.output_tokens_details.reasoning_tokens > 0));
}
