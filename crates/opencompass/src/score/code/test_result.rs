//! [`TestResult`]: how the tests of an answer ended, in upstream's words.

use serde_json::Value;

use crate::infer::Outcome;
use crate::model::{Answer, Ending};
use crate::score::verdict::detail;
use crate::score::{Detail, ScoredItem};

/// How the tests of an answer ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TestResult {
    /// All tests hold.
    Pass,
    /// The time was up.
    Timeout,
    /// A test does not hold.
    WrongAnswer,
    /// The program ended before its tests, or raised an error.
    Failed,
}

impl TestResult {
    /// The four results in upstream's order.
    pub(super) const ALL: [Self; 4] = [Self::Pass, Self::Timeout, Self::Failed, Self::WrongAnswer];

    /// Returns upstream's word for it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Timeout => "timeout",
            Self::WrongAnswer => "wrong_answer",
            Self::Failed => "failed",
        }
    }

    /// Finds the result for one of upstream's words.
    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|result| result.word() == word)
    }
}

/// A result with the reason why it is not a pass.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Tested {
    /// How the tests ended.
    pub(super) result: TestResult,
    /// What went wrong; absent after a pass.
    pub(super) reason: Option<String>,
    /// Whether the tests could run at all.
    pub(super) ran: bool,
}

impl Tested {
    /// Creates the result of tests that ran.
    pub(super) fn new(result: TestResult, reason: impl Into<String>) -> Self {
        let reason = Some(reason.into()).filter(|reason| !reason.is_empty() && result != TestResult::Pass);
        Self { result, reason, ran: true }
    }

    /// Creates the result of tests that could not run.
    pub(super) fn not_run(reason: impl Into<String>) -> Self {
        Self { result: TestResult::Failed, reason: Some(reason.into()), ran: false }
    }

    /// Returns the detail of an item with this result.
    pub(super) fn detail(self, item: &ScoredItem<'_>) -> Detail {
        let mut detail = detail(item);
        detail.correct = Some(self.result == TestResult::Pass);
        detail.reason = self.reason.or(detail.reason);
        detail.extra.insert("result".to_owned(), Value::from(self.result.word()));
        detail
    }
}

/// What a program wrote, or the result that is already clear from how it ended.
pub(super) fn written(outcome: &Outcome) -> Result<&str, Tested> {
    match outcome {
        Ok(Answer::Ran { ending: Ending::Exit(0), stdout, .. }) => Ok(stdout),
        Ok(Answer::Ran { ending: Ending::Exit(code), stderr, .. }) => {
            let last = stderr.trim().lines().last().unwrap_or_default();
            let reason = format!("exit code {code}{}{last}", if last.is_empty() { "" } else { ": " });
            Err(Tested::new(TestResult::Failed, reason))
        }
        Ok(Answer::Ran { ending: Ending::Timeout, .. }) => {
            Err(Tested::new(TestResult::Timeout, "the time was up"))
        }
        Ok(Answer::Ran { ending: Ending::Killed, .. }) => {
            Err(Tested::new(TestResult::Failed, "ended by a signal or by a limit of the sandbox"))
        }
        Ok(_) => Err(Tested::not_run("found an answer of another kind, expected what a program did")),
        Err(error) => Err(Tested::not_run(error.as_str())),
    }
}
