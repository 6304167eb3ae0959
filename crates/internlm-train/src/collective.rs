//! [`Collective`]: how the ranks of a run add up what each of them computed. The trainer knows nothing of the engine.
//!
//! Every rank is given the rows of the whole step and computes its share of them, so counts of tokens and labels
//! need no exchange: only gradients and the loss are added. Sums run in rank order, which makes them independent of
//! timing. An engine over MPI or NCCL implements the same trait.

use std::ops::Range;
use std::sync::{Arc, Barrier, Mutex};

use crate::{Error, Result};

/// The ranks of one run. All ranks call the same methods in the same order.
pub trait Collective: Send {
    /// Number of this rank, from 0. Rank 0 is the one that writes files.
    fn rank(&self) -> usize;

    /// Number of ranks, at least 1.
    fn size(&self) -> usize;

    /// Replaces `buffer` by the sum over all ranks, added in rank order.
    ///
    /// # Errors
    /// A rank that has ended, or buffers of different lengths.
    fn all_reduce(&mut self, buffer: &mut [f32]) -> Result<()>;

    /// The sum of `value` over all ranks in f64, added in rank order: losses and yes-or-no votes.
    ///
    /// # Errors
    /// A rank that has ended.
    fn all_reduce_f64(&mut self, value: f64) -> Result<f64>;
}

/// One process with nothing to exchange: what a [`crate::Trainer`] starts with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Single;

impl Collective for Single {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn all_reduce(&mut self, _buffer: &mut [f32]) -> Result<()> {
        Ok(())
    }

    fn all_reduce_f64(&mut self, value: f64) -> Result<f64> {
        Ok(value)
    }
}

/// Ranks that are threads of one process and exchange through shared memory.
///
/// A CPU already uses all its cores inside one rank, so this is not a way to train faster: it is the smallest engine
/// with more than one rank, against which others can be tested.
///
/// ```
/// use internlm_train::{Collective, Threads};
///
/// let sums: Vec<f64> = std::thread::scope(|scope| {
///     let ranks = Threads::ranks(3).into_iter();
///     let workers: Vec<_> =
///         ranks.map(|mut rank| scope.spawn(move || rank.all_reduce_f64(rank.rank() as f64))).collect();
///     workers.into_iter().map(|worker| worker.join().expect("no panic").expect("all ranks answer")).collect()
/// });
/// assert_eq!(sums, [3.0, 3.0, 3.0]);
/// ```
#[derive(Debug)]
pub struct Threads {
    rank: usize,
    shared: Arc<Shared>,
}

/// What the threads of one run have in common.
#[derive(Debug)]
struct Shared {
    /// What each rank brought to the sum in progress.
    parts: Vec<Mutex<Part>>,
    barrier: Barrier,
}

/// One rank's side of a sum; only one of the two is used.
#[derive(Clone, Debug, Default)]
struct Part {
    numbers: Vec<f32>,
    value: f64,
}

impl Threads {
    /// The handles of `size` ranks; each belongs to a thread of its own, which must take part in every sum.
    ///
    /// # Panics
    /// When `size` is 0.
    #[must_use]
    pub fn ranks(size: usize) -> Vec<Self> {
        assert!(size > 0, "a run has at least one rank");
        let parts = (0..size).map(|_| Mutex::default()).collect();
        let shared = Arc::new(Shared { parts, barrier: Barrier::new(size) });
        (0..size).map(|rank| Self { rank, shared: Arc::clone(&shared) }).collect()
    }

    /// Puts `part` down, waits for all ranks, lets `read` look at every part in rank order, and waits again before
    /// the next sum may overwrite them.
    fn exchange<T>(&self, part: Part, read: impl FnOnce(&[Part]) -> Result<T>) -> Result<T> {
        *self.part(self.rank) = part;
        self.shared.barrier.wait();
        let parts: Vec<Part> = (0..self.size()).map(|rank| self.part(rank).clone()).collect();
        let result = read(&parts);
        self.shared.barrier.wait();
        result
    }

    fn part(&self, rank: usize) -> std::sync::MutexGuard<'_, Part> {
        self.shared.parts[rank].lock().expect("no rank panics while it holds a part")
    }
}

impl Collective for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.shared.parts.len()
    }

    fn all_reduce(&mut self, buffer: &mut [f32]) -> Result<()> {
        let part = Part { numbers: buffer.to_vec(), value: 0.0 };
        self.exchange(part, |parts| {
            if let Some(other) = parts.iter().find(|part| part.numbers.len() != buffer.len()) {
                let (found, expected) = (other.numbers.len(), buffer.len());
                let expected = format!("{expected} on every rank");
                return Err(Error::mismatch("all-reduce", format!("{found} numbers"), expected));
            }
            for (index, sum) in buffer.iter_mut().enumerate() {
                let (first, rest) = parts.split_first().expect("a run has at least one rank");
                *sum = rest.iter().fold(first.numbers[index], |sum, part| sum + part.numbers[index]);
            }
            Ok(())
        })
    }

    fn all_reduce_f64(&mut self, value: f64) -> Result<f64> {
        let part = Part { numbers: Vec::new(), value };
        self.exchange(part, |parts| Ok(parts.iter().map(|part| part.value).sum()))
    }
}

/// Which of `rows` rows `rank` of `size` computes: consecutive ones, so that sums in rank order are sums in row order.
/// Shares differ by at most one row; with fewer rows than ranks some are empty.
pub(crate) fn share(rows: usize, rank: usize, size: usize) -> Range<usize> {
    let border = |rank: usize| rank * rows / size;
    border(rank)..border(rank + 1)
}
