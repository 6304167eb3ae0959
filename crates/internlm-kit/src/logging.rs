//! Logging to stderr: stdout is data, stderr is logs and progress.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;

/// Replaces the filter of the subscriber that [`init`] has installed.
static RELOAD: OnceLock<Box<dyn Fn(EnvFilter) + Send + Sync>> = OnceLock::new();

/// Installs the process-wide subscriber: `info` and above, or what `INTERNLM_LOG` says
/// (the syntax of `tracing_subscriber::EnvFilter`). Called once, by `main`; later calls do nothing.
pub fn init() {
    let filter = EnvFilter::try_from_env("INTERNLM_LOG").unwrap_or_else(|_| EnvFilter::new("info,rmcp=warn"));
    let terminal = std::io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(terminal)
        .with_target(false)
        .compact()
        .with_filter_reloading();
    let handle = subscriber.reload_handle();
    // The second call of a process fails, which is what "do nothing" means.
    if subscriber.try_init().is_ok() {
        let reload = move |filter: EnvFilter| {
            // Fails when the subscriber is gone, which is when the process ends.
            let _ = handle.reload(filter);
        };
        let _ = RELOAD.set(Box::new(reload));
    }
}

/// Logs from `level` on, such as `debug`, whatever `INTERNLM_LOG` says. Nothing happens before [`init`].
pub fn set_level(level: &str) {
    if let Some(reload) = RELOAD.get() {
        reload(EnvFilter::new(level));
    }
}
