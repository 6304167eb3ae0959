//! `lmdeploy serve api_server`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use internlm_kit::config::ConfigError;
use internlm_kit::file;
use internlm_kit::stop::Stop;

use super::engine_options::EngineOptions;
use super::file_limit;
use super::options::{BackendOptions, checked};
use super::server_options::ServerOptions;
use super::upstream::UpstreamOptions;
use crate::Pipeline;
use crate::config::DeployConfig;
use crate::serve::{App, Server};

/// Number of threads for HTTP; the executor has its own threads.
const HTTP_THREADS: usize = 2;
/// How often the server looks whether it should stop.
const STOP_POLL: Duration = Duration::from_millis(50);

const EXAMPLES: &str = "Examples:
  lmdeploy serve api_server runs/tiny/finetune/hf --model-name tiny
  lmdeploy serve api_server model.gguf --api-keys secret --request-timeout 120 --log-level warning
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
    /// Serve the model under this name, or under several; answers have the first one
    /// [default: the name of its folder or file]
    #[arg(long, value_name = "NAME[,NAME]", value_delimiter = ',')]
    model_name: Option<Vec<String>>,
    #[command(flatten)]
    backend: BackendOptions,
    #[command(flatten)]
    server: ServerOptions,
    /// Write {"url": ...} to this file once requests are taken
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Shut down when standard input ends, so that the server does not outlive the program that started it
    #[arg(long)]
    until_stdin_closes: bool,
    #[command(flatten)]
    engine: EngineOptions,
    /// Log from this level on: error, warning, info, debug or trace [default: info]
    #[arg(long, value_name = "LEVEL", value_parser = level)]
    log_level: Option<&'static str>,
    #[command(flatten)]
    upstream: UpstreamOptions,
}

/// A level of the log, in whatever case; upstream has Python's.
fn level(name: &str) -> Result<&'static str, String> {
    match name.to_ascii_lowercase().as_str() {
        "critical" | "fatal" | "error" => Ok("error"),
        "warn" | "warning" => Ok("warn"),
        "info" => Ok("info"),
        "debug" => Ok("debug"),
        "trace" | "notset" => Ok("trace"),
        _ => Err("expected error, warning, info, debug or trace".to_owned()),
    }
}

impl ApiServerArguments {
    fn resolve(&self) -> Result<DeployConfig, ConfigError> {
        let file = self.config.as_deref();
        let mut config = self.backend.read(file, &self.set, self.model.as_ref())?;
        if let Some([name, aliases @ ..]) = self.model_name.as_deref() {
            config.model.name = Some(name.clone());
            config.model.aliases = aliases.to_vec();
        }
        self.server.apply(&mut config.server)?;
        self.engine.apply(&mut config);
        self.upstream.check()?;
        checked(config, file)
    }
}

/// Serves until SIGTERM or SIGINT; a second one ends the process at once.
pub(super) fn run(arguments: &ApiServerArguments) -> anyhow::Result<()> {
    if let Some(level) = arguments.log_level {
        internlm_kit::logging::set_level(level);
    }
    let config = arguments.resolve()?;
    file_limit::raise();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(HTTP_THREADS).enable_all().build()?;
    // Before the model is loaded, so that a port in use is an error at once.
    let server = runtime.block_on(Server::bind(&config.server))?;
    let pipeline = Pipeline::load(&config)?;
    internlm_kit::memory::release_freed();
    let app = App::new(pipeline.responder().clone()).with_config(&config.server);
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
