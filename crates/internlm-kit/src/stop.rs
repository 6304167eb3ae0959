//! [`Stop`]: how long work is asked to end early and keep what it has.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request to stop, shared between whoever asks and the work that looks at it between two steps.
///
/// ```
/// let stop = internlm_kit::stop::Stop::new();
/// let seen_by_the_work = stop.clone();
/// stop.request();
/// assert!(seen_by_the_work.is_requested());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// A stop that nobody has requested.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the work to stop. It cannot be taken back.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the work should stop at its next opportunity.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// A stop that Ctrl-C (SIGINT), SIGTERM and the end of the terminal (SIGHUP) request; the second one ends the
    /// process at once with code 130. Under `nohup` the end of the terminal is still ignored.
    ///
    /// # Errors
    /// The system refuses to install a handler.
    #[cfg(feature = "cli")]
    pub fn on_signals() -> std::io::Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        /// 128 + SIGINT, as a shell shows it.
        const INTERRUPTED: i32 = 130;
        let stop = Self::new();
        let hangup = hangup_is_heard().then_some(SIGHUP);
        for signal in [SIGINT, SIGTERM].into_iter().chain(hangup) {
            // In this order: the first signal finds the flag unset and only sets it.
            signal_hook::flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&stop.0))?;
            signal_hook::flag::register(signal, Arc::clone(&stop.0))?;
        }
        Ok(stop)
    }
}

/// Whether SIGHUP reaches this process: `nohup` makes it ignored, and a handler would undo that.
#[cfg(feature = "cli")]
fn hangup_is_heard() -> bool {
    /// SIGHUP is the first signal, and the first bit of the mask of ignored signals (proc(5)).
    const HANGUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Where nobody tells, everything stays as it is.
    mask.is_some_and(|mask| mask & HANGUP == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_reaches_every_clone_and_no_other_stop() {
        let (stop, other) = (Stop::new(), Stop::new());
        let clone = stop.clone();
        assert!(!clone.is_requested());
        stop.request();
        assert!(clone.is_requested() && stop.clone().is_requested() && !other.is_requested());
    }

    /// Tells the process that runs the test below to raise signals, and names the file where it says how far it came.
    #[cfg(feature = "cli")]
    const RAISES: &str = "INTERNLM_TEST_RAISES";

    /// Tells the process that runs the test below to wait for signals, and names the file where it says what it got.
    #[cfg(feature = "cli")]
    const WAITS: &str = "INTERNLM_TEST_WAITS";

    #[cfg(feature = "cli")]
    #[test]
    fn the_end_of_the_terminal_requests_a_stop_but_not_under_nohup() {
        use signal_hook::consts::SIGHUP;
        use signal_hook::low_level::raise;
        if let Some(progress) = std::env::var_os(WAITS) {
            let stop = Stop::on_signals().expect("installs handlers");
            raise(SIGHUP).expect("raises");
            std::fs::write(&progress, format!("{}", stop.is_requested())).expect("writes");
            return;
        }
        let folder = tempfile::tempdir().expect("temporary folder");
        let progress = folder.path().join("progress");
        let test = "stop::tests::the_end_of_the_terminal_requests_a_stop_but_not_under_nohup";
        // A shell cannot hear again what was ignored before it started.
        let heard = hangup_is_heard().then_some(("trap - HUP", "true"));
        for (before, requested) in heard.into_iter().chain([("trap '' HUP", "false")]) {
            let ran = std::process::Command::new("sh")
                .args(["-c", &format!("{before}; exec \"$@\""), "sh"])
                .arg(std::env::current_exe().expect("this test's binary"))
                .args(["--exact", test])
                .env(WAITS, &progress)
                .output()
                .expect("starts");
            assert!(ran.status.success(), "{before}: {ran:?}");
            assert_eq!(std::fs::read_to_string(&progress).expect("reads"), requested, "{before}");
        }
    }

    #[cfg(feature = "cli")]
    #[test]
    fn the_first_signal_requests_a_stop_and_the_second_one_ends_the_process() {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use signal_hook::low_level::raise;
        if let Some(progress) = std::env::var_os(RAISES) {
            let stop = Stop::on_signals().expect("installs handlers");
            raise(SIGTERM).expect("raises");
            assert!(stop.is_requested());
            std::fs::write(&progress, "requested").expect("writes");
            raise(SIGINT).expect("raises");
            std::fs::write(&progress, "survived").expect("writes");
            return;
        }
        let folder = tempfile::tempdir().expect("temporary folder");
        let progress = folder.path().join("progress");
        let ran = std::process::Command::new(std::env::current_exe().expect("this test's binary"))
            .args([
                "--exact",
                "stop::tests::the_first_signal_requests_a_stop_and_the_second_one_ends_the_process",
            ])
            .env(RAISES, &progress)
            .output()
            .expect("starts");
        assert_eq!(ran.status.code(), Some(130), "{ran:?}");
        assert_eq!(std::fs::read_to_string(&progress).expect("reads"), "requested");
    }
}
