//! The served model: started when the first stage needs it, stopped at the end.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::workspace;

/// How long a server may take to listen.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long it may take to drain after SIGTERM.
const STOP_LIMIT: Duration = Duration::from_secs(35);

/// A running `lmdeploy serve api_server`; stops when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    url: String,
}

/// The file that the server writes once it listens.
#[derive(Debug, Deserialize)]
struct Ready {
    url: String,
}

impl Server {
    /// Starts the server on a free port and waits until it listens. Its standard input is a pipe from here: it closes
    /// with this process, however that ends.
    pub(crate) fn start(command: &mut Command, ready_file: &Path) -> Result<Self> {
        if ready_file.exists() {
            std::fs::remove_file(ready_file)
                .with_context(|| format!("{}: cannot remove", ready_file.display()))?;
        }
        tracing::info!("starting `{}`", workspace::describe(command));
        let child = command
            .stdin(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", workspace::describe(command)))?;
        let mut server = Self { child, url: String::new() };
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            if let Some(status) = server.child.try_wait()? {
                bail!("`{}` ended with {status} before it listened", workspace::describe(command));
            }
            if let Ok(bytes) = std::fs::read(ready_file) {
                let ready: Ready = serde_json::from_slice(&bytes)
                    .with_context(|| format!("{}: not the expected JSON", ready_file.display()))?;
                server.url = ready.url;
                return Ok(server);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the server did not listen within {} s", START_LIMIT.as_secs())
    }

    /// `http://host:port`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // SIGTERM lets it finish running requests; `kill` is the portable way to send it without unsafe code.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        let started = Instant::now();
        while asked.as_ref().is_ok_and(std::process::ExitStatus::success) && started.elapsed() < STOP_LIMIT {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // Nothing can be done about a child that cannot be killed; it is gone either way.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, ready: &Path) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(ready);
        command
    }

    #[test]
    fn a_server_is_ready_when_its_file_is_there_and_ends_with_its_owner() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (ready, gone) = (folder.path().join("ready.json"), folder.path().join("gone"));
        std::fs::write(&ready, "{\"url\": \"http://old\"}").expect("writes");
        let script = format!(
            "trap 'echo bye > {}; exit 0' TERM; echo '{{\"url\": \"http://new\"}}' > \"$1\"; while :; do sleep 0.01; done",
            gone.display()
        );
        let server = Server::start(&mut shell(&script, &ready), &ready).expect("starts");
        assert_eq!(server.url(), "http://new");
        drop(server);
        assert!(gone.exists(), "SIGTERM came first");
    }

    #[test]
    fn a_server_that_ends_before_it_listens_is_an_error() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let ready = folder.path().join("ready.json");
        let error = Server::start(&mut shell("exit 7", &ready), &ready).expect_err("it ends at once");
        assert!(error.to_string().contains("exit status: 7"), "{error}");
    }
}
