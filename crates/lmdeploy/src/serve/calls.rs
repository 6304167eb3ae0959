//! [`Calls`]: the requests under way, by the names that clients know them by, and what they have cost so far.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::counts::Place;
use crate::engine::{Generation, Output, RequestId};

tokio::task_local! {
    /// The request whose handler runs in this task.
    static CURRENT: Call;
}

/// The name of a request, in its extensions: the client's `x-request-id`, or one that the server made.
#[derive(Clone, Debug)]
pub(super) struct RequestName(pub(super) String);

/// One HTTP request. Clones are the same request.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    state: Arc<CallState>,
}

#[derive(Debug, Default)]
struct CallState {
    name: String,
    /// What the engine generates for it.
    generations: Mutex<Vec<RequestId>>,
    /// The client's name of the conversation; none when the request names none.
    session: Mutex<Option<Value>>,
    prompt_tokens: AtomicU64,
    generated_tokens: AtomicU64,
}

/// All requests whose answers have not ended. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    open: Arc<Mutex<BTreeMap<u64, Call>>>,
    next: Arc<AtomicU64>,
}

/// A request that is on the list until this is dropped.
#[derive(Debug)]
pub(super) struct OpenCall {
    calls: Calls,
    number: u64,
    pub(super) call: Call,
    /// Its place among the requests that may be handled at the same time; none when it needs none.
    _place: Option<Place>,
}

/// A panic while holding a lock leaves the list whole: every change is one call.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The request of this task, which now waits for `generations`. Outside of a request it is one that nobody knows.
pub(super) fn current(generations: &[Generation]) -> Call {
    let call = CURRENT.try_with(Call::clone).unwrap_or_default();
    lock(&call.state.generations).extend(generations.iter().map(Generation::id));
    call
}

/// Names the conversation that the request of this task belongs to; null and -1, upstream's default, name none.
pub(super) fn name_session(session: Option<&Value>) {
    let Some(session) = session.filter(|name| !name.is_null() && **name != -1) else { return };
    // Outside of a request nobody can end it by this name.
    let _ = CURRENT.try_with(|call| *lock(&call.state.session) = Some(session.clone()));
}

impl Call {
    /// Adds the tokens of a generation that has ended, which is number `choice` of the choices of its prompt: the first
    /// one counts the prompt.
    pub(super) fn count(&self, output: &Output, choice: usize) {
        let Output::Finished(finished) = output else { return };
        if choice == 0 {
            self.state.prompt_tokens.fetch_add(finished.prompt_tokens as u64, Ordering::Relaxed);
        }
        self.state.generated_tokens.fetch_add(finished.generated_tokens as u64, Ordering::Relaxed);
    }

    /// Tokens of the prompts and generated tokens of what has ended.
    pub(super) fn tokens(&self) -> (u64, u64) {
        let read = |value: &AtomicU64| value.load(Ordering::Relaxed);
        (read(&self.state.prompt_tokens), read(&self.state.generated_tokens))
    }

    /// The client's name of it, or the server's.
    pub(super) fn name(&self) -> &str {
        &self.state.name
    }

    /// Runs a handler, in which [`current`] is this request.
    pub(super) async fn run<T>(&self, handler: impl Future<Output = T>) -> T {
        CURRENT.scope(self.clone(), handler).await
    }
}

impl Calls {
    /// A number that no other request has, for its name.
    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Puts a request on the list.
    pub(super) fn open(&self, number: u64, name: String, place: Option<Place>) -> OpenCall {
        let call = Call { state: Arc::new(CallState { name, ..CallState::default() }) };
        lock(&self.open).insert(number, call.clone());
        OpenCall { calls: self.clone(), number, call, _place: place }
    }

    /// What the engine generates for the requests that `name` means: all with this `x-request-id`, or the one whose
    /// answer has this id, of which `generation` is a part.
    pub(super) fn generations(&self, name: &str, generation: Option<RequestId>) -> Vec<RequestId> {
        let mut found = Vec::new();
        for call in lock(&self.open).values() {
            let ids = lock(&call.state.generations);
            if call.name() == name || generation.is_some_and(|id| ids.contains(&id)) {
                found.extend(ids.iter().copied());
            }
        }
        found
    }
}

impl Calls {
    /// What the engine generates for all requests of a conversation.
    pub(super) fn of_session(&self, session: &Value) -> Vec<RequestId> {
        let open = lock(&self.open);
        let calls = open.values().filter(|call| lock(&call.state.session).as_ref() == Some(session));
        calls.flat_map(|call| lock(&call.state.generations).clone()).collect()
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        lock(&self.calls.open).remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{End, Finished, Times};

    #[test]
    fn requests_are_found_by_both_names_until_they_end() {
        let calls = Calls::default();
        let (first, second) = (calls.open(0, "a".to_owned(), None), calls.open(1, "b".to_owned(), None));
        lock(&first.call.state.generations).extend([RequestId(3), RequestId(4)]);
        lock(&second.call.state.generations).push(RequestId(5));
        assert_eq!(calls.generations("a", None), [RequestId(3), RequestId(4)]);
        assert_eq!(calls.generations("chatcmpl-1", Some(RequestId(4))), [RequestId(3), RequestId(4)]);
        assert_eq!(calls.generations("chatcmpl-1", Some(RequestId(9))), []);
        drop(first);
        assert_eq!(calls.generations("a", Some(RequestId(3))), []);
        assert_eq!(calls.generations("b", None), [RequestId(5)]);
    }

    #[test]
    fn outside_of_a_request_nobody_is_named() {
        name_session(Some(&Value::from(7)));
        assert_eq!(current(&[]).name(), "");
    }

    #[tokio::test]
    async fn a_conversation_has_the_requests_that_name_it() {
        let calls = Calls::default();
        let open: Vec<OpenCall> =
            (0..4).map(|number| calls.open(number, format!("call {number}"), None)).collect();
        for (open, session) in
            open.iter().zip([Value::from(7), Value::from("7"), Value::from(-1), Value::from(7)])
        {
            open.call.run(async { name_session(Some(&session)) }).await;
            lock(&open.call.state.generations).push(RequestId(open.number));
        }
        assert_eq!(calls.of_session(&Value::from(7)), [RequestId(0), RequestId(3)]);
        assert_eq!(calls.of_session(&Value::from("7")), [RequestId(1)]);
        assert!(calls.of_session(&Value::from(-1)).is_empty(), "upstream's default is no name");
    }

    #[test]
    fn a_prompt_counts_once_for_all_its_choices() {
        let call = Call::default();
        for choice in [0, 1, 0] {
            let finished = Finished {
                end: End::Length,
                rest: String::new(),
                prompt_tokens: 5,
                generated_tokens: 2,
                cached_tokens: 0,
                stop_string: None,
                times: Times::default(),
                embedding: None,
            };
            call.count(&Output::Finished(finished), choice);
        }
        assert_eq!(call.tokens(), (10, 6));
    }
}
