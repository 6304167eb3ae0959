//! [`SftRows`]: packed samples as the row source of the training loop.

use internlm_kit::hash;
use internlm_train::batch::Sampler;
use internlm_train::{Row, RowSource};

use super::{Sample, pack_soft};

/// Rows of packed samples, drawn by a counter-based permutation per epoch.
#[derive(Clone, Debug)]
pub struct SftRows {
    rows: Vec<Row>,
    sampler: Sampler,
    fingerprint: String,
}

impl SftRows {
    /// Packs `samples` into rows of at most `row_tokens` and draws `rows_per_step` of them per step.
    ///
    /// # Panics
    /// When there are no samples or `rows_per_step` is 0.
    #[must_use]
    pub fn new(samples: &[Sample], row_tokens: usize, rows_per_step: usize, seed: u64) -> Self {
        let lengths: Vec<usize> = samples.iter().map(|sample| sample.ids.len()).collect();
        let join = |members: &Vec<usize>| {
            let mut row = Row::default();
            for member in members {
                row.append(&samples[*member].row());
            }
            row
        };
        let rows: Vec<Row> = pack_soft(&lengths, row_tokens, seed).iter().map(join).collect();
        let sampler = Sampler::new(seed, rows.len(), rows_per_step);
        let fingerprint = fingerprint(&rows, rows_per_step, seed);
        Self { rows, sampler, fingerprint }
    }

    /// Number of packed rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Number of tokens in all rows.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.rows.iter().map(Row::tokens).sum()
    }
}

impl RowSource for SftRows {
    fn batch(&mut self, step: u64) -> internlm_train::Result<Vec<Row>> {
        Ok(self.sampler.step(step).into_iter().map(|row| self.rows[row].clone()).collect())
    }

    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    fn epoch(&self, step: u64) -> f64 {
        self.sampler.epoch(step)
    }
}

/// Hash of every id and label in order, with what decides the draws.
fn fingerprint(rows: &[Row], rows_per_step: usize, seed: u64) -> String {
    let mut bytes = Vec::new();
    for row in rows {
        bytes.extend(row.cu_seqlens.iter().flat_map(|border| (*border as u64).to_le_bytes()));
        for (id, label) in row.ids.iter().zip(&row.labels) {
            bytes.extend(id.0.to_le_bytes());
            bytes.push(u8::from(label.is_some()));
        }
    }
    let rows = rows.len();
    format!("sft rows={rows} rows-per-step={rows_per_step} seed={seed} sha256={}", hash::sha256(&bytes))
}
