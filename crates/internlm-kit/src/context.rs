//! [`RunContext`]: what long work gets from whoever started it.

use std::sync::Arc;

use crate::provenance::Provenance;
use crate::reporter::Reporter;
use crate::stop::Stop;

/// Stop signal, progress and origin of a run.
///
/// A library never installs signal handlers, draws bars or asks `git`; it takes a context. The default one is never
/// stopped and reports nothing. A binary makes one with [`RunContext::terminal`].
///
/// ```
/// use internlm_kit::{context::RunContext, stop::Stop};
///
/// let stop = Stop::new();
/// let context = RunContext::default().with_stop(stop.clone());
/// stop.request();
/// assert!(context.stop.is_requested());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunContext {
    /// Looked at between two steps of the work.
    pub stop: Stop,
    /// Where the progress of long work goes.
    pub reporter: Arc<dyn Reporter>,
    /// Who runs, for the heads of the files that the run writes; `None`: the library itself.
    pub provenance: Option<Provenance>,
}

impl Default for RunContext {
    fn default() -> Self {
        Self { stop: Stop::new(), reporter: Arc::new(()), provenance: None }
    }
}

impl RunContext {
    /// The context of a binary: bars on stderr, and the commit of the working directory in the written files.
    /// `program` and `version` are `env!("CARGO_PKG_NAME")` and `env!("CARGO_PKG_VERSION")`.
    ///
    /// Signals are not touched; add [`Stop::on_signals`] where the work can stop in the middle.
    #[cfg(feature = "cli")]
    #[must_use]
    pub fn terminal(program: &str, version: &str) -> Self {
        Self::default()
            .with_reporter(Arc::new(crate::terminal::Bars))
            .with_provenance(Provenance::new(program, version).with_commit_of_working_directory())
    }

    /// The same context with another stop signal.
    #[must_use]
    pub fn with_stop(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    /// The same context with another reporter.
    #[must_use]
    pub fn with_reporter(self, reporter: Arc<dyn Reporter>) -> Self {
        Self { reporter, ..self }
    }

    /// The same context with another origin.
    #[must_use]
    pub fn with_provenance(self, provenance: Provenance) -> Self {
        Self { provenance: Some(provenance), ..self }
    }

    /// The origin, or that of the library `program` itself when nobody said who runs.
    #[must_use]
    pub fn provenance_or(&self, program: &str, version: &str) -> Provenance {
        self.provenance.clone().unwrap_or_else(|| Provenance::new(program, version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_signs_only_when_nobody_else_does() {
        let origin = Provenance::new("program", "2");
        let named = RunContext::default().with_provenance(origin.clone());
        assert_eq!(named.provenance_or("library", "1"), origin);
        let library = Provenance::new("library", "1");
        assert_eq!(RunContext::default().provenance_or("library", "1"), library);
    }
}
