//! [`call`]: one tool call with its hooks, as an event.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::agents::ServedAgent;
use crate::action::{ActionReturn, ActionState, CallContext};
use crate::hook::PendingAction;
use crate::run::{Event, ToolOutcome};

/// Makes a call: asks the hooks, runs the tool on its own thread and shows the result to the hooks. The time that a
/// hook needs for its decision does not count.
pub(super) async fn call(agent: Arc<ServedAgent>, action: PendingAction, deadline: Duration) -> Event {
    let call = action.id;
    let (action, refused) = judged(&agent, action).await;
    let started = Instant::now();
    let mut value = match refused {
        Some(value) => value,
        None => made(&agent, &action, deadline).await,
    };
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    agent.hooks.after_action(&action, &mut value);
    Event::Tool { call, outcome: ToolOutcome { value, milliseconds } }
}

/// Asks the hooks, on a thread where they may wait for a person. Returns the call as they changed it, and what the
/// model reads if it is not made.
async fn judged(agent: &ServedAgent, action: PendingAction) -> (PendingAction, Option<ActionReturn>) {
    if agent.hooks.is_empty() {
        return (action, None);
    }
    let (hooks, mut asked) = (agent.hooks.clone(), action.clone());
    let judging = tokio::task::spawn_blocking(move || {
        let verdict = hooks.before_action(&mut asked);
        (asked, verdict)
    });
    match judging.await {
        Ok((asked, Ok(()))) => (asked, None),
        Ok((asked, Err(refusal))) => {
            let value = refusal.into_return(&asked);
            (asked, Some(value))
        }
        Err(_) => {
            let value = failed(&action, "a hook panicked".to_owned());
            (action, Some(value))
        }
    }
}

/// Runs the tool and waits for it until the deadline. A thread cannot be stopped from outside, so a tool that runs
/// programs has to limit them itself.
async fn made(agent: &Arc<ServedAgent>, action: &PendingAction, deadline: Duration) -> ActionReturn {
    let (agent, asked) = (Arc::clone(agent), action.clone());
    let thread = tokio::task::spawn_blocking(move || {
        let context = CallContext { session: &asked.session, deadline };
        agent.tools.call_in(&context, &asked.name, &asked.args)
    });
    match tokio::time::timeout(deadline, thread).await {
        Ok(Ok(value)) => value,
        Ok(Err(_)) => failed(action, "the tool panicked".to_owned()),
        Err(_) => failed(action, format!("the tool did not end within {} ms", deadline.as_millis())),
    }
}

fn failed(action: &PendingAction, message: String) -> ActionReturn {
    ActionReturn::error(&action.name, action.args.clone(), ActionState::ApiError, message)
}
