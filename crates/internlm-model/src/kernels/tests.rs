//! Every fused kernel against its plain twin, values and gradients, and the twins against finite differences.

use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use internlm_kit::rng::CounterRng;
use proptest::prelude::*;

use super::{add, attention, cross_entropy, differentiate, embedding, linear, plain, rms_norm, swiglu};
use crate::TokenId;
use crate::config::{ModelConfig, ModelSize};
use crate::heads::HeadShape;
use crate::parameter::numbers;
use crate::positions::{Positions, Run};
use crate::rope::{Rope, RopeTable};

fn random(shape: &[usize], purpose: &str) -> Vec<f32> {
    let rng = CounterRng::new(7, purpose);
    (0..shape.iter().product::<usize>() as u64).map(|i| rng.normal(i) as f32).collect()
}

/// A leaf that requires a gradient.
fn leaf<const D: usize>(shape: [usize; D], purpose: &str) -> Tensor<D> {
    Tensor::from_data(TensorData::new(random(&shape, purpose), shape), &Device::flex().autodiff())
        .require_grad()
}

/// `sum(y * g)` with random g, so that every element of the output has its own gradient.
fn backward<const D: usize>(y: Tensor<D>) -> Gradients {
    let g = Tensor::from_data(TensorData::new(random(&y.dims(), "gradient"), y.dims()), &Device::flex());
    (y * g).sum().backward()
}

/// Euclidean length.
fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}

fn close(name: &str, found: Vec<f32>, expected: Vec<f32>) {
    let size = norm(expected.iter().map(|&b| f64::from(b)));
    close_at(name, found, expected, size);
}

/// Equal but for the rounding of numbers of norm `size`.
fn close_at(name: &str, found: Vec<f32>, expected: Vec<f32>, size: f64) {
    assert_eq!(found.len(), expected.len(), "{name}: number of elements");
    let difference = norm(found.iter().zip(&expected).map(|(a, b)| f64::from(a - b)));
    assert!(difference <= 2e-6 * size + 1e-7, "{name}: difference {difference}, size {size}");
}

/// Compares values and the gradients of both inputs of two functions of two tensors.
fn compare2<const A: usize, const B: usize, const C: usize>(
    shapes: ([usize; A], [usize; B]),
    fused: impl Fn(Tensor<A>, Tensor<B>) -> Tensor<C>,
    twin: impl Fn(Tensor<A>, Tensor<B>) -> Tensor<C>,
) {
    for (name, found, expected) in both(shapes, fused, twin) {
        close(name, found, expected);
    }
}

/// Name, found and expected numbers of the value and of the gradients of both inputs.
fn both<const A: usize, const B: usize, const C: usize>(
    (a, b): ([usize; A], [usize; B]),
    fused: impl Fn(Tensor<A>, Tensor<B>) -> Tensor<C>,
    twin: impl Fn(Tensor<A>, Tensor<B>) -> Tensor<C>,
) -> [(&'static str, Vec<f32>, Vec<f32>); 3] {
    let run = |function: &dyn Fn(Tensor<A>, Tensor<B>) -> Tensor<C>| {
        let (a, b) = (leaf(a, "a"), leaf(b, "b"));
        let y = function(a.clone(), b.clone());
        let gradients = backward(y.clone());
        let gradient = |found: Option<Vec<f32>>| found.expect("both inputs have a gradient");
        [numbers(y), gradient(a.grad(&gradients).map(numbers)), gradient(b.grad(&gradients).map(numbers))]
    };
    let ([value, first, second], [twin_value, twin_first, twin_second]) = (run(&fused), run(&twin));
    [
        ("value", value, twin_value),
        ("first gradient", first, twin_first),
        ("second gradient", second, twin_second),
    ]
}

/// Norm of the first of the two terms whose difference is the gradient of RMSNorm's input: `w g / rms`. In narrow
/// rows the terms cancel, in a row of one number altogether, and what stays is their rounding.
fn rms_norm_term(tokens: usize, hidden: usize) -> f64 {
    let [x, g] = ["a", "gradient"].map(|purpose| random(&[tokens, hidden], purpose));
    let w = random(&[hidden], "b");
    norm(x.chunks(hidden).zip(g.chunks(hidden)).flat_map(|(x, g)| {
        let mean = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / hidden as f64;
        let rms = (mean + 1e-5).sqrt();
        w.iter().zip(g).map(move |(w, g)| f64::from(w * g) / rms)
    }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn rms_norm_equals_its_twin(tokens in 1..200_usize, hidden in 1..80_usize) {
        let shapes = ([tokens, hidden], [hidden]);
        let [value, (name, found, expected), second] =
            both(shapes, |x, w| rms_norm(x, w, 1e-5), |x, w| plain::rms_norm(x, w, 1e-5));
        for (name, found, expected) in [value, second] {
            close(name, found, expected);
        }
        close_at(name, found, expected, rms_norm_term(tokens, hidden));
    }

    #[test]
    fn swiglu_equals_its_twin(tokens in 1..200_usize, inter in 1..80_usize) {
        compare2(([tokens, inter], [tokens, inter]), swiglu, plain::swiglu);
    }

    #[test]
    fn add_equals_its_twin(tokens in 1..200_usize, hidden in 1..80_usize) {
        compare2(([tokens, hidden], [tokens, hidden]), add, |a, b| a + b);
    }

    #[test]
    fn linear_equals_its_twin(tokens in 1..200_usize, inputs in 1..80_usize, outputs in 1..80_usize) {
        compare2(([tokens, inputs], [outputs, inputs]), linear, plain::linear);
    }

    #[test]
    fn cross_entropy_equals_its_twin(tokens in 1..150_usize, hidden in 1..40_usize, vocab in 2..90_usize) {
        let rng = CounterRng::new(1, "labels");
        let label = |t: u64| (rng.f64(t) < 0.8).then(|| TokenId(rng.below(1000 + t, vocab as u64) as u32));
        let labels: Vec<_> = (0..tokens as u64).map(label).collect();
        let twin = |h: Tensor<2>, w: Tensor<2>| plain::cross_entropy(plain::linear(h, w), &labels).sum();
        let fused = |h: Tensor<2>, w: Tensor<2>| cross_entropy(h, w, &labels).sum;
        compare2(([tokens, hidden], [vocab, hidden]), fused, twin);
        let (h, w) = (leaf([tokens, hidden], "a"), leaf([vocab, hidden], "b"));
        let losses = numbers(cross_entropy(h.clone(), w.clone(), &labels).token_losses);
        close("token losses", losses, numbers(plain::cross_entropy(plain::linear(h, w), &labels)));
    }

    #[test]
    fn rotary_attention_equals_its_twin(
        lengths in prop::collection::vec(1..150_usize, 1..4), kv_heads in 1..3_usize, group in 1..4_usize,
        half in 1..9_usize, window in prop::option::of(1..90_usize),
    ) {
        compare_attention(&lengths, HeadShape { heads: kv_heads * group, kv_heads }, 2 * half, window);
    }
}

#[test]
fn a_backward_pass_from_a_gradient_has_the_bits_of_one_from_a_loss() {
    let run = |backward: &dyn Fn(Tensor<2>, Tensor<2>) -> Gradients| {
        let (x, w) = (leaf([9, 5], "a"), leaf([7, 5], "b"));
        let values = TensorData::new(random(&[9, 7], "gradient"), [9, 7]);
        let gradients = backward(linear(x.clone(), w.clone()), Tensor::from_data(values, &Device::flex()));
        [x, w].map(|leaf| numbers(leaf.grad(&gradients).expect("both inputs have a gradient")))
    };
    assert_eq!(run(&differentiate), run(&|y, gradient| plain::seeded(y, gradient).backward()));
}

fn table(positions: &Positions, d: usize) -> RopeTable {
    let size = ModelSize { hidden: d, layers: 1, heads: 1, inter: 8, vocab: 8 };
    Rope::new(&ModelConfig::new(size).with_rope_theta(100.0)).table(positions, &Device::flex())
}

type RotaryAttention = fn(Tensor<2>, HeadShape, &RopeTable, &Positions, Option<usize>) -> Tensor<2>;

fn compare_attention(lengths: &[usize], shape: HeadShape, d: usize, window: Option<usize>) {
    let runs = lengths.iter().map(|&tokens| Run { first: 0, tokens }).collect();
    let positions = Positions::from_runs(runs);
    let table = table(&positions, d);
    let width = (shape.heads + 2 * shape.kv_heads) * d;
    let run = |function: RotaryAttention| {
        let packed = leaf([positions.tokens(), width], "packed");
        let y = function(packed.clone(), shape, &table, &positions, window);
        let gradients = backward(y.clone());
        [numbers(y), numbers(packed.grad(&gradients).expect("the projection has a gradient"))]
    };
    let [value, gradient] = run(attention::rotary_attention);
    let [expected_value, expected_gradient] = run(plain::rotary_attention);
    close("value", value, expected_value);
    close("gradient", gradient, expected_gradient);
}

#[test]
fn attention_over_several_key_blocks_equals_its_twin() {
    for window in [None, Some(1), Some(100), Some(256), Some(300), Some(1000)] {
        compare_attention(&[700, 1, 257], HeadShape { heads: 4, kv_heads: 2 }, 16, window);
    }
}

#[test]
fn a_window_as_long_as_the_sequence_changes_no_bit() {
    let positions = Positions::packed(&[0, 300, 421]);
    let (table, shape) = (table(&positions, 16), HeadShape { heads: 2, kv_heads: 1 });
    let run = |window| {
        let packed = leaf([421, 64], "packed");
        let y = attention::rotary_attention(packed.clone(), shape, &table, &positions, window);
        let gradients = backward(y.clone());
        [numbers(y), numbers(packed.grad(&gradients).expect("the projection has a gradient"))]
    };
    assert!(run(None) == run(Some(300)));
    assert!(run(None) != run(Some(299)));
}

#[test]
fn embedding_adds_the_gradients_of_repeated_ids() {
    let weight = leaf([4, 3], "a");
    let ids = Tensor::<1, Int>::from_data([2, 0, 2], &Device::flex().autodiff());
    let run = |y: Tensor<2>| {
        let gradients = backward(y.clone());
        [numbers(y), numbers(weight.grad(&gradients).expect("the matrix has a gradient"))]
    };
    let found = run(embedding(weight.clone(), ids.clone()));
    let expected = run(plain::embedding(weight.clone(), ids));
    for (found, expected) in found.into_iter().zip(expected) {
        close("embedding", found, expected);
    }
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let run = |threads: usize| {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of a few threads");
        pool.install(|| {
            let positions = Positions::packed(&[0, 300, 421]);
            let (x, w) = (leaf([421, 96], "x"), leaf([96], "w"));
            let (m, head) = (leaf([64, 96], "m"), leaf([300, 64], "head"));
            let packed = linear(rms_norm(x.clone(), w.clone(), 1e-5), m.clone());
            let shape = HeadShape { heads: 2, kv_heads: 1 };
            let h = attention::rotary_attention(packed, shape, &table(&positions, 16), &positions, None);
            let h = linear(h.clone(), leaf([64, 32], "up"));
            let h = swiglu(h.clone(), h);
            let labels: Vec<_> = (0..421).map(|t| Some(TokenId(t * 7 % 300))).collect();
            let loss = cross_entropy(h, head.clone(), &labels).sum;
            let gradients = loss.backward();
            let mut bits = vec![numbers(loss)];
            bits.push(numbers(x.grad(&gradients).expect("gradient of x")));
            bits.push(numbers(w.grad(&gradients).expect("gradient of w")));
            bits.push(numbers(m.grad(&gradients).expect("gradient of m")));
            bits.push(numbers(head.grad(&gradients).expect("gradient of head")));
            bits
        })
    };
    let one = run(1);
    assert!(one == run(2), "two threads");
    assert!(one == run(5), "five threads");
}

#[test]
fn twins_agree_with_finite_differences() {
    let tokens = 6;
    let positions = Positions::packed(&[0, 4, 6]);
    let table = table(&positions, 4);
    let labels =
        [Some(TokenId(1)), None, Some(TokenId(0)), Some(TokenId(4)), Some(TokenId(2)), Some(TokenId(2))];
    let shape = HeadShape { heads: 2, kv_heads: 1 };
    let chain = |x: Tensor<2>| {
        let device = Device::flex();
        let tensor = |shape: [usize; 2], purpose| {
            Tensor::<2>::from_data(TensorData::new(random(&shape, purpose), shape), &device)
        };
        let norm = Tensor::<1>::from_data(TensorData::new(random(&[16], "norm"), [16]), &device);
        let packed = rms_norm(x, norm, 1e-5);
        let h = attention::rotary_attention(packed, shape, &table, &positions, None);
        let h = swiglu(linear(h.clone(), tensor([8, 8], "gate")), linear(h, tensor([8, 8], "up")));
        cross_entropy(h, tensor([5, 8], "head"), &labels).sum
    };
    let x = leaf([tokens, 16], "x");
    let gradients = chain(x.clone()).backward();
    let gradient = numbers(x.grad(&gradients).expect("gradient of x"));
    let base = random(&[tokens, 16], "x");
    let at = |index: usize, step: f32| {
        let mut moved = base.clone();
        moved[index] += step;
        f64::from(numbers(chain(Tensor::from_data(TensorData::new(moved, [tokens, 16]), &Device::flex())))[0])
    };
    for index in (0..base.len()).step_by(5) {
        let slope = (at(index, 1e-2) - at(index, -1e-2)) / 2e-2;
        assert!(
            (slope - f64::from(gradient[index])).abs() < 4e-3,
            "element {index}: {slope} {}",
            gradient[index]
        );
    }
}
