//! The rule of the CPU core for codes of keys and values, number by number, and floats of 16 bits: what the kernels must
//! store.

use half::{bf16, f16};

use crate::kernels::block_tables::KeyFormat;

/// One key or value as it is stored.
pub(super) struct Codes {
    format: KeyFormat,
    codes: Vec<u32>,
    /// Scale and minimum of each group.
    scales: Vec<[f16; 2]>,
}

impl Codes {
    /// `q = round((x - minimum) / scale)` with scale and minimum as they are stored.
    pub(super) fn new(x: &[f32], format: KeyFormat) -> Self {
        let mut stored = Self { format, codes: Vec::new(), scales: Vec::new() };
        let top = ((1 << format.bits()) - 1) as f32;
        for x in x.chunks_exact(group(format, x.len())) {
            let low = x.iter().copied().fold(f32::INFINITY, f32::min);
            let high = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let (scale, minimum) = (f16::from_f32((high - low) / top), f16::from_f32(low));
            let inverse = if scale == f16::ZERO { 0.0 } else { scale.to_f32().recip() };
            let code = |x: &f32| ((x - minimum.to_f32()) * inverse).clamp(0.0, top).round_ties_even() as u32;
            stored.codes.extend(x.iter().map(code));
            stored.scales.push([scale, minimum]);
        }
        stored
    }

    /// The numbers that the codes stand for.
    fn numbers(&self) -> Vec<f32> {
        let codes = self.codes.chunks_exact(self.codes.len() / self.scales.len()).zip(&self.scales);
        let number =
            |code: u32, scale: f16, minimum: f16| (code as f32).mul_add(scale.to_f32(), minimum.to_f32());
        codes
            .flat_map(|(codes, [scale, minimum])| {
                codes.iter().map(move |code| number(*code, *scale, *minimum))
            })
            .collect()
    }

    /// Words of codes and words of scales.
    pub(super) fn packed(&self) -> (Vec<u32>, Vec<u32>) {
        let bits = self.format.bits();
        let word = |codes: &[u32]| codes.iter().rev().fold(0, |word, code| (word << bits) | code);
        let scale =
            |[scale, minimum]: &[f16; 2]| u32::from(scale.to_bits()) | (u32::from(minimum.to_bits()) << 16);
        (self.codes.chunks_exact(32 / bits).map(word).collect(), self.scales.iter().map(scale).collect())
    }
}

/// One key or value as it is read back.
pub(super) fn as_stored(x: &[f32], format: KeyFormat) -> Vec<f32> {
    match format {
        KeyFormat::F32 => x.to_vec(),
        KeyFormat::Bf16 => x.iter().map(|number| bf16::from_f32(*number).to_f32()).collect(),
        KeyFormat::F16 => x.iter().map(|number| f16::from_f32(*number).to_f32()).collect(),
        KeyFormat::Int8 | KeyFormat::Int4 => Codes::new(x, format).numbers(),
    }
}

/// Numbers that share a scale.
fn group(format: KeyFormat, d: usize) -> usize {
    if format == KeyFormat::Int4 { 32 } else { d }
}

/// Multiplies each run of n numbers by the normalized Hadamard matrix of size n, the largest power of two that divides the
/// length; the factor comes after the first four stages.
pub(super) fn rotate(x: &mut [f32]) {
    let n = 1 << x.len().trailing_zeros();
    for stage in 0..x.len().trailing_zeros() {
        let half = 1 << stage;
        for pair in x.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (low, high) in low.iter_mut().zip(high) {
                (*low, *high) = (*low + *high, *low - *high);
            }
        }
        if stage == 3 {
            x.iter_mut().for_each(|x| *x *= (n as f32).sqrt().recip());
        }
    }
}
