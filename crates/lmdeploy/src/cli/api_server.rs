//! `lmdeploy serve api_server`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use internlm_kit::config::{self, ConfigError, Validate};

use crate::Pipeline;
use crate::cache::CacheSize;
use crate::config::DeployConfig;
use crate::engine::QuantPolicy;
use crate::serve::{App, ServeConfig, Server};

/// Threads of the HTTP side; computing has its own.
const HTTP_THREADS: usize = 2;
/// Exit code of a second interrupt.
const INTERRUPTED: i32 = 130;

const EXAMPLES: &str = "Examples:
  lmdeploy serve api_server runs/tiny/finetune/hf --model-name tiny
  lmdeploy serve api_server model.gguf --server-name 127.0.0.1 --server-port 0 --ready-file ready.json
  lmdeploy serve api_server --config recipes/tiny/4-deploy.toml --set engine.max-batch-size=64";

/// Options of `lmdeploy serve api_server`; what is given here wins over the config file.
#[derive(Args, Debug)]
#[command(override_usage = "lmdeploy serve api_server <MODEL | --config FILE> [OPTIONS]", after_help = EXAMPLES)]
pub(super) struct ApiServerArguments {
    /// A Hugging Face folder or a GGUF file.
    #[arg(required_unless_present = "config")]
    model: Option<PathBuf>,
    /// A TOML file with tables model, engine, queue, server, sampling.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Override a key of the config file.
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "config")]
    set: Vec<String>,
    /// The name requests use [default: the model's path].
    #[arg(long)]
    model_name: Option<String>,
    /// Which executor runs the model; pytorch is another name of burn [default: turbomind on cpu, else burn].
    #[arg(long, value_parser = super::BACKENDS)]
    backend: Option<String>,
    /// cpu, cuda:N or vulkan:N [default: cpu].
    #[arg(long)]
    device: Option<String>,
    /// Host name or address to listen on [default: 0.0.0.0].
    #[arg(long)]
    server_name: Option<String>,
    /// Port; 0 takes a free one [default: 23333].
    #[arg(long)]
    server_port: Option<u16>,
    /// Write {"url": ..} here once requests are taken.
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    /// Shut down once standard input ends: a server that must not outlive the program that started it.
    #[arg(long)]
    until_stdin_closes: bool,
    /// Longest sequence in tokens [default: the model's].
    #[arg(long)]
    session_len: Option<usize>,
    /// Most sequences per step [default: 32].
    #[arg(long)]
    max_batch_size: Option<usize>,
    /// Most tokens per step [default: 512].
    #[arg(long)]
    max_prefill_token_num: Option<usize>,
    /// Room for keys and values: auto, a share, a number of blocks, or bytes like 512MiB [default: auto].
    #[arg(long)]
    cache_max_entry_count: Option<CacheSize>,
    /// Bits of a stored key or value: 0 = floats, 8 or 4; turbomind only [default: 0].
    #[arg(long)]
    quant_policy: Option<QuantPolicy>,
    /// Threads that compute; turbomind only [default: the physical cores].
    #[arg(long)]
    threads: Option<usize>,
    /// Tokens per block of the cache [default: 16].
    #[arg(long)]
    cache_block_seq_len: Option<usize>,
    /// Most requests that wait; beyond it 429 [default: 4 x max-batch-size].
    #[arg(long)]
    max_queue: Option<usize>,
    /// Seconds that requests under way may take at shutdown [default: 30].
    #[arg(long)]
    drain_timeout: Option<f64>,
}

impl ApiServerArguments {
    fn resolve(&self) -> Result<DeployConfig, ConfigError> {
        let mut config = match &self.config {
            Some(path) => config::load_with(path, &self.set)?,
            None => DeployConfig::new(self.model.clone().unwrap_or_default()),
        };
        fn give<T: Clone>(slot: &mut T, given: Option<&T>) {
            if let Some(given) = given {
                *slot = given.clone();
            }
        }
        give(&mut config.model.path, self.model.as_ref());
        give(&mut config.model.name, self.model_name.clone().map(Some).as_ref());
        give(&mut config.model.backend, self.backend.as_deref().map(super::backend).map(Some).as_ref());
        give(&mut config.model.device, self.device.as_ref());
        give(&mut config.server.host, self.server_name.as_ref());
        give(&mut config.server.port, self.server_port.as_ref());
        give(&mut config.server.drain_timeout, self.drain_timeout.as_ref());
        give(&mut config.engine.session_len, self.session_len.map(Some).as_ref());
        give(&mut config.engine.max_batch_size, self.max_batch_size.as_ref());
        give(&mut config.engine.max_prefill_token_num, self.max_prefill_token_num.as_ref());
        give(&mut config.engine.cache_max_entry_count, self.cache_max_entry_count.as_ref());
        give(&mut config.engine.cache_block_seq_len, self.cache_block_seq_len.as_ref());
        give(&mut config.engine.quant_policy, self.quant_policy.as_ref());
        give(&mut config.engine.threads, self.threads.map(Some).as_ref());
        give(&mut config.queue.max_queue, self.max_queue.map(Some).as_ref());
        let problems = config.problems();
        let path = self.config.clone().unwrap_or_else(|| PathBuf::from("command line"));
        if problems.is_empty() { Ok(config) } else { Err(ConfigError::Invalid { path, problems }) }
    }
}

/// Serves until SIGTERM or SIGINT.
pub(super) fn run(arguments: ApiServerArguments) -> anyhow::Result<()> {
    let config = arguments.resolve()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(HTTP_THREADS).enable_all().build()?;
    let drain_timeout = Duration::from_secs_f64(config.server.drain_timeout);
    let (host, port) = (config.server.host.clone(), config.server.port);
    // Before loading: a port in use is known at once.
    let server = runtime.block_on(Server::bind(ServeConfig { host, port, drain_timeout }))?;
    let pipeline = Pipeline::load(&config)?;
    let app = App::new(pipeline.responder().clone());
    let url = server.url();
    tracing::info!(model = app.model_name(), "listening on {url}");
    if let Some(path) = &arguments.ready_file {
        let text = format!("{}\n", serde_json::json!({ "url": url }));
        internlm_kit::atomic::write(path, text.as_bytes())
            .map_err(|source| crate::Error::File { path: path.clone(), source })?;
    }
    let mut signals = {
        let _inside = runtime.enter();
        Signals::listen()?
    };
    let stdin = arguments.until_stdin_closes.then(stdin_closed);
    let stop = async move {
        tokio::select! { () = signals.next() => {}, () = ended(stdin) => {} }
        tracing::info!("shutting down: no new requests, those under way may finish");
        tokio::spawn(async move {
            signals.next().await;
            std::process::exit(INTERRUPTED);
        });
    };
    runtime.block_on(server.run(app, stop))?;
    // Handlers that are still there after the drain timeout end with their generations.
    pipeline.shutdown(Duration::ZERO);
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(())
}

/// Resolves when standard input ends. Its thread blocks in reading and ends with the process.
fn stdin_closed() -> tokio::sync::oneshot::Receiver<()> {
    let (closed, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // An input that cannot be read has ended, too.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = closed.send(());
    });
    receiver
}

/// The end of standard input, or never when nobody waits for it.
async fn ended(stdin: Option<tokio::sync::oneshot::Receiver<()>>) {
    match stdin {
        Some(closed) => {
            let _ = closed.await;
        }
        None => std::future::pending().await,
    }
}

/// Requests to stop: SIGTERM and SIGINT, or Ctrl-C where there are no signals.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! { _ = self.terminate.recv() => {}, _ = self.interrupt.recv() => {} }
    }

    #[cfg(not(unix))]
    fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        // An error means that no Ctrl-C will ever come.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
