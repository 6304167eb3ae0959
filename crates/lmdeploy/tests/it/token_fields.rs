//! Fields about single tokens: prompts that are cut, ids that are scored by name, patterns that end a text, and what is
//! shown of a prompt.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use lmdeploy::protocol::{ChatChunk, RepetitionDetection};
use serde_json::{Value, json};

use crate::fixture::{MODEL, Served, ask, mock, run, tokenizer};

/// The body of a chat of one message with these fields in addition.
fn body(fields: &Value) -> Value {
    let mut body = json!({"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "temperature": 0});
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    body
}

async fn chat(served: &Served, fields: Value) -> Value {
    let (status, answer) = served.post("/v1/chat/completions", &body(&fields).to_string()).await;
    assert_eq!(status, 200, "{fields}: {answer}");
    answer
}

async fn complete(served: &Served, body: Value) -> Value {
    let (status, answer) = served.post("/v1/completions", &body.to_string()).await;
    assert_eq!(status, 200, "{body}: {answer}");
    answer
}

/// Field and message of a refusal.
async fn refused(served: &Served, route: &str, body: &Value) -> (String, String) {
    let (status, answer) = served.post(route, &body.to_string()).await;
    assert_eq!(status, 400, "{body}: {answer}");
    let text = |key: &str| answer["error"][key].as_str().unwrap_or_default().to_owned();
    (text("param"), text("message"))
}

/// The id of a text that is one token.
fn id(text: &str) -> u32 {
    let ids = tokenizer().encode(text);
    assert_eq!(ids.len(), 1, "{text}");
    ids[0].0
}

fn text(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().expect("a text")
}

#[test]
fn a_chat_is_cut_at_one_side() {
    run(async {
        let served = Served::start(mock("hi"));
        let whole = chat(&served, json!({"return_token_ids": true})).await["prompt_token_ids"].clone();
        let whole = whole.as_array().expect("ids").clone();
        for (side, kept) in [
            (Value::Null, &whole[whole.len() - 7..]),
            (json!("left"), &whole[whole.len() - 7..]),
            (json!("right"), &whole[..7]),
        ] {
            let fields =
                json!({"truncate_prompt_tokens": 7, "truncation_side": side, "return_token_ids": true});
            let answer = chat(&served, fields).await;
            assert_eq!(answer["prompt_token_ids"].as_array().map(Vec::as_slice), Some(kept), "{side}");
            assert_eq!((&answer["usage"]["prompt_tokens"], text(&answer)), (&json!(7), "hi"));
        }
        let fits = chat(&served, json!({"truncate_prompt_tokens": 200, "return_token_ids": true})).await;
        assert_eq!(fits["prompt_token_ids"], json!(whole));

        let mut long = body(&json!({"truncate_prompt_tokens": -1}));
        long["messages"][0]["content"] = json!("the ".repeat(400));
        let (status, answer) = served.post("/v1/chat/completions", &long.to_string()).await;
        assert_eq!((status, &answer["usage"]["prompt_tokens"]), (200, &json!(255)), "{answer}");
        let (_, counted) = served.post("/v1/chat/completions/input_tokens", &long.to_string()).await;
        assert_eq!(counted["input_tokens"], 255, "room for one token of an answer");
    });
}

#[test]
fn prompts_of_completions_are_cut_each_for_itself() {
    run(async {
        let served = Served::start(mock("hi"));
        let ids: Vec<u32> = (20..28).collect();
        for (side, kept) in [("right", &ids[..4]), ("left", &ids[4..])] {
            let answer = complete(
                &served,
                json!({"prompt": [ids, [9]], "truncate_prompt_tokens": 4, "truncation_side": side,
                    "echo": true, "return_token_ids": true, "max_tokens": 1}),
            )
            .await;
            assert_eq!(answer["choices"][0]["prompt_token_ids"], json!(kept));
            assert_eq!(answer["choices"][1]["prompt_token_ids"], json!([9]));
            let sent = complete(&served, json!({"prompt": kept, "echo": true, "max_tokens": 1})).await;
            assert_eq!(answer["choices"][0]["text"], sent["choices"][0]["text"], "the echo is cut as well");
        }
        let many: Vec<u32> = (0..300).map(|i| 20 + i % 200).collect();
        for (max_tokens, kept) in [(0, 256), (1, 255)] {
            let body = json!({"prompt": many, "truncate_prompt_tokens": -1, "echo": true,
                "max_tokens": max_tokens});
            assert_eq!(complete(&served, body).await["usage"]["prompt_tokens"], kept);
        }
    });
}

#[test]
fn lengths_and_sides_are_checked() {
    run(async {
        let served = Served::start(mock("hi"));
        for (route, plain) in
            [("/v1/chat/completions", body(&json!({}))), ("/v1/completions", json!({"prompt": "a"}))]
        {
            for (field, value, words) in [
                ("truncate_prompt_tokens", json!(0), "found 0, expected -1 or a whole number from 1 to"),
                ("truncate_prompt_tokens", json!(257), "found 257, expected -1"),
                ("truncate_prompt_tokens", json!(-2), "found -2, expected -1"),
                ("truncation_side", json!("up"), "found \"up\""),
                ("logprob_token_ids", json!([1]), "expected `logprobs"),
                ("repetition_detection", json!({"max_pattern_size": 2}), ".min_count: found nothing"),
                ("repetition_detection", json!({"max_pattern_size": -1}), ".max_pattern_size: found -1"),
            ] {
                let mut wrong = plain.clone();
                wrong[field] = value;
                let (param, message) = refused(&served, route, &wrong).await;
                assert!(param.starts_with(field), "{param}: {message}");
                assert!(message.starts_with(field) && message.contains(words), "{message}");
            }
        }
        assert!(served.server.prompts().is_empty(), "nothing was computed");
    });
}

#[test]
fn named_ids_are_scored_in_chats() {
    run(async {
        let served = Served::start(mock("the quick fox"));
        let (fox, quick) = (id(" fox"), id(" quick"));
        let names = |ids: &[u32]| ids.iter().map(|id| format!("token_id:{id}")).collect::<BTreeSet<_>>();
        let fields = |named: &[u32], chosen: u32| {
            json!({"logprobs": true, "top_logprobs": 5, "logprob_token_ids": named, "max_tokens": 1,
                "allowed_token_ids": [chosen], "return_tokens_as_token_ids": true})
        };
        for (named, chosen) in [(vec![quick], fox), (vec![10, quick, 11], fox), (vec![10, fox, fox], fox)] {
            let answer = chat(&served, fields(&named, chosen)).await;
            let place = &answer["choices"][0]["logprobs"]["content"][0];
            assert_eq!(place["token"], format!("token_id:{chosen}"));
            let top = place["top_logprobs"].as_array().expect("a list");
            let found: BTreeSet<String> =
                top.iter().map(|entry| entry["token"].as_str().expect("a name").to_owned()).collect();
            assert_eq!((found.len(), found), (top.len(), names(&[named, vec![chosen]].concat())));
            let score = |entry: &Value| entry["logprob"].as_f64().expect("finite");
            let scores: Vec<f64> = top.iter().map(score).collect();
            assert!(scores.is_sorted_by(|left, right| left >= right), "{scores:?}");
        }
        let mut request = ask("hi").with_logprobs(0).with_max_tokens(3);
        request.logprob_token_ids = Some(vec![fox]);
        let stream = served.client.chat_stream(&request).await.expect("a stream");
        let chunks: Vec<ChatChunk> = stream.map(|chunk| chunk.expect("a chunk")).collect().await;
        let choices = chunks.iter().flat_map(|chunk| &chunk.choices);
        let places = choices.flat_map(|choice| &choice.logprobs).flat_map(|logprobs| &logprobs.content);
        let sizes: Vec<usize> = places.map(|place| place.top_logprobs.len()).collect();
        assert_eq!(sizes, [2, 2, 1], "the third id is the named one");
        let wrong = body(&json!({"logprobs": true, "logprob_token_ids": [99_999]}));
        let (param, message) = refused(&served, "/v1/chat/completions", &wrong).await;
        assert!(param == "logprob_token_ids" && message.contains("out of vocabulary"), "{message}");
        let none = chat(&served, json!({"logprob_token_ids": [], "max_tokens": 1})).await;
        assert_eq!(none["choices"][0]["logprobs"], Value::Null, "an empty list asks for nothing");
    });
}

#[test]
fn named_ids_are_scored_in_completions() {
    run(async {
        let served = Served::start(mock("the quick fox"));
        let (fox, quick) = (id(" fox"), id(" quick"));
        let body = json!({"prompt": "the quick", "echo": true, "logprobs": 1,
            "logprob_token_ids": [quick, 10, 11], "max_tokens": 1, "allowed_token_ids": [fox],
            "return_tokens_as_token_ids": true});
        let answer = complete(&served, body.clone()).await;
        let tops = answer["choices"][0]["logprobs"]["top_logprobs"].as_array().expect("a list");
        let (last, prompt) = tops.split_last().expect("places");
        let names: BTreeSet<&str> = last.as_object().expect("a map").keys().map(String::as_str).collect();
        let expected = [fox, quick, 10, 11].map(|id| format!("token_id:{id}"));
        assert_eq!(names, expected.iter().map(String::as_str).collect());
        let of_prompt: Vec<usize> =
            prompt.iter().filter_map(Value::as_object).map(serde_json::Map::len).collect();
        assert!(!of_prompt.is_empty() && of_prompt.iter().all(|count| *count <= 2), "the most likely ids");
        let mut without = body;
        without["max_tokens"] = json!(0);
        let (param, message) = refused(&served, "/v1/completions", &without).await;
        assert!(param == "logprob_token_ids" && message.contains("`max_tokens` of at least 1"), "{message}");
    });
}

#[test]
fn a_pattern_at_the_end_ends_the_text() {
    run(async {
        let served = Served::start(mock(&"the quick ".repeat(20)));
        let whole = chat(&served, json!({"max_tokens": 30})).await;
        assert_eq!(whole["choices"][0]["finish_reason"], "length");
        let detection = json!({"max_pattern_size": 8, "min_pattern_size": 1, "min_count": 2});
        let stopped = chat(&served, json!({"max_tokens": 30, "repetition_detection": detection})).await;
        assert_eq!(stopped["choices"][0]["finish_reason"], "stop");
        assert!(text(&whole).starts_with(text(&stopped)) && text(&stopped).len() < text(&whole).len());
        let off = json!({"max_tokens": 30, "repetition_detection": {"max_pattern_size": 0}});
        assert_eq!(text(&chat(&served, off).await), text(&whole));
        let later = json!({"max_tokens": 30, "min_tokens": 25, "repetition_detection": detection});
        let later = chat(&served, later).await;
        assert!(later["usage"]["completion_tokens"].as_u64() >= Some(25), "{later}");
        let mut request = ask("hi").with_max_tokens(30);
        request.repetition_detection = Some(RepetitionDetection {
            max_pattern_size: Some(8),
            min_pattern_size: None,
            min_count: Some(2),
        });
        assert_eq!(served.client.chat(&request).await.expect("an answer").text(), text(&stopped));
    });
}

#[test]
fn the_prompt_is_shown_as_text() {
    run(async {
        let served = Served::start(mock("hi"));
        let answer = chat(&served, json!({"return_prompt_text": true})).await;
        assert_eq!(answer["prompt_text"], json!(served.server.prompt_texts()[0]));
        assert_eq!(chat(&served, json!({"return_prompt_text": false})).await.get("prompt_text"), None);
        let mut request = ask("hi").with_n(2);
        request.return_prompt_text = Some(true);
        let stream = served.client.chat_stream(&request).await.expect("a stream");
        let chunks: Vec<ChatChunk> = stream.map(|chunk| chunk.expect("a chunk")).collect().await;
        for index in 0..2 {
            let is_own = |chunk: &&ChatChunk| chunk.choices.iter().any(|choice| choice.index == index);
            let mut own = chunks.iter().filter(is_own).map(|chunk| chunk.prompt_text.as_deref());
            assert_eq!(own.next().flatten(), answer["prompt_text"].as_str());
            assert!(own.all(|text| text.is_none()), "in the first chunk of a choice alone");
        }
    });
}

#[test]
fn json_has_no_white_space_when_it_is_not_wanted() {
    run(async {
        let served = Served::start(mock("{ \"a\": 7 }"));
        let list = json!({"type": "array", "items": {"const": true}, "minItems": 2, "maxItems": 2});
        let properties = json!({"a": {"const": 7}, "b": list});
        let schema = json!({"type": "object", "properties": properties, "required": ["a", "b"]});
        let outputs = json!({"json": schema, "disable_any_whitespace": true});
        let answer = chat(&served, json!({"structured_outputs": outputs, "max_tokens": 60})).await;
        assert_eq!(text(&answer), "{\"a\":7,\"b\":[true,true]}");
        let body = json!({"input": "hi", "structured_outputs": outputs, "max_output_tokens": 60});
        let (status, answer) = served.post("/v1/responses", &body.to_string()).await;
        assert_eq!(
            (status, &answer["output_text"]),
            (200, &json!("{\"a\":7,\"b\":[true,true]}")),
            "{answer}"
        );
    });
}

#[test]
fn thoughts_may_be_parts_of_an_assistants_message() {
    run(async {
        let served = Served::start(mock("hi"));
        let parts = json!([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "four"}]);
        let turns = |role: &str| {
            json!({"messages": [{"role": "user", "content": "2+2?"}, {"role": role, "content": parts},
                {"role": "user", "content": "sure?"}]})
        };
        chat(&served, turns("assistant")).await;
        let prompt = &served.server.prompt_texts()[0];
        // This format has no place for older thoughts.
        assert!(prompt.contains("<|im_start|>assistant\nfour<|im_end|>"), "{prompt}");
        let (param, message) = refused(&served, "/v1/chat/completions", &body(&turns("user"))).await;
        assert_eq!(param, "messages.1.content.0.type");
        assert!(message.contains("thoughts only of an assistant"), "{message}");
    });
}

#[test]
fn a_prompt_that_is_too_long_is_told_in_numbers() {
    run(async {
        let served = Served::start(mock("hi"));
        let long = "the ".repeat(400);
        let chat = json!({"messages": [{"role": "user", "content": long}]});
        for (route, body) in [
            ("/v1/chat/completions", chat),
            ("/v1/completions", json!({"prompt": long})),
            ("/v1/responses", json!({"input": long})),
            ("/generate", json!({"prompt": long})),
            ("/v1/embeddings", json!({"input": long})),
        ] {
            let (status, answer) = served.post(route, &body.to_string()).await;
            assert_eq!((status, &answer["error"]["n_ctx"]), (400, &json!(256)), "{route}: {answer}");
            assert!(answer["error"]["n_prompt_tokens"].as_u64() > Some(256), "{route}: {answer}");
        }
        let (_, other) = served.post("/v1/completions", "{\"prompt\": []}").await;
        assert_eq!((other.get("n_ctx"), other["error"].get("n_prompt_tokens")), (None, None));
    });
}
