//! The kernels of an optimizer step against the same formulas on the host.

use burn::tensor::{Device, Tensor, TensorData};
use proptest::prelude::*;

use super::tests::{gpu, random};
use crate::kernels::{AdamWCoefficients, AdamWState, GlobalNorm, accumulate, adamw, global_norm, plain};
use crate::parameter::numbers;

fn vector(numbers: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(numbers.to_vec(), [numbers.len()]), device)
}

/// The sum of squares in f64.
fn squared(numbers: &[f32]) -> f64 {
    numbers.iter().map(|&number| f64::from(number) * f64::from(number)).sum()
}

fn measure(gradients: &[Vec<f32>], loss: f32, max_norm: f64) -> GlobalNorm {
    let device = gpu();
    let tensors = gradients.iter().map(|gradient| vector(gradient, &device)).collect::<Vec<_>>();
    global_norm(&tensors, vector(&[loss], &device), max_norm)
}

/// One tensor for each length, of numbers around its own power of ten.
fn gradients(lengths: &[usize], exponents: &[i32]) -> Vec<Vec<f32>> {
    let one = |(index, (length, exponent)): (usize, (&usize, &i32))| {
        let size = 10_f32.powi(*exponent);
        let numbers = random(&[*length], &format!("gradient {index}"));
        numbers.into_iter().map(|number| number * size).collect::<Vec<f32>>()
    };
    lengths.iter().zip(exponents).enumerate().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_norm_is_the_one_in_f64(
        lengths in prop::collection::vec(1..60_000_usize, 1..6),
        exponents in prop::collection::vec(-6..7_i32, 6),
        clip in 0.1..10.0_f64,
    ) {
        let gradients = gradients(&lengths, &exponents);
        let expected = gradients.iter().map(|gradient| squared(gradient)).sum::<f64>().sqrt();
        let found = measure(&gradients, 0.5, clip).read();
        prop_assert!((f64::from(found.norm) / expected - 1.0).abs() < 1e-6, "{} {expected}", found.norm);
        prop_assert_eq!((found.loss, found.not_finite, found.applied), (0.5, None, true));
        let outcome = numbers(measure(&gradients, 0.5, clip).buffer());
        let scale = (clip / (expected + 1e-6)).min(1.0);
        prop_assert!((f64::from(outcome[1]) / scale - 1.0).abs() < 2e-6, "{} {scale}", outcome[1]);
        let device = gpu();
        let tensors = gradients.iter().map(|gradient| vector(gradient, &device)).collect::<Vec<_>>();
        let twin = numbers(plain::global_norm(&tensors, vector(&[0.5], &device), clip as f32));
        for (found, twin) in outcome.iter().zip(twin) {
            prop_assert!((found - twin).abs() <= 1e-4 * twin.abs(), "{found} {twin}");
        }
        prop_assert_eq!(found, measure(&gradients, 0.5, clip).read());
    }

    #[test]
    fn the_first_tensor_that_is_not_finite_is_named(
        lengths in prop::collection::vec(1..40_000_usize, 1..400),
        place in any::<prop::sample::Index>(),
        element in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
    ) {
        let place = place.index(lengths.len());
        let mut gradients: Vec<Vec<f32>> = lengths.iter().map(|length| vec![0.25; 1 + length / 97]).collect();
        for gradient in &mut gradients[place..] {
            let element = element.index(gradient.len());
            gradient[element] = value;
        }
        let found = measure(&gradients, 1.0, 1.0).read();
        prop_assert_eq!((found.loss, found.not_finite, found.applied), (1.0, Some(place), false));
    }

    #[test]
    fn adamw_is_the_formula_of_the_host(
        count in 1..3000_usize, t in 1..200_i32, lr in 1e-5..1e-1_f64, decay in 0.0..0.2_f64, size in -4..4_i32,
    ) {
        let [p, m, g] = ["p", "m", "g"].map(|name| random(&[count], name));
        let v: Vec<f32> = random(&[count], "v").iter().map(|number| number * number).collect();
        let g: Vec<f32> = g.iter().map(|number| number * 10_f32.powi(size)).collect();
        let coefficients = coefficients(lr, t, decay);
        let scale = (1.0 / (squared(&g).sqrt() + 1e-6)).min(1.0) as f32;
        let expected = updated([&p, &m, &v], &g, coefficients, scale);
        let found = update([&p, &m, &v], &g, coefficients, &measure(std::slice::from_ref(&g), 0.0, 1.0));
        for (name, (found, expected)) in ["p", "m", "v"].into_iter().zip(found.into_iter().zip(expected)) {
            // The clip factor itself is within 1e-6 of the host's; the sums of p and m may cancel.
            let scale = expected.iter().map(|number| number.abs()).fold(0.0, f32::max);
            for (found, expected) in found.iter().zip(expected) {
                let bound = 4e-6 * expected.abs() + 1e-6 * scale;
                prop_assert!((found - expected).abs() <= bound, "{name}: {found} {expected}");
            }
        }
    }

    #[test]
    fn a_skipped_step_changes_no_bit(count in 1..3000_usize, loss in prop::sample::select(vec![f32::NAN, 1.0])) {
        let [p, m, v, mut g] = ["p", "m", "v", "g"].map(|name| random(&[count], name));
        if loss.is_finite() {
            g[count / 2] = f32::INFINITY;
        }
        let norm = measure(std::slice::from_ref(&g), loss, 1.0);
        prop_assert!(!norm.read().applied);
        let found = update([&p, &m, &v], &g, coefficients(0.1, 3, 0.1), &norm);
        prop_assert!(found == [p, m, v]);
    }

    #[test]
    fn gradients_of_passes_add_up(count in 1..5000_usize) {
        let (a, b, device) = (random(&[count], "a"), random(&[count], "b"), gpu());
        let total = numbers(accumulate(vector(&a, &device), vector(&b, &device)));
        prop_assert!(total.iter().zip(a.iter().zip(&b)).all(|(total, (a, b))| *total == a + b));
    }
}

fn coefficients(lr: f64, t: i32, decay: f64) -> AdamWCoefficients {
    AdamWCoefficients {
        beta1: 0.9,
        beta2: 0.95,
        root_correction: (1.0 / (1.0 - 0.95_f64.powi(t)).sqrt()) as f32,
        eps: 1e-8,
        step_size: (lr / (1.0 - 0.9_f64.powi(t))) as f32,
        keep: (1.0 - lr * decay) as f32,
    }
}

/// The update in f32 on the host.
fn updated(state: [&[f32]; 3], g: &[f32], c: AdamWCoefficients, scale: f32) -> [Vec<f32>; 3] {
    let mut state = state.map(<[f32]>::to_vec);
    let [p, m, v] = &mut state;
    for (i, g) in g.iter().enumerate() {
        let g = g * scale;
        m[i] = c.beta1 * m[i] + (1.0 - c.beta1) * g;
        v[i] = c.beta2 * v[i] + (1.0 - c.beta2) * (g * g);
        let denominator = v[i].sqrt() * c.root_correction + c.eps;
        p[i] = c.keep * p[i] - c.step_size * m[i] / denominator;
    }
    state
}

/// The update by the kernel.
fn update(state: [&[f32]; 3], g: &[f32], c: AdamWCoefficients, norm: &GlobalNorm) -> [Vec<f32>; 3] {
    let device = gpu();
    let [parameter, first, second] = state.map(|part| vector(part, &device));
    let state = AdamWState { parameter, first, second };
    let AdamWState { parameter, first, second } = adamw(state, vector(g, &device), &c.upload(&device), norm);
    [parameter, first, second].map(numbers)
}

/// Rounding in one direction throughout: a sum in a row would be off by 1e-3.
#[test]
fn equal_numbers_do_not_drift() {
    let gradients = [vec![0.1_f32; 3_000_001], vec![0.3; 70_000]];
    let expected = gradients.iter().map(|gradient| squared(gradient)).sum::<f64>().sqrt();
    let found = f64::from(measure(&gradients, 0.0, 1.0).read().norm);
    assert!((found / expected - 1.0).abs() < 1e-6, "{found} {expected}");
}

#[test]
fn memory_that_somebody_else_holds_is_not_written() {
    let (device, numbers_of) = (gpu(), |name: &str| random(&[777], name));
    let parts = ["p", "m", "v"].map(|name| vector(&numbers_of(name), &device));
    let [parameter, first, second] = parts.clone();
    let gradient = vector(&numbers_of("g"), &device);
    let norm = global_norm(std::slice::from_ref(&gradient), vector(&[0.0], &device), 1.0);
    let state = AdamWState { parameter, first, second };
    let state = adamw(state, gradient.clone(), &coefficients(0.1, 1, 0.1).upload(&device), &norm);
    let sum = accumulate(gradient.clone(), parts[0].clone());
    assert!(numbers(state.parameter) != numbers_of("p") && numbers(sum) != numbers_of("g"));
    for (part, name) in parts.into_iter().chain([gradient]).zip(["p", "m", "v", "g"]) {
        assert!(numbers(part) == numbers_of(name), "{name}");
    }
}

#[test]
fn a_step_without_gradients_has_a_norm_of_zero() {
    let found = measure(&[], 0.25, 1.0).read();
    assert_eq!((found.loss, found.norm, found.not_finite, found.applied), (0.25, 0.0, None, true));
}
