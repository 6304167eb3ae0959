//! One model under several names.

use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::config::ServerConfig;
use lmdeploy::respond::Responder;
use lmdeploy::serve::{App, Server};

use crate::fixture::{MODEL, ask, mock, run};

#[test]
fn each_name_of_a_model_is_taken_and_listed() {
    run(async {
        let pipeline = mock("hi").pipeline();
        let mut model = pipeline.responder().model().clone();
        model.aliases = vec!["other".to_owned(), "org/third".to_owned()];
        let app = App::new(Responder::new(model, pipeline.responder().engine().clone()));
        let config = ServerConfig::default().with_host("127.0.0.1").with_port(0);
        let server = Server::bind(&config).await.expect("a free port");
        let client = Client::new(ClientConfig::new(server.url()).with_retries(0)).expect("a client");
        let serving = tokio::spawn(server.run(app, std::future::pending()));
        let listed = client.models().await.expect("models").data;
        let names: Vec<&str> = listed.iter().map(|card| card.id.as_str()).collect();
        assert_eq!(names, [MODEL, "other", "org/third"]);
        for card in &listed {
            assert_eq!(card.root.as_deref(), Some(MODEL), "{}", card.id);
            assert_eq!(client.model(&card.id).await.expect("the model"), *card);
            let answer = client.chat(&ask("hi").with_model(&card.id)).await.expect("an answer");
            assert_eq!(answer.model, MODEL, "answers have the first name");
        }
        client.model("fourth").await.expect_err("not a name of it");
        client.chat(&ask("hi").with_model("fourth")).await.expect_err("not a name of it");
        serving.abort();
    });
}
