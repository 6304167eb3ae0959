//! [`RowSampler`]: which rows a step takes, with or without rows of similar length together.
//!
//! Grouping by length follows the `LengthGroupedSampler` of XTuner and Transformers: a random order is divided into
//! windows of many steps, each window is sorted, and the steps of all windows are shuffled. It pays where rows are not
//! packed: the passes of a step, and the ranks of a run, then have equal work. The whole is a pure function of (seed,
//! epoch, lengths).

use internlm_kit::rng::CounterRng;
use internlm_train::batch::Sampler;

/// Steps whose rows are sorted together, as upstream's `mega_batch_mult`.
const WINDOW_STEPS: usize = 50;

/// Which rows a step takes.
#[derive(Clone, Debug)]
pub(super) enum RowSampler {
    /// Rows of any length, without replacement.
    Plain(Sampler),
    /// Rows of similar length in each step, without replacement.
    Grouped(LengthSampler),
}

impl RowSampler {
    /// Numbers of the rows that `step` takes, in order.
    pub(super) fn step(&mut self, step: u64) -> Vec<usize> {
        match self {
            Self::Plain(sampler) => sampler.step(step),
            Self::Grouped(sampler) => sampler.step(step),
        }
    }

    /// How often all rows have been drawn when `step` begins.
    pub(super) fn epoch(&self, step: u64) -> f64 {
        match self {
            Self::Plain(sampler) => sampler.epoch(step),
            Self::Grouped(sampler) => sampler.epoch(step),
        }
    }
}

/// Draws rows without replacement, rows of similar length in each step.
///
/// Draws are numbered as those of [`Sampler`]: draw `n` belongs to epoch `n / rows`, and step `s` takes the draws from
/// `s batch` on. A step that two epochs share takes random rows.
#[derive(Clone, Debug)]
pub(super) struct LengthSampler {
    rng: CounterRng,
    lengths: Vec<usize>,
    batch: usize,
    /// The order drawn last: epoch and rows.
    order: Option<(u64, Vec<usize>)>,
}

impl LengthSampler {
    /// Steps of `batch` rows, at least 1, of the given lengths.
    pub(super) fn new(seed: u64, lengths: Vec<usize>, batch: usize) -> Self {
        Self { rng: CounterRng::new(seed, "rows by length"), lengths, batch: batch.max(1), order: None }
    }

    fn step(&mut self, step: u64) -> Vec<usize> {
        let (rows, batch) = (self.lengths.len() as u64, self.batch as u64);
        let draws = step * batch..(step + 1) * batch;
        draws.map(|draw| self.order_of(draw / rows)[(draw % rows) as usize]).collect()
    }

    fn epoch(&self, step: u64) -> f64 {
        (step * self.batch as u64) as f64 / self.lengths.len() as f64
    }

    fn order_of(&mut self, epoch: u64) -> &[usize] {
        if self.order.as_ref().is_none_or(|(known, _)| *known != epoch) {
            self.order = None;
        }
        let (rng, lengths, batch) = (self.rng.split(epoch), &self.lengths, self.batch);
        &self.order.get_or_insert_with(|| (epoch, grouped(rng, lengths, batch, epoch))).1
    }
}

/// The order of one epoch.
fn grouped(rng: CounterRng, lengths: &[usize], batch: usize, epoch: u64) -> Vec<usize> {
    let mut order = rng.permutation(lengths.len());
    // The first draws may complete a step of the epoch before, the last ones begin one that the next completes.
    let begun = ((epoch % batch as u64) as usize * (lengths.len() % batch)) % batch;
    let first = ((batch - begun) % batch).min(order.len());
    let whole = (order.len() - first) / batch * batch;
    let middle = &mut order[first..first + whole];
    for window in middle.chunks_mut(batch * WINDOW_STEPS) {
        window.sort_by_key(|row| std::cmp::Reverse(lengths[*row]));
    }
    let steps: Vec<Vec<usize>> = middle.chunks(batch).map(<[usize]>::to_vec).collect();
    let shuffled = rng.split(1).permutation(steps.len());
    for (place, step) in middle.chunks_mut(batch).zip(shuffled) {
        place.copy_from_slice(&steps[step]);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(rows: u64) -> Vec<usize> {
        let rng = CounterRng::new(5, "lengths");
        (0..rows).map(|row| 1 + rng.below(row, 1000) as usize).collect()
    }

    #[test]
    fn an_epoch_holds_every_row_once_and_steps_are_pure() {
        for (rows, batch) in [(103, 4), (8, 4), (3, 8), (250, 1), (1, 1)] {
            let mut sampler = LengthSampler::new(7, lengths(rows), batch);
            let stream: Vec<usize> = (0..4 * rows).flat_map(|step| sampler.step(step)).collect();
            for epoch in stream.chunks_exact(rows as usize) {
                let mut epoch = epoch.to_vec();
                epoch.sort_unstable();
                assert!(epoch.into_iter().eq(0..rows as usize), "{rows} rows, {batch} in a step");
            }
            for step in (0..4 * rows).rev() {
                let first = step as usize * batch;
                let found = LengthSampler::new(7, lengths(rows), batch).step(step);
                assert_eq!(found, stream[first..first + batch], "step {step}");
            }
        }
    }

    #[test]
    fn rows_of_a_step_have_similar_lengths_in_every_epoch() {
        let (lengths, batch) = (lengths(1003), 8);
        let mut sampler = LengthSampler::new(7, lengths.clone(), batch);
        let spread = |rows: &[usize]| {
            let lengths = || rows.iter().map(|row| lengths[*row]);
            lengths().max().unwrap_or(0) - lengths().min().unwrap_or(0)
        };
        let steps = 3 * 1003 / batch as u64;
        let wide = (0..steps).filter(|step| spread(&sampler.step(*step)) > 150).count();
        assert!(wide <= 3 * 2 + 3, "{wide} of {steps} steps mix lengths");
        let longest: Vec<usize> = (0..100).map(|step| lengths[sampler.step(step)[0]]).collect();
        assert!(!longest.is_sorted_by(|a, b| a >= b), "steps are not in the order of lengths");
    }
}
