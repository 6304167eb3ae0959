//! Asks the models what the store does not have yet: many requests at the same time, every answer stored
//! immediately.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::{self, StreamExt};
use internlm_kit::context::RunContext;
use internlm_kit::stop::Stop;

use crate::infer::{Ask, Outcome};
use crate::model::{Answer, Model};
use crate::{Error, Plan, Result, Store};

/// Number of failures in a row after which a model counts as gone. The rest of its requests is not sent: a
/// server that has crashed would otherwise cost one timeout per item.
const FAILURES_IN_A_ROW: usize = 16;

/// The requests that failed, by key, with their error messages.
pub type Failures = BTreeMap<String, String>;

/// Asks everything in `plan` that `store` does not have, with `workers` open requests per model.
pub(crate) async fn ask_missing(
    plan: &Plan,
    models: &[Box<dyn Model>],
    store: &mut Store,
    workers: usize,
    context: &RunContext,
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
    let (progress, stop) = (context.reporter.start("evaluate", "requests", total as u64), &context.stop);
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
    if stop.is_requested() && skipped > 0 {
        return Err(Error::Interrupted { done: total - skipped - failures.len(), total });
    }
    Ok(failures)
}

/// Sends one request. Returns no outcome if the run is ending.
async fn ask_one<'a>(
    model: &dyn Model,
    ask: &'a Ask,
    in_a_row: Arc<AtomicUsize>,
    stop: &Stop,
) -> (&'a str, Option<Result<Answer, String>>) {
    if stop.is_requested() {
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

/// Returns the outcome of one request after a run.
pub(crate) fn outcome(ask: &Ask, store: &Store, failures: &Failures) -> Outcome {
    match (store.get(&ask.key), failures.get(&ask.key)) {
        (Some(answer), _) => Ok(answer.clone()),
        (None, Some(error)) => Err(error.clone()),
        (None, None) => Err("not asked yet".to_owned()),
    }
}
