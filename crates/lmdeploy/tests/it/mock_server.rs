//! The mock server as other crates use it: scripts, recorded prompts, faults, and its end.

use std::net::TcpStream;
use std::time::Duration;

use lmdeploy::Error;
use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::protocol::{ChatMessage, ChatRequest, ToolDefinition};
use lmdeploy::testing::{MockFault, MockModel, MockReply, MockServer, tokenizer};

use crate::fixture::run;

fn ask(text: &str) -> ChatRequest {
    ChatRequest::new([ChatMessage::user(text)])
}

fn client(server: &MockServer) -> Client {
    Client::new(ClientConfig::new(server.url()).with_retries(0)).expect("a client")
}

async fn text(client: &Client, request: &ChatRequest) -> String {
    client.chat(request).await.expect("an answer").text()
}

#[test]
fn each_request_gets_its_script_and_the_last_one_repeats() {
    run(async {
        let server = MockServer::start(["one", "two 🙂", ""]);
        let client = client(&server);
        for expected in ["one", "two 🙂", "", ""] {
            assert_eq!(text(&client, &ask("hi")).await, expected);
        }
        assert_eq!(server.prompts().len(), 4);
        let ids = vec![vec![internlm_model::TokenId(50)], tokenizer().encode("by ids")];
        let server = MockServer::start(MockModel::from_ids(MockReply::scripts(ids)));
        let client = self::client(&server);
        assert_eq!(text(&client, &ask("hi")).await.len(), 1);
        assert_eq!(text(&client, &ask("hi")).await, "by ids");
    });
}

#[test]
fn the_recorded_prompt_is_the_whole_conversation_with_its_tools() {
    run(async {
        let call =
            "<|action_start|><|plugin|>\n{\"name\": \"add\", \"parameters\": {\"a\": 1}}<|action_end|>";
        let server = MockServer::start([call, "3"]);
        let client = client(&server);
        let tools = [ToolDefinition::function("add", "Adds.", serde_json::json!({"type": "object"}))];
        let mut request = ask("1+2?").with_tools(tools);
        let answer = client.chat(&request).await.expect("an answer").choices.remove(0).message;
        let id = answer.calls()[0].id.clone();
        request.messages.extend([answer, ChatMessage::tool(id, "3")]);
        assert_eq!(text(&client, &request).await, "3");
        let asked = "<s><|im_start|>system name=<|plugin|>\n\
            [{\"name\": \"add\", \"description\": \"Adds.\", \"parameters\": {\"type\": \"object\"}}]<|im_end|>\n\
            <|im_start|>user\n1+2?<|im_end|>\n<|im_start|>assistant\n";
        let told = format!(
            "{asked}{call}<|im_end|>\n<|im_start|>environment name=<|plugin|>\n3<|im_end|>\n<|im_start|>assistant\n"
        );
        assert_eq!(server.prompt_texts(), [asked.to_owned(), told]);
        let start = server.tokenizer().special("<|im_start|>").expect("InternLM2's");
        assert!(server.prompts().iter().all(|prompt| prompt[1] == start), "marks are special ids");
    });
}

#[test]
fn replies_may_depend_on_the_prompt_even_when_requests_overlap() {
    run(async {
        let number = |prompt: &str| prompt.chars().filter(char::is_ascii_digit).collect::<String>();
        let model = MockModel::from_fn(number).with_name("digits").with_delay(Duration::from_millis(1));
        let server = MockServer::start(model);
        assert_eq!(server.model_name(), "digits");
        let client = client(&server);
        let requests: Vec<ChatRequest> = (0..12).map(|index| ask(&format!("number {index}"))).collect();
        let answers = requests.iter().map(|request| text(&client, request));
        let answers = futures_util::future::join_all(answers).await;
        assert_eq!(answers, (0..12).map(|index| index.to_string()).collect::<Vec<_>>());
    });
}

#[test]
fn prompts_of_many_thousand_tokens_fit_and_sampling_keeps_to_the_script() {
    run(async {
        let server = MockServer::start("the quick brown fox jumps over the lazy dog");
        let long = "wörd ".repeat(4000);
        let hot = ask(&long).with_temperature(2.0).with_seed(3);
        assert_eq!(text(&client(&server), &hot).await, "the quick brown fox jumps over the lazy dog");
        assert!(server.prompts()[0].len() > 20_000);
    });
}

#[test]
fn a_scripted_fault_fails_one_request() {
    run(async {
        let server = MockServer::start(MockModel::from("fine").with_fault(0, MockFault::Error));
        let client = client(&server);
        let error = client.chat(&ask("hi")).await.expect_err("the first step fails");
        assert!(matches!(error, Error::Status { status: 500, .. }), "{error}");
        assert_eq!(text(&client, &ask("hi")).await, "fine");
    });
}

#[test]
fn dropping_it_ends_running_requests_and_closes_the_port() {
    run(async {
        let endless = "the ".repeat(10_000);
        let model = MockModel::from(endless.as_str()).with_delay(Duration::from_millis(1));
        let server = MockServer::start(model);
        let address = server.url().trim_start_matches("http://").to_owned();
        let mut stream = client(&server).chat_stream(&ask("hi")).await.expect("a stream");
        assert!(futures_util::StreamExt::next(&mut stream).await.is_some_and(|chunk| chunk.is_ok()));
        drop(server);
        assert!(TcpStream::connect(&address).is_err(), "nobody listens any more");
        let mut ended = false;
        while let Some(chunk) = futures_util::StreamExt::next(&mut stream).await {
            ended |= chunk.is_err();
        }
        assert!(ended, "the stream broke off");
    });
}
