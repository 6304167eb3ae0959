//! Ids in `/v1/messages`: as the prompt, in whole and streamed messages, with log-probabilities; and stop sequences that
//! are shown.

use serde_json::{Value, json};

use crate::fixture::{MODEL, Served, echo, mock, run, tokenizer};
use crate::responses::events;

fn request(served: &Served, route: &str, body: &Value) -> reqwest::RequestBuilder {
    let request = served.http.post(format!("{}{route}", served.url)).json(body);
    request.header("anthropic-version", "2023-06-01")
}

async fn post(served: &Served, route: &str, body: &Value) -> (u16, Value) {
    let response = request(served, route, body).send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.expect("a JSON answer"))
}

fn ask(fields: &Value) -> Value {
    let mut body = json!({"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    body
}

fn ids(text: &str) -> Vec<u32> {
    tokenizer().encode(text).into_iter().map(u32::from).collect()
}

#[test]
fn generated_ids_come_with_the_message() {
    run(async {
        let reply = "the né 你";
        let served = Served::start(mock(reply));
        let body = ask(&json!({"return_token_ids": true, "return_logprob": true}));
        let (status, whole) = post(&served, "/v1/messages", &body).await;
        assert_eq!((status, &whole["output_ids"]), (200, &json!(ids(reply))), "{whole}");
        let scored = whole["output_token_logprobs"].as_array().expect("asked for");
        assert_eq!(scored.iter().map(|pair| pair[1].clone()).collect::<Value>(), whole["output_ids"]);
        assert!(scored.iter().all(|pair| pair[0].as_f64() <= Some(0.0)));

        let mut streamed = body;
        streamed["stream"] = json!(true);
        let events = events(request(&served, "/v1/messages", &streamed)).await;
        let deltas: Vec<&Value> =
            events.iter().filter(|(name, _)| name == "content_block_delta").map(|(_, data)| data).collect();
        let joined = |key: &str| -> Value {
            deltas.iter().filter_map(|data| data[key].as_array()).flatten().cloned().collect()
        };
        assert_eq!(joined("output_ids"), whole["output_ids"]);
        assert_eq!(joined("output_token_logprobs"), whole["output_token_logprobs"]);

        let (_, plain) = post(&served, "/v1/messages", &ask(&json!({"return_token_ids": false}))).await;
        assert_eq!((plain.get("output_ids"), plain.get("output_token_logprobs")), (None, None));
    });
}

#[test]
fn a_prompt_may_be_ids() {
    run(async {
        let served = Served::start(echo());
        let ids = ids("the quick fox");
        let of_ids = ask(&json!({"messages": [], "input_ids": ids, "temperature": 0}));
        let (status, answer) = post(&served, "/v1/messages", &of_ids).await;
        assert_eq!((status, &answer["content"][0]["text"]), (200, &json!("the quick fox")), "{answer}");
        let found: Vec<u32> = served.server.prompts()[0].iter().map(|id| id.0).collect();
        assert_eq!(found, ids);
        let (_, counted) = post(&served, "/v1/messages/count_tokens", &of_ids).await;
        assert_eq!(counted["input_tokens"], ids.len());
        let mut without = of_ids.clone();
        without.as_object_mut().expect("an object").remove("messages");
        assert_eq!(post(&served, "/v1/messages", &without).await.0, 200, "messages may be absent");
        for (fields, start) in [
            (json!({"input_ids": ids}), "input_ids: found ids together with `messages`"),
            (json!({"messages": [], "input_ids": []}), "input_ids: found none, expected at least one"),
            (json!({"messages": [], "input_ids": ids, "system": "a"}), "system: expected the field to be"),
            (json!({"messages": [], "input_ids": [9999]}), "input_ids: found 9999, expected ids below"),
            (json!({"messages": [], "input_ids": [-1]}), "input_ids[0]: found -1"),
        ] {
            let (status, answer) = post(&served, "/v1/messages", &ask(&fields)).await;
            let message = answer["error"]["message"].as_str().expect("text");
            assert!(status == 400 && message.starts_with(start), "{message}");
        }
    });
}

#[test]
fn a_stop_sequence_is_shown_when_asked_for() {
    run(async {
        let served = Served::start(mock("one two END three"));
        for (include, text) in [(false, "one two "), (true, "one two END")] {
            let fields = json!({"stop_sequences": ["END"], "include_stop_str_in_output": include});
            let (_, answer) = post(&served, "/v1/messages", &ask(&fields)).await;
            assert_eq!(answer["content"][0]["text"], text, "{answer}");
            assert_eq!(
                (&answer["stop_reason"], &answer["stop_sequence"]),
                (&json!("stop_sequence"), &json!("END"))
            );
        }
    });
}
