//! Grading on all processors.

use std::num::NonZero;

use crate::score::ScoredItem;

/// Applies `judge` to every item and returns the results in the order of the items, however many processors there are.
pub(super) fn on_all_processors<T: Send>(
    items: &[ScoredItem<'_>],
    judge: impl Fn(&ScoredItem<'_>) -> T + Sync,
) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let size = items.len().div_ceil(threads).max(1);
    let judge = &judge;
    std::thread::scope(|scope| {
        let parts: Vec<_> = items
            .chunks(size)
            .map(|part| scope.spawn(move || part.iter().map(judge).collect::<Vec<T>>()))
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("judging an item does not panic")).collect()
    })
}
