//! Conversations by number: `session_id` on requests, and `POST /abort_request` that ends all of them.

use std::time::Duration;

use lmdeploy::testing::MockModel;
use serde_json::{Value, json};

use crate::fixture::{Served, mock, run};

/// A model that takes half a second for an answer.
fn slow() -> MockModel {
    mock(&"the ".repeat(100)).with_delay(Duration::from_millis(5))
}

/// Routes and bodies of requests of a conversation.
fn requests(session: &Value) -> [(&'static str, Value); 3] {
    let message = json!([{"role": "user", "content": "hi"}]);
    [
        ("/v1/chat/completions", json!({"messages": message, "session_id": session})),
        ("/v1/completions", json!({"prompt": "hi", "max_tokens": 90, "session_id": session})),
        ("/generate", json!({"prompt": "hi", "max_tokens": 90, "session_id": session})),
    ]
}

async fn abort(served: &Served, body: Value) -> (u16, Value) {
    served.post("/abort_request", &body.to_string()).await
}

/// Ends a conversation as soon as it runs.
async fn abort_when_it_runs(served: &Served, session: i64) {
    for _ in 0..1000 {
        let (status, answer) = abort(served, json!({"session_id": session, "abort_all": false})).await;
        if status == 200 {
            assert_eq!(answer["aborted"], json!(session.to_string()));
            return;
        }
        assert_eq!((status, &answer["param"]), (400, &json!("session_id")), "{answer}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("it never ran");
}

/// The reason why the answer of a route ended.
fn reason(answer: &Value) -> &Value {
    match &answer["choices"][0]["finish_reason"] {
        Value::Null => &answer["meta_info"]["finish_reason"]["type"],
        reason => reason,
    }
}

#[test]
fn the_requests_of_a_session_end_with_what_they_have() {
    run(async {
        let served = Served::start(slow());
        for (route, body) in requests(&json!(7)) {
            let text = body.to_string();
            let (answer, ()) = tokio::join!(served.post(route, &text), abort_when_it_runs(&served, 7));
            assert_eq!((answer.0, reason(&answer.1)), (200, &json!("abort")), "{route}: {}", answer.1);
            served.until_free().await;
            // The number can be used again at once.
            let (answer, ()) = tokio::join!(served.post(route, &text), abort_when_it_runs(&served, 7));
            assert_eq!(reason(&answer.1), "abort", "{route}");
        }
    });
}

#[test]
fn a_streamed_request_of_a_session_ends_in_its_stream() {
    run(async {
        let served = Served::start(slow());
        for (route, mut body) in requests(&json!(3)) {
            body["stream"] = json!(true);
            let request = served.http.post(format!("{}{route}", served.url)).json(&body).send();
            let text = async { request.await.expect("an answer").text().await.expect("a stream") };
            let (text, ()) = tokio::join!(text, abort_when_it_runs(&served, 3));
            assert!(text.contains("\"abort\"") && text.ends_with("data: [DONE]\n\n"), "{route}: {text}");
        }
    });
}

#[test]
fn other_sessions_run_on() {
    run(async {
        let served = Served::start(mock(&"the ".repeat(30)).with_delay(Duration::from_millis(5)));
        let body =
            |session: Value| json!({"prompt": "hi", "max_tokens": 20, "session_id": session}).to_string();
        let (first, second, none) = (body(json!(1)), body(json!(2)), body(json!(-1)));
        let (first, second, none, ()) = tokio::join!(
            served.post("/v1/completions", &first),
            served.post("/v1/completions", &second),
            served.post("/v1/completions", &none),
            abort_when_it_runs(&served, 1),
        );
        assert_eq!(reason(&first.1), "abort");
        for (status, answer) in [second, none] {
            assert_eq!((status, reason(&answer)), (200, &json!("length")), "{answer}");
        }
    });
}

#[test]
fn what_is_not_a_running_session_is_refused() {
    run(async {
        let served = Served::start(mock("hi"));
        for (body, param) in [
            (json!({"session_id": 99_999, "abort_all": false}), "session_id"),
            (json!({"session_id": -5}), "session_id"),
            (json!({"session_id": "x"}), "session_id"),
            (json!({"session_id": 3.25}), "session_id"),
            (json!({"session_id": 1, "request_id": "a"}), "session_id"),
            (json!({"session_id": -1, "abort_all": false}), "request_id"),
            (json!({"session_id": null, "abort_all": false}), "request_id"),
        ] {
            let (status, answer) = abort(&served, body.clone()).await;
            assert_eq!((status, &answer["param"]), (400, &json!(param)), "{body}: {answer}");
        }
        let (status, answer) = abort(&served, json!({"session_id": 1, "abort_all": true})).await;
        assert_eq!((status, &answer["aborted"]), (200, &json!("all")));
    });
}
