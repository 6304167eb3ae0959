//! One ipykernel and the connections to it.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use internlm_kit::sandbox::{Sandbox, Session, Task};
use serde_json::{Value, json};

use super::wire::{Received, Wire};
use super::zmtp::{SocketType, receive, send, shake_hands};
use crate::action::python::ansi::without_escapes;
use crate::action::python::cell::{Cell, CellEnd};
use crate::action::python::runtime::{Allowance, PATIENCE, Runtime, START};

/// Between two attempts to reach a kernel that is starting.
const RETRY: Duration = Duration::from_millis(10);
/// Messages that wait between a connection and its reader.
const WAITING: usize = 64;
/// Maximum number of images of one piece of code.
const IMAGES: usize = 32;
/// Sockets of the kernel; their names end with these numbers.
const SHELL: u8 = 1;
const PUBLISHED: u8 = 2;
const CONTROL: u8 = 4;

/// A kernel that has answered once.
#[derive(Debug)]
pub(in crate::action::python) struct JupyterKernel {
    session: Session,
    wire: Wire,
    shell: UnixStream,
    control: UnixStream,
    received: Receiver<Received>,
    limit: usize,
    /// Whether the kernel was asked to interrupt the code and has not answered yet.
    interrupting: bool,
}

impl JupyterKernel {
    /// Starts a kernel with the Python `python` and waits until it answers.
    pub(in crate::action::python) fn start(sandbox: &Sandbox, python: &str) -> Result<Self, String> {
        let key = "lagent";
        let connection = json!({
            "transport": "ipc", "ip": "kernel", "key": key, "signature_scheme": "hmac-sha256",
            "shell_port": SHELL, "iopub_port": PUBLISHED, "stdin_port": 3, "control_port": CONTROL, "hb_port": 5,
        });
        let task = Task::new(python)
            .args(["-m", "ipykernel_launcher", "-f", "connection.json", "--quiet"])
            .args(["--HistoryManager.enabled=False", "--colors=NoColor"])
            .file("connection.json", connection.to_string())
            // Address space is limited, and each arena of the C library reserves 64 MiB.
            .variable("MALLOC_ARENA_MAX", "2")
            .variable("OPENBLAS_NUM_THREADS", "2")
            .variable("PYDEVD_DISABLE_FILE_VALIDATION", "1")
            .serves_sockets();
        let mut session = sandbox.spawn(&task).map_err(|error| error.to_string())?;
        // Nobody reads what the kernel itself prints.
        drop(session.stdout.take());
        let deadline = Instant::now() + START;
        let (send, received) = sync_channel(WAITING);
        let shell = connect(&session, SHELL, SocketType::Dealer, deadline)?;
        let published = connect(&session, PUBLISHED, SocketType::Sub, deadline)?;
        let control = connect(&session, CONTROL, SocketType::Dealer, deadline)?;
        let wire = Wire::new(key, "lagent");
        listen(&shell, &wire, send.clone())?;
        listen(&published, &wire, send)?;
        let limit = usize::try_from(sandbox.config().output_kib * 1024).unwrap_or(usize::MAX);
        let mut kernel = Self { session, wire, shell, control, received, limit, interrupting: false };
        kernel.greet(deadline)?;
        Ok(kernel)
    }

    /// Asks until the answer is also published: what is published before a subscription arrives is lost.
    fn greet(&mut self, deadline: Instant) -> Result<(), String> {
        while Instant::now() < deadline {
            let number = self
                .request("kernel_info_request", &json!({}))
                .map_err(|error| why(&self.session, &error))?;
            let until = Instant::now() + Duration::from_millis(300);
            while let Ok(message) =
                self.received.recv_timeout(until.saturating_duration_since(Instant::now()))
            {
                if message.parent == number && is_idle(&message) {
                    self.session.rest();
                    return Ok(());
                }
            }
        }
        Err(format!("the kernel did not answer within {} s", START.as_secs()))
    }

    fn request(&mut self, kind: &str, content: &Value) -> io::Result<String> {
        let (frames, number) = self.wire.request(kind, content);
        send(&mut self.shell, &frames)?;
        Ok(number)
    }

    /// Reads what belongs to the request `number` until the kernel is idle again.
    fn collect(&mut self, number: &str, allowance: Allowance<'_>) -> Cell {
        let (mut cell, mut deadline) = (Cell::default(), Instant::now() + allowance.timeout);
        loop {
            let received = if cell.end == CellEnd::Done {
                allowance.receive(&self.received, deadline)
            } else {
                self.received.recv_timeout(deadline.saturating_duration_since(Instant::now()))
            };
            match received {
                Ok(message) if message.parent == number => {
                    if is_idle(&message) {
                        return cell;
                    }
                    let within = add(&mut cell, &message, self.limit);
                    if !within && cell.end == CellEnd::Done {
                        cell.end = CellEnd::Raised(format!("output cut at {} bytes", self.limit));
                        self.interrupt();
                        deadline = Instant::now() + PATIENCE;
                    }
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) if cell.end == CellEnd::Done => {
                    cell.end = allowance.end();
                    self.interrupt();
                    deadline = Instant::now() + PATIENCE;
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.session.kill();
                    return Cell {
                        end: CellEnd::Died("it did not react to an interrupt".to_owned()),
                        ..cell
                    };
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let reason = why(&self.session, &io::ErrorKind::ConnectionReset.into());
                    return Cell { end: CellEnd::Died(reason), ..cell };
                }
            }
        }
    }

    /// Interrupts the code that runs. The kernel does it itself, in a thread that code rarely blocks.
    fn interrupt(&mut self) {
        let (frames, _) = self.wire.request("interrupt_request", &json!({}));
        match send(&mut self.control, &frames) {
            Ok(()) => self.interrupting = true,
            Err(_) => self.session.interrupt(),
        }
    }

    /// Waits for the answer to an interrupt. Code may end by itself at that moment, and an interrupt that is still on
    /// its way would meet the next code.
    fn settle(&mut self, cell: Cell) -> Cell {
        if !std::mem::take(&mut self.interrupting) || matches!(cell.end, CellEnd::Died(_)) {
            return cell;
        }
        let answer =
            self.control.set_read_timeout(Some(PATIENCE)).and_then(|()| receive(&mut self.control).map(drop));
        match answer {
            Ok(()) => cell,
            Err(_) => {
                self.session.kill();
                Cell { end: CellEnd::Died("it did not answer an interrupt".to_owned()), ..cell }
            }
        }
    }
}

impl Runtime for JupyterKernel {
    fn execute(&mut self, code: &str, allowance: Allowance<'_>) -> Cell {
        self.session.renew();
        let content = json!({
            "code": code, "silent": false, "store_history": true, "user_expressions": {}, "allow_stdin": false,
            "stop_on_error": true,
        });
        let cell = match self.request("execute_request", &content) {
            Ok(number) => {
                let cell = self.collect(&number, allowance);
                self.settle(cell)
            }
            Err(error) => Cell::died(why(&self.session, &error)),
        };
        self.session.rest();
        cell
    }

    fn is_alive(&self) -> bool {
        self.session.status().is_none()
    }
}

/// Why a kernel cannot be reached: how it ended, or the error of the connection.
fn why(session: &Session, error: &io::Error) -> String {
    // The connection ends a moment before the watch sees the end of the program.
    let deadline = Instant::now() + PATIENCE;
    while session.status().is_none() && Instant::now() < deadline {
        thread::sleep(RETRY);
    }
    let Some(outcome) = session.outcome() else { return error.to_string() };
    match outcome.stderr.lines().next_back().map(str::trim).filter(|said| !said.is_empty()) {
        Some(said) => format!("{}: {said}", outcome.status),
        None => outcome.status.to_string(),
    }
}

fn connect(session: &Session, port: u8, kind: SocketType, deadline: Instant) -> Result<UnixStream, String> {
    loop {
        match session.connect(&format!("kernel-{port}")) {
            Ok(mut stream) => {
                // A kernel that accepts and says nothing must not keep anybody waiting.
                let greeted =
                    stream.set_read_timeout(Some(START)).and_then(|()| shake_hands(&mut stream, kind));
                let ready = greeted.and_then(|()| stream.set_read_timeout(None));
                let ready = ready.and_then(|()| stream.set_write_timeout(Some(START)));
                return ready.map(|()| stream).map_err(|error| why(session, &error));
            }
            Err(error) if session.status().is_some() => return Err(why(session, &error)),
            Err(error) if Instant::now() > deadline => return Err(error.to_string()),
            Err(_) => thread::sleep(RETRY),
        }
    }
}

/// Passes every message of a connection on, until one of the ends is gone.
fn listen(stream: &UnixStream, wire: &Wire, messages: SyncSender<Received>) -> Result<(), String> {
    let (mut stream, wire) = (stream.try_clone().map_err(|error| error.to_string())?, wire.reader());
    let read = move || {
        while let Ok(frames) = receive(&mut stream) {
            // What is damaged or not signed is skipped.
            if let Some(message) = wire.read(&frames)
                && messages.send(message).is_err()
            {
                return;
            }
        }
    };
    let named = thread::Builder::new().name("lagent-kernel".to_owned());
    named.spawn(read).map(drop).map_err(|error| error.to_string())
}

fn is_idle(message: &Received) -> bool {
    message.kind == "status" && message.content["execution_state"] == "idle"
}

/// Adds what a message shows; false when it does not fit any more.
fn add(cell: &mut Cell, message: &Received, limit: usize) -> bool {
    let content = &message.content;
    let text = |value: &Value| without_escapes(value.as_str().unwrap_or_default());
    match message.kind.as_str() {
        "stream" => cell.print(&text(&content["text"]), limit),
        "execute_result" | "display_data" => {
            let image = content["data"]["image/png"].as_str().and_then(png);
            let shown = text(&content["data"]["text/plain"]);
            if message.kind == "execute_result" {
                cell.value = Some(shown.clone());
            }
            match image {
                Some(image) if cell.images.len() < IMAGES => {
                    cell.images.push(image);
                    true
                }
                Some(_) => false,
                None => cell.show(&shown, limit),
            }
        }
        "error" => {
            let lines: Vec<String> = content["traceback"]
                .as_array()
                .map(|lines| lines.iter().map(text).collect())
                .unwrap_or_default();
            if cell.end == CellEnd::Done {
                cell.end = CellEnd::Raised(lines.join("\n"));
            }
            true
        }
        _ => true,
    }
}

/// The bytes of an image, which kernels break into lines.
fn png(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_whitespace().collect();
    STANDARD.decode(text).ok()
}
