//! [`ChildServer`]: a server that is a program, from its start to its end.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::stderr_tail::StderrTail;
use crate::mcp::{McpConfig, McpError};

/// Variables that every program inherits: it needs them to work, and they are not secret. The list is that of the
/// official clients.
const INHERITED: [&str; 9] = ["HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER"];
/// Time that a program has to end once its standard input is closed, and again once it is asked by SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// Time that the last lines of a program may take to arrive.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// A running program. It and everything in its process group is killed when this is dropped.
#[derive(Debug)]
pub(super) struct ChildServer {
    child: Child,
    stderr: Arc<StderrTail>,
    /// Reads the standard error until its end.
    reader: JoinHandle<()>,
}

/// The two ends of the conversation: what the program writes, and what it reads.
pub(super) type Pipes = (ChildStdout, ChildStdin);

impl ChildServer {
    /// Starts the program.
    pub(super) fn spawn(name: &str, config: &McpConfig) -> Result<(Self, Pipes), McpError> {
        let program = config.command.as_deref().unwrap_or_default();
        let failed = |message: String| McpError::Start {
            name: name.to_owned(),
            message: format!("{program}: {message}"),
            stderr: String::new(),
        };
        let mut child = command(program, config).spawn().map_err(|error| failed(error.to_string()))?;
        let (stdin, stdout, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(errors)) = (stdin, stdout, errors) else {
            return Err(failed("the system made no pipes".to_owned()));
        };
        let stderr = Arc::new(StderrTail::default());
        let tail = Arc::clone(&stderr);
        let reader = tokio::spawn(async move { tail.read(errors).await });
        Ok((Self { child, stderr, reader }, (stdout, stdin)))
    }

    /// Returns whether the program has ended, which its pipes may not show yet.
    pub(super) fn has_ended(&mut self) -> bool {
        // A process that cannot be asked about is left to its pipes.
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// The last lines of the program's standard error.
    pub(super) async fn last_words(&mut self) -> String {
        if !self.reader.is_finished() {
            // A program that has just ended may still have lines in its pipe; one that still runs keeps it open.
            let _ = timeout(LAST_WORDS, &mut self.reader).await;
        }
        self.stderr.text()
    }

    /// Ends the program whose standard input is closed: waits, asks by SIGTERM, and kills.
    pub(super) async fn end(mut self) {
        if timeout(GRACE, self.child.wait()).await.is_ok() {
            return;
        }
        self.signal(Signal::TERM);
        if timeout(GRACE, self.child.wait()).await.is_ok() {
            return;
        }
        self.signal(Signal::KILL);
        // A process that cannot be waited for is reaped by the runtime.
        let _ = timeout(GRACE, self.child.wait()).await;
    }

    /// Signals the process group of a program that has not been waited for; afterwards its number may be another's.
    fn signal(&self, signal: Signal) {
        let group = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            // Fails when the program has just ended.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// The program in a process group of its own, with pipes and a small environment.
fn command(program: &str, config: &McpConfig) -> Command {
    let mut command = Command::new(program);
    let passed = INHERITED.iter().copied().chain(config.pass.iter().map(String::as_str));
    let inherited = passed.filter_map(|name| Some((name, std::env::var_os(name)?)));
    command
        .args(&config.args)
        .env_clear()
        .envs(inherited)
        .envs(&config.env)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(folder) = &config.folder {
        command.current_dir(folder);
    }
    command
}
