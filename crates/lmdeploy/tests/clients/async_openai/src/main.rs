//! The client `async-openai` against `lmdeploy serve api_server`: every answer and every event is read as one of its
//! strict types.
//!
//! Prints one line per check, `ok NAME` or `FAIL NAME: why`; ends with status 1 when a check failed. Guided decoding makes
//! the checks of required tools and formats hold for any model that it serves.

mod chat;
mod responses;
mod vectors;

use std::error::Error;
use std::fmt::Display;
use std::future::Future;
use std::process::ExitCode;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What a check gives.
type Checked = Result<(), Box<dyn Error>>;

/// The client, and the name of the served model.
struct Server {
    client: Client<OpenAIConfig>,
    model: String,
}

/// The results so far.
#[derive(Default)]
struct Report {
    failed: usize,
}

impl Report {
    /// Runs a check and prints its result.
    async fn check(&mut self, name: &str, check: impl Future<Output = Checked>) {
        match check.await {
            Ok(()) => println!("ok {name}"),
            Err(error) => {
                self.failed += 1;
                println!("FAIL {name}: {error}");
            }
        }
    }
}

/// A request out of its JSON, read as the client's type, which knows the fields that there are.
fn request<T: DeserializeOwned>(json: Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(json)
}

/// Fails with what was found when a condition does not hold.
fn holds(condition: bool, found: impl Display) -> Checked {
    if condition { Ok(()) } else { Err(format!("found {found}").into()) }
}

/// Fails unless a call was refused with these words.
fn refused<T>(result: Result<T, impl Display>, words: &str) -> Checked {
    match result {
        Ok(_) => Err("the server took it".into()),
        Err(error) => holds(error.to_string().contains(words), error),
    }
}

/// The first model of the list, which is the served one.
async fn connect(url: &str) -> Result<Server, Box<dyn Error>> {
    let config = OpenAIConfig::new().with_api_base(format!("{url}/v1")).with_api_key("none");
    let client = Client::with_config(config);
    let models = client.models().list().await?.data;
    let model = models.first().ok_or("the server has no model")?.id.clone();
    Ok(Server { client, model })
}

async fn check_models(server: &Server) -> Checked {
    let model = server.client.models().retrieve(&server.model).await?;
    holds(model.object == "model" && model.id == server.model, &model.id)?;
    refused(server.client.models().retrieve("gpt-9").await, "does not exist")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:23333".to_owned());
    let server = match connect(&url).await {
        Ok(server) => server,
        Err(error) => {
            println!("FAIL models.list: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("ok models.list");
    let mut report = Report::default();
    report.check("models.retrieve", check_models(&server)).await;
    chat::check(&server, &mut report).await;
    vectors::check(&server, &mut report).await;
    responses::check(&server, &mut report).await;
    if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
