//! Run: ask what the store does not know yet, many requests at a time, and store every answer at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::stream::{self, StreamExt};
use internlm_kit::progress::Progress;

use crate::infer::{Ask, Outcome};
use crate::model::{Answer, Model};
use crate::{Error, Plan, Result, Store};

/// After so many failures in a row a model counts as gone; the rest of its items is not asked.
const FAILURES_IN_A_ROW: usize = 16;

/// Requests that failed, by key, and why.
pub type Failures = BTreeMap<String, String>;

/// A switch that ends a run early: no new request starts, those under way finish and are stored.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks the run to end.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether the run is to end.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Asks everything in `plan` that `store` lacks, with `workers` requests under way per model.
///
/// # Errors
/// [`Error::Interrupted`] after [`Stop::set`], [`Error::File`] when the store cannot be written. A request
/// that fails is no error of the run.
pub async fn run(
    plan: &Plan,
    models: &[Box<dyn Model>],
    store: &mut Store,
    workers: usize,
    stop: &Stop,
) -> Result<Failures> {
    let mut known = BTreeSet::new();
    let pending: Vec<Vec<&Ask>> = (0..models.len())
        .map(|model| {
            let mut asks = plan.asks(model);
            asks.retain(|ask| store.get(&ask.key).is_none() && known.insert(ask.key.as_str()));
            asks
        })
        .collect();
    let total: usize = pending.iter().map(Vec::len).sum();
    if total == 0 {
        return Ok(Failures::new());
    }
    let progress = Progress::new("evaluate", "requests", total as u64);
    let streams = models.iter().zip(pending).map(|(model, asks)| {
        let in_a_row = Arc::new(AtomicUsize::new(0));
        let asked =
            stream::iter(asks).map(move |ask| ask_one(model.as_ref(), ask, Arc::clone(&in_a_row), stop));
        asked.buffer_unordered(workers.max(1)).boxed()
    });
    let mut answers = stream::select_all(streams);
    let mut failures = Failures::new();
    let mut skipped = 0;
    while let Some((key, outcome)) = answers.next().await {
        match outcome {
            Some(Ok(answer)) => store.append(key, &answer)?,
            Some(Err(error)) => {
                tracing::warn!("request failed: {error}");
                failures.insert(key.to_owned(), error);
            }
            None => skipped += 1,
        }
        progress.advance(1);
    }
    store.sync()?;
    if stop.is_set() && skipped > 0 {
        return Err(Error::Interrupted { done: total - skipped - failures.len(), total });
    }
    Ok(failures)
}

/// One request; nothing when the run is ending.
async fn ask_one<'a>(
    model: &dyn Model,
    ask: &'a Ask,
    in_a_row: Arc<AtomicUsize>,
    stop: &Stop,
) -> (&'a str, Option<Result<Answer, String>>) {
    if stop.is_set() {
        return (&ask.key, None);
    }
    if in_a_row.load(Ordering::SeqCst) >= FAILURES_IN_A_ROW {
        let reason = format!("not asked: {FAILURES_IN_A_ROW} requests in a row had failed");
        return (&ask.key, Some(Err(reason)));
    }
    let outcome = model.answer(&ask.request).await.map_err(|error| error.to_string());
    match &outcome {
        Ok(_) => in_a_row.store(0, Ordering::SeqCst),
        Err(_) => {
            in_a_row.fetch_add(1, Ordering::SeqCst);
        }
    }
    (&ask.key, Some(outcome))
}

/// The outcome of one request after a run.
pub fn outcome(ask: &Ask, store: &Store, failures: &Failures) -> Outcome {
    match (store.get(&ask.key), failures.get(&ask.key)) {
        (Some(answer), _) => Ok(answer.clone()),
        (None, Some(error)) => Err(error.clone()),
        (None, None) => Err("not asked yet".to_owned()),
    }
}
