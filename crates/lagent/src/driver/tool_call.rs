//! [`call_tool`]: one tool call with its hooks, as an event. All asynchronous drivers make their calls this way.

use std::time::{Duration, Instant};

use internlm_kit::stop::Stop;

use super::ToolAccess;
use crate::action::{ActionReturn, ActionState};
use crate::hook::PendingAction;
use crate::run::{Event, ToolOutcome};

/// Makes one call: asks the hooks, runs the tool on its own thread, and shows the result to the hooks. The time that
/// a hook needs for its decision does not count towards `deadline`, which is in milliseconds.
pub(crate) async fn call_tool(tools: ToolAccess<'_>, action: PendingAction, deadline: u64) -> Event {
    let call = action.id;
    let (action, refused) = judged(tools, action).await;
    let started = Instant::now();
    let mut value = match refused {
        Some(value) => value,
        None => made(tools, &action, deadline).await,
    };
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    tools.after_action(&action, &mut value);
    Event::Tool { call, outcome: ToolOutcome { value, milliseconds } }
}

/// Asks the hooks about a call, on a thread where they may wait for a person. Returns the call as they changed it,
/// and what the model reads if it is not made.
async fn judged(tools: ToolAccess<'_>, action: PendingAction) -> (PendingAction, Option<ActionReturn>) {
    let Some(hooks) = tools.hooks().cloned() else { return (action, None) };
    let mut asked = action.clone();
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

/// Held by whoever waits for the result of a call: requests the call's stop when it is dropped.
#[derive(Default)]
pub(crate) struct Wanted(Stop);

impl Wanted {
    /// The stop, for the thread that makes the call.
    pub(crate) fn stop(&self) -> Stop {
        self.0.clone()
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.request();
    }
}

/// Runs the tool and waits for it until the deadline.
///
/// A thread cannot be stopped from outside, so a tool that runs programs ends them when its stop is requested: at the
/// deadline, and when the run is cancelled, which drops this future.
async fn made(tools: ToolAccess<'_>, action: &PendingAction, deadline: u64) -> ActionReturn {
    let wanted = Wanted::default();
    let (toolbox, asked, stop) = (tools.tools().clone(), action.clone(), wanted.stop());
    let thread = tokio::task::spawn_blocking(move || {
        ToolAccess::from(&toolbox).with_session(&asked.session).with_stop(&stop).call(&asked, deadline)
    });
    match tokio::time::timeout(Duration::from_millis(deadline), thread).await {
        Ok(Ok(value)) => value,
        Ok(Err(_)) => failed(action, "the tool panicked".to_owned()),
        Err(_) => failed(action, format!("the tool did not end within {deadline} ms")),
    }
}

fn failed(action: &PendingAction, message: String) -> ActionReturn {
    ActionReturn::error(&action.name, action.args.clone(), ActionState::ApiError, message)
}
