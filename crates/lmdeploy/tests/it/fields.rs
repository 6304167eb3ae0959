//! Every field of a request that is not about one route alone changes the answer as it says.

use futures_util::StreamExt;
use lmdeploy::protocol::{
    ChatRequest, CompletionChoice, CompletionRequest, FinishReason, OneOrMany, StopReason,
};
use serde_json::{Value, json};

use crate::fixture::{MODEL, Served, ask, echo, mock, run, tokenizer};

/// The whole answer to a chat request with these fields.
async fn chat(served: &Served, fields: Value) -> Value {
    let mut body = json!({"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "temperature": 0});
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    let (status, answer) = served.post("/v1/chat/completions", &body.to_string()).await;
    assert_eq!(status, 200, "{body}: {answer}");
    answer
}

fn text(answer: &Value) -> &str {
    answer["choices"][0]["message"]["content"].as_str().expect("a text")
}

/// The id of a text that is one token.
fn id(text: &str) -> u32 {
    let ids = tokenizer().encode(text);
    assert_eq!(ids.len(), 1, "{text}");
    ids[0].0
}

#[test]
fn a_stop_string_is_named_and_shown_when_asked_for() {
    run(async {
        let served = Served::start(mock("one two END three"));
        for (include, expected) in [(false, "one two "), (true, "one two END")] {
            let fields = json!({"stop": ["absent", "END"], "include_stop_str_in_output": include});
            let answer = chat(&served, fields).await;
            assert_eq!((text(&answer), &answer["choices"][0]["stop_reason"]), (expected, &json!("END")));
            let mut request = CompletionRequest::new("a").with_max_tokens(50);
            request.stop = Some(OneOrMany::One("END".to_owned()));
            request.include_stop_str_in_output = Some(include);
            let choice = served.client.completions(&request).await.expect("an answer").choices.remove(0);
            assert_eq!((choice.text.as_str(), choice.finish_reason), (expected, Some(FinishReason::Stop)));
            assert_eq!(choice.stop_reason, Some(StopReason::Text("END".to_owned())));
        }
        let answer = chat(&served, json!({})).await;
        assert_eq!(answer["choices"][0]["stop_reason"], Value::Null, "the model's own end is not a reason");
    });
}

#[test]
fn a_stop_id_of_the_request_is_named() {
    run(async {
        let served = Served::start(mock("the quick brown fox"));
        let stop = id(" brown");
        let answer = chat(&served, json!({"stop_token_ids": [stop]})).await;
        assert_eq!(text(&answer), "the quick");
        assert_eq!(answer["choices"][0]["stop_reason"], stop);
        assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    });
}

#[test]
fn a_text_does_not_end_before_its_minimum() {
    run(async {
        let served = Served::start(mock("hi"));
        let short = chat(&served, json!({})).await["usage"]["completion_tokens"].as_u64().expect("a number");
        for name in ["min_new_tokens", "min_tokens"] {
            let answer = chat(&served, json!({name: short + 5, "max_tokens": short + 9})).await;
            let generated = answer["usage"]["completion_tokens"].as_u64().expect("a number");
            assert!(generated >= short + 5, "{name}: {answer}");
        }
        let answer = chat(&served, json!({"ignore_eos": true, "max_tokens": short + 9})).await;
        assert_eq!(answer["usage"]["completion_tokens"], short + 9);
        assert_eq!(answer["choices"][0]["finish_reason"], "length");
    });
}

#[test]
fn a_bias_forces_and_forbids_ids() {
    run(async {
        let served = Served::start(mock("the quick fox"));
        let fox = id(" fox");
        let forced = chat(&served, json!({"logit_bias": {fox.to_string(): 100}, "max_tokens": 3})).await;
        assert_eq!(text(&forced).trim_start(), "fox fox fox");
        let banned =
            chat(&served, json!({"logit_bias": {id("the").to_string(): -100}, "max_tokens": 3})).await;
        assert!(!text(&banned).contains("the"), "{banned}");
        let bad = chat(&served, json!({"bad_words": ["quick"], "max_tokens": 6})).await;
        assert!(!text(&bad).contains("quick"), "{bad}");
        let free = chat(&served, json!({"logit_bias": {}, "bad_words": [], "presence_penalty": 0})).await;
        assert_eq!(text(&free), "the quick fox");
    });
}

#[test]
fn a_text_that_repeats_itself_ends() {
    run(async {
        let served = Served::start(mock(&"the quick ".repeat(20)));
        let whole = chat(&served, json!({"max_tokens": 30})).await;
        assert_eq!(whole["choices"][0]["finish_reason"], "length");
        let fields = json!({"max_tokens": 30, "repetition_ngram_size": 2, "repetition_ngram_threshold": 3});
        let stopped = chat(&served, fields).await;
        assert_eq!(stopped["choices"][0]["finish_reason"], "stop");
        assert!(text(&whole).starts_with(text(&stopped)) && text(&stopped).len() < text(&whole).len());
    });
}

#[test]
fn ids_and_their_scores_come_with_the_text() {
    run(async {
        let reply = "the né 你";
        let served = Served::start(mock(reply));
        let ids: Vec<u32> = tokenizer().encode(reply).into_iter().map(u32::from).collect();
        let answer = chat(&served, json!({"return_token_ids": true, "return_logprob": true})).await;
        let choice = &answer["choices"][0];
        assert_eq!((choice["output_ids"].clone(), &choice["logprobs"]), (json!(ids), &Value::Null));
        let scores = choice["output_token_logprobs"].as_array().expect("asked for");
        assert!(scores.iter().zip(&ids).all(|(score, id)| score[1] == *id && score[0].as_f64() <= Some(0.0)));
        assert_eq!(scores.len(), ids.len());
        let without = chat(&served, json!({"return_token_ids": false})).await;
        assert_eq!(without["choices"][0].get("output_ids"), None);

        let mut request = CompletionRequest::new("a").with_max_tokens(50).with_logprobs(1);
        (request.return_token_ids, request.return_logprob) = (Some(true), Some(true));
        let whole = served.client.completions(&request).await.expect("an answer").choices.remove(0);
        assert_eq!(whole.output_ids.as_ref(), Some(&ids));
        assert_eq!(whole.logprobs.as_ref().map(|scores| scores.tokens.len()), Some(ids.len()));
        let mut streamed = CompletionChoice { output_ids: Some(Vec::new()), ..CompletionChoice::default() };
        let mut scored = Vec::new();
        let mut pieces = served.client.completions_stream(&request).await.expect("a stream");
        while let Some(piece) = pieces.next().await {
            for choice in piece.expect("a piece").choices {
                streamed.text += &choice.text;
                streamed
                    .output_ids
                    .as_mut()
                    .expect("set above")
                    .extend(choice.output_ids.expect("asked for"));
                scored.extend(choice.output_token_logprobs.expect("asked for"));
            }
        }
        assert_eq!((streamed.text, streamed.output_ids), (whole.text, whole.output_ids));
        assert_eq!(Some(scored), whole.output_token_logprobs);
    });
}

#[test]
fn a_chat_takes_its_prompt_as_ids() {
    run(async {
        let served = Served::start(echo());
        let ids: Vec<u32> = tokenizer().encode("the quick fox").into_iter().map(u32::from).collect();
        let body = json!({"messages": [], "input_ids": ids, "temperature": 0}).to_string();
        let (status, answer) = served.post("/v1/chat/completions", &body).await;
        assert_eq!((status, text(&answer)), (200, "the quick fox"), "{answer}");
        assert_eq!(answer["usage"]["prompt_tokens"], ids.len());
        let found: Vec<u32> = served.server.prompts()[0].iter().map(|id| id.0).collect();
        assert_eq!(found, ids);
        // An empty list is not a prompt.
        chat(&served, json!({"input_ids": []})).await;
    });
}

#[test]
fn fields_for_the_clients_own_records_change_nothing() {
    run(async {
        let served = Served::start(mock("hi"));
        let fields = json!({
            "user": "u", "session_id": "s", "metadata": {"a": "b"}, "spaces_between_special_tokens": false,
            "cache_salt": "tenant", "reasoning_effort": "none", "parallel_tool_calls": true, "best_of": 1,
            "service_tier": "auto", "store": true, "prompt_cache_key": "k", "grammar": "", "top_k": -1,
            "enable_thinking": false, "chat_template_kwargs": {"thinking": true}, "include_reasoning": true,
            "reasoning_format": "deepseek",
        });
        assert_eq!(text(&chat(&served, fields).await), "hi");
        let nulls = json!({
            "n": null, "best_of": null, "logit_bias": null, "bad_words": null, "response_format": null,
            "presence_penalty": null, "min_new_tokens": null, "input_ids": null, "structured_outputs": null,
            "user": null, "metadata": null, "cache_salt": null, "reasoning_effort": null, "stop": null,
        });
        assert_eq!(text(&chat(&served, nulls).await), "hi");
    });
}

#[test]
fn cached_tokens_of_a_tenant_are_its_own() {
    run(async {
        let served = Served::start(mock("hi"));
        let long = "the quick brown fox ".repeat(8);
        let asked = |salt: Option<&str>| {
            let mut request: ChatRequest = ask(&long);
            request.cache_salt = salt.map(str::to_owned);
            request
        };
        let cached = async |salt: Option<&str>| {
            let usage = served.client.chat(&asked(salt)).await.expect("an answer").usage;
            usage.prompt_tokens_details.expect("always there").cached_tokens
        };
        assert_eq!(cached(None).await, 0);
        assert!(cached(None).await > 0, "the second time the prompt is there");
        assert_eq!(cached(Some("a")).await, 0, "another tenant does not see it");
        assert!(cached(Some("a")).await > 0);
        assert_eq!(cached(Some("b")).await, 0);
    });
}
