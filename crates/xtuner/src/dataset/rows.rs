//! [`SftRows`]: packed samples as the row source of the training loop.

use std::ops::Range;

use internlm_kit::hash;
use internlm_train::batch::Sampler;
use internlm_train::{Row, RowSource};

use super::pack::{PackingConfig, Piece, pack};
use super::rows_config::{RowsConfig, SampleSet};
use super::sampler::{LengthSampler, RowSampler};
use crate::{Error, Result};

/// Rows of packed samples, drawn by a counter-based permutation per epoch.
#[derive(Clone, Debug)]
pub struct SftRows {
    rows: Vec<Row>,
    sampler: RowSampler,
    step_tokens: usize,
    fingerprint: String,
}

impl SftRows {
    /// Packs the samples of `sets` into rows as `config` says. Samples without a label are left out, and so are rows
    /// that the cuts of hard packing leave without one.
    ///
    /// # Errors
    /// Settings out of range, and sets without a label.
    pub fn new(sets: &[SampleSet], config: &RowsConfig) -> Result<Self> {
        config.check()?;
        let mut samples = Vec::new();
        for (number, set) in sets.iter().enumerate() {
            samples.extend(set.rows(number, config)?);
        }
        let lengths: Vec<usize> = samples.iter().map(Row::tokens).collect();
        let packed = pack(&lengths, config.packing, config.row_tokens, config.seed);
        let rows = packed.iter().map(|pieces| join(&samples, pieces));
        let rows: Vec<Row> = rows.filter(|row| row.targets() > 0).collect();
        if rows.is_empty() {
            return Err(Error::mismatch("dataset", "no sample to learn from", "at least one with an answer"));
        }
        let (seed, batch) = (config.seed, config.rows_per_step);
        let sampler = if config.group_by_length {
            RowSampler::Grouped(LengthSampler::new(seed, rows.iter().map(Row::tokens).collect(), batch))
        } else {
            RowSampler::Plain(Sampler::new(seed, rows.len(), batch))
        };
        let step_tokens = step_tokens(&rows, config);
        let fingerprint = fingerprint(&rows, config);
        Ok(Self { rows, sampler, step_tokens, fingerprint })
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

    /// Number of tokens that a step is expected to have: full rows, or with one sample per row the mean of them.
    #[must_use]
    pub fn step_tokens(&self) -> usize {
        self.step_tokens
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

fn step_tokens(rows: &[Row], config: &RowsConfig) -> usize {
    let tokens: usize = rows.iter().map(Row::tokens).sum();
    match config.packing {
        PackingConfig::Soft | PackingConfig::Hard => config.row_tokens * config.rows_per_step,
        PackingConfig::None => (tokens * config.rows_per_step).div_ceil(rows.len()),
    }
}

/// One row of these pieces of `samples`.
fn join(samples: &[Row], pieces: &[Piece]) -> Row {
    let mut row = Row::default();
    for piece in pieces {
        row.append(&part(&samples[piece.sample], piece.tokens.clone()));
    }
    row
}

/// Some tokens of a sample as a row of their own. The last one keeps its label: the first token that was cut off.
fn part(sample: &Row, tokens: Range<usize>) -> Row {
    Row {
        ids: sample.ids[tokens.clone()].to_vec(),
        labels: sample.labels[tokens.clone()].to_vec(),
        cu_seqlens: vec![0, tokens.len()],
        weights: sample.weights.as_ref().map(|weights| weights[tokens].to_vec()),
    }
}

/// Hash of every id, label and weight in order, with what decides the draws.
fn fingerprint(rows: &[Row], config: &RowsConfig) -> String {
    let mut bytes = Vec::new();
    for row in rows {
        bytes.extend(row.cu_seqlens.iter().flat_map(|border| (*border as u64).to_le_bytes()));
        for (id, label) in row.ids.iter().zip(&row.labels) {
            bytes.extend(id.0.to_le_bytes());
            bytes.push(u8::from(label.is_some()));
        }
        bytes.extend(row.weights.iter().flatten().flat_map(|weight| weight.to_le_bytes()));
    }
    let RowsConfig { rows_per_step, seed, .. } = config;
    let order = if config.group_by_length { " grouped by length" } else { "" };
    let (rows, hash) = (rows.len(), hash::sha256(&bytes));
    format!("sft rows={rows} rows-per-step={rows_per_step} seed={seed}{order} sha256={hash}")
}
