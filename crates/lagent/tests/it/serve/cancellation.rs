//! Cancelled runs: how long it takes until the run has ended, its model request is dropped and its tool is gone.
//!
//! Each test prints the median and the 99th percentile; `LAGENT_CANCELLATIONS=50` is the size for a figure.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use lagent::action::{ToolSettings, Toolbox};
use lagent::client::{AgentRequest, RunStatus};
use lagent::driver::{Silent, World, drive};
use lagent::llm::{EndpointConfig, OpenAi, Scripted};
use lagent::run::{AgentRun, AgentSpec, Command, Event, FailReason};
use lagent::serve::{Agents, ServedAgent};
use lagent::{Message, Role};
use tempfile::TempDir;

use super::stage::{PATIENCE, Player, Stage, config, run, until};

/// What a cancellation may take on a machine that is busy with other tests; a tool that is not stopped takes longer.
const GENEROUS: Duration = Duration::from_secs(10);

fn rounds() -> usize {
    let number = std::env::var("LAGENT_CANCELLATIONS").ok().and_then(|number| number.parse().ok());
    number.unwrap_or(3)
}

/// How long one thing took in each round.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn report(mut self, what: &str) {
        self.0.sort();
        let at = |percent: usize| self.0[(self.0.len() - 1) * percent / 100].as_secs_f64() * 1e3;
        println!("{what}: median {:.1} ms, p99 {:.1} ms of {} rounds", at(50), at(99), self.0.len());
        assert!(self.0.iter().all(|time| *time < GENEROUS), "{what}: {:?}", self.0);
    }
}

/// A model server that never answers a chat.
struct Silence {
    url: String,
    asked: Receiver<()>,
    /// When the connection of a chat was closed.
    gone: Receiver<Instant>,
}

impl Silence {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (on_asked, asked) = channel();
        let (on_gone, gone) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, gone) = (on_asked.clone(), on_gone.clone());
                std::thread::spawn(move || listen(&stream, &asked, &gone));
            }
        });
        Self { url, asked, gone }
    }
}

/// Lists one model, and is silent about everything else until the client goes.
fn listen(mut stream: &TcpStream, asked: &Sender<()>, gone: &Sender<Instant>) {
    let mut lines = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if lines.read_line(&mut head).expect("a request") == 0 {
            return;
        }
    }
    if head.starts_with("GET") {
        let body = r#"{"object": "list", "data": [{"id": "silent", "object": "model"}]}"#;
        let length = body.len();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
        write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{body}").expect("sends");
        return;
    }
    // Nobody listens when a test has failed.
    let _ = asked.send(());
    // A broken connection is an end as well.
    let _ = io::copy(&mut lines, &mut io::sink());
    let _ = gone.send(Instant::now());
}

#[test]
fn a_cancelled_run_drops_its_model_request() {
    run(async {
        let silence = Silence::start();
        let mut endpoint = EndpointConfig::default();
        endpoint.base_url.clone_from(&silence.url);
        let model = OpenAi::connect(&endpoint).await.expect("connects");
        let spec = AgentSpec::internlm2(Vec::new());
        let agent = ServedAgent::new("waits", AgentRun::new(spec), model, Toolbox::default());
        let stage = Stage::of(Agents::new([agent]).expect("one agent"), config());
        let (mut ended, mut dropped) = (Times::default(), Times::default());
        for session in 0..rounds() {
            let request = AgentRequest::new(["Hello"]).with_session(session);
            let begun = stage.client.start(&request).await.expect("starts");
            silence.asked.recv_timeout(PATIENCE).expect("the model is asked");
            let started = Instant::now();
            let info = stage.client.cancel(&begun.id).await.expect("is known");
            ended.0.push(started.elapsed());
            assert_eq!(info.status, RunStatus::Cancelled);
            let gone = silence.gone.recv_timeout(PATIENCE).expect("the request is dropped");
            dropped.0.push(gone.saturating_duration_since(started));
        }
        ended.report("a run that waits for its model, until it has ended");
        dropped.report("a run that waits for its model, until the request is dropped");
    });
}

/// A toolbox with a shell, and the folder of its files; `None` with a visible line when it cannot run here.
fn shell() -> Option<(Toolbox, TempDir)> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let settings = ToolSettings::default().with_folder(folder.path());
    let tools = Toolbox::with_tools(&["shell".to_owned()], &settings).expect("some sandbox level works");
    if let Some((name, reason)) = tools.first_unavailable() {
        println!("skipped: {name}: {reason}");
        return None;
    }
    Some((tools, folder))
}

/// A time to sleep, in seconds, that no other process has as its argument.
fn nap(test: usize, round: usize) -> String {
    format!("600.{}{test}{round:03}", std::process::id())
}

/// A reply that calls the shell to sleep.
fn sleeps(seconds: &str) -> String {
    let call = format!("{{\"name\": \"shell\", \"parameters\": {{\"command\": \"sleep {seconds}\"}}}}");
    format!("<|action_start|><|plugin|>\n{call}<|action_end|>")
}

/// Whether a process with this argument is alive. A dead one that nobody has waited for has no arguments.
fn is_alive(argument: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("Linux");
    processes.flatten().any(|process| {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|found| found == argument.as_bytes())
    })
}

#[test]
fn a_cancelled_run_ends_its_tool() {
    let Some((tools, _folder)) = shell() else { return };
    run(async {
        let player = Player::new(|messages| {
            let last = messages.last().expect("a message");
            if last.role == Role::User { sleeps(last.text()) } else { "I have slept.".to_owned() }
        });
        let agent = AgentRun::new(AgentSpec::internlm2(tools.specs()));
        let agent = ServedAgent::new("sleeper", agent, player, tools);
        let stage = Stage::of(Agents::new([agent]).expect("one agent"), config());
        let (mut ended, mut gone) = (Times::default(), Times::default());
        for session in 0..rounds() {
            let seconds = nap(1, session);
            let request = AgentRequest::new([seconds.clone()]).with_session(session);
            let begun = stage.client.start(&request).await.expect("starts");
            until("the tool runs", async || is_alive(&seconds)).await;
            let started = Instant::now();
            let info = stage.client.cancel(&begun.id).await.expect("is known");
            ended.0.push(started.elapsed());
            assert_eq!(info.status, RunStatus::Cancelled);
            until("the tool is gone", async || !is_alive(&seconds)).await;
            gone.0.push(started.elapsed());
        }
        ended.report("a run that waits for its tool, until it has ended");
        gone.report("a run that waits for its tool, until the process is gone");
    });
}

#[test]
fn a_dropped_driver_ends_its_tool() {
    let Some((tools, _folder)) = shell() else { return };
    run(async {
        let mut gone = Times::default();
        for round in 0..rounds() {
            let seconds = nap(2, round);
            let model = Scripted::new([sleeps(&seconds)]);
            let mut agent = AgentRun::new(AgentSpec::internlm2(tools.specs()));
            let (question, mut silent) = (vec![Message::user("Sleep")], Silent);
            let started = tokio::select! {
                ending = drive(&mut agent, question, World::new(&model, &tools), &mut silent) => {
                    panic!("{ending:?}")
                }
                () = until("the tool runs", async || is_alive(&seconds)) => Instant::now(),
            };
            until("the tool is gone", async || !is_alive(&seconds)).await;
            gone.0.push(started.elapsed());
            let commands = agent.step(Event::Cancel);
            assert!(matches!(&commands[..], [Command::Fail { reason: FailReason::Cancelled, .. }]));
        }
        gone.report("a driver that is dropped, until the tool's process is gone");
    });
}
