//! `lmdeploy bench serving`.

use std::path::PathBuf;

use clap::Args;
use internlm_kit::config::{self, ConfigError, Validate};

use crate::bench::serving;
use crate::client::{Client, ClientConfig};
use crate::config::{BenchTable, DeployConfig};

const EXAMPLES: &str = "Examples:
  lmdeploy bench serving --url http://127.0.0.1:23333 --concurrency 16 --requests 200 --input 16..64 --output 128
  lmdeploy bench serving --config recipes/tiny/4-deploy.toml --url http://127.0.0.1:23333 --out summary.json";

/// Options of `lmdeploy bench serving`; what is given here wins over the config file.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ServingArguments {
    /// The server: http://host:port without /v1.
    #[arg(long)]
    url: String,
    /// Bearer token.
    #[arg(long)]
    api_key: Option<String>,
    /// A TOML file whose table bench holds the settings.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Override a key of the config file.
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "config")]
    set: Vec<String>,
    /// Requests in all [default: 32].
    #[arg(long)]
    requests: Option<usize>,
    /// Requests under way at a time [default: 8].
    #[arg(long)]
    concurrency: Option<usize>,
    /// Fewest and most words of a prompt [default: 8..32].
    #[arg(long, value_name = "A..B", value_parser = parse_range)]
    input: Option<[usize; 2]>,
    /// Tokens of each answer [default: 64].
    #[arg(long)]
    output: Option<u32>,
    /// Requests started per second [default: as fast as concurrency allows].
    #[arg(long)]
    rate: Option<f64>,
    /// Write a flat summary here.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Print the whole report as JSON.
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
    fn resolve(&self) -> Result<BenchTable, ConfigError> {
        let mut bench = match &self.config {
            Some(path) => config::load_with::<DeployConfig>(path, &self.set)?.bench,
            None => BenchTable::default(),
        };
        bench.requests = self.requests.unwrap_or(bench.requests);
        bench.concurrency = self.concurrency.unwrap_or(bench.concurrency);
        bench.input_words = self.input.unwrap_or(bench.input_words);
        bench.output_tokens = self.output.unwrap_or(bench.output_tokens);
        bench.rate = self.rate.or(bench.rate);
        let problems = bench.problems();
        let path = PathBuf::from("command line");
        if problems.is_empty() { Ok(bench) } else { Err(ConfigError::Invalid { path, problems }) }
    }
}

/// Measures and reports.
pub(super) fn run(arguments: &ServingArguments) -> anyhow::Result<()> {
    let config = arguments.resolve()?;
    let api_key = arguments.api_key.clone();
    let client = Client::new(ClientConfig { api_key, retries: 0, ..ClientConfig::new(&arguments.url) })?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(serving(&client, &config))?;
    if let Some(path) = &arguments.out {
        let text = format!("{}\n", serde_json::to_string_pretty(&report.summary())?);
        internlm_kit::atomic::write(path, text.as_bytes())
            .map_err(|source| crate::Error::File { path: path.clone(), source })?;
    }
    if arguments.json || arguments.out.is_none() {
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    match report.first_failure {
        Some(failure) if report.ok == 0 => anyhow::bail!("all {} requests failed: {failure}", report.failed),
        Some(failure) => tracing::warn!(failed = report.failed, "some requests failed: {failure}"),
        None => {}
    }
    Ok(())
}
