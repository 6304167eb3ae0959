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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn emulated_tiles_attend_as_the_twin(
        lengths in prop::collection::vec(1..80_usize, 1..4), kv_heads in 1..3_usize, group in 1..9_usize,
        width in 1..4_usize, window in prop::option::of(1..60_usize),
    ) {
        compare((HeadShape { heads: kv_heads * group, kv_heads }, 16 * width), &lengths, window);
    }
}

#[test]
fn emulated_tiles_attend_for_heads_of_real_models() {
    // Groups that do not fill a tile, and one that is a whole visited tile.
    for (heads, kv_heads, d) in [(6, 1, 64), (9, 3, 64), (16, 1, 48)] {
        compare((HeadShape { heads, kv_heads }, d), &[1, 70, 1, 33], None);
    }
}
