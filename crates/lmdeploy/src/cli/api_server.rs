//! `lmdeploy serve api_server`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use internlm_kit::config::ConfigError;
use internlm_kit::file;
use internlm_kit::stop::Stop;

use super::options::{BackendOptions, checked, give};
use crate::Pipeline;
use crate::config::DeployConfig;
use crate::engine::CacheSize;
use crate::serve::{App, Server};

/// Number of threads for HTTP; the executor has its own threads.
const HTTP_THREADS: usize = 2;
/// How often the server looks whether it should stop.
const STOP_POLL: Duration = Duration::from_millis(50);

const EXAMPLES: &str = "Examples:
  lmdeploy serve api_server runs/tiny/finetune/hf --model-name tiny
  lmdeploy serve api_server model.gguf --server-name 127.0.0.1 --server-port 0 --ready-file ready.json
  lmdeploy serve api_server --config recipes/tiny/4-deploy.toml --set engine.max-batch-size=64";

/// Options of `lmdeploy serve api_server`; what is given here wins over the config file.
#[derive(Args, Debug)]
#[command(override_usage = "lmdeploy serve api_server <MODEL | --config FILE> [OPTIONS]", after_help = EXAMPLES)]
pub(super) struct ApiServerArguments {
    /// Model to serve: a Hugging Face folder or a GGUF file
    #[arg(required_unless_present = "config")]
    model: Option<PathBuf>,
    /// Read settings from this TOML file, with the tables model, engine, queue, server and sampling
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Override one key of the config file, such as engine.max-batch-size=64; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "config")]
    set: Vec<String>,
    /// Serve the model under this name [default: the name of its folder or file]
    #[arg(long, value_name = "NAME")]
    model_name: Option<String>,
    #[command(flatten)]
    backend: BackendOptions,
    /// Listen on this host name or address [default: 0.0.0.0]
    #[arg(long, value_name = "HOST")]
    server_name: Option<String>,
    /// Listen on this port; 0 takes a free one [default: 23333]
    #[arg(long, value_name = "PORT")]
    server_port: Option<u16>,
    /// Let pages of these origins, such as `https://chat.example`, call the server from a browser; * means all [default: *]
    #[arg(long, value_name = "ORIGIN", num_args = 1.., value_delimiter = ',')]
    allow_origins: Option<Vec<String>>,
    /// Let those pages send credentials such as cookies
    #[arg(long)]
    allow_credentials: bool,
    /// Let those pages use these methods; * means all [default: *]
    #[arg(long, value_name = "METHOD", num_args = 1.., value_delimiter = ',')]
    allow_methods: Option<Vec<String>>,
    /// Let those pages send these headers; * means all [default: *]
    #[arg(long, value_name = "HEADER", num_args = 1.., value_delimiter = ',')]
    allow_headers: Option<Vec<String>>,
    /// Write {"url": ...} to this file once requests are taken
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Shut down when standard input ends, so that the server does not outlive the program that started it
    #[arg(long)]
    until_stdin_closes: bool,
    /// Limit prompt and answer together to this many tokens [default: the model's limit]
    #[arg(long, value_name = "TOKENS")]
    session_len: Option<usize>,
    /// Maximum number of sequences in one step [default: 32]
    #[arg(long, value_name = "N")]
    max_batch_size: Option<usize>,
    /// Maximum number of tokens in one step; longer prompts are cut into chunks [default: 512]
    #[arg(long, value_name = "TOKENS")]
    max_prefill_token_num: Option<usize>,
    /// KV cache size: auto, a share of the free memory, a number of blocks, or bytes like 512MiB [default: auto]
    #[arg(long, value_name = "SIZE")]
    cache_max_entry_count: Option<CacheSize>,
    /// Number of tokens per block of the KV cache [default: 16]
    #[arg(long, value_name = "TOKENS")]
    cache_block_seq_len: Option<usize>,
    /// Maximum number of queued requests; further requests get 429 [default: 4 x max-batch-size]
    #[arg(long, value_name = "N")]
    max_queue: Option<usize>,
    /// Base seed for requests that do not set one [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Give running requests this many seconds to finish at shutdown [default: 30]
    #[arg(long, value_name = "SECONDS")]
    drain_timeout: Option<f64>,
}

impl ApiServerArguments {
    fn resolve(&self) -> Result<DeployConfig, ConfigError> {
        let file = self.config.as_deref();
        let mut config = self.backend.read(file, &self.set, self.model.as_ref())?;
        give(&mut config.model.name, self.model_name.clone().map(Some).as_ref());
        give(&mut config.server.host, self.server_name.as_ref());
        give(&mut config.server.port, self.server_port.as_ref());
        give(&mut config.server.drain_timeout, self.drain_timeout.as_ref());
        give(&mut config.server.allow_origins, self.allow_origins.as_ref());
        config.server.allow_credentials |= self.allow_credentials;
        give(&mut config.server.allow_methods, self.allow_methods.as_ref());
        give(&mut config.server.allow_headers, self.allow_headers.as_ref());
        give(&mut config.engine.session_len, self.session_len.map(Some).as_ref());
        give(&mut config.engine.max_batch_size, self.max_batch_size.as_ref());
        give(&mut config.engine.max_prefill_token_num, self.max_prefill_token_num.as_ref());
        give(&mut config.engine.cache_max_entry_count, self.cache_max_entry_count.as_ref());
        give(&mut config.engine.cache_block_seq_len, self.cache_block_seq_len.as_ref());
        give(&mut config.queue.max_queue, self.max_queue.map(Some).as_ref());
        give(&mut config.queue.seed, self.seed.as_ref());
        checked(config, file)
    }
}

/// Serves until SIGTERM or SIGINT; a second one ends the process at once.
pub(super) fn run(arguments: &ApiServerArguments) -> anyhow::Result<()> {
    let config = arguments.resolve()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(HTTP_THREADS).enable_all().build()?;
    // Before the model is loaded, so that a port in use is an error at once.
    let server = runtime.block_on(Server::bind(&config.server))?;
    let pipeline = Pipeline::load(&config)?;
    let app = App::new(pipeline.responder().clone());
    let url = server.url();
    tracing::info!(model = app.model_name(), "listening on {url}");
    if let Some(path) = &arguments.ready_file {
        let text = format!("{}\n", serde_json::json!({ "url": url }));
        file::write(path, text.as_bytes())?;
    }
    let stop = Stop::on_signals()?;
    if arguments.until_stdin_closes {
        stop_when_stdin_closes(stop.clone());
    }
    runtime.block_on(server.run(app, requested(stop)))?;
    // Handlers that still run after the drain timeout end with their generations.
    pipeline.shutdown(Duration::ZERO);
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}

/// Waits until somebody requests the stop.
async fn requested(stop: Stop) {
    while !stop.is_requested() {
        tokio::time::sleep(STOP_POLL).await;
    }
    tracing::info!("shutting down: running requests may finish, new ones are refused");
}

/// Requests the stop when standard input ends. The thread that reads it ends with the process.
fn stop_when_stdin_closes(stop: Stop) {
    std::thread::spawn(move || {
        // An input that cannot be read has ended as well.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        stop.request();
    });
}
