//! Asks what the store does not have yet: many requests at the same time, every answer stored immediately.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use internlm_kit::context::RunContext;

use crate::counted::counted;
use crate::infer::Outcome;
use crate::model::{Answer, Model, Request};
use crate::{Error, Result, Store};

/// Number of failures in a row after which a model counts as gone. The rest of its requests is not sent: a
/// server that has crashed would otherwise cost one timeout per item.
const FAILURES_IN_A_ROW: usize = 16;

/// How often a run that waits for answers looks whether it has to stop.
const GLANCE: Duration = Duration::from_millis(200);

/// The requests that failed, by key, with their error messages.
pub type Failures = BTreeMap<String, String>;

/// A request with the one who answers it and the key of its answer.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    /// Index of who answers.
    pub(crate) to: usize,
    /// Key under which the answer is stored.
    pub(crate) key: String,
    /// What is asked.
    pub(crate) request: Request,
}

/// Returns the outcome under a key, if there is one.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<Outcome>;

/// Looks for an outcome among the stored answers and the failures of a run.
pub(crate) fn outcome(store: &Store, failures: &Failures, key: &str) -> Option<Outcome> {
    match (store.get(key), failures.get(key)) {
        (Some(answer), _) => Some(Ok(answer.clone())),
        (None, Some(error)) => Some(Err(error.clone())),
        (None, None) => None,
    }
}

/// Something that needs answers, possibly in several steps, such as an item of a dataset.
pub(crate) trait Course {
    /// Returns what has to be asked next; nothing if the course is done.
    fn missing(&self, lookup: Lookup<'_>) -> Vec<Errand>;
}

/// Someone who answers, with the number of requests that may be open at the same time.
pub(crate) struct Answerer<'a> {
    /// Who answers.
    pub(crate) model: &'a dyn Model,
    /// Maximum number of open requests.
    pub(crate) workers: usize,
}

/// Follows all courses to their ends. The first courses are served first; what a course asks later comes before the
/// courses that have not begun.
pub(crate) async fn ask_all(
    courses: &[Box<dyn Course + '_>],
    answerers: &[Answerer<'_>],
    store: &mut Store,
    context: &RunContext,
) -> Result<Failures> {
    let mut desk = Desk::new(answerers);
    let mut failures = Failures::new();
    for (index, course) in courses.iter().enumerate() {
        for errand in course.missing(&|key| outcome(store, &failures, key)) {
            desk.take(index, errand, Place::Back);
        }
    }
    if desk.waiting.is_empty() {
        return Ok(failures);
    }
    let progress = context.reporter.start("evaluate", "items", desk.pending.len() as u64);
    while let Some((key, to, answer)) = desk.next_answer(context).await {
        match answer {
            Ok(answer) => {
                store.append(&key, &answer)?;
                desk.queues[to].failures_in_a_row = 0;
            }
            Err(error) => {
                tracing::warn!("request failed: {error}");
                failures.insert(key.clone(), error);
                desk.queues[to].failures_in_a_row += 1;
            }
        }
        for course in desk.arrived(&key) {
            let errands = courses[course].missing(&|key| outcome(store, &failures, key));
            progress.advance(u64::from(errands.is_empty()));
            for errand in errands {
                desk.take(course, errand, Place::Front);
            }
        }
    }
    store.sync()?;
    let left = desk.waiting.len();
    if left > 0 {
        let total = desk.taken;
        return Err(Error::Interrupted { done: total.saturating_sub(left + failures.len()), total });
    }
    Ok(failures)
}

/// Where a request is put in its queue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Front,
    Back,
}

/// An answer on its way: key, index of who answers, and outcome.
type Underway<'a> = BoxFuture<'a, (String, usize, Outcome)>;

/// The open requests of one answerer.
struct Queue {
    errands: VecDeque<Errand>,
    open: usize,
    failures_in_a_row: usize,
}

/// All open requests, and the courses that wait for them.
struct Desk<'a> {
    answerers: &'a [Answerer<'a>],
    queues: Vec<Queue>,
    /// Key -> courses that wait for it.
    waiting: BTreeMap<String, Vec<usize>>,
    /// Course -> number of answers that it waits for.
    pending: BTreeMap<usize, usize>,
    underway: FuturesUnordered<Underway<'a>>,
    /// Number of requests so far.
    taken: usize,
    /// Whether the user was told that the run stops.
    stopping: bool,
}

impl<'a> Desk<'a> {
    fn new(answerers: &'a [Answerer<'a>]) -> Self {
        let queue = |_| Queue { errands: VecDeque::new(), open: 0, failures_in_a_row: 0 };
        Self {
            answerers,
            queues: answerers.iter().map(queue).collect(),
            waiting: BTreeMap::new(),
            pending: BTreeMap::new(),
            underway: FuturesUnordered::new(),
            taken: 0,
            stopping: false,
        }
    }

    /// Notes that `course` waits for a request, and queues it if nobody else waits for it.
    fn take(&mut self, course: usize, errand: Errand, place: Place) {
        *self.pending.entry(course).or_default() += 1;
        let waiting = self.waiting.entry(errand.key.clone()).or_default();
        waiting.push(course);
        if waiting.len() > 1 {
            return;
        }
        self.taken += 1;
        let errands = &mut self.queues[errand.to].errands;
        match place {
            Place::Front => errands.push_front(errand),
            Place::Back => errands.push_back(errand),
        }
    }

    /// Returns the courses that waited for an answer and wait for nothing else.
    fn arrived(&mut self, key: &str) -> Vec<usize> {
        let mut done = Vec::new();
        for course in self.waiting.remove(key).unwrap_or_default() {
            let Some(pending) = self.pending.get_mut(&course) else { continue };
            *pending -= 1;
            if *pending == 0 {
                self.pending.remove(&course);
                done.push(course);
            }
        }
        done
    }

    /// Sends what may be sent and waits for the next answer. Returns `None` when nothing is underway.
    async fn next_answer(&mut self, context: &RunContext) -> Option<(String, usize, Outcome)> {
        loop {
            if context.stop.is_requested() {
                self.tell_stop();
            } else {
                self.send();
            }
            if let Ok(answer) = tokio::time::timeout(GLANCE, self.underway.next()).await {
                let answer = answer?;
                self.queues[answer.1].open -= 1;
                return Some(answer);
            }
        }
    }

    /// Says once that the run stops, since open requests can take long.
    fn tell_stop(&mut self) {
        if !self.stopping {
            self.stopping = true;
            let open = counted(self.underway.len(), "open request");
            tracing::warn!("stopping after {open}; interrupt again to stop at once");
        }
    }

    fn send(&mut self) {
        for (to, queue) in self.queues.iter_mut().enumerate() {
            let answerer = &self.answerers[to];
            while queue.open < answerer.workers.max(1) {
                let Some(errand) = queue.errands.pop_front() else { break };
                queue.open += 1;
                let gone = queue.failures_in_a_row >= FAILURES_IN_A_ROW;
                self.underway.push(Box::pin(async move {
                    let outcome = match gone {
                        true => Err(format!("not asked: {FAILURES_IN_A_ROW} requests in a row had failed")),
                        false => answered(answerer.model, &errand.request).await,
                    };
                    (errand.key, to, outcome)
                }));
            }
        }
    }
}

async fn answered(model: &dyn Model, request: &Request) -> Result<Answer, String> {
    model.answer(request).await.map_err(|error| error.to_string())
}
