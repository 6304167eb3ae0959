//! One Python process that runs `server.py`, and the frames to and from it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use internlm_kit::sandbox::{Sandbox, Session, Task};
use serde::Deserialize;

use crate::action::python::cell::{Cell, CellEnd};
use crate::action::python::runtime::{Allowance, PATIENCE, Runtime, START};

/// The program that runs the code.
const SERVER: &str = include_str!("server.py");
/// Maximum size of a frame, bytes: text, value and error are cut by the server, but code may write frames itself.
const FRAME: u64 = 16 << 20;

/// The JSON of a result.
#[derive(Debug, Deserialize)]
struct Answer {
    text: String,
    value: Option<String>,
    error: Option<String>,
}

/// A process that has answered once.
#[derive(Debug)]
pub(in crate::action::python) struct PlainKernel {
    session: Session,
    stdin: ChildStdin,
    received: Receiver<Vec<u8>>,
}

impl PlainKernel {
    /// Starts the Python `python` and waits until it is ready.
    pub(in crate::action::python) fn start(sandbox: &Sandbox, python: &str) -> Result<Self, String> {
        // Each text is twice in memory and grows when it becomes JSON.
        let limit = (sandbox.config().output_kib * 1024).min(FRAME / 32);
        let task = Task::new(python)
            .args(["-I", "-u", "-c", SERVER, &limit.to_string()])
            .variable("MALLOC_ARENA_MAX", "2")
            .variable("MPLBACKEND", "agg");
        let mut session = sandbox.spawn(&task).map_err(|error| error.to_string())?;
        let (Some(stdin), Some(stdout)) = (session.stdin.take(), session.stdout.take()) else {
            return Err("the standard streams are missing".to_owned());
        };
        let (send, received) = sync_channel(1);
        let read = move || {
            let mut stdout = BufReader::new(stdout);
            while let Ok(frame) = read_frame(&mut stdout) {
                if send.send(frame).is_err() {
                    return;
                }
            }
        };
        let named = thread::Builder::new().name("lagent-python".to_owned());
        named.spawn(read).map_err(|error| error.to_string())?;
        let kernel = Self { session, stdin, received };
        match kernel.received.recv_timeout(START) {
            Ok(_) => {
                kernel.session.rest();
                Ok(kernel)
            }
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("Python did not start within {} s", START.as_secs()))
            }
            Err(RecvTimeoutError::Disconnected) => Err(kernel.ending()),
        }
    }

    /// How the process ended, a moment after its output did.
    fn ending(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        while self.session.status().is_none() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        match self.session.outcome() {
            Some(outcome) => {
                let said = outcome.stderr.lines().next_back().unwrap_or_default().trim();
                if said.is_empty() {
                    outcome.status.to_string()
                } else {
                    format!("{}: {said}", outcome.status)
                }
            }
            None => "it closed its output".to_owned(),
        }
    }

    /// The result of the code that was just sent.
    fn collect(&self, allowance: Allowance<'_>) -> Cell {
        match allowance.receive(&self.received, Instant::now() + allowance.timeout) {
            Ok(frame) => cell(&frame),
            Err(RecvTimeoutError::Disconnected) => Cell::died(self.ending()),
            Err(RecvTimeoutError::Timeout) => {
                self.session.interrupt();
                match self.received.recv_timeout(PATIENCE) {
                    Ok(frame) => Cell { end: allowance.end(), ..cell(&frame) },
                    Err(_) => {
                        self.session.kill();
                        Cell::died("it did not react to an interrupt")
                    }
                }
            }
        }
    }
}

impl Runtime for PlainKernel {
    fn execute(&mut self, code: &str, allowance: Allowance<'_>) -> Cell {
        self.session.renew();
        let code = serde_json::Value::from(code).to_string();
        let sent = write!(self.stdin, "{}\n{code}", code.len()).and_then(|()| self.stdin.flush());
        let cell = match sent {
            Ok(()) => self.collect(allowance),
            Err(_) => Cell::died(self.ending()),
        };
        self.session.rest();
        cell
    }

    fn is_alive(&self) -> bool {
        self.session.status().is_none()
    }
}

fn read_frame(stdout: &mut BufReader<ChildStdout>) -> io::Result<Vec<u8>> {
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let mut line = String::new();
    stdout.by_ref().take(20).read_line(&mut line)?;
    let length: u64 = line.trim_end().parse().map_err(|_| wrong())?;
    let mut frame = Vec::new();
    let read = stdout.by_ref().take(length.min(FRAME)).read_to_end(&mut frame)?;
    if read as u64 == length { Ok(frame) } else { Err(wrong()) }
}

/// The result in a frame; code that writes frames itself gets what it deserves.
fn cell(frame: &[u8]) -> Cell {
    match serde_json::from_slice::<Answer>(frame) {
        Ok(Answer { text, value, error }) => {
            let mut cell = Cell { text, ..Cell::default() };
            if let Some(value) = &value {
                cell.show(value, usize::MAX);
            }
            let end = error.map_or(CellEnd::Done, CellEnd::Raised);
            Cell { value, end, ..cell }
        }
        Err(error) => Cell { end: CellEnd::Raised(format!("damaged result: {error}")), ..Cell::default() },
    }
}
