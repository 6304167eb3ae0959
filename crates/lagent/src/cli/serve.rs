//! `lagent serve`: agents behind HTTP.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use internlm_kit::config::{ConfigError, Validate, load_with};
use internlm_kit::file;
use internlm_kit::stop::Stop;

use super::loaded::Loaded;
use crate::Error;
use crate::llm::OpenAi;
use crate::serve::{Agents, App, ServeConfig, ServedAgent, Server, ToolsMode};

/// Time between two looks for memory that nobody needs.
const MEMORY_PAUSE: Duration = Duration::from_secs(10);
/// How often the server looks whether it should stop.
const STOP_POLL: Duration = Duration::from_millis(50);

const EXAMPLES: &str = "Examples:
  lagent serve recipes/tiny/6-agent.toml --set model.base-url=http://127.0.0.1:23333
  lagent serve math=math.toml search=search.toml --port 8090 --memory sessions.db
  lagent serve agent.toml --api-keys-file keys.txt --host 0.0.0.0 --concurrency-per-key 8

Callers find the agents under /v1/agents and, as models of an OpenAI client, under /v1/models.";

/// Arguments of `lagent serve`; what is given here wins over the config file.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Serve {
    /// Agent files in TOML; NAME= in front names the agent [default name: that of its file]. The first agent answers
    /// requests that name none.
    #[arg(required = true, value_name = "[NAME=]FILE")]
    agents: Vec<String>,
    /// Override one key of every agent file, for instance model.base-url=http://127.0.0.1:23333. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Read settings of the server from this TOML file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Listen on this host name or address [default: 127.0.0.1]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Listen on this port; 0 takes a free one [default: 8090]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Ask every request for one of the keys in this file, one key a line [default: no keys]
    #[arg(long, value_name = "FILE")]
    api_keys_file: Option<PathBuf>,
    /// Maximum number of questions that one key may ask at the same time [default: no limit]
    #[arg(long, value_name = "N")]
    concurrency_per_key: Option<usize>,
    /// Who calls the tools in /v1/chat/completions: inside (the server) or calls (the client) [default: inside]
    #[arg(long, value_name = "MODE", value_parser = tools_mode)]
    tools: Option<ToolsMode>,
    /// Keep sessions in this database file, so that they survive a restart [default: memory.path of the
    /// agent files, or in memory]
    #[arg(long, value_name = "FILE")]
    memory: Option<PathBuf>,
    /// Drop sessions that were unused for this many seconds [default: 3600]
    #[arg(long, value_name = "SECONDS")]
    session_idle: Option<f64>,
    /// Give running questions this many seconds to finish at shutdown [default: 30]
    #[arg(long, value_name = "SECONDS")]
    drain_timeout: Option<f64>,
    /// Write {"url": ...} to this file once requests are taken
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Shut down when standard input ends, so that the server does not outlive the program that started it
    #[arg(long)]
    until_stdin_closes: bool,
}

/// A mode by its name in config files.
fn tools_mode(name: &str) -> Result<ToolsMode, String> {
    match name {
        "inside" => Ok(ToolsMode::Inside),
        "calls" => Ok(ToolsMode::Calls),
        _ => Err("expected inside or calls".to_owned()),
    }
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut config = self.server_config()?;
        let runtime = super::runtime()?;
        // Before the agents are loaded, so that a port in use is an error at once.
        let server = runtime.block_on(Server::bind(&config))?;
        let agents = self.loaded()?;
        config.memory = database(config.memory, &agents)?;
        let agents = runtime.block_on(connected(agents))?;
        let names = agents.names().join(", ");
        let app = App::new(agents, &config)?;
        let url = server.url();
        tracing::info!(agents = names, "listening on {url}");
        if let Some(path) = &self.ready_file {
            let text = format!("{}\n", serde_json::json!({ "url": url }));
            file::write(path, text.as_bytes())?;
        }
        let stop = Stop::on_signals()?;
        if self.until_stdin_closes {
            stop_when_stdin_closes(stop.clone());
        }
        runtime.spawn(give_back_memory());
        runtime.block_on(server.run(app, requested(stop)))?;
        // Tools that still run end with the process.
        runtime.shutdown_timeout(Duration::from_secs(1));
        Ok(())
    }

    /// The settings of the server: the file's, then those of the options.
    fn server_config(&self) -> anyhow::Result<ServeConfig> {
        let mut config = match &self.config {
            Some(path) => load_with(path, &[""; 0])?,
            None => ServeConfig::default(),
        };
        if let Some(path) = &self.api_keys_file {
            let text = file::read_to_string(path)?;
            let keys = text.lines().map(str::trim).filter(|key| !key.is_empty());
            config.api_keys = keys.map(str::to_owned).collect();
            if config.api_keys.is_empty() {
                return Err(invalid(path, "found no keys, expected one a line").into());
            }
        }
        config.host = self.host.clone().unwrap_or(config.host);
        config.port = self.port.unwrap_or(config.port);
        config.concurrency_per_key = self.concurrency_per_key.or(config.concurrency_per_key);
        config.tools = self.tools.unwrap_or(config.tools);
        config.memory = self.memory.clone().or(config.memory);
        config.session_idle_seconds = self.session_idle.unwrap_or(config.session_idle_seconds);
        config.drain_timeout = self.drain_timeout.unwrap_or(config.drain_timeout);
        let problems = config.problems();
        if problems.is_empty() {
            return Ok(config);
        }
        let path = self.config.clone().unwrap_or_else(|| PathBuf::from("the options of `lagent serve`"));
        Err(Error::Config(ConfigError::Invalid { path, problems }).into())
    }

    /// Loads the files of the agents.
    fn loaded(&self) -> anyhow::Result<Vec<Named>> {
        let load = |named: &String| -> anyhow::Result<Named> {
            let (name, file) = name_and_file(named)?;
            let loaded = Loaded::open(Some(file.as_path()), &self.overrides)?;
            Ok(Named { name, file, loaded })
        };
        self.agents.iter().map(load).collect()
    }
}

/// An agent or a team with the name that callers use.
struct Named {
    name: String,
    file: PathBuf,
    loaded: Loaded,
}

/// Connects the agents to their models.
async fn connected(agents: Vec<Named>) -> crate::Result<Agents> {
    let mut served = Vec::with_capacity(agents.len());
    for Named { name, loaded, .. } in agents {
        let model = OpenAi::connect(&loaded.model).await?;
        let agent = ServedAgent::new(name, loaded.machine, model, loaded.tools).with_hooks(&loaded.hooks);
        served.push(match loaded.memory.recent {
            Some(recent) => agent.with_recent(recent),
            None => agent,
        });
    }
    Agents::new(served)
}

/// The database of the sessions: that of the server's settings, or else the one that the agents' files name.
fn database(of_server: Option<PathBuf>, agents: &[Named]) -> Result<Option<PathBuf>, Error> {
    if of_server.is_some() {
        return Ok(of_server);
    }
    let mut database: Option<&Path> = None;
    for Named { file, loaded, .. } in agents {
        let Some(path) = loaded.memory.path.as_deref() else { continue };
        if let Some(other) = database.filter(|other| *other != path) {
            let (path, other) = (path.display(), other.display());
            let problem = format!(
                "memory.path: found `{path}`, expected `{other}` as in another agent's file, or `--memory FILE`"
            );
            return Err(invalid(file, &problem));
        }
        database = Some(path);
    }
    Ok(database.map(Path::to_path_buf))
}

/// The name of an agent and its file. A file of a recipe has a number in front of its name, which is left out.
fn name_and_file(named: &str) -> Result<(String, PathBuf), Error> {
    if let Some((name, path)) = named.split_once('=') {
        return Ok((name.to_owned(), PathBuf::from(path)));
    }
    let stem = Path::new(named).file_stem().and_then(|stem| stem.to_str());
    let stem = stem.ok_or_else(|| invalid(Path::new(named), "found no file name, expected [NAME=]FILE"))?;
    let name = stem.trim_start_matches(|letter: char| letter.is_ascii_digit()).trim_start_matches('-');
    let name = if name.is_empty() { stem } else { name };
    Ok((name.to_owned(), PathBuf::from(named)))
}

/// The error of an input file with one problem.
fn invalid(path: &Path, problem: &str) -> Error {
    Error::Config(ConfigError::Invalid { path: path.to_path_buf(), problems: vec![problem.to_owned()] })
}

/// Gives the system what ended sessions have freed: the allocator would keep the memory of the busiest moment.
async fn give_back_memory() {
    loop {
        tokio::time::sleep(MEMORY_PAUSE).await;
        internlm_kit::memory::release_freed();
    }
}

/// Waits until somebody requests the stop.
async fn requested(stop: Stop) {
    while !stop.is_requested() {
        tokio::time::sleep(STOP_POLL).await;
    }
    tracing::info!("shutting down: running questions may finish, new ones are refused");
}

/// Requests the stop when standard input ends. The thread that reads it ends with the process.
fn stop_when_stdin_closes(stop: Stop) {
    std::thread::spawn(move || {
        // An input that cannot be read has ended as well.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        stop.request();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_named_or_have_the_name_of_their_file() {
        for (named, name, path) in [
            ("math=a/b.toml", "math", "a/b.toml"),
            ("recipes/tiny/6-agent.toml", "agent", "recipes/tiny/6-agent.toml"),
            ("7.toml", "7", "7.toml"),
        ] {
            assert_eq!(name_and_file(named).expect("a name"), (name.to_owned(), PathBuf::from(path)));
        }
        assert!(name_and_file("").is_err() && tools_mode("both").is_err());
    }

    #[test]
    fn a_server_has_one_database() {
        let named = |name: &str, memory: &str| {
            let folder = tempfile::tempdir().expect("temporary folder");
            let file = folder.path().join(name);
            std::fs::write(&file, format!("tools = []\n{memory}")).expect("writes");
            let loaded = Loaded::open(Some(file.as_path()), &[]).expect("is an agent");
            Named { name: name.to_owned(), file, loaded }
        };
        let (none, one) = (named("none", ""), named("one", "memory.path = \"a.db\""));
        let [same, other] =
            [named("same", "memory.path = \"a.db\""), named("other", "memory.path = \"b.db\"")];
        let agents = [none, one, same];
        let a = || Some(PathBuf::from("a.db"));
        assert_eq!(database(None, &agents).expect("one database"), a());
        assert_eq!(database(None, &agents[..1]).expect("no database"), None);
        let [none, one, _] = agents;
        let agents = [none, one, other];
        assert_eq!(database(a(), &agents).expect("that of the server"), a());
        let error = database(None, &agents).expect_err("two databases").to_string();
        assert!(error.contains("memory.path: found `b.db`, expected `a.db`"), "{error}");
    }
}
