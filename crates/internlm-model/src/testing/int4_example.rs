//! [`Int4Example`]: a matrix before a quantizer packs it.

use std::borrow::Cow;

use half::f16;
use internlm_kit::testing::TestRng;

use crate::weights::int4::{Int4Parts, Packing};
use crate::weights::{Encoding, TensorInfo};

/// Codes, zero points and scales of a matrix.
#[derive(Clone, Debug)]
pub struct Int4Example {
    /// Number of outputs, rows of the matrix.
    pub outputs: usize,
    /// Number of inputs, columns of the matrix.
    pub inputs: usize,
    /// Consecutive inputs with one scale.
    pub group: usize,
    /// The codes of the weights, `[out][in]`.
    pub values: Vec<Vec<u8>>,
    /// The zero points, `[out][in / group]`.
    pub zeros: Vec<Vec<u8>>,
    /// The scales, `[out][in / group]`.
    pub scales: Vec<Vec<f16>>,
    /// The group of each input.
    pub groups: Vec<usize>,
}

/// A tensor of a file.
#[derive(Clone, Debug)]
pub struct StoredTensor {
    /// The name after that of the matrix: `qweight`.
    pub name: &'static str,
    /// Shape and encoding in the file.
    pub info: TensorInfo,
    /// What the file stores.
    pub bytes: Vec<u8>,
}

impl Int4Example {
    /// Random codes; groups in order, zero points from 1 to 15, scales of both signs up to 0.033.
    #[must_use]
    pub fn random([outputs, inputs]: [usize; 2], group: usize, seed: u64) -> Self {
        let mut rng = TestRng::new(seed);
        let mut next = |below: usize| rng.below(below);
        let values = (0..outputs).map(|_| (0..inputs).map(|_| next(16) as u8).collect()).collect();
        let count = inputs / group;
        // 1..16 fits every packing: GPTQ's first version stores z - 1.
        let zeros = (0..outputs).map(|_| (0..count).map(|_| 1 + next(15) as u8).collect()).collect();
        let mut scale = || f16::from_f32((next(1 << 16) as f32 - 32768.0) * 1e-6);
        let scales = (0..outputs).map(|_| (0..count).map(|_| scale()).collect()).collect();
        let groups = (0..inputs).map(|input| input / group).collect();
        Self { outputs, inputs, group, values, zeros, scales, groups }
    }

    /// `(q - z) s` of one weight.
    #[must_use]
    pub fn weight(&self, n: usize, k: usize) -> f32 {
        let group = self.groups[k];
        let steps = f32::from(self.values[n][k]) - f32::from(self.zeros[n][group]);
        steps * self.scales[n][group].to_f32()
    }

    /// All weights, `[out, in]`.
    #[must_use]
    pub fn weights(&self) -> Vec<f32> {
        each(self.outputs, self.inputs, |n, k| self.weight(n, k))
    }

    /// The words of a quantizer, by the formulas of its format; without `g_idx`.
    #[must_use]
    pub fn pack(&self, packing: Packing) -> Int4Parts<'static> {
        let count = self.inputs / self.group;
        let (by_input, by_output) = (|k| move |i: usize| 8 * k + i, |c| move |i: usize| 8 * c + i);
        let awq = |c| move |i: usize| 8 * c + [0, 2, 4, 6, 1, 3, 5, 7][i];
        let value = |n: usize, k: usize| self.values[n][k];
        let zero = |n: usize, group: usize| match packing {
            Packing::Gptq => self.zeros[n][group] - 1,
            _ => self.zeros.get(n).map_or(0, |zeros| zeros[group]),
        };
        let columns = self.outputs.div_ceil(8);
        let (weights, zeros): (Vec<u32>, Vec<u32>) = match packing {
            Packing::Awq => (
                each(self.inputs, columns, |k, c| pack(|i| value(awq(c)(i), k))),
                each(count, columns, |group, c| pack(|i| zero(awq(c)(i), group))),
            ),
            Packing::Gptq | Packing::GptqV2 => (
                each(self.inputs / 8, self.outputs, |r, n| pack(|j| value(n, by_input(r)(j)))),
                each(count, columns, |group, c| pack(|i| zero(by_output(c)(i), group))),
            ),
            Packing::CompressedTensors => (
                each(self.outputs, self.inputs / 8, |n, c| pack(|i| value(n, by_input(c)(i)))),
                each(columns, count, |c, group| pack(|i| zero(by_output(c)(i), group))),
            ),
        };
        let scales: Vec<f16> = match packing {
            Packing::CompressedTensors => self.scales.concat(),
            _ => each(count, self.outputs, |group, n| self.scales[n][group]),
        };
        Int4Parts {
            packing,
            outputs: self.outputs,
            inputs: self.inputs,
            group: self.group,
            weights: word_bytes(&weights),
            zeros: Some(word_bytes(&zeros)),
            scales: Cow::Owned(scales.iter().flat_map(|scale| scale.to_le_bytes()).collect()),
            scale_encoding: Encoding::F16,
            input_groups: None,
        }
    }

    /// The tensors of the matrix in a folder: weights, zero points, scales, and GPTQ's groups of the inputs.
    #[must_use]
    pub fn tensors(&self, packing: Packing) -> Vec<StoredTensor> {
        let parts = self.pack(packing);
        let (n, k, count) = (self.outputs, self.inputs, self.inputs / self.group);
        let (names, shapes) = match packing {
            Packing::CompressedTensors => (
                ["weight_packed", "weight_zero_point", "weight_scale"],
                [[n, k / 8], [n.div_ceil(8), count], [n, count]],
            ),
            Packing::Awq => (["qweight", "qzeros", "scales"], [[k, n / 8], [count, n / 8], [count, n]]),
            _ => (["qweight", "qzeros", "scales"], [[k / 8, n], [count, n / 8], [count, n]]),
        };
        let encodings = [Encoding::I32, Encoding::I32, Encoding::F16];
        let zeros = parts.zeros.expect("the packing has zero points");
        let bytes = [parts.weights, zeros, parts.scales];
        let mut tensors: Vec<StoredTensor> = names
            .into_iter()
            .zip(shapes.into_iter().zip(encodings))
            .zip(bytes)
            .map(|((name, (shape, encoding)), bytes)| StoredTensor {
                name,
                info: TensorInfo { shape: shape.to_vec(), encoding },
                bytes: bytes.into_owned(),
            })
            .collect();
        if matches!(packing, Packing::Gptq | Packing::GptqV2) {
            let words: Vec<u32> = self.groups.iter().map(|group| *group as u32).collect();
            let info = TensorInfo { shape: vec![k], encoding: Encoding::I32 };
            tensors.push(StoredTensor { name: "g_idx", info, bytes: word_bytes(&words).into_owned() });
        }
        tensors
    }
}

fn each<T>(rows: usize, columns: usize, value: impl Fn(usize, usize) -> T) -> Vec<T> {
    (0..rows * columns).map(|index| value(index / columns, index % columns)).collect()
}

fn pack(nibble: impl Fn(usize) -> u8) -> u32 {
    (0..8).fold(0, |word, i| word | u32::from(nibble(i)) << (4 * i))
}

/// Words as files store them.
#[must_use]
pub fn word_bytes(words: &[u32]) -> Cow<'static, [u8]> {
    Cow::Owned(words.iter().flat_map(|word| word.to_le_bytes()).collect())
}
