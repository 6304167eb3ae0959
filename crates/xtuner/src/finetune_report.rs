//! [`FinetuneReport`]: what a run of any objective tells its caller.

use internlm_kit::summary::Summary;
use internlm_train::report::RunReport;

/// What a fine-tuning run did, and its summary when it finished.
#[derive(Clone, Debug, PartialEq)]
pub struct FinetuneReport {
    /// How the loop ended and what the last validation measured.
    pub run: RunReport,
    /// The numbers of `summary.json`; `None` when the run was stopped before its last step.
    pub summary: Option<Summary>,
}
