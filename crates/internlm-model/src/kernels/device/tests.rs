//! Every device kernel against its plain twin on the CPU, values and gradients.
//!
//! All tensors that kernels see have gaps between their rows, filled with NaN: CUDA pads rows, the software Vulkan of
//! CI does not. The device is `INTERNLM_TEST_DEVICE`, the first one of the build otherwise.

use burn::backend::Dispatch;
use burn::tensor::{Device, Gradients, Int, Shape, Tensor, TensorData};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::CubeElement;
use internlm_kit::rng::CounterRng;
use proptest::prelude::*;

use super::backend::{DeviceBackend, DeviceOp};
use crate::TokenId;
use crate::heads::{HeadShape, PackedQkv};
use crate::kernels::{
    Labels, cross_entropy, differentiate, embedding, linear, plain, rms_norm, rotary_attention, rotate,
    rotate_packed, swiglu, swiglu_linear, token_log_probs, trace_memory,
};
use crate::parameter::numbers;
use crate::positions::{Positions, Run};
use crate::rope::RopeTable;

/// The device under test.
pub(super) fn gpu() -> Device {
    let first = if cfg!(feature = "vulkan") { "vulkan:0" } else { "cuda:0" };
    let name = std::env::var("INTERNLM_TEST_DEVICE").unwrap_or_else(|_| first.to_owned());
    crate::device::parse(&name).expect("the device under test is there")
}

/// Where the twins run.
pub(super) fn cpu() -> Device {
    crate::device::parse("cpu").expect("the CPU backend is compiled in")
}

pub(super) fn random(shape: &[usize], purpose: &str) -> Vec<f32> {
    let rng = CounterRng::new(7, purpose);
    (0..shape.iter().product::<usize>() as u64).map(|i| rng.normal(i) as f32).collect()
}

pub(super) fn constant<const D: usize>(shape: [usize; D], purpose: &str, device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(random(&shape, purpose), shape), device)
}

/// A leaf that requires a gradient.
fn leaf<const D: usize>(shape: [usize; D], purpose: &str, device: &Device) -> Tensor<D> {
    constant(shape, purpose, &device.clone().autodiff()).require_grad()
}

/// Passes a tensor and its gradient through with NaN between their rows.
#[derive(Clone, Copy, Debug)]
struct Gaps;

impl DeviceOp<1> for Gaps {
    type Saved = ();

    fn forward(self, [x]: [CubeTensor; 1], _wanted: [bool; 1]) -> (CubeTensor, ()) {
        (with_gaps(x, 3), ())
    }

    fn backward((): (), gradient: CubeTensor, _wanted: [bool; 1]) -> [Option<CubeTensor>; 1] {
        [Some(with_gaps(gradient, 3))]
    }
}

/// The same numbers in f32, `gap` NaN after each row.
pub(super) fn with_gaps(x: CubeTensor, gap: usize) -> CubeTensor {
    let shape = x.meta.shape().clone();
    let (client, device, dtype) = (x.client.clone(), x.device.clone(), x.dtype);
    let data = burn_cubecl::ops::into_data_sync(x).try_into_vec_as::<f32>().expect("floats");
    let width = shape[shape.num_dims() - 1];
    let padded: Vec<f32> =
        data.chunks(width).flat_map(|row| row.iter().copied().chain(vec![f32::NAN; gap])).collect();
    let handle = client.create_from_slice(f32::as_bytes(&padded));
    let mut padded = shape.clone();
    padded[shape.num_dims() - 1] = width + gap;
    let mut tensor = CubeTensor::new_contiguous(client, device, padded, handle, dtype);
    *tensor.meta.shape_mut() = shape;
    tensor
}

pub(super) fn gaps<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::device1(Gaps, x.into_dispatch()))
}

/// `sum(y * g)` with random g, so that every element of the output has its own gradient.
fn backward<const D: usize>(y: Tensor<D>) -> Gradients {
    let g = constant(y.dims(), "gradient", &y.device().inner());
    (y * g).sum().backward()
}

pub(super) fn close(name: &str, found: &[f32], expected: &[f32]) {
    close_within(1e-5, name, found, expected);
}

/// Whether the relative L2 difference is at most `tolerance`.
pub(super) fn close_within(tolerance: f64, name: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{name}: number of elements");
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let size = norm(&mut expected.iter().map(|&x| f64::from(x)));
    let difference = norm(&mut found.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    assert!(difference <= tolerance * size + 1e-6, "{name}: difference {difference}, size {size}");
}

/// Value and gradients of both inputs.
fn results<const A: usize, const B: usize, const C: usize>(
    function: impl Fn(Tensor<A>, Tensor<B>) -> Tensor<C>,
    (a, b): ([usize; A], [usize; B]),
    device: &Device,
) -> [Vec<f32>; 3] {
    let (a, b) = (leaf(a, "a", device), leaf(b, "b", device));
    let y = function(a.clone(), b.clone());
    let gradients = backward(y.clone());
    let gradient = |found: Option<Vec<f32>>| found.expect("both inputs have a gradient");
    [numbers(y), gradient(a.grad(&gradients).map(numbers)), gradient(b.grad(&gradients).map(numbers))]
}

/// Compares values and the gradients of both inputs of a kernel, twice for the same bits, and its twin.
fn compare2<const A: usize, const B: usize, const C: usize>(
    shapes: ([usize; A], [usize; B]),
    kernel: impl Fn(Tensor<A>, Tensor<B>) -> Tensor<C>,
    twin: impl Fn(Tensor<A>, Tensor<B>) -> Tensor<C>,
) {
    let device = gpu();
    let found = results(|a, b| gaps(kernel(gaps(a), gaps(b))), shapes, &device);
    let expected = results(twin, shapes, &cpu());
    let again = results(|a, b| gaps(kernel(gaps(a), gaps(b))), shapes, &device);
    assert!(found == again, "two runs, the same bits");
    let tight = results(&kernel, shapes, &device);
    for (name, index) in [("value", 0), ("first gradient", 1), ("second gradient", 2)] {
        close(name, &found[index], &expected[index]);
        close(&format!("{name}, rows without gaps"), &tight[index], &expected[index]);
    }
}

#[test]
fn a_backward_pass_begins_with_the_given_gradient() {
    let run = |device: &Device, gaps: &dyn Fn(Tensor<2>) -> Tensor<2>| {
        let (x, w) = (leaf([9, 5], "a", device), leaf([7, 5], "b", device));
        let gradient = gaps(constant([9, 7], "gradient", device));
        let gradients = differentiate(linear(x.clone(), w.clone()), gradient);
        [x, w].map(|leaf| numbers(leaf.grad(&gradients).expect("both inputs have a gradient")))
    };
    let (found, expected) = (run(&gpu(), &gaps::<2>), run(&cpu(), &|x| x));
    close("first gradient", &found[0], &expected[0]);
    close("second gradient", &found[1], &expected[1]);
}

#[test]
fn a_trace_sees_memory_that_is_gone_at_its_end() {
    const NUMBERS: usize = 1 << 20;
    let device = gpu();
    let (count, peak) = trace_memory(&device, || {
        let x = constant([1 << 10, NUMBERS >> 10], "a", &device);
        numbers(swiglu(x.clone(), x)).len()
    });
    let peak = peak.expect("a GPU has memory of its own");
    // Input and output.
    assert!(peak.in_use >= 2 * 4 * NUMBERS as u64 && peak.reserved >= peak.in_use, "{peak:?}");
    assert_eq!((count, trace_memory(&cpu(), || 3)), (NUMBERS, (3, None)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn rms_norm_equals_its_twin(tokens in 1..200_usize, hidden in 2..700_usize) {
        let shapes = ([tokens, hidden], [hidden]);
        compare2(shapes, |x, w| rms_norm(x, w, 1e-5), |x, w| plain::rms_norm(x, w, 1e-5));
    }

    #[test]
    fn swiglu_equals_its_twin(tokens in 1..200_usize, inter in 1..300_usize) {
        compare2(([tokens, inter], [tokens, inter]), swiglu, plain::swiglu);
    }

    #[test]
    fn linear_equals_its_twin(tokens in 1..200_usize, inputs in 1..80_usize, outputs in 1..80_usize) {
        compare2(([tokens, inputs], [outputs, inputs]), linear, plain::linear);
    }

    /// Runs of four numbers, and rows that end within one; several runs for each of the units that share an output.
    #[test]
    fn few_rows_equal_their_twin_and_change_no_bit_of_each_other(
        tokens in 1..=16_usize, runs in 1..180_usize, rest in prop::sample::select(vec![0_usize, 0, 1, 3]),
        outputs in 1..70_usize,
    ) {
        let inputs = 4 * runs + rest;
        compare2(([tokens, inputs], [outputs, inputs]), linear, plain::linear);
        let (x, weight) = (constant([tokens, inputs], "a", &gpu()), constant([outputs, inputs], "b", &gpu()));
        let whole = numbers(linear(x.clone(), weight.clone()));
        prop_assert!(whole == numbers(linear(gaps(x.clone()), gaps(weight.clone()))), "gaps between rows");
        for token in [0, tokens / 2, tokens - 1] {
            let alone = numbers(linear(x.clone().narrow(0, token, 1), weight.clone()));
            prop_assert!(whole[token * outputs..][..outputs] == alone, "row {token}");
        }
    }

    #[test]
    fn gate_and_product_equal_their_twins(tokens in 1..100_usize, inter in 1..90_usize, out in 1..60_usize) {
        type Product = fn(Tensor<2>, Tensor<2>, Tensor<2>) -> Tensor<2>;
        let run = |product: Product, gaps: fn(Tensor<2>) -> Tensor<2>, device: &Device| {
            let [gate, up] = ["a", "b"].map(|purpose| leaf([tokens, inter], purpose, device));
            let weight = leaf([out, inter], "c", device);
            let y = gaps(product(gaps(gate.clone()), gaps(up.clone()), gaps(weight.clone())));
            let gradients = backward(y.clone());
            let gradient = |leaf: Tensor<2>| numbers(leaf.grad(&gradients).expect("inputs have gradients"));
            [numbers(y), gradient(gate), gradient(up), gradient(weight)]
        };
        let found = run(swiglu_linear, gaps::<2>, &gpu());
        let expected = run(|gate, up, w| plain::linear(plain::swiglu(gate, up), w), |x| x, &cpu());
        for (name, index) in [("value", 0), ("gate", 1), ("up", 2), ("weight", 3)] {
            close(name, &found[index], &expected[index]);
        }
        // Only the matrix is trained, and only the input.
        let device = gpu().autodiff();
        let [gate, up] = ["a", "b"].map(|purpose| constant([tokens, inter], purpose, &device));
        let weight = leaf([out, inter], "c", &device);
        let gradients = backward(swiglu_linear(gate.clone(), up.clone(), weight.clone()));
        close("matrix", &numbers(weight.grad(&gradients).expect("a gradient")), &expected[3]);
        let up = up.require_grad();
        let gradients = backward(swiglu_linear(gate, up.clone(), weight.detach()));
        close("up alone", &numbers(up.grad(&gradients).expect("a gradient")), &expected[2]);
    }

    #[test]
    fn rotate_equals_its_twin(tokens in 1..100_usize, heads in 1..5_usize, half in 1..70_usize) {
        let run = |function: &dyn Fn(Tensor<3>, Tensor<2>, Tensor<2>) -> Tensor<3>, device: &Device| {
            let x = leaf([tokens, heads, 2 * half], "a", device);
            let (cos, sin) = (constant([tokens, half], "cos", device), constant([tokens, half], "sin", device));
            let y = function(x.clone(), cos, sin);
            let gradients = backward(y.clone());
            [numbers(y), numbers(x.grad(&gradients).expect("the input has a gradient"))]
        };
        let found = run(&|x, cos, sin| gaps(rotate(gaps(x), gaps(cos), gaps(sin))), &gpu());
        let expected = run(&plain::rotate, &cpu());
        close("value", &found[0], &expected[0]);
        close("gradient", &found[1], &expected[1]);
    }

    #[test]
    fn projections_are_rotated_as_their_parts(
        tokens in 1..60_usize, kv_heads in 1..4_usize, group in 1..5_usize, half in 1..20_usize,
    ) {
        let shape = HeadShape { heads: kv_heads * group, kv_heads };
        let width = (shape.heads + 2 * kv_heads) * 2 * half;
        let run = |gaps: &dyn Fn(Tensor<2>) -> Tensor<2>, device: &Device| {
            let table = RopeTable {
                cos: gaps(constant([tokens, half], "cos", device)),
                sin: gaps(constant([tokens, half], "sin", device)),
            };
            let packed = gaps(constant([tokens, width], "packed", device));
            numbers(rotate_packed(PackedQkv { packed, shape }, &table).packed)
        };
        close("value", &run(&gaps::<2>, &gpu()), &run(&|x| x, &cpu()));
    }

    #[test]
    fn embedding_equals_its_twin(tokens in 1..300_usize, vocab in 1..50_usize, hidden in 1..300_usize) {
        let rng = CounterRng::new(3, "ids");
        let ids: Vec<i32> = (0..tokens as u64).map(|t| rng.below(t, vocab as u64) as i32).collect();
        let run = |function: &dyn Fn(Tensor<2>, Tensor<1, Int>) -> Tensor<2>, device: &Device| {
            let weight = leaf([vocab, hidden], "a", device);
            let ids = Tensor::from_data(TensorData::new(ids.clone(), [tokens]), device);
            let y = function(weight.clone(), ids);
            let gradients = backward(y.clone());
            [numbers(y), numbers(weight.grad(&gradients).expect("the matrix has a gradient"))]
        };
        let found = run(&|weight, ids| gaps(embedding(gaps(weight), ids)), &gpu());
        let expected = run(&plain::embedding, &cpu());
        close("value", &found[0], &expected[0]);
        close("gradient", &found[1], &expected[1]);
    }

    #[test]
    fn cross_entropy_equals_its_twin(tokens in 1..150_usize, hidden in 1..40_usize, vocab in 2..600_usize) {
        let labels = labels(tokens, vocab);
        let weights = random(&[tokens], "weights");
        let labels = Labels::new(&labels).with_weights(Some(&weights));
        let twin = |h: Tensor<2>, w: Tensor<2>| {
            let weights = constant([tokens], "weights", &h.device().inner());
            (plain::cross_entropy(plain::linear(h, w), labels.ids()) * weights).sum()
        };
        compare2(([tokens, hidden], [vocab, hidden]), |h, w| cross_entropy(h, w, labels).sum, twin);
        compare_losses([tokens, hidden, vocab], labels.ids());
    }

    #[test]
    fn token_log_probs_equal_their_twin(tokens in 1..150_usize, hidden in 1..40_usize, vocab in 2..300_usize) {
        let labels = labels(tokens, vocab);
        let twin = |h: Tensor<2>, w: Tensor<2>| plain::cross_entropy(plain::linear(h, w), &labels).neg();
        compare2(([tokens, hidden], [vocab, hidden]), |h, w| token_log_probs(h, w, &labels), twin);
        // The matrix frozen: the forward pass makes the gradient.
        let frozen = |device: &Device, function: &dyn Fn(Tensor<2>, Tensor<2>) -> Tensor<1>| {
            let h = leaf([tokens, hidden], "a", device);
            let y = function(h.clone(), constant([vocab, hidden], "b", device));
            let gradients = backward(y);
            numbers(h.grad(&gradients).expect("the states have a gradient"))
        };
        let found = frozen(&gpu(), &|h, w| gaps(token_log_probs(gaps(h), gaps(w), &labels)));
        close("frozen", &found, &frozen(&cpu(), &twin));
    }
}

pub(super) type RotaryAttention =
    fn(Tensor<2>, HeadShape, &RopeTable, &Positions, Option<usize>) -> Tensor<2>;

/// Value and gradient of attention over a packed row.
fn attend(
    function: RotaryAttention,
    (shape, d): (HeadShape, usize),
    lengths: &[usize],
    window: Option<usize>,
    device: &Device,
) -> [Vec<f32>; 2] {
    let runs = lengths.iter().map(|&tokens| Run { first: 0, tokens }).collect();
    let positions = Positions::from_runs(runs);
    let tokens = positions.tokens();
    let angles: Vec<f32> =
        (0..tokens * d / 2).map(|i| (i / (d / 2)) as f32 * 0.9_f32.powi((i % d) as i32)).collect();
    let table = |function: fn(f32) -> f32| {
        let numbers = angles.iter().map(|angle| function(*angle)).collect::<Vec<f32>>();
        Tensor::from_data(TensorData::new(numbers, [tokens, d / 2]), device)
    };
    let table = RopeTable { cos: table(f32::cos), sin: table(f32::sin) };
    let packed = leaf([tokens, (shape.heads + 2 * shape.kv_heads) * d], "packed", device);
    let y = function(packed.clone(), shape, &table, &positions, window);
    let gradients = backward(y.clone());
    [numbers(y), numbers(packed.grad(&gradients).expect("the projection has a gradient"))]
}

fn compare_attention(heads: (HeadShape, usize), lengths: &[usize], window: Option<usize>) {
    let kernel: RotaryAttention = |packed, shape, table, positions, window| {
        gaps(rotary_attention(gaps(packed), shape, table, positions, window))
    };
    let [value, gradient] = attend(kernel, heads, lengths, window, &gpu());
    let [expected, expected_gradient] = attend(plain::rotary_attention, heads, lengths, window, &cpu());
    close("value", &value, &expected);
    close("gradient", &gradient, &expected_gradient);
    assert!([value, gradient] == attend(kernel, heads, lengths, window, &gpu()), "two runs, the same bits");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn rotary_attention_equals_its_twin(
        lengths in prop::collection::vec(1..150_usize, 1..4), kv_heads in 1..3_usize, group in 1..9_usize,
        half in 1..20_usize, window in prop::option::of(1..90_usize),
    ) {
        compare_attention((HeadShape { heads: kv_heads * group, kv_heads }, 2 * half), &lengths, window);
    }
}

#[test]
fn attention_of_the_heads_of_real_models_equals_its_twin() {
    for (heads, kv_heads, d) in [(4, 2, 64), (3, 3, 80), (2, 1, 96), (8, 1, 128)] {
        compare_attention((HeadShape { heads, kv_heads }, d), &[1, 70, 1, 33], None);
    }
}

#[test]
fn a_window_as_long_as_the_sequence_changes_no_bit() {
    let heads = (HeadShape { heads: 2, kv_heads: 1 }, 16);
    let run = |window| attend(rotary_attention, heads, &[300, 121], window, &gpu());
    assert!(run(None) == run(Some(300)));
    assert!(run(None) != run(Some(299)));
}

/// A label for four tokens of five.
pub(super) fn labels(tokens: usize, vocab: usize) -> Vec<Option<TokenId>> {
    let rng = CounterRng::new(1, "labels");
    let label = |t: u64| (rng.f64(t) < 0.8).then(|| TokenId(rng.below(1000 + t, vocab as u64) as u32));
    (0..tokens as u64).map(label).collect()
}

fn compare_losses([tokens, hidden, vocab]: [usize; 3], labels: &[Option<TokenId>]) {
    let inputs = |device: &Device| {
        (constant([tokens, hidden], "a", device), constant::<2>([vocab, hidden], "b", device))
    };
    let (h, w) = inputs(&gpu());
    let found = numbers(cross_entropy(gaps(h), gaps(w), labels).token_losses);
    let (h, w) = inputs(&cpu());
    close("token losses", &found, &numbers(plain::cross_entropy(plain::linear(h, w), labels)));
}

#[test]
fn states_of_tokens_without_a_label_are_never_read() {
    let (device, labels) = (gpu(), [Some(TokenId(1)), None, Some(TokenId(0))]);
    let states = [0.5, -1.0, f32::NAN, f32::NAN, 2.0, 0.25];
    let h = Tensor::<2>::from_data(TensorData::new(states.to_vec(), [3, 2]), &device.clone().autodiff());
    let (h, w) = (h.require_grad(), leaf([4, 2], "b", &device));
    let loss = cross_entropy(h.clone(), w.clone(), &labels);
    let gradients = loss.sum.backward();
    let (dh, dw) = (h.grad(&gradients).expect("of states"), w.grad(&gradients).expect("of the matrix"));
    for values in [numbers(loss.token_losses), numbers(dh.clone()), numbers(dw)] {
        assert!(values.iter().all(|value| value.is_finite()), "{values:?}");
    }
    assert_eq!(numbers(dh)[2..4], [0.0; 2]);
}

#[test]
fn a_row_without_labels_has_no_loss_and_no_gradient() {
    let device = gpu();
    let (h, w) = (leaf([3, 2], "a", &device), leaf([4, 2], "b", &device));
    let loss = cross_entropy(h.clone(), w.clone(), &[None; 3]);
    let gradients = loss.sum.clone().backward();
    assert_eq!(numbers(loss.sum), [0.0]);
    assert_eq!(numbers(h.grad(&gradients).expect("of states")), [0.0; 6]);
    assert_eq!(numbers(w.grad(&gradients).expect("of the matrix")), [0.0; 8]);
}

#[test]
fn several_chunks_of_logits_add_up() {
    let tokens = 2 * super::head::CHUNK + 77;
    let labels = vec![Some(TokenId(3)); tokens];
    let twin = |h: Tensor<2>, w: Tensor<2>| plain::cross_entropy(plain::linear(h, w), &labels).sum();
    compare2(([tokens, 6], [9, 6]), |h, w| cross_entropy(h, w, &labels).sum, twin);
}

/// TF32 keeps 10 bits of the mantissa: `1 + 2^-20` would come back as 1.
#[test]
fn products_keep_every_bit_of_f32() {
    let device = gpu();
    let exact = 1.0 + 2_f32.powi(-20);
    for size in [1, 16, 64, 128] {
        let x = Tensor::<2>::from_data(TensorData::new(vec![exact; size * size], [size, size]), &device);
        let mut unit = vec![0.0; size * size];
        (0..size).for_each(|i| unit[i * size + i] = 1.0);
        let unit = Tensor::<2>::from_data(TensorData::new(unit, [size, size]), &device);
        assert!(numbers(linear(x, unit)).iter().all(|&value| value == exact), "size {size}");
    }
}

#[test]
fn tensors_without_elements_and_tensors_on_the_cpu_run_the_twin() {
    let device = gpu();
    let x = constant::<2>([3, 4], "a", &device);
    assert!(super::accepts(&x));
    assert!(!super::accepts(&Tensor::<2>::zeros(Shape::new([0, 4]), &device)));
    assert!(!super::accepts(&constant::<2>([3, 4], "a", &cpu())));
}
