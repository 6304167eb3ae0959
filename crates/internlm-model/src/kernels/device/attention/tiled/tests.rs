//! Attention by emulated tiles against the twin on the CPU, values and gradients, with NaN after every row.

use burn::tensor::{Device, Tensor, TensorData};
use half::bf16;
use proptest::prelude::*;

use super::launch::Tiled;
use crate::heads::HeadShape;
use crate::kernels::device::attention::gradient::write_products;
use crate::kernels::device::launch::{from_primitive, primitive};
use crate::kernels::device::tests::{close, cpu, gpu, random, with_gaps};
use crate::kernels::device::tile::TileForm;
use crate::kernels::plain;
use crate::parameter::numbers;
use crate::positions::{Positions, Run};
use crate::rope::RopeTable;

/// Numbers that bf16 holds.
fn rounded(shape: [usize; 2], purpose: &str) -> Vec<f32> {
    random(&shape, purpose).into_iter().map(|number| bf16::from_f32(number).to_f32()).collect()
}

fn tensor(shape: [usize; 2], purpose: &str, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(rounded(shape, purpose), shape), device)
}

/// The output and the gradient of a projection that is not rotated.
fn expected(
    [packed, out]: [[usize; 2]; 2],
    shape: HeadShape,
    positions: &Positions,
    window: Option<usize>,
) -> [Vec<f32>; 2] {
    let device = cpu();
    let half = packed[1] / (shape.heads + 2 * shape.kv_heads) / 2;
    let table = RopeTable {
        cos: Tensor::ones([packed[0], half], &device),
        sin: Tensor::zeros([packed[0], half], &device),
    };
    let x = tensor(packed, "packed", &device.clone().autodiff()).require_grad();
    let y = plain::rotary_attention(x.clone(), shape, &table, positions, window);
    let gradients = (y.clone() * tensor(out, "gradient", &device)).sum().backward();
    [numbers(y), numbers(x.grad(&gradients).expect("the projection has a gradient"))]
}

fn compare((shape, d): (HeadShape, usize), lengths: &[usize], window: Option<usize>) {
    let runs = lengths.iter().map(|&tokens| Run { first: 0, tokens }).collect();
    let positions = Positions::from_runs(runs);
    let tokens = positions.tokens();
    let (packed, out) = ([tokens, (shape.heads + 2 * shape.kv_heads) * d], [tokens, shape.heads * d]);
    let tiled = Tiled::new(shape, d, &positions, window, TileForm::Emulated).expect("the heads fit");
    let device = gpu();
    let x = with_gaps(primitive(tensor(packed, "packed", &device)), 8);
    let gradient = with_gaps(primitive(tensor(out, "gradient", &device)), 8);
    let [y, norms] = tiled.attend(&x);
    write_products(&y, &gradient, &norms);
    let dx = tiled.differentiate(&x, gradient, &norms);
    let [value, derivative] = expected([packed, out], shape, &positions, window);
    close("value", &numbers(from_primitive::<2>(y)), &value);
    close("gradient", &numbers(from_primitive::<2>(dx)), &derivative);
}

/// Kv heads, queries of each, and width of a head; lavapipe compiles three kernels for each, wide ones slowly. Groups that
/// fill a tile of 16 queries and groups that do not.
const HEADS: [[usize; 3]; 5] = [[1, 1, 16], [2, 3, 16], [1, 6, 32], [2, 8, 16], [1, 16, 16]];

/// Several fragments along a head that is not a power of two wide, and rows that do not fill a tile.
#[test]
fn emulated_tiles_attend_for_wide_heads() {
    compare((HeadShape { heads: 3, kv_heads: 1 }, 48), &[1, 40], None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn emulated_tiles_attend_as_the_twin(
        lengths in prop::collection::vec(1..80_usize, 1..4), heads in 0..HEADS.len(),
        window in prop::option::of(1..60_usize),
    ) {
        let [kv_heads, group, d] = HEADS[heads];
        compare((HeadShape { heads: kv_heads * group, kv_heads }, d), &lengths, window);
    }
}
