//! Routes of other servers by the same client: JSON and numbered events, with retries and without.

use futures_util::StreamExt;
use lmdeploy::Error;
use lmdeploy::client::{Client, ClientConfig};
use serde_json::{Value, json};

use crate::client::scripted;
use crate::fixture::run;

/// A route that this server does not have.
const ROUTE: &str = "/v1/runs/x/events";

#[test]
fn numbered_events_are_read_up_to_the_last_one() {
    run(async {
        let whole = "id: 4\ndata: {\"a\": 1}\n\ndata: {\"b\": 2}\n\nid: 5\ndata: {\"end\": 3}\n\ndata: {\"late\": 4}\n\n";
        let (url, server) = scripted(&[("200 OK", whole), ("200 OK", "id: x\ndata: {\"a\": 1}\n\n")]);
        let client = Client::new(ClientConfig::new(url)).expect("a client");
        let events = client.events::<Value>(ROUTE, Some(3), "end").await.expect("a stream");
        let events: Vec<(Option<u64>, Value)> = events.map(|event| event.expect("an event")).collect().await;
        let expected = [(Some(4), json!({"a": 1})), (None, json!({"b": 2})), (Some(5), json!({"end": 3}))];
        assert_eq!(events, expected);
        let mut cut = client.events::<Value>(ROUTE, None, "end").await.expect("a stream");
        assert_eq!(cut.next().await.expect("an item").expect("an event"), (None, json!({"a": 1})));
        let error = cut.next().await.expect("an item").expect_err("no more").to_string();
        assert!(error.contains("the stream ended without its last event"), "{error}");
        assert!(cut.next().await.is_none());
        let asked = server.join().expect("the server ends");
        assert!(asked[0].starts_with("GET /v1/runs/x/events HTTP/1.1\r\n"), "{}", asked[0]);
        assert!(asked[0].contains("last-event-id: 3\r\n") && !asked[1].contains("last-event-id"));
    });
}

#[test]
fn a_client_without_retries_sends_once() {
    run(async {
        let full = ("503 Service Unavailable\r\nretry-after: 0", "{\"message\": \"full\"}");
        let (url, server) = scripted(&[full, full, ("200 OK", "{\"deleted\": true}")]);
        let client = Client::new(ClientConfig::new(url).with_retries(1)).expect("a client");
        let once = client.without_retries();
        assert_eq!((once.config().retries, client.config().retries), (0, 1));
        let error = once.post::<Value>("/v1/runs", &json!({})).await.expect_err("is full");
        assert!(matches!(error, Error::Status { status: 503, .. }), "{error}");
        let deleted: Value = client.delete("/v1/runs/x").await.expect("the second try works");
        assert_eq!(deleted["deleted"], true);
        assert_eq!(server.join().expect("the server ends").len(), 3);
    });
}
