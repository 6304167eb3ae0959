//! The routes beside chats and completions: generate, tokens, perplexity, abort, terminate, and those not there yet.

use std::time::Duration;

use futures_util::StreamExt;
use lmdeploy::config::ServerConfig;
use lmdeploy::protocol::{CompletionRequest, FinishReason};
use serde_json::{Value, json};

use crate::configured::Configured;
use crate::fixture::{Served, ask, echo, mock, run, tokenizer};

fn ids(text: &str) -> Vec<u32> {
    tokenizer().encode_prompt(text).into_iter().map(u32::from).collect()
}

async fn post(served: &Served, route: &str, body: Value) -> (u16, Value) {
    served.post(route, &body.to_string()).await
}

#[test]
fn generate_gives_text_ids_and_counts() {
    run(async {
        let served = Served::start(mock("the quick fox"));
        let expected: Vec<u32> = tokenizer().encode("the quick fox").into_iter().map(u32::from).collect();
        for body in [json!({"prompt": "hi"}), json!({"input_ids": ids("hi")})] {
            let (status, answer) = post(&served, "/generate", body).await;
            assert_eq!((status, &answer["text"]), (200, &json!("the quick fox")), "{answer}");
            assert_eq!(answer["output_ids"], json!(expected));
            let meta = &answer["meta_info"];
            assert_eq!(meta["finish_reason"], json!({"type": "stop"}));
            assert_eq!(meta["prompt_tokens"], json!(ids("hi").len()));
            assert_eq!(meta["completion_tokens"], json!(expected.len()));
            assert!(meta["output_token_logprobs"].is_null());
        }
        let body = json!({"prompt": "hi", "max_tokens": 2});
        let (_, answer) = post(&served, "/generate", body).await;
        assert_eq!(answer["output_ids"], json!(expected[..2]));
        assert_eq!(answer["meta_info"]["finish_reason"], json!({"type": "length"}));
        served.until_free().await;
    });
}

#[test]
fn the_unscored_beginning_of_a_prompt_comes_from_the_cache() {
    run(async {
        let served = Served::start(mock("the fox"));
        let prompt = ids(&"the quick brown fox ".repeat(20));
        let place = prompt.len() - 3;
        let body = |start: usize| json!({"input_ids": prompt, "return_logprob": true, "logprob_start_len": start, "max_tokens": 0});
        let (_, whole) = post(&served, "/generate", body(0)).await;
        let (status, rest) = post(&served, "/generate", body(place)).await;
        assert_eq!(status, 200, "{rest}");
        let scores =
            |answer: &Value| answer["meta_info"]["input_token_logprobs"].as_array().expect("scores").clone();
        assert_eq!(scores(&rest), scores(&whole)[place..], "the same, wherever the beginning comes from");
        assert_eq!(whole["meta_info"]["cached_tokens"], json!(0));
        let cached = rest["meta_info"]["cached_tokens"].as_u64().expect("a number");
        assert!(cached > 0 && cached <= place as u64, "{cached} of {place}");
        served.until_free().await;
    });
}

#[test]
fn generate_scores_prompt_and_answer() {
    run(async {
        let served = Served::start(mock("the fox"));
        let prompt = ids("the quick");
        let body = json!({
            "input_ids": prompt, "return_logprob": true, "top_logprobs_num": 2, "logprob_start_len": 1,
        });
        let (status, answer) = post(&served, "/generate", body).await;
        assert_eq!(status, 200, "{answer}");
        let meta = &answer["meta_info"];
        let pairs = |name: &str| meta[name].as_array().expect(name).clone();
        let output = pairs("output_token_logprobs");
        let found: Vec<&Value> = output.iter().map(|pair| &pair[1]).collect();
        assert_eq!(found, answer["output_ids"].as_array().expect("ids").iter().collect::<Vec<_>>());
        assert!(output.iter().all(|pair| pair[0].as_f64().is_some_and(|logprob| logprob <= 0.0)));
        let tops = pairs("output_top_logprobs");
        assert!(tops.iter().all(|top| top.as_array().is_some_and(|top| top.len() == 2)));
        let input: Vec<Value> = pairs("input_token_logprobs").iter().map(|pair| pair[1].clone()).collect();
        assert_eq!(json!(input), json!(prompt[2..]), "those behind the place");
        assert_eq!(pairs("input_top_logprobs").len(), prompt.len() - 2);
        let body = json!({"input_ids": prompt, "return_logprob": true, "logprob_start_len": 0});
        let (_, answer) = post(&served, "/generate", body).await;
        let first = &answer["meta_info"]["input_token_logprobs"][0];
        assert!(first[0].as_f64().is_some_and(|logprob| logprob <= 0.0), "the first id of all has no score");
        assert_eq!(first[1], json!(prompt[1]));
        assert!(answer["meta_info"]["input_top_logprobs"].is_null());
        let body = json!({
            "input_ids": prompt, "return_logprob": true, "logprob_start_len": 0, "max_tokens": 0, "stream": true,
        });
        let request = served.http.post(format!("{}/generate", served.url)).json(&body);
        let text = request.send().await.expect("an answer").text().await.expect("text");
        let events: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        let [only, "[DONE]"] = events.as_slice() else { panic!("{text}") };
        let meta = serde_json::from_str::<Value>(only).expect("JSON")["meta_info"].take();
        assert_eq!(meta["input_token_logprobs"].as_array().map(Vec::len), Some(prompt.len() - 1));
        assert!(meta["output_token_logprobs"].is_null() && meta["output_top_logprobs"].is_null());
    });
}

#[test]
fn a_stream_of_generate_joins_to_the_whole() {
    run(async {
        let served = Served::start(mock("the quick brown fox 你好"));
        let (_, whole) = post(&served, "/generate", json!({"prompt": "hi", "return_logprob": true})).await;
        let body = json!({"prompt": "hi", "return_logprob": true, "stream": true});
        let request = served.http.post(format!("{}/generate", served.url)).json(&body);
        let text = request.send().await.expect("an answer").text().await.expect("text");
        let events = text.split_terminator("\n\n").filter_map(|event| event.strip_prefix("data: "));
        let events: Vec<&str> = events.collect();
        let [pieces @ .., last] = events.as_slice() else { panic!("{text}") };
        assert_eq!(*last, "[DONE]");
        let pieces: Vec<Value> =
            pieces.iter().map(|piece| serde_json::from_str(piece).expect("JSON")).collect();
        let joined: String = pieces.iter().filter_map(|piece| piece["text"].as_str()).collect();
        assert_eq!(json!(joined), whole["text"]);
        let joined: Vec<Value> =
            pieces.iter().flat_map(|piece| piece["output_ids"].as_array().expect("ids").clone()).collect();
        assert_eq!(json!(joined), whole["output_ids"]);
        let [before @ .., end] = pieces.as_slice() else { panic!("{text}") };
        assert_eq!(end["meta_info"]["finish_reason"], whole["meta_info"]["finish_reason"]);
        assert!(before.iter().all(|piece| piece["meta_info"]["finish_reason"].is_null()));
    });
}

#[test]
fn wrong_bodies_are_told_the_field() {
    run(async {
        let served = Served::start(mock("hi"));
        for (route, body, message) in [
            ("/generate", json!({}), "prompt: found nothing"),
            ("/generate", json!({"prompt": "a", "input_ids": [1]}), "input_ids: found ids together"),
            ("/generate", json!({"prompt": "a", "top_logprobs_num": 1}), "top_logprobs_num: expected"),
            ("/generate", json!({"prompt": "a", "logprob_start_len": -2}), "logprob_start_len"),
            ("/generate", json!({"prompt": "a", "temperature": 3}), "temperature: found 3"),
            ("/generate", json!({"prompt": "a", "n": 2}), "n: found 2"),
            ("/generate", json!({"input_ids": [99999]}), "input_ids.0: found 99999"),
            ("/generate", json!({"text": "a"}), "text: found \"a\""),
            ("/v1/encode", json!({"input": 3}), "input: found 3, expected a string or a list of strings"),
            ("/v1/encode", json!({}), "input: found nothing"),
            ("/tokenize", json!({}), "prompt: found nothing"),
            ("/tokenize", json!({"prompt": "a", "content": "b"}), "prompt: found more than one"),
            ("/tokenize", json!({"prompt": "a", "with_pieces": 1}), "with_pieces: found 1"),
            ("/tokenize", json!({"prompt": "a", "add_special": true}), "add_special: found it together"),
            ("/tokenize", json!({"content": "a", "tools": [{"name": "f"}]}), "tools: found it together"),
            ("/detokenize", json!({"tokens": [1, 99999]}), "tokens.1: found 99999, expected ids below"),
            ("/detokenize", json!({"tokens": "a"}), "tokens: found \"a\", expected a list"),
            ("/get_ppl", json!({"input": []}), "input.0: found no tokens"),
            ("/get_ppl", json!({"input": [5]}), "input: found one token"),
            ("/get_ppl", json!({"input": [5, 99999]}), "input.0: found 99999"),
            ("/get_ppl", json!({"input": 5}), "input: found 5, expected a string or a list of token ids"),
            ("/abort_request", json!({}), "request_id: found nothing"),
            ("/abort_request", json!({"request_id": "a", "abort_all": true}), "request_id: found a name"),
            ("/abort_request", json!({"session_id": 3}), "session_id: found 3"),
            (
                "/abort_request",
                json!({"request_id": "nobody"}),
                "request_id: found `nobody`, expected the name",
            ),
            ("/abort_request", json!({"request_id": ""}), "request_id: found ``, expected the name"),
        ] {
            let (status, answer) = post(&served, route, body.clone()).await;
            assert_eq!(status, 400, "{route} {body}: {answer}");
            let found = answer["message"].as_str().expect("a message");
            assert!(found.starts_with(message), "{route} {body}: {found}");
            assert_eq!(answer["error"]["param"].as_str(), message.split(':').next(), "{answer}");
        }
    });
}

#[test]
fn text_becomes_ids_and_text_again() {
    run(async {
        let served = Served::start(mock("hi"));
        let text = "the <|im_start|>fox 你";
        let whole = ids(text);
        let (_, answer) = post(&served, "/v1/encode", json!({"input": text})).await;
        assert_eq!(answer, json!({"input_ids": whole, "length": whole.len()}));
        let (_, answer) = post(&served, "/v1/encode", json!({"input": [text, ""]})).await;
        assert_eq!(answer["input_ids"], json!([whole, ids("")]));
        assert_eq!(answer["length"], json!([whole.len(), ids("").len()]));
        let begins = usize::from(tokenizer().adds_bos());
        let (_, answer) = post(&served, "/v1/encode", json!({"input": text, "add_bos": false})).await;
        assert_eq!(answer["input_ids"], json!(whole[begins..]));
        let body = json!({"prompt": text, "return_token_strs": true});
        let (_, answer) = post(&served, "/tokenize", body).await;
        assert_eq!((&answer["tokens"], &answer["count"]), (&json!(whole), &json!(whole.len())));
        assert_eq!(answer["token_strs"].as_array().map(Vec::len), Some(whole.len()));
        let (_, answer) = post(&served, "/tokenize", json!({"content": text})).await;
        assert_eq!(answer["tokens"], json!(whole[begins..]));
        let (_, answer) = post(&served, "/tokenize", json!({"content": text, "with_pieces": true})).await;
        let pieces = answer["tokens"].as_array().expect("a list");
        let numbers: Vec<&Value> = pieces.iter().map(|piece| &piece["id"]).collect();
        assert_eq!(json!(numbers), json!(whole[begins..]));
        let is_shown = |piece: &Value| piece["piece"].is_string() || piece["piece"].is_array();
        assert!(pieces.iter().all(is_shown), "{answer}");
        assert!(pieces.iter().any(|piece| piece["piece"] == "<|im_start|>"), "{answer}");
        let (_, answer) = post(&served, "/detokenize", json!({"tokens": whole[begins..]})).await;
        assert_eq!(answer, json!({"prompt": text, "content": text}));
    });
}

#[test]
fn a_conversation_is_tokenized_as_it_is_computed() {
    run(async {
        let served = Served::start(mock("hi"));
        served.client.chat(&ask("the fox")).await.expect("an answer");
        let computed: Vec<u32> = served.server.prompts()[0].iter().map(|id| id.0).collect();
        let messages = json!([{"role": "user", "content": "the fox"}]);
        let (_, answer) = post(&served, "/tokenize", json!({"messages": messages})).await;
        assert_eq!(answer["tokens"], json!(computed));
        let body = json!({"messages": messages, "add_special_tokens": true, "add_generation_prompt": true});
        let (status, answer) = post(&served, "/tokenize", body).await;
        assert_eq!((status, &answer["tokens"]), (200, &json!(computed)), "it begins with `<s>` already");
        let open = json!([{"role": "user", "content": "the fox"}, {"role": "assistant", "content": "x"}]);
        let body = json!({"messages": open, "continue_final_message": true});
        let (_, answer) = post(&served, "/tokenize", body).await;
        let continued: Vec<u32> = serde_json::from_value(answer["tokens"].clone()).expect("ids");
        assert!(continued.starts_with(&computed) && continued.len() > computed.len(), "{answer}");
        let body = json!({"input": "the fox", "do_preprocess": true});
        let (_, answer) = post(&served, "/v1/encode", body).await;
        assert_eq!(answer["input_ids"], json!(computed));
    });
}

#[test]
fn perplexity_is_the_mean_loss_of_an_echo() {
    run(async {
        let served = Served::start(echo());
        let text = "the quick brown fox";
        let scored = CompletionRequest::new(text).with_echo().with_logprobs(0).with_max_tokens(0);
        let answer = served.client.completions(&scored).await.expect("an answer");
        let scores = answer.choices[0].logprobs.clone().expect("asked for").token_logprobs;
        let losses: Vec<f64> = scores.into_iter().flatten().map(|score| -f64::from(score)).collect();
        let expected = losses.iter().sum::<f64>() / losses.len() as f64;
        for input in [json!(text), json!(ids(text))] {
            let (status, answer) = post(&served, "/get_ppl", json!({"input": input})).await;
            assert_eq!(status, 200, "{answer}");
            assert!(answer["ppl"].as_f64().is_some_and(|ppl| (ppl - expected).abs() < 1e-5), "{answer}");
        }
    });
}

#[test]
fn a_running_request_is_aborted_by_either_name() {
    run(async {
        let slow = mock(&"the ".repeat(100)).with_delay(Duration::from_millis(5));
        let served = Served::start(slow);
        let mut stream = served.client.chat_stream(&ask("hi")).await.expect("a stream");
        let first = stream.next().await.expect("a chunk").expect("no error");
        let (status, answer) = post(&served, "/abort_request", json!({"request_id": first.id})).await;
        assert_eq!((status, &answer["aborted"]), (200, &json!(first.id)), "{answer}");
        let mut reason = None;
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.expect("an abort is not an error");
            reason = chunk.choices.first().and_then(|choice| choice.finish_reason).or(reason);
        }
        assert_eq!(reason, Some(FinishReason::Abort));
        let named = served.http.post(format!("{}/v1/completions", served.url)).header("x-request-id", "mine");
        let named = named.json(&json!({"prompt": "hi", "max_tokens": 90})).send();
        let abort = async {
            // The request is known once it runs.
            for _ in 0..1000 {
                if post(&served, "/abort_request", json!({"request_id": "mine"})).await.0 == 200 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            panic!("it never ran");
        };
        let (answer, ()) = tokio::join!(named, abort);
        let answer: Value = answer.expect("an answer").json().await.expect("JSON");
        assert_eq!(answer["choices"][0]["finish_reason"], "abort");
        served.until_free().await;
    });
}

#[test]
fn all_requests_are_aborted_at_once() {
    run(async {
        let served = Served::start(mock(&"the ".repeat(100)).with_delay(Duration::from_millis(5)));
        let request = ask("hi");
        let requests: Vec<_> = (0..3).map(|_| served.client.chat(&request)).collect();
        let abort = async {
            while served.metric("lmdeploy:num_requests_running").await < 3 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            assert_eq!(post(&served, "/abort_request", json!({"abort_all": true})).await.0, 200);
        };
        let (answers, ()) = tokio::join!(futures_util::future::join_all(requests), abort);
        for answer in answers {
            let answer = answer.expect("text so far");
            assert_eq!(answer.choices[0].finish_reason, Some(FinishReason::Abort));
        }
    });
}

#[test]
fn clients_stop_the_server_only_where_they_may() {
    run(async {
        let served = Configured::start(mock("hi"), ServerConfig::default()).await;
        assert_eq!(served.get("/terminate").await.0, 400);
        assert_eq!(served.get("/health").await.0, 200);
        let mut config = ServerConfig::default();
        config.allow_terminate_by_client = true;
        let mut served = Configured::start(mock("hi"), config).await;
        assert_eq!(served.get("/terminate").await.0, 200);
        (&mut served.serving).await.expect("no panic").expect("no error");
        assert!(served.app.is_draining());
    });
}

#[test]
fn small_routes_and_those_that_are_not_there_yet() {
    run(async {
        let served = Configured::start(mock("hi"), ServerConfig::default()).await;
        let json =
            |(status, text): (u16, String)| (status, serde_json::from_str::<Value>(&text).expect("JSON"));
        let (status, version) = json(served.get("/version").await);
        assert_eq!((status, version["version"].as_str()), (200, Some(env!("CARGO_PKG_VERSION"))));
        assert_eq!(json(served.get("/is_sleeping").await), (200, json!({"is_sleeping": false})));
        for route in ["/update_weights_from_ipc", "/init_weights_update_group"] {
            let (status, answer) = served.post(route, &json!({})).await;
            assert_eq!(status, 501, "{route}");
            assert_eq!(answer["message"], json!(format!("{route} is not supported by this server yet")));
        }
    });
}

#[test]
fn every_answer_has_the_name_of_its_request() {
    run(async {
        let served = Configured::start(mock("hi"), ServerConfig::default()).await;
        let name =
            |answer: &reqwest::Response| answer.headers()["x-request-id"].to_str().expect("text").to_owned();
        let url = format!("{}/version", served.url);
        let own = served.http.get(&url).header("x-request-id", "mine").send().await.expect("an answer");
        assert_eq!(name(&own), "mine");
        let (first, second) = (served.http.get(&url).send().await, served.http.get(&url).send().await);
        let (first, second) = (name(&first.expect("an answer")), name(&second.expect("an answer")));
        assert!(first.len() == 32 && first != second, "{first} {second}");
        let body = json!({"model": "tiny", "max_tokens": 0, "messages": []});
        let request = served.http.post(format!("{}/v1/messages", served.url)).json(&body);
        let answer = request.header("x-request-id", "mine").send().await.expect("an answer");
        assert_eq!((answer.status().as_u16(), name(&answer).as_str()), (400, "mine"));
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!((&body["type"], &body["request_id"]), (&json!("error"), &json!("mine")));
    });
}

#[test]
fn a_time_limit_comes_from_the_body_the_header_or_the_settings() {
    run(async {
        let slow = || mock(&"the ".repeat(60)).with_delay(Duration::from_millis(20));
        let body = json!({"prompt": "hi", "max_tokens": 60});
        let mut config = ServerConfig::default();
        config.request_timeout = Some(0.05);
        let served = Configured::start(slow(), config).await;
        let (status, answer) = served.post("/v1/completions", &body).await;
        assert_eq!((status, answer["error"]["type"].as_str()), (504, Some("timeout_error")), "{answer}");
        let own = json!({"prompt": "hi", "max_tokens": 2, "timeout": 30});
        assert_eq!(served.post("/v1/completions", &own).await.0, 200, "its own limit wins");
        let served = Configured::start(slow(), ServerConfig::default()).await;
        let request = |limit: &str| {
            let request = served.http.post(format!("{}/v1/completions", served.url)).json(&body);
            request.header("x-request-timeout", limit).send()
        };
        assert_eq!(request("0.05").await.expect("an answer").status().as_u16(), 504);
        assert_eq!(request("soon").await.expect("an answer").status().as_u16(), 400);
    });
}

#[test]
fn requests_wait_for_a_place() {
    run(async {
        let mut config = ServerConfig::default();
        config.max_concurrent_requests = Some(1);
        let slow = mock(&"the ".repeat(20)).with_delay(Duration::from_millis(2));
        let served = Configured::start(slow, config).await;
        let body = json!({"prompt": "hi", "max_tokens": 20});
        let all = (0..4).map(|_| served.post("/v1/completions", &body));
        let watch = async {
            let mut most = 0;
            for _ in 0..50 {
                let (_, page) = served.get("/metrics").await;
                let value = |name: &str| {
                    let line = page.lines().find(|line| line.starts_with(name)).expect(name);
                    line.rsplit(' ').next().and_then(|value| value.parse::<u64>().ok()).expect("a number")
                };
                assert!(value("lmdeploy:num_api_requests_routed") <= 1);
                most = most.max(value("lmdeploy:num_api_requests_waiting"));
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            most
        };
        let (answers, most) = tokio::join!(futures_util::future::join_all(all), watch);
        assert!(answers.iter().all(|(status, _)| *status == 200));
        assert!(most > 0, "some have waited");
    });
}
