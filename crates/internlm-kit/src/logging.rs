//! Logging to stderr: stdout is data, stderr is logs and progress.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Installs the process-wide subscriber: `info` and above, or what `INTERNLM_LOG` says
/// (the syntax of `tracing_subscriber::EnvFilter`). Called once, by `main`; later calls do nothing.
pub fn init() {
    let filter = EnvFilter::try_from_env("INTERNLM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let terminal = std::io::stderr().is_terminal();
    // The second call of a process fails, which is what "do nothing" means.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(terminal)
        .with_target(false)
        .compact()
        .try_init();
}
