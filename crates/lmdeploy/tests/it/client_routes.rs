//! The client has a method for every route of the server, and reads what the server answers.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;

use futures_util::StreamExt;
use lmdeploy::Error;
use lmdeploy::client::{Client, ClientConfig, InputItemsQuery};
use lmdeploy::protocol::anthropic::{AnthropicMessage, MessageEvent, MessageStop, MessagesRequest};
use lmdeploy::protocol::responses::{ResponseStatus, ResponsesRequest};
use lmdeploy::protocol::{
    AbortRequest, CompletionRequest, DetokenizeRequest, EmbeddingRequest, GenerateBody, TokenLists,
    TokenizeRequest, UpdateWeightsRequest,
};
use lmdeploy::testing::{MockModel, MockServer};
use serde_json::{Value, json};

use crate::client::scripted;
use crate::fixture::{MODEL, Served, ask, mock, run};

/// Pages for browsers, which no program needs.
const PAGES: [&str; 2] = ["GET /docs", "GET /docs/ID"];
/// Listed only by a server that clients may stop.
const UNLISTED: &str = "GET /terminate";

type Call<'c> = Pin<Box<dyn Future<Output = lmdeploy::Result<()>> + 'c>>;

macro_rules! calls {
    ($($call:expr;)+) => { vec![$(Box::pin(async { $call.await.map(drop) }) as Call<'_>),+] };
}

/// A body of a type that only this crate can write out.
fn body<T: serde::de::DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).expect("a body")
}

/// Method and path of a request, with `ID` in place of names.
fn operation(request: &str) -> String {
    let line = request.lines().next().expect("a request line");
    let path = line.strip_suffix(" HTTP/1.1").expect("a version");
    path.split('?').next().unwrap_or_default().to_owned()
}

/// Method and path of every operation in the server's own description.
async fn documented() -> BTreeSet<String> {
    let server = MockServer::start("a");
    let client = Client::new(ClientConfig::new(server.url())).expect("a client");
    let document = client.openapi().await.expect("a description");
    let paths = document["paths"].as_object().expect("paths");
    let name = |segment: &str| if segment.starts_with('{') { "ID".to_owned() } else { segment.to_owned() };
    let operations = paths.iter().flat_map(|(path, methods)| {
        let path = path.split('/').map(name).collect::<Vec<_>>().join("/");
        let methods = methods.as_object().expect("methods").keys().map(|method| method.to_uppercase());
        methods.map(move |method| format!("{method} {path}")).collect::<Vec<_>>()
    });
    operations.collect()
}

#[test]
fn every_operation_of_the_server_has_a_method() {
    run(async {
        let (chat, completion) = (ask("a"), CompletionRequest::new("a"));
        let (response, message) = (ResponsesRequest::new("a"), MessagesRequest::new(1, []));
        let (generate, embed) = (GenerateBody::default(), EmbeddingRequest::new("a"));
        let (query, weights) = (InputItemsQuery::default().with_limit(1), UpdateWeightsRequest::new("a"));
        let (score, encode) = (body(json!({"input": "a"})), body(json!({"input": "a"})));
        let (tokens, ids) = (TokenizeRequest::default(), DetokenizeRequest::default());
        let abort = AbortRequest::default();
        let refused = [("400 Bad Request", "{\"message\": \"no\"}"); 37];
        let (url, server) = scripted(&refused);
        let client = Client::new(ClientConfig::new(&url)).expect("a client");
        let calls = calls![
            client.chat(&chat);
            client.chat_stream(&chat);
            client.count_chat_tokens(&chat);
            client.apply_template(&chat);
            client.completions(&completion);
            client.completions_stream(&completion);
            client.responses(&response);
            client.responses_stream(&response);
            client.response("ID");
            client.delete_response("ID");
            client.response_input_items("ID", &query);
            client.cancel_response("ID");
            client.count_response_tokens(&response);
            client.messages(&message);
            client.messages_stream(&message);
            client.count_tokens(&message);
            client.anthropic_models();
            client.models();
            client.model("ID");
            client.generate(&generate);
            client.generate_stream(&generate);
            client.perplexity(&score);
            client.encode(&encode);
            client.tokenize(&tokens);
            client.detokenize(&ids);
            client.embeddings(&embed);
            client.pooling(&embed);
            client.abort(&abort);
            client.terminate();
            client.is_sleeping();
            client.sleep(1);
            client.wake(&["weights", "kv_cache"]);
            client.update_weights(&weights);
            client.version();
            client.load();
            client.health();
            client.metrics();
        ];
        assert_eq!(calls.len(), refused.len());
        for call in calls {
            let error = call.await.expect_err("the server refuses everything");
            assert!(matches!(error, Error::Status { status: 400, .. }), "{error}");
        }
        let asked = server.join().expect("the server ends");
        let mut called: BTreeSet<String> = asked.iter().map(|request| operation(request)).collect();
        called.insert("GET /openapi.json".to_owned());
        let mut listed = documented().await;
        listed.retain(|operation| !PAGES.contains(&operation.as_str()));
        listed.insert(UNLISTED.to_owned());
        assert_eq!(called, listed);
    });
}

#[test]
fn names_and_queries_reach_the_server_as_they_are() {
    run(async {
        let refused = [("400 Bad Request", ""); 4];
        let (url, server) = scripted(&refused);
        let client = Client::new(ClientConfig::new(&url)).expect("a client");
        client.model("internlm/chat 1").await.expect_err("refused");
        client.wake(&["weights", "kv_cache"]).await.expect_err("refused");
        client.sleep(2).await.expect_err("refused");
        let query = InputItemsQuery::default().with_order("asc").with_after("a&b");
        client.response_input_items("resp_1", &query).await.expect_err("refused");
        let asked = server.join().expect("the server ends");
        let lines: Vec<&str> = asked.iter().filter_map(|request| request.split(" HTTP").next()).collect();
        assert_eq!(
            lines,
            [
                "GET /v1/models/internlm%2Fchat%201",
                "POST /wakeup?tags=weights&tags=kv_cache",
                "POST /sleep?level=2",
                "GET /v1/responses/resp_1/input_items?order=asc&after=a%26b",
            ]
        );
        let error = client.model("..").await.expect_err("not a name");
        assert!(matches!(error, Error::Setting { .. }), "nothing is sent: {error}");
    });
}

#[test]
fn responses_and_messages_are_read_whole_and_event_by_event() {
    run(async {
        let Served { client, .. } = &Served::start(mock("the quick brown fox"));
        let request = ResponsesRequest::new("hi").with_model(MODEL);
        let whole = client.responses(&request).await.expect("a response");
        assert_eq!((whole.text().as_str(), whole.status), ("the quick brown fox", ResponseStatus::Completed));
        let events: Vec<_> = client.responses_stream(&request).await.expect("a stream").collect().await;
        let events: Vec<_> = events.into_iter().map(|event| event.expect("an event")).collect();
        let text: String = events.iter().filter_map(|event| event.output_text()).collect();
        assert_eq!(text, whole.text());
        let (first, last) = (&events[0], &events[events.len() - 1]);
        assert_eq!((first.kind.as_str(), last.kind.as_str()), ("response.created", "response.completed"));
        assert_eq!(last.response.as_ref().map(|response| response.text()), Some(text));
        let stored = client.response(&whole.id).await.expect("it is stored");
        assert_eq!(stored, whole);
        assert!(client.delete_response(&whole.id).await.expect("it is deleted").deleted);

        let request = MessagesRequest::new(9, [AnthropicMessage::user("hi")]).with_model(MODEL);
        let whole = client.messages(&request).await.expect("a message");
        assert_eq!(
            (whole.text().as_str(), whole.stop_reason),
            ("the quick brown fox", Some(MessageStop::EndTurn))
        );
        let count = client.count_tokens(&request).await.expect("a number");
        let usage = whole.usage;
        assert_eq!(count.input_tokens, usage.input_tokens + usage.cache_read_input_tokens);
        let events: Vec<_> = client.messages_stream(&request).await.expect("a stream").collect().await;
        let last = events.last().expect("events").as_ref().expect("an event");
        assert_eq!(*last, MessageEvent::MessageStop);
        assert!(matches!(events[0], Ok(MessageEvent::MessageStart { .. })));
    });
}

#[test]
fn prompts_and_tokens_go_there_and_back() {
    run(async {
        let Served { client, .. } = &Served::start(mock("the fox"));
        let request: GenerateBody = body(json!({"prompt": "hi", "max_tokens": 9}));
        let whole = client.generate(&request).await.expect("an answer");
        let pieces: Vec<_> = client.generate_stream(&request).await.expect("a stream").collect().await;
        let text: String =
            pieces.iter().map(|piece| piece.as_ref().expect("a piece").text.as_str()).collect();
        assert_eq!((whole.text.as_str(), text.as_str()), ("the fox", "the fox"));
        let encoded = client.encode(&body(json!({"input": "the fox"}))).await.expect("ids");
        let TokenLists::One(ids) = encoded.input_ids else { panic!("one text has one list") };
        let tokens: TokenizeRequest = body(json!({"prompt": "the fox"}));
        assert_eq!(client.tokenize(&tokens).await.expect("ids").tokens.ids(), ids);
        let back = client.detokenize(&body(json!({"tokens": ids}))).await.expect("a text");
        assert!(back.prompt.ends_with("the fox"), "{back:?}");
        assert!(client.perplexity(&body(json!({"input": "the fox"}))).await.expect("a number").ppl >= 0.0);
        let embedded = client.embeddings(&EmbeddingRequest::new("the fox")).await.expect("a vector");
        assert_eq!((embedded.data.len(), embedded.usage.prompt_tokens), (1, ids.len() as u64));
        assert_eq!(client.pooling(&EmbeddingRequest::new("the fox")).await.expect("a vector").data.len(), 1);
    });
}

#[test]
fn an_operator_sees_and_changes_the_state_of_a_server() {
    run(async {
        let server = MockServer::start(MockModel::from("a").with_sleep());
        let client = Client::new(ClientConfig::new(server.url()).with_retries(0)).expect("a client");
        assert_eq!(client.health().await.expect("a state").status, "healthy");
        let model = client.model(server.model_name()).await.expect("the model");
        assert_eq!(model.id, client.models().await.expect("models").data[0].id);
        assert_eq!(client.anthropic_models().await.expect("models").data[0].id, model.id);
        assert!(!client.version().await.expect("a version").version.is_empty());
        assert!(client.metrics().await.expect("numbers").contains("lmdeploy:num_requests_running"));
        assert!(client.sleep(1).await.expect("it sleeps").is_sleeping);
        assert!(client.is_sleeping().await.expect("a state").is_sleeping);
        let asleep = client.chat(&ask("hi").with_model("")).await.expect_err("it sleeps");
        assert!(matches!(asleep, Error::Status { status: 503, retry_after: Some(_), .. }), "{asleep}");
        assert!(client.wake(&["weights"]).await.expect("half awake").is_sleeping);
        assert!(!client.wake(&[]).await.expect("awake").is_sleeping);
        assert_eq!(client.chat(&ask("hi").with_model("")).await.expect("an answer").text(), "a");
        let unknown: AbortRequest = body(json!({"request_id": "nobody"}));
        let error = client.abort(&unknown).await.expect_err("no such request");
        let Error::Status { detail, .. } = &error else { panic!("{error}") };
        assert_eq!(detail.param.as_deref(), Some("request_id"));
        client.abort(&body(json!({"abort_all": true}))).await.expect("nothing runs");
        let error = client.terminate().await.expect_err("clients may not");
        assert!(matches!(error, Error::Status { status: 400, .. }), "{error}");
    });
}
