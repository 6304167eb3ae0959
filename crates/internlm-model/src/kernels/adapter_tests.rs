//! The kernels of adapters and of token log-probabilities against their twins, values and gradients.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use internlm_kit::rng::CounterRng;
use proptest::prelude::*;

use super::lora::lora_twin;
use super::{
    Frozen, Labels, LowRank, Mask, cross_entropy, frozen_linear, lora, plain, scale_columns, token_log_probs,
};
use crate::TokenId;
use crate::packed::{PackedFormat, PackedMatrix};
use crate::parameter::numbers;

fn values(shape: &[usize], purpose: &str) -> TensorData {
    let rng = CounterRng::new(7, purpose);
    let numbers: Vec<f32> =
        (0..shape.iter().product::<usize>() as u64).map(|i| rng.normal(i) as f32).collect();
    TensorData::new(numbers, shape.to_vec())
}

/// A leaf that requires a gradient.
fn leaf<const D: usize>(shape: [usize; D], purpose: &str) -> Tensor<D> {
    Tensor::from_data(values(&shape, purpose), &Device::flex().autodiff()).require_grad()
}

fn constant<const D: usize>(shape: [usize; D], purpose: &str) -> Tensor<D> {
    Tensor::from_data(values(&shape, purpose), &Device::flex())
}

fn close(name: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{name}: number of elements");
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let size = norm(&mut expected.iter().map(|&x| f64::from(x)));
    let difference = norm(&mut found.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    assert!(difference <= 4e-6 * size + 1e-6, "{name}: difference {difference}, size {size}");
}

/// Value and gradients of x, A and B.
fn results(function: &dyn Fn(Tensor<2>, [Tensor<2>; 2]) -> Tensor<2>, shape: [usize; 4]) -> [Vec<f32>; 4] {
    let [tokens, inputs, outputs, rank] = shape;
    let (x, a, b) = (leaf([tokens, inputs], "x"), leaf([rank, inputs], "a"), leaf([outputs, rank], "b"));
    let y = function(x.clone(), [a.clone(), b.clone()]);
    let gradients = (y.clone() * constant([tokens, outputs], "gradient")).sum().backward();
    let gradient = |tensor: Tensor<2>| numbers(tensor.grad(&gradients).expect("every leaf has a gradient"));
    [numbers(y), gradient(x), gradient(a), gradient(b)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn lora_equals_its_twin(
        tokens in 1..90_usize, inputs in 1..70_usize, outputs in 1..140_usize, rank in 1..40_usize,
        dropped in any::<bool>(), packed in any::<bool>(),
    ) {
        let weight = constant([outputs, inputs], "w");
        let weight = match packed {
            false => Frozen::Dense(weight),
            true => {
                let matrix = PackedMatrix::pack(&numbers(weight), [outputs, inputs], PackedFormat::Nf4);
                Frozen::Packed(Arc::new(matrix))
            }
        };
        let mask = dropped.then(|| Mask { rate: 0.3, rng: CounterRng::new(5, "mask") });
        let product = |[a, b]: [Tensor<2>; 2]| LowRank { a, b, scale: 0.7, mask };
        let shape = [tokens, inputs, outputs, rank];
        let found = results(&|x, pair| lora(x, &weight, product(pair)), shape);
        let dense = Frozen::Dense(weight.weight(&Device::flex()));
        let expected = results(&|x, pair| lora_twin(x, &dense, product(pair)), shape);
        for (name, (found, expected)) in ["y", "dx", "da", "db"].into_iter().zip(found.iter().zip(&expected)) {
            close(name, found, expected);
        }
    }

    #[test]
    fn packed_matrices_multiply_as_their_floats(
        tokens in 1..50_usize, inputs in 1..90_usize, outputs in 1..700_usize,
    ) {
        let weight = numbers(constant::<2>([outputs, inputs], "w"));
        for format in [PackedFormat::Bf16, PackedFormat::Int8, PackedFormat::Nf4Double] {
            let packed = Frozen::Packed(Arc::new(PackedMatrix::pack(&weight, [outputs, inputs], format)));
            let dense = Frozen::Dense(packed.weight(&Device::flex()));
            let run = |weight: &Frozen| {
                let x = leaf([tokens, inputs], "x");
                let y = frozen_linear(x.clone(), weight);
                let gradients = (y.clone() * constant([tokens, outputs], "gradient")).sum().backward();
                (numbers(y), numbers(x.grad(&gradients).expect("a gradient of x")))
            };
            let ((y, dx), (expected_y, expected_dx)) = (run(&packed), run(&dense));
            close("y", &y, &expected_y);
            close("dx", &dx, &expected_dx);
        }
    }

    #[test]
    fn columns_scale_as_their_twin(tokens in 1..200_usize, width in 1..40_usize) {
        let run = |function: &dyn Fn(Tensor<2>, Tensor<1>) -> Tensor<2>| {
            let (x, factors) = (leaf([tokens, width], "x"), leaf([width], "f"));
            let y = function(x.clone(), factors.clone());
            let gradients = (y.clone() * constant([tokens, width], "gradient")).sum().backward();
            let dx = numbers(x.grad(&gradients).expect("a gradient of x"));
            (numbers(y), dx, numbers(factors.grad(&gradients).expect("a gradient of the factors")))
        };
        let (found, expected) = (run(&scale_columns), run(&|x, factors| x * factors.unsqueeze()));
        close("y", &found.0, &expected.0);
        close("dx", &found.1, &expected.1);
        close("df", &found.2, &expected.2);
    }

    #[test]
    fn log_probabilities_equal_their_twin(tokens in 1..120_usize, hidden in 1..40_usize, vocab in 2..90_usize) {
        let labels = labels(tokens, vocab);
        let twin = |h: Tensor<2>, w: Tensor<2>| plain::cross_entropy(plain::linear(h, w), &labels).neg();
        let fused = |h: Tensor<2>, w: Tensor<2>| token_log_probs(h, w, &labels);
        let run = |function: &dyn Fn(Tensor<2>, Tensor<2>) -> Tensor<1>, trained: bool| {
            let h = leaf([tokens, hidden], "h");
            let w = if trained { leaf([vocab, hidden], "w") } else { constant([vocab, hidden], "w") };
            let y = function(h.clone(), w.clone());
            let gradients = (y.clone() * constant([tokens], "gradient")).sum().backward();
            let dw = trained.then(|| numbers(w.grad(&gradients).expect("a gradient of w")));
            (numbers(y), numbers(h.grad(&gradients).expect("a gradient of h")), dw.unwrap_or_default())
        };
        for trained in [true, false] {
            let (found, expected) = (run(&fused, trained), run(&twin, trained));
            close("value", &found.0, &expected.0);
            close("dh", &found.1, &expected.1);
            close("dw", &found.2, &expected.2);
        }
    }

    #[test]
    fn weights_multiply_losses_and_gradients(tokens in 1..80_usize, vocab in 2..60_usize) {
        let labels = labels(tokens, vocab);
        let weights: Vec<f32> = (0..tokens).map(|token| (token % 4) as f32 / 2.0).collect();
        let weighted = Labels::new(&labels).with_weights(Some(&weights));
        let (h, w) = (leaf([tokens, 16], "h"), leaf([vocab, 16], "w"));
        let loss = cross_entropy(h.clone(), w.clone(), weighted);
        let factors = Tensor::<1>::from_data(TensorData::new(weights.clone(), [tokens]), &Device::flex());
        let twin = plain::cross_entropy(plain::linear(h.clone(), w.clone()), &labels) * factors;
        close("losses", &numbers(loss.token_losses), &numbers(twin.clone()));
        let (found, expected) = (loss.sum.backward(), twin.sum().backward());
        for leaf in [h, w] {
            let gradient = |gradients| numbers(leaf.grad(gradients).expect("a gradient of each leaf"));
            close("gradient", &gradient(&found), &gradient(&expected));
        }
    }
}

fn labels(tokens: usize, vocab: usize) -> Vec<Option<TokenId>> {
    let rng = CounterRng::new(1, "labels");
    let label = |t: u64| (rng.f64(t) < 0.8).then(|| TokenId(rng.below(1000 + t, vocab as u64) as u32));
    (0..tokens as u64).map(label).collect()
}
