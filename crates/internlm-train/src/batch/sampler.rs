//! [`Sampler`]: which rows a step takes, as a pure function of (seed, epoch, number of rows).

use internlm_kit::rng::CounterRng;

/// Draws rows without replacement, one counter-based permutation per epoch.
///
/// Rows are numbered along one endless stream: draw `n` belongs to epoch `n / rows`. Neither worker nor rank
/// count enters, so step `s` takes the same rows under any layout and after any resume.
///
/// ```
/// use internlm_train::batch::Sampler;
///
/// let mut sampler = Sampler::new(42, 10, 4);
/// let first = sampler.step(0);
/// assert_eq!(Sampler::new(42, 10, 4).step(0), first);
/// let mut epoch: Vec<usize> = (0..5).flat_map(|step| sampler.step(step)).collect();
/// epoch.sort_unstable();
/// assert_eq!(epoch, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9]); // two whole epochs
/// ```
#[derive(Clone, Debug)]
pub struct Sampler {
    rng: CounterRng,
    rows: usize,
    batch: usize,
    /// The permutation drawn last: epoch and order.
    order: Option<(u64, Vec<usize>)>,
}

impl Sampler {
    /// Batches of `batch` rows out of `rows`.
    ///
    /// # Panics
    /// When `rows` or `batch` is 0.
    #[must_use]
    pub fn new(seed: u64, rows: usize, batch: usize) -> Self {
        assert!(rows > 0 && batch > 0, "a sampler needs rows to draw and a batch to fill");
        Self { rng: CounterRng::new(seed, "rows"), rows, batch, order: None }
    }

    /// Numbers of the rows that `step` takes, in order.
    pub fn step(&mut self, step: u64) -> Vec<usize> {
        let (rows, batch) = (self.rows as u64, self.batch as u64);
        let first = step * batch;
        (first..first + batch)
            .map(|draw| {
                let (epoch, place) = (draw / rows, (draw % rows) as usize);
                self.order_of(epoch)[place]
            })
            .collect()
    }

    /// How often all rows have been drawn when `step` begins.
    #[must_use]
    pub fn epoch(&self, step: u64) -> f64 {
        (step * self.batch as u64) as f64 / self.rows as f64
    }

    fn order_of(&mut self, epoch: u64) -> &[usize] {
        let (rng, rows) = (self.rng, self.rows);
        let fresh = || (epoch, rng.split(epoch).permutation(rows));
        if self.order.as_ref().is_none_or(|(known, _)| *known != epoch) {
            self.order = Some(fresh());
        }
        &self.order.get_or_insert_with(fresh).1
    }
}
