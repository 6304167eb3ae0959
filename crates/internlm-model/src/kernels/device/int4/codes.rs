//! [`Codes`]: the kernels that read 4-bit codes.

use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::DType;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use crate::kernels::device::halves::from_half;
use crate::kernels::device::launch::{Grid, empty_in, size};
use crate::kernels::device::skinny::{
    self, COLUMNS, GROUPS, LANES, SkinnyForm, add_products, bring_together, load,
};
use crate::weights::int4::Offset;

/// Number of codes in a word.
pub(in crate::kernels::device) const WORD: usize = 8;
/// Words that a unit reads at once.
pub(super) const WORDS: usize = 4;

/// The codes on one GPU.
#[derive(Clone, Debug)]
pub(in crate::kernels::device) struct Codes {
    pub(in crate::kernels::device) words: CubeTensor,
    pub(in crate::kernels::device) scales: CubeTensor,
    pub(in crate::kernels::device) form: CodeForm,
}

/// What is known of the codes when a kernel is compiled.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(in crate::kernels::device) struct CodeForm {
    /// Consecutive inputs with one scale.
    pub(in crate::kernels::device) group: usize,
    /// What belongs to a scale.
    pub(in crate::kernels::device) offset: Offset,
}

/// What is known of a product of few rows when its kernel is compiled.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct RowsForm {
    rows: SkinnyForm,
    code: CodeForm,
}

impl Codes {
    /// The matrix in new memory.
    ///
    /// # Panics
    /// When it has 2^32 numbers, which kernels do not count.
    pub(super) fn decode(&self, format: DType) -> CubeTensor {
        let [outputs, words] = [size(&self.words, 0), size(&self.words, 1)];
        let count = outputs * words * WORD;
        assert!(u32::try_from(count).is_ok(), "kernels index numbers with 32 bits: found {count}");
        let out = empty_in(&self.words, [outputs, words * WORD], format);
        let line = skinny::RUN_BYTES / format.size();
        let Grid { count, dim } = Grid::units(&out.client, outputs * words);
        decode_words::launch(
            &out.client,
            count,
            dim,
            line,
            self.words.clone().into_tensor_arg(),
            self.scales.clone().into_tensor_arg(),
            out.clone().into_tensor_arg(),
            self.form,
            dtype_to_storage_type(format),
        );
        out
    }

    /// Writes `x W^T` over `y`; x has at most [`skinny::MAX_ROWS`] rows.
    pub(super) fn multiply_into(&self, x: &CubeTensor, y: &CubeTensor) {
        let line = match skinny::has_lines(x, skinny::RUN_BYTES / x.dtype.size()) {
            true => skinny::RUN_BYTES / x.dtype.size(),
            false => 1,
        };
        let form = SkinnyForm { rows: size(x, 0).next_power_of_two(), run: WORD, line };
        let Grid { count, dim } = Grid::cubes(&x.client, size(y, 1).div_ceil(GROUPS * COLUMNS));
        multiply_coded_rows::launch(
            &x.client,
            count,
            dim,
            line,
            x.clone().into_tensor_arg(),
            self.words.clone().into_tensor_arg(),
            self.scales.clone().into_tensor_arg(),
            y.clone().into_tensor_arg(),
            RowsForm { rows: form, code: self.form },
            [dtype_to_storage_type(x.dtype), dtype_to_storage_type(y.dtype)],
        );
    }
}

/// What the kernel of `skinny` does, with weights that each unit decodes.
///
/// # Shapes
/// - x: `[T, in]`
/// - words: `[out, in / 8]`
/// - scales: `[out, in / group]`
/// - y: `[T, out]`
#[cube(launch)]
fn multiply_coded_rows<F: Float, O: Float, N: Size>(
    x: &Tensor<Vector<F, N>>,
    words: &Tensor<Vector<u32, Const<4>>>,
    scales: &Tensor<u32>,
    y: &mut Tensor<O>,
    #[comptime] forms: RowsForm,
    #[define(F, O)] _formats: [ElemType; 2],
) {
    let form = comptime!(forms.rows);
    let code = comptime!(forms.code);
    let (lane, group) = (UNIT_POS as usize % LANES, UNIT_POS as usize / LANES);
    // Cubes and groups beyond the last output read it and write nothing.
    let last = words.shape(0) - 1;
    let first = min((CUBE_POS * GROUPS + group) * COLUMNS, last);
    let mut sums = Array::<f32>::new(comptime!(form.sums()));
    #[unroll]
    for i in 0..comptime!(form.sums()) {
        sums[i] = f32::new(0.0);
    }
    let mut runs = Array::<Vector<u32, Const<4>>>::new(COLUMNS);
    let mut pairs = Array::<u32>::new(COLUMNS);
    let mut weights = Array::<f32>::new(comptime!(COLUMNS * WORD));
    let mut numbers = Array::<f32>::new(WORD);
    for at in range_stepped(lane * WORDS, words.shape(1), comptime!(LANES * WORDS)) {
        #[unroll]
        for column in 0..COLUMNS {
            let output = min(first + column, last);
            runs[column] = words[(output * words.stride(0) + at) / WORDS];
            pairs[column] = scales[output * scales.stride(0) + at * WORD / code.group];
        }
        #[unroll]
        for word in 0..WORDS {
            #[unroll]
            for column in 0..COLUMNS {
                let bits = runs[column].extract(word);
                decode_word(bits, pairs[column], &mut weights, comptime!(column * WORD), code.offset);
            }
            #[unroll]
            for row in 0..comptime!(form.rows) {
                let token = min(x.shape(0) - 1, row);
                load(x, token, (at + word) * WORD, &mut numbers, 0usize, form);
                add_products(&weights, &numbers, &mut sums, row, WORD);
            }
        }
    }
    bring_together(&sums, y, lane, group, form);
}

/// One unit per word.
///
/// # Shapes
/// - words: `[out, in / 8]`
/// - scales: `[out, in / group]`
/// - out: `[out, in]`
#[cube(launch)]
fn decode_words<F: Float, N: Size>(
    words: &Tensor<u32>,
    scales: &Tensor<u32>,
    out: &mut Tensor<Vector<F, N>>,
    #[comptime] code: CodeForm,
    #[define(F)] _format: ElemType,
) {
    let line = N::value();
    let (row, at) = (ABSOLUTE_POS / words.shape(1), ABSOLUTE_POS % words.shape(1));
    if row >= words.shape(0) {
        terminate!();
    }
    let mut weights = Array::<f32>::new(WORD);
    let pair = scales[row * scales.stride(0) + at * WORD / code.group];
    decode_word(words[row * words.stride(0) + at], pair, &mut weights, 0usize, code.offset);
    let to = (row * out.stride(0) + at * WORD) / line;
    #[unroll]
    for part in 0..comptime!(WORD / line) {
        let mut numbers = Vector::<F, N>::empty();
        #[unroll]
        for i in 0..line {
            numbers.insert(i, F::cast_from(weights[comptime!(part * line + i)]));
        }
        out[to + part] = numbers;
    }
}

/// Writes the weights of a word of codes to `weights` from `to` on, with the bits that the CPU gives.
///
/// Each code q becomes a part of the mantissa of 2^23, at the place that it has in the lower half of the word: number p
/// there gives `2^23 + 16^p q`, from which one operation without rounding makes `q - z` (the trick of Kim et al., "Who
/// Says Elephants Can't Run", 2022, in f32). Conversions of integers are slow on GPUs. With a zero point the weight is
/// exact; with a minimum it is rounded once.
#[cube]
pub(in crate::kernels::device) fn decode_word(
    word: u32,
    pair: u32,
    weights: &mut Array<f32>,
    #[comptime] to: usize,
    #[comptime] offset: Offset,
) {
    let scale = from_half(pair & 0xffffu32);
    let upper = pair >> 16u32;
    let mut zero = f32::new(0.0);
    let mut minimum = f32::new(0.0);
    if comptime!(offset == Offset::Zero) {
        zero = f32::cast_from(upper);
    } else {
        minimum = from_half(upper);
    }
    #[unroll]
    for i in 0..WORD {
        let place = comptime!(4 * (i % 4) as u32);
        let half = if comptime!(i < 4) { word } else { word >> 16u32 };
        let number = f32::reinterpret((half & comptime!(15u32 << place)) | 0x4b00_0000u32);
        let power = comptime!((1u32 << place) as f32);
        let code =
            fma(number, f32::new(comptime!(1.0 / power)), f32::new(comptime!(-8_388_608.0 / power)) - zero);
        weights[comptime!(to + i)] =
            if comptime!(offset == Offset::Zero) { code * scale } else { fma(code, scale, minimum) };
    }
}
