//! [`RopeTable`]: cosines and sines of a packed row on a device.

use burn::tensor::{Device, Tensor, TensorData};

use super::Rope;
use crate::positions::{Positions, Run};

/// Cosines and sines of every token of a row.
#[derive(Clone, Debug)]
pub struct RopeTable {
    /// Cosines, `[T, d / 2]`, scaled by the attention factor of YaRN and LongRoPE.
    pub cos: Tensor<2>,
    /// Sines, `[T, d / 2]`, scaled by the attention factor of YaRN and LongRoPE.
    pub sin: Tensor<2>,
}

impl Rope {
    /// The tables of a row, on `device` without autodiff.
    #[must_use]
    pub fn table(&self, positions: &Positions, device: &Device) -> RopeTable {
        let shape = [positions.tokens(), self.head_dim / 2];
        let tensor = |values| Tensor::from_data(TensorData::new(values, shape), &device.clone().inner());
        let [cos, sin] = self.numbers(positions).map(tensor);
        RopeTable { cos, sin }
    }

    /// Cosines and sines of a row, `[T, d / 2]` each.
    pub(crate) fn numbers(&self, positions: &Positions) -> [Vec<f32>; 2] {
        let half = self.head_dim / 2;
        let tokens = positions.tokens();
        let (mut cos, mut sin) = (Vec::with_capacity(tokens * half), Vec::with_capacity(tokens * half));
        // The samples of a training row repeat the same positions: their angles are computed once.
        let mut known = Angles::default();
        for (run, keys) in positions.rope_runs() {
            known.cover(self, run, keys);
            let from = (run.first - known.first) * half;
            cos.extend_from_slice(&known.cos[from..from + run.tokens * half]);
            sin.extend_from_slice(&known.sin[from..from + run.tokens * half]);
        }
        [cos, sin]
    }
}

/// Cosines and sines of consecutive positions in sequences of one length, or of lengths with the same frequencies.
#[derive(Default)]
struct Angles {
    keys: usize,
    first: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Angles {
    /// Makes the table hold the positions of `run` in a sequence of `keys` keys, keeping what is there when it already
    /// does.
    fn cover(&mut self, rope: &Rope, run: Run, keys: usize) {
        let half = rope.head_dim / 2;
        let known = self.first..self.first + self.cos.len() / half;
        let covered = known.contains(&run.first) && run.keys() <= known.end;
        if covered && rope.shares_frequencies(keys, self.keys) {
            return;
        }
        let (cos, sin) = rope.angles(keys, run.first..run.keys());
        *self = Self { keys, first: run.first, cos, sin };
    }
}
