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

    /// A stop that Ctrl-C (SIGINT) and SIGTERM request; the second one ends the process at once with code 130.
    ///
    /// # Errors
    /// The system refuses to install a handler.
    #[cfg(feature = "cli")]
    pub fn on_signals() -> std::io::Result<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        /// 128 + SIGINT, as a shell shows it.
        const INTERRUPTED: i32 = 130;
        let stop = Self::new();
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag unset and only sets it.
            signal_hook::flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&stop.0))?;
            signal_hook::flag::register(signal, Arc::clone(&stop.0))?;
        }
        Ok(stop)
    }
}
