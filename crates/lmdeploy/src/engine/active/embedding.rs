//! [`Embedding`]: the hidden states of a prompt, part by part -> one vector.

use crate::engine::Pooling;

/// The vector of one prompt, as far as its tokens have been computed.
#[derive(Debug)]
pub(super) struct Embedding {
    pooling: Pooling,
    /// Sums over the tokens, in their order. With so many bits a mean of thousands of rows keeps all bits of its parts,
    /// and how the prompt is cut changes nothing.
    sums: Vec<f64>,
    /// Number of rows in the sums.
    rows: usize,
}

impl Embedding {
    /// The vector of a prompt of which nothing is computed.
    pub(super) fn new(pooling: Pooling) -> Self {
        Self { pooling, sums: Vec::new(), rows: 0 }
    }

    /// Takes the rows of consecutive tokens, of which the first one is at `position`.
    ///
    /// # Shapes
    /// - rows: `[tokens, hidden]`; with [`Pooling::Last`] that of the prompt's last token alone
    pub(super) fn take(&mut self, position: usize, rows: &[&[f32]]) {
        if position == 0 {
            // A prompt that lost its blocks on the way is computed again from its beginning.
            self.clear();
        }
        for row in rows {
            if self.pooling == Pooling::Last {
                self.clear();
            }
            self.sums.resize(row.len(), 0.0);
            self.sums.iter_mut().zip(*row).for_each(|(sum, value)| *sum += f64::from(*value));
            self.rows += 1;
        }
    }

    /// The vector of a prompt of `tokens` ids. None when some of the rows that it depends on are missing.
    pub(super) fn vector(&self, tokens: usize) -> Option<Vec<f32>> {
        let needed = match self.pooling {
            Pooling::Last => 1,
            Pooling::Mean => tokens,
        };
        let mean = |sum: &f64| (sum / needed as f64) as f32;
        (self.rows == needed).then(|| self.sums.iter().map(mean).collect())
    }

    fn clear(&mut self) {
        self.sums.clear();
        self.rows = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [[f32; 2]; 3] = [[1.0, 0.1], [2.0, 0.2], [6.0, 0.4]];

    /// Takes the rows in parts that begin at the given positions.
    fn pooled(pooling: Pooling, starts: &[usize]) -> Option<Vec<f32>> {
        let mut embedding = Embedding::new(pooling);
        for (index, start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().filter(|end| end > start).unwrap_or(ROWS.len());
            let rows: Vec<&[f32]> = ROWS[*start..end].iter().map(<[f32; 2]>::as_slice).collect();
            embedding.take(*start, &rows);
        }
        embedding.vector(ROWS.len())
    }

    #[test]
    fn the_last_row_and_the_mean_of_all() {
        assert_eq!(pooled(Pooling::Last, &[2]), Some(ROWS[2].to_vec()));
        let mean = pooled(Pooling::Mean, &[0]).expect("all rows");
        assert_eq!(mean[0], 3.0);
        assert!((mean[1] - 0.7 / 3.0).abs() < 1e-7, "{mean:?}");
    }

    #[test]
    fn parts_and_a_second_start_change_nothing() {
        let whole = pooled(Pooling::Mean, &[0]);
        for starts in [&[0, 1][..], &[0, 2], &[0, 1, 2], &[0, 0, 1], &[0, 2, 0, 2]] {
            assert_eq!(pooled(Pooling::Mean, starts), whole, "{starts:?}");
        }
    }

    #[test]
    fn a_mean_with_gaps_does_not_exist() {
        assert_eq!(Embedding::new(Pooling::Last).vector(3), None);
        assert_eq!(pooled(Pooling::Mean, &[1]), None);
    }
}
