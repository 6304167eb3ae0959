//! Embeddings over HTTP and from the library: order, forms, lengths, refusals, limits.

mod engine;
#[cfg(all(feature = "burn", feature = "cli", feature = "turbomind"))]
mod real;

use std::time::Duration;

use lmdeploy::engine::Capacity;
use lmdeploy::protocol::{EmbeddingRequest, PoolingMethod, Vector};
use serde_json::{Value, json};

use crate::fixture::{Served, capacity, mock, run, tokenizer};

/// The numbers of a list in an answer.
fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number") as f32).collect()
}

/// The vectors of an answer to a request that is right.
async fn vectors(served: &Served, body: &Value) -> Vec<Vec<f32>> {
    let (status, answer) = served.post("/v1/embeddings", &body.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    answer["data"].as_array().expect("a list").iter().map(|entry| numbers(&entry["embedding"])).collect()
}

/// The length of a vector, as its cosines see it.
fn length(vector: &[f32]) -> f64 {
    vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn an_answer_has_one_unit_vector_per_text_in_order() {
    run(async {
        let served = Served::start(mock("hi"));
        let texts = ["the quick brown fox", "over", "the lazy dog", "over"];
        let body = json!({"model": "tiny", "input": texts, "user": "u", "encoding_format": null});
        let (status, answer) = served.post("/v1/embeddings", &body.to_string()).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!((&answer["object"], &answer["model"]), (&json!("list"), &json!("tiny")));
        assert!(answer["id"].as_str().is_some_and(|id| id.starts_with("embd-")), "{answer}");
        let lengths: Vec<usize> = texts.iter().map(|text| tokenizer().encode_prompt(text).len()).collect();
        let usage = &answer["usage"];
        let total = json!(lengths.iter().sum::<usize>());
        assert_eq!((&usage["prompt_tokens"], &usage["total_tokens"]), (&total, &total));
        assert_eq!(usage["completion_tokens"], 0);
        let mut found = Vec::new();
        for (index, (entry, text)) in answer["data"].as_array().expect("a list").iter().zip(texts).enumerate()
        {
            assert_eq!((&entry["object"], &entry["index"]), (&json!("embedding"), &json!(index)));
            let vector = numbers(&entry["embedding"]);
            assert!((length(&vector) - 1.0).abs() < 1e-6, "{vector:?}");
            assert_eq!(
                vectors(&served, &json!({"input": text})).await,
                std::slice::from_ref(&vector),
                "{text}"
            );
            found.push(vector);
        }
        assert_eq!(found.len(), texts.len());
        assert_eq!(found[1], found[3]);
        assert_ne!(found[0], found[2]);
        let again = served.post("/v1/embeddings", &body.to_string()).await.1;
        let cached = again["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64();
        assert_eq!(
            cached,
            Some((lengths.iter().sum::<usize>() - texts.len()) as u64),
            "all but the last tokens"
        );
    });
}

#[test]
fn every_kind_of_input_and_form_has_the_same_vectors() {
    run(async {
        let served = Served::start(mock("hi"));
        let text = "the quick <|im_start|> fox";
        let ids: Vec<u32> = tokenizer().encode_prompt(text).into_iter().map(|id| id.0).collect();
        let expected = vectors(&served, &json!({"input": text})).await.remove(0);
        for input in [json!([text, text]), json!(ids), json!([ids, ids])] {
            for vector in vectors(&served, &json!({"input": input})).await {
                assert_eq!(vector, expected);
            }
        }
        let compact = json!({"input": text, "encoding_format": "base64"});
        let (_, answer) = served.post("/v1/embeddings", &compact.to_string()).await;
        let coded = answer["data"][0]["embedding"].as_str().expect("a string").to_owned();
        assert_eq!(Vector::Base64(coded).values(), Some(expected.clone()));
        // The forms of llama.cpp: ids and strings mixed, and objects.
        let parts = json!({"content": [{"type": "text", "text": "the quick "}, {"type": "text", "text": "<|im_start|> fox"}]});
        for input in [parts.clone(), json!([{"prompt_string": text}, parts, text])] {
            for vector in vectors(&served, &json!({"input": input})).await {
                assert_eq!(vector, expected);
            }
        }
        let fox: Vec<u32> = tokenizer().encode_with_special("fox").into_iter().map(|id| id.0).collect();
        let plain = [&[9, 8][..], &fox, &[7]].concat();
        let apart = vectors(&served, &json!({"input": plain})).await;
        assert_eq!(vectors(&served, &json!({"input": [9, 8, "fox", 7]})).await, apart, "one text in pieces");
        let both = vectors(&served, &json!({"input": [[9, 8, "fox", 7], text]})).await;
        assert_eq!(both, [apart[0].clone(), expected]);
        let without = vectors(&served, &json!({"input": text, "add_special_tokens": false})).await.remove(0);
        let bare = vectors(&served, &json!({"input": ids[1..]})).await.remove(0);
        assert_eq!(without, bare, "the ids without <s>");
    });
}

#[test]
fn a_conversation_is_a_text_and_long_texts_can_be_cut() {
    run(async {
        let served = Served::start(mock("hi"));
        let asked = json!({"messages": [{"role": "user", "content": "hi"}], "add_generation_prompt": false});
        let (_, tokens) = served.post("/tokenize", &asked.to_string()).await;
        let vector = vectors(&served, &json!({"input": tokens["tokens"]})).await;
        assert_eq!(vectors(&served, &asked).await, vector);
        let answered = json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "you"}]);
        let closed = vectors(&served, &json!({"messages": answered})).await;
        let open = vectors(&served, &json!({"messages": answered, "continue_final_message": true})).await;
        assert_ne!(closed, open);

        let ids: Vec<u32> = (0..300).map(|i| 20 + i % 200).collect();
        for (fields, kept) in [
            (json!({"truncate_prompt_tokens": -1}), &ids[300 - 256..]),
            (json!({"truncate_prompt_tokens": 7}), &ids[293..]),
            (json!({"truncate_prompt_tokens": 7, "truncation_side": "right"}), &ids[..7]),
        ] {
            let mut body = json!({"input": ids});
            body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
            let cut = vectors(&served, &body).await;
            assert_eq!(cut, vectors(&served, &json!({"input": kept})).await, "{fields}");
        }
    });
}

#[test]
fn vectors_can_be_shorter_pooled_otherwise_and_not_scaled() {
    run(async {
        let served = Served::start(mock("hi"));
        let ask = |fields: Value| {
            let mut body = json!({"input": "the quick brown fox"});
            body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
            body
        };
        let plain = vectors(&served, &ask(json!({"normalize": false}))).await.remove(0);
        let other = vectors(&served, &ask(json!({"use_activation": false}))).await.remove(0);
        assert_eq!(plain, other);
        let short = vectors(&served, &ask(json!({"normalize": false, "dimensions": 2}))).await.remove(0);
        assert_eq!(short, plain[..2]);
        let unit = vectors(&served, &ask(json!({"dimensions": 2}))).await.remove(0);
        for (unit, plain) in unit.iter().zip(&short) {
            assert!((f64::from(*unit) - f64::from(*plain) / length(&short)).abs() < 1e-6);
        }
        let mean = vectors(&served, &ask(json!({"pooling": "mean", "normalize": false}))).await.remove(0);
        assert_ne!(mean, plain);
        let last = vectors(&served, &ask(json!({"pooling": "last", "normalize": false}))).await.remove(0);
        assert_eq!(last, plain);
        // A mean over one token is that token.
        let one = |pooling: &str| json!({"input": [9], "pooling": pooling});
        assert_eq!(vectors(&served, &one("mean")).await, vectors(&served, &one("last")).await);
    });
}

#[test]
fn pooling_answers_with_the_hidden_states_themselves() {
    run(async {
        let served = Served::start(mock("hi"));
        let body = json!({"input": ["the quick", "brown fox"], "model": "tiny"});
        let (status, answer) = served.post("/pooling", &body.to_string()).await;
        assert_eq!(status, 200, "{answer}");
        assert!(answer["id"].as_str().is_some_and(|id| id.starts_with("pool-")), "{answer}");
        assert_eq!((&answer["object"], &answer["model"]), (&json!("list"), &json!("tiny")));
        assert!(answer["created"].as_u64() > Some(0) && answer["usage"]["total_tokens"].as_u64() > Some(0));
        let plain = json!({"input": ["the quick", "brown fox"], "normalize": false});
        let expected = vectors(&served, &plain).await;
        for (index, (entry, vector)) in
            answer["data"].as_array().expect("a list").iter().zip(expected).enumerate()
        {
            assert_eq!((&entry["object"], &entry["index"]), (&json!("pooling"), &json!(index)));
            assert_eq!(numbers(&entry["data"]), vector);
        }
        for wish in [r#""normalize": true"#, r#""task": "embed""#] {
            let (_, unit) = served.post("/pooling", &format!(r#"{{"input": "the quick", {wish}}}"#)).await;
            assert!((length(&numbers(&unit["data"][0]["data"])) - 1.0).abs() < 1e-6, "{unit}");
        }
    });
}

/// Body, status, field, words of the message.
const WRONG: &[(&str, u16, &str, &str)] = &[
    ("{}", 400, "input", "found nothing"),
    (r#"{"input": ""}"#, 400, "input", "found an empty text, expected at least one character"),
    (r#"{"input": []}"#, 400, "input", "found 0, expected 1 to 2048 texts"),
    (r#"{"input": ["a", ""]}"#, 400, "input.1", "found an empty text"),
    (r#"{"input": [[1], []]}"#, 400, "input.1", "found no tokens"),
    (r#"{"input": [1, 4000]}"#, 400, "input", "found 4000, expected ids below"),
    (r#"{"input": 7}"#, 400, "input", "found 7, expected a string"),
    (r#"{"input": ["a", null]}"#, 400, "input", "expected a string"),
    (r#"{"input": [1, [1]]}"#, 400, "input.1", "found a text of its own"),
    (r#"{"input": {"content": "a"}}"#, 400, "input", "expected a string"),
    (r#"{"input": "a", "add_generation_prompt": true}"#, 400, "add_generation_prompt", "without `messages`"),
    (r#"{"messages": [], "input": null}"#, 400, "input", "expected `input` or `messages`"),
    (
        r#"{"messages": [{"role": "user", "content": "a"}], "add_special_tokens": true}"#,
        400,
        "add_special_tokens",
        "together with `messages`",
    ),
    (
        r#"{"messages": [{"role": "user", "content": "a"}], "continue_final_message": true}"#,
        400,
        "continue_final_message",
        "role `assistant`",
    ),
    (r#"{"input": "a", "model": "gpt-9"}"#, 404, "model", "does not exist"),
    (r#"{"input": "a", "dimensions": 0}"#, 400, "dimensions", "found 0, expected a whole number from 1 to"),
    (r#"{"input": "a", "dimensions": 99999}"#, 400, "dimensions", "found 99999, expected"),
    (r#"{"input": "a", "encoding_format": "hex"}"#, 400, "encoding_format", "`float`"),
    (r#"{"input": "a", "pooling": "cls"}"#, 400, "pooling", "`last`"),
    (
        r#"{"input": "a", "normalize": true, "use_activation": false}"#,
        400,
        "use_activation",
        "found false together with `normalize: true`",
    ),
    (r#"{"input": "a", "cache_salt": ""}"#, 400, "cache_salt", "found an empty string"),
    (r#"{"input": "a", "timeout": 0}"#, 400, "timeout", "found 0"),
    (r#"{"input": "a", "truncate_prompt_tokens": 0}"#, 400, "truncate_prompt_tokens", "found 0, expected -1"),
    (r#"{"input": "a", "truncate_prompt_tokens": 257}"#, 400, "truncate_prompt_tokens", "from 1 to 256"),
    (r#"{"input": "a", "chat_template": "{{ messages }}"}"#, 400, "chat_template", "does not support"),
    (
        r#"{"input": "a", "messages": [{"role": "user", "content": "a"}]}"#,
        400,
        "messages",
        "together with `input`",
    ),
    (r#"{"input": "a", "task": "classify"}"#, 400, "task", "`embed`"),
    (r#"{"input": [-1]}"#, 400, "input", "found [-1], expected a string"),
    (r#"{"input": "a", "dimensions": -1}"#, 400, "dimensions", "found -1"),
    (r#"{"input": "a", "endianness": "big"}"#, 400, "endianness", "found \"big\""),
    (r#"{"input": "a", "embed_dtype": "float16"}"#, 400, "embed_dtype", "expected \"float32\""),
];

#[test]
fn wrong_requests_get_one_clear_message_and_compute_nothing() {
    run(async {
        let served = Served::start(mock("hi"));
        let long = json!({"input": ["a", "x ".repeat(300)]}).to_string();
        let many = json!({"input": vec!["a"; 2049]}).to_string();
        let further = [
            (
                long.as_str(),
                400,
                "input.1",
                "the text is too large. This model's maximum context length is 256 tokens",
            ),
            (many.as_str(), 400, "input", "found 2049, expected 1 to 2048 texts"),
        ];
        for route in ["/v1/embeddings", "/pooling"] {
            for (body, status, param, words) in WRONG.iter().copied().chain(further) {
                let (found, answer) = served.post(route, body).await;
                assert_eq!(found, status, "{body}: {answer}");
                assert_eq!(answer["param"], param, "{body}: {answer}");
                assert!(
                    answer["message"].as_str().is_some_and(|text| text.contains(words)),
                    "{body}: {answer}"
                );
            }
        }
        assert_eq!(served.metric("lmdeploy:prompt_tokens_total").await, 0, "nothing was computed");
    });
}

#[test]
fn more_texts_than_the_engine_holds_come_back_in_order() {
    run(async {
        let few = Capacity { max_sequences: 2, ..capacity() };
        let served = Served::start(mock("hi").with_capacity(few).with_max_queue(1));
        let input: Vec<Vec<u32>> = (0..150).map(|i| vec![20 + i, 5, 20 + i]).collect();
        let all = vectors(&served, &json!({"input": input})).await;
        assert_eq!(all.len(), input.len());
        for index in [0, 1, 77, 149] {
            let alone = vectors(&served, &json!({"input": input[index]})).await;
            assert_eq!(alone, [all[index].clone()], "{index}");
        }
    });
}

#[test]
fn a_client_that_goes_away_cancels_all_of_its_texts() {
    run(async {
        let slow = mock("hi").with_delay(Duration::from_millis(20));
        let served = Served::start(slow);
        let input: Vec<Vec<u32>> = (0..200).map(|i| vec![20 + i % 200; 100]).collect();
        let body = json!({"input": input}).to_string();
        let asked = served.post("/v1/embeddings", &body);
        assert!(tokio::time::timeout(Duration::from_millis(200), asked).await.is_err(), "it takes seconds");
        served.until_free().await;
        let after = json!({"input": [1, 2, 3]});
        assert_eq!(vectors(&served, &after).await.len(), 1);
    });
}

#[test]
fn the_time_of_a_request_is_that_of_all_its_texts() {
    run(async {
        let served = Served::start(mock("hi").with_delay(Duration::from_millis(10)));
        let input: Vec<Vec<u32>> = (0..100).map(|i| vec![20 + i; 60]).collect();
        let body = json!({"input": input, "timeout": 0.1}).to_string();
        let (status, answer) = served.post("/v1/embeddings", &body).await;
        assert_eq!((status, &answer["type"]), (504, &json!("timeout_error")), "{answer}");
        served.until_free().await;
    });
}

#[test]
fn the_library_gives_what_the_server_gives() {
    let texts = ["the quick", "brown fox", "jumps over the lazy dog"];
    let few = Capacity { max_sequences: 2, ..capacity() };
    let pipeline = mock("hi").with_capacity(few).pipeline();
    let here = pipeline.embed(texts).expect("vectors");
    run(async {
        let served = Served::start(mock("hi"));
        assert_eq!(vectors(&served, &json!({"input": texts})).await, here);
        let request = EmbeddingRequest::new(texts.map(str::to_owned).to_vec());
        let mean = request.with_model("tiny").with_pooling(PoolingMethod::Mean);
        let answer = served.client.embeddings(&mean).await.expect("an answer");
        assert_eq!(answer.data.iter().map(|entry| entry.index).collect::<Vec<_>>(), [0, 1, 2]);
        assert_ne!(answer.data[0].embedding.values(), Some(here[0].clone()));
    });
    let error = pipeline.embed(["a", ""]).expect_err("an empty text").to_string();
    assert!(error.starts_with("input.1: found an empty text"), "{error}");
}
