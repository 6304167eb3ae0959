//! The end of a run: what it tells about itself, and what its client is answered.

use super::drive::{Scene, Stop};
use super::failure::{Failure, Retry};
use crate::client::{RunFailure, RunInfo, RunStatus};
use crate::message::AgentMessage;
use crate::run::{FailReason, FailureKind};

/// Status of a run that was cancelled while somebody waited for its answer.
const CANCELLED: u16 = 409;
/// Status of a run whose agent has ended without an answer.
const NO_ANSWER: u16 = 422;

/// Notes the outcome of a run's question, without telling anybody.
pub(super) fn settle(scene: &Scene, stop: Stop) {
    let agent = &scene.agent;
    match stop {
        Stop::Finished(mut message, finish) => {
            agent.hooks.after_agent(&scene.session, &mut message);
            let answer = AgentMessage::new(&agent.name, message.text());
            scene.run.settle(|info| {
                info.status = RunStatus::Finished;
                (info.answer, info.finish) = (Some(answer), Some(finish));
            });
        }
        Stop::Failed(reason, best) => {
            let (message, status) = (reason.to_string(), status(&reason));
            fail(scene, RunFailure { message, status, reason: Some(reason), best });
        }
        Stop::Broken(Failure { status, message, .. }) => {
            fail(scene, RunFailure { message, status, reason: None, best: None });
        }
        Stop::Tools(..) => {
            let message = "the agent has left its calls to a client that calls no tools".to_owned();
            fail(scene, RunFailure { message, status: 500, reason: None, best: None });
        }
    }
}

fn fail(scene: &Scene, failure: RunFailure) {
    let is_cancelled = failure.reason == Some(FailReason::Cancelled);
    scene.run.settle(|info| {
        info.status = if is_cancelled { RunStatus::Cancelled } else { RunStatus::Failed };
        info.error = Some(failure);
    });
}

fn status(reason: &FailReason) -> u16 {
    match reason {
        FailReason::Cancelled => CANCELLED,
        FailReason::Model { kind: FailureKind::ContextLength, .. } => 400,
        FailReason::Model { kind: FailureKind::Quota, .. } => 503,
        FailReason::Model { .. } => 502,
        _ => NO_ANSWER,
    }
}

/// What the client of a run without an answer is told. The agent may have called tools, so the client must not ask
/// again by itself.
pub(super) fn failure(info: &RunInfo) -> Failure {
    let (status, message, best) = match &info.error {
        Some(error) => (error.status, error.message.as_str(), error.best.clone()),
        None => (500, "the run has ended without a reason", None),
    };
    let message = format!("{} has no answer: {message}", info.id);
    Failure { retry: Retry::Forbidden, best, ..Failure::new(status, message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_status() {
        let model = |kind| FailReason::Model { kind, message: "m".to_owned() };
        for (reason, expected) in [
            (FailReason::Limit { limit: "max-turn".to_owned() }, 422),
            (FailReason::Unparsable { problem: "p".to_owned() }, 422),
            (FailReason::Team { problem: "p".to_owned() }, 422),
            (FailReason::Refused { message: "r".to_owned() }, 422),
            (FailReason::Cancelled, 409),
            (model(FailureKind::ContextLength), 400),
            (model(FailureKind::Quota), 503),
            (model(FailureKind::Network), 502),
        ] {
            assert_eq!(status(&reason), expected, "{reason:?}");
        }
    }

    #[test]
    fn a_failed_run_is_not_repeated_by_its_client() {
        let (id, message, best) = ("run_1".to_owned(), "why".to_owned(), Some("b".to_owned()));
        let error = Some(RunFailure { message, status: 422, reason: None, best });
        let info = RunInfo { id, error, ..RunInfo::default() };
        let failure = failure(&info);
        assert_eq!((failure.status, failure.retry), (422, Retry::Forbidden));
        assert_eq!(failure.message, "run_1 has no answer: why");
        assert_eq!(failure.best.as_deref(), Some("b"));
    }
}
