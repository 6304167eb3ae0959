//! [`PackedExamples`] and [`PreferenceRows`]: both answers of an example in one row, as the row source of the loop.

use std::sync::Arc;

use internlm_kit::hash;
use internlm_train::batch::Sampler;
use internlm_train::{Row, RowSource};

use super::example::{Example, ExampleKind};
use super::loss::{Answer, Compared};

/// The log-probabilities of the answers of one row: two for each of its examples.
pub type RowSums = Vec<[f64; 2]>;

/// Examples in rows: samples `2 i` and `2 i + 1` of a row are those of its example `i`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PackedExamples {
    rows: Vec<Row>,
    kinds: Vec<Vec<ExampleKind>>,
}

impl PackedExamples {
    /// Packs examples into rows: each group of indexes is one row.
    ///
    /// # Panics
    /// When a group names an example that is not there.
    #[must_use]
    pub fn new(examples: &[Example], groups: &[Vec<usize>]) -> Self {
        let mut packed = Self::default();
        for group in groups {
            let mut row = Row::default();
            let members: Vec<&Example> = group.iter().map(|index| &examples[*index]).collect();
            members.iter().flat_map(|example| &example.samples).for_each(|sample| row.append(&sample.row()));
            packed.rows.push(row);
            packed.kinds.push(members.iter().map(|example| example.kind).collect());
        }
        packed
    }

    /// One row for each example, in their order.
    #[must_use]
    pub fn one_by_one(examples: &[Example]) -> Self {
        let groups: Vec<Vec<usize>> = (0..examples.len()).map(|index| vec![index]).collect();
        Self::new(examples, &groups)
    }

    /// The rows in the order of their groups.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Number of examples in row `row`.
    #[must_use]
    pub fn examples_of(&self, row: usize) -> usize {
        self.kinds[row].len()
    }

    /// Number of examples in all rows.
    #[must_use]
    pub fn examples(&self) -> usize {
        self.kinds.iter().map(Vec::len).sum()
    }

    /// These rows only, in this order.
    #[must_use]
    pub fn chosen(&self, numbers: &[usize]) -> Self {
        Self {
            rows: numbers.iter().map(|number| self.rows[*number].clone()).collect(),
            kinds: numbers.iter().map(|number| self.kinds[*number].clone()).collect(),
        }
    }

    /// The log-probability of each answer of row `row`, from those of its tokens.
    #[must_use]
    pub fn sums(&self, row: usize, outputs: &[f32]) -> RowSums {
        let sums: Vec<f64> = self.rows[row]
            .cu_seqlens
            .windows(2)
            .map(|border| outputs[border[0]..border[1]].iter().map(|output| f64::from(*output)).sum())
            .collect();
        sums.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect()
    }

    /// What the loss reads of row `row`, from the log-probabilities of the model and of the reference.
    #[must_use]
    pub fn compared(&self, row: usize, own: &[[f64; 2]], reference: &[[f64; 2]]) -> Vec<Compared> {
        let labels: Vec<usize> = self.rows[row]
            .cu_seqlens
            .windows(2)
            .map(|border| self.rows[row].labels[border[0]..border[1]].iter().flatten().count())
            .collect();
        let numbers = own.iter().zip(reference).zip(labels.chunks_exact(2));
        let compared = self.kinds[row].iter().zip(numbers).map(|(kind, ((own, reference), labels))| {
            let answer = |side: usize| Answer {
                log_prob: own[side],
                reference: reference[side],
                tokens: labels[side],
            };
            Compared { kind: *kind, answers: [answer(0), answer(1)] }
        });
        compared.collect()
    }

    /// Hash of every id and label in order.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut bytes = Vec::new();
        for (row, kinds) in self.rows.iter().zip(&self.kinds) {
            bytes.extend(kinds.iter().map(|kind| *kind as u8));
            bytes.extend(row.cu_seqlens.iter().flat_map(|border| (*border as u64).to_le_bytes()));
            for (id, label) in row.ids.iter().zip(&row.labels) {
                bytes.extend(id.0.to_le_bytes());
                bytes.push(u8::from(label.is_some()));
            }
        }
        hash::sha256(&bytes)
    }
}

/// Rows of examples, drawn by a counter-based permutation per epoch. Clones share the rows.
#[derive(Clone, Debug)]
pub struct PreferenceRows {
    packed: Arc<PackedExamples>,
    sampler: Sampler,
    fingerprint: String,
}

impl PreferenceRows {
    /// Draws `rows_per_step` of the rows of `packed` in each step.
    ///
    /// # Panics
    /// When there are no rows or `rows_per_step` is 0.
    #[must_use]
    pub fn new(packed: PackedExamples, rows_per_step: usize, seed: u64) -> Self {
        let (rows, hash) = (packed.rows.len(), packed.hash());
        let fingerprint =
            format!("preference rows={rows} rows-per-step={rows_per_step} seed={seed} sha256={hash}");
        Self { packed: Arc::new(packed), sampler: Sampler::new(seed, rows, rows_per_step), fingerprint }
    }

    /// The rows that are drawn from.
    #[must_use]
    pub fn packed(&self) -> &PackedExamples {
        &self.packed
    }

    /// Numbers of the rows that step `step` (from 0) takes, in order.
    pub fn numbers(&mut self, step: u64) -> Vec<usize> {
        self.sampler.step(step)
    }
}

impl RowSource for PreferenceRows {
    fn batch(&mut self, step: u64) -> internlm_train::Result<Vec<Row>> {
        Ok(self.sampler.step(step).into_iter().map(|number| self.packed.rows[number].clone()).collect())
    }

    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    fn epoch(&self, step: u64) -> f64 {
        self.sampler.epoch(step)
    }
}
