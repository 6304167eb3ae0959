//! `lmdeploy bench serving`.

use std::path::PathBuf;

use clap::Args;
use internlm_kit::config::ConfigError;
use internlm_kit::terminal::Bars;
use internlm_kit::{file, outln};
use tokio::sync::oneshot;

use super::file_limit;
use super::options::{BackendOptions, checked, give};
use crate::Pipeline;
use crate::bench::{ServingReport, serving};
use crate::client::{Client, ClientConfig};
use crate::config::{DeployConfig, ServerConfig};
use crate::serve::{App, Server};

/// Number of threads for client and server together; the executor has its own threads.
const HTTP_THREADS: usize = 2;

const EXAMPLES: &str = "Examples:
  lmdeploy bench serving --url http://127.0.0.1:23333 --concurrency 16 --requests 200 --input 16..64 --max-tokens 128
  lmdeploy bench serving --config recipes/tiny/4-deploy.toml --url http://127.0.0.1:23333 --out summary.json
  lmdeploy bench serving model.gguf --threads 2 --json";

/// Options of `lmdeploy bench serving`; what is given here wins over the config file.
#[derive(Args, Debug)]
#[command(override_usage = "lmdeploy bench serving <MODEL | --url URL | --config FILE> [OPTIONS]", after_help = EXAMPLES)]
pub(super) struct ServingArguments {
    /// Model to serve in this process and to measure through HTTP: a Hugging Face folder or a GGUF file
    #[arg(required_unless_present_any = ["url", "config"], conflicts_with = "url")]
    model: Option<PathBuf>,
    /// Measure the server at this address, such as http://host:port or http://host:port/v1
    #[arg(long, conflicts_with_all = ["device", "backend", "quant_policy", "dtype", "threads"])]
    url: Option<String>,
    /// Send this bearer token to the server
    #[arg(long, value_name = "KEY", requires = "url", conflicts_with = "model")]
    api_key: Option<String>,
    /// Read settings from this TOML file: the table bench, and without --url also model, engine and queue
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Override one key of the config file, such as bench.requests=200; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "config")]
    set: Vec<String>,
    #[command(flatten)]
    backend: BackendOptions,
    /// Draw the weights instead of reading them: the model needs only config.json and a tokenizer; backend burn
    #[arg(long, conflicts_with = "url")]
    random_weights: bool,
    /// Send this many requests [default: 32]
    #[arg(long, value_name = "N")]
    requests: Option<usize>,
    /// Run at most this many requests at the same time [default: 8]
    #[arg(long, value_name = "N")]
    concurrency: Option<usize>,
    /// Make prompts of A to B words [default: 8..32]
    #[arg(long, value_name = "A..B", value_parser = parse_range)]
    input: Option<[usize; 2]>,
    /// Generate exactly this many tokens per request [default: 64]
    #[arg(long, value_name = "N", alias = "output")]
    max_tokens: Option<u32>,
    /// Start this many requests per second [default: as fast as --concurrency allows]
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// Draw the words of the prompts with this seed [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Write a flat summary to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the whole report as JSON, which is the default without --out
    #[arg(long)]
    json: bool,
}

fn parse_range(text: &str) -> Result<[usize; 2], String> {
    let fail = || format!("found `{text}`, expected A..B or one number");
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) => Ok([first, last]),
        _ => Err(fail()),
    }
}

impl ServingArguments {
    fn resolve(&self) -> Result<DeployConfig, ConfigError> {
        let file = self.config.as_deref();
        let mut config = self.backend.read(file, &self.set, self.model.as_ref())?;
        let bench = &mut config.bench;
        give(&mut bench.requests, self.requests.as_ref());
        give(&mut bench.concurrency, self.concurrency.as_ref());
        give(&mut bench.input_words, self.input.as_ref());
        give(&mut bench.output_tokens, self.max_tokens.as_ref());
        give(&mut bench.rate, self.rate.map(Some).as_ref());
        give(&mut bench.seed, self.seed.as_ref());
        checked(config, file)
    }
}

/// Measures and reports.
pub(super) fn run(arguments: &ServingArguments) -> anyhow::Result<()> {
    let config = arguments.resolve()?;
    file_limit::raise();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(HTTP_THREADS).enable_all().build()?;
    let report = match &arguments.url {
        Some(url) => {
            let mut client = ClientConfig::new(url).with_retries(0);
            client.api_key = arguments.api_key.clone();
            runtime.block_on(serving(&Client::new(client)?, &config.bench, &Bars))?
        }
        None => {
            let load = if arguments.random_weights { Pipeline::random } else { Pipeline::load };
            let pipeline = load(&config)?;
            runtime.block_on(serve_and_measure(&pipeline, &config))?
        }
    };
    if let Some(path) = &arguments.out {
        let text = format!("{}\n", serde_json::to_string_pretty(&report.summary())?);
        file::write(path, text.as_bytes())?;
    }
    if arguments.json || arguments.out.is_none() {
        outln!("{}", serde_json::to_string_pretty(&report)?)?;
    }
    match report.first_failure {
        Some(failure) if report.ok == 0 => anyhow::bail!("all {} requests failed: {failure}", report.failed),
        Some(failure) => tracing::warn!(failed = report.failed, "some requests failed: {failure}"),
        None => {}
    }
    Ok(())
}

/// Serves `pipeline` on a free port for as long as the measurement takes.
async fn serve_and_measure(pipeline: &Pipeline, config: &DeployConfig) -> crate::Result<ServingReport> {
    let address = ServerConfig::default().with_host("127.0.0.1").with_port(0).with_drain_timeout(0.0);
    let server = Server::bind(&address).await?;
    let client = Client::new(ClientConfig::new(server.url()).with_retries(0))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async {
        // An error means that the sender was dropped, which is the same request to stop.
        let _ = stopped.await;
    };
    let serving_task = tokio::spawn(server.run(App::new(pipeline.responder().clone()), stopped));
    let report = serving(&client, &config.bench, &Bars).await;
    drop(stop);
    serving_task.await.expect("serving does not panic")?;
    report
}
