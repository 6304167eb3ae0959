//! A served mock with settings of its own.

use lmdeploy::Pipeline;
use lmdeploy::client::{Client, ClientConfig};
use lmdeploy::config::ServerConfig;
use lmdeploy::serve::{App, Server};
use lmdeploy::testing::MockModel;
use serde_json::Value;
use tokio::task::JoinHandle;

/// A server that is stopped when this is dropped.
pub(crate) struct Configured {
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
    pub(crate) app: App,
    pub(crate) serving: JoinHandle<lmdeploy::Result<()>>,
    _pipeline: Pipeline,
}

impl Configured {
    /// Serves `model` on a free port with these settings.
    pub(crate) async fn start(model: MockModel, config: ServerConfig) -> Self {
        let pipeline = model.pipeline();
        let app = App::new(pipeline.responder().clone()).with_config(&config);
        let server = Server::bind(&config.with_host("127.0.0.1").with_port(0)).await.expect("a free port");
        let url = server.url();
        // The client of the crate sets up the process's TLS, which the other one needs.
        Client::new(ClientConfig::new("http://localhost")).expect("a client");
        let http = reqwest::Client::builder().tls_certs_only(std::iter::empty()).build().expect("a client");
        let serving = tokio::spawn(server.run(app.clone(), std::future::pending()));
        Self { url, http, app, serving, _pipeline: pipeline }
    }

    /// Status and text of a route.
    pub(crate) async fn get(&self, route: &str) -> (u16, String) {
        let answer = self.http.get(format!("{}{route}", self.url)).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    /// Status and body of the answer to a body.
    pub(crate) async fn post(&self, route: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{route}", self.url)).json(body);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
