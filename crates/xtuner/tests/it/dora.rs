//! DoRA: the fused layer against the formula in plain tensors, values, gradients and the merged matrix.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use internlm_kit::rng::CounterRng;
use internlm_model::decoder::Decoder;
use internlm_model::linear::{Linear, Lora, LoraConfig, Magnitude, Noise};
use internlm_model::parameter::{Training, numbers};
use xtuner::lora::{Adapter, AdapterConfig, BaseFormat, LoraTuningConfig, inject};

use crate::fixture::model_config;

const TOKENS: usize = 7;
const INPUTS: usize = 24;
const OUTPUTS: usize = 10;
const RANK: usize = 3;
const SCALE: f64 = 0.75;

fn device() -> Device {
    Device::flex().autodiff()
}

fn values(shape: [usize; 2], purpose: &str) -> TensorData {
    let rng = CounterRng::new(5, purpose);
    let numbers: Vec<f32> = (0..(shape[0] * shape[1]) as u64).map(|i| rng.normal(i) as f32).collect();
    TensorData::new(numbers, shape)
}

fn constant(shape: [usize; 2], purpose: &str) -> Tensor<2> {
    Tensor::from_data(values(shape, purpose), &device())
}

fn leaf(shape: [usize; 2], purpose: &str) -> Tensor<2> {
    constant(shape, purpose).require_grad()
}

/// A layer whose A, B and m have all left their initial values.
fn layer() -> Lora {
    let dense = Linear::dense(constant([OUTPUTS, INPUTS], "w"), None);
    let config = LoraConfig::new(RANK, SCALE * RANK as f64).with_magnitude(Magnitude::Trained);
    let Linear::Lora(mut lora) = dense.inject_lora(&config, "layer", &Noise::default()) else {
        panic!("an adapter was injected")
    };
    let norms = lora.magnitude.take().expect("a magnitude").val().inner();
    lora.magnitude = Some(Param::from_tensor(Tensor::from_inner(norms * 1.25 + 0.1)));
    lora.b = Param::from_tensor(constant([OUTPUTS, RANK], "b"));
    lora
}

fn close(name: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    let size = expected.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    let pairs = found.iter().zip(expected);
    let distance = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt();
    assert!(distance <= 1e-5 * size, "{name}: distance {distance}, size {size}");
}

#[test]
fn values_and_gradients_are_those_of_the_formula() {
    let lora = layer();
    let x = leaf([TOKENS, INPUTS], "x");
    let g = constant([TOKENS, OUTPUTS], "g");
    let y = lora.forward(x.clone());
    let gradients = (y.clone() * g.clone()).sum().backward();
    let grad = |tensor: Tensor<2>| numbers(tensor.grad(&gradients).expect("a gradient"));
    let magnitude = lora.magnitude.as_ref().expect("a magnitude").val();
    let found = [grad(x.clone()), grad(lora.a.val()), grad(lora.b.val())];
    let found_m = numbers(magnitude.clone().grad(&gradients).expect("a gradient"));

    // y = m / |V| (x V^T) with V = W + s B A, and |V| a constant.
    let fresh = |tensor: Tensor<2>| Tensor::<2>::from_inner(tensor.inner()).require_grad();
    let (a, b, plain_x) = (fresh(lora.a.val()), fresh(lora.b.val()), fresh(x));
    let m = Tensor::<1>::from_inner(magnitude.inner()).require_grad();
    let direction = constant([OUTPUTS, INPUTS], "w") + b.clone().matmul(a.clone()).mul_scalar(SCALE);
    let norms = direction.clone().detach().powi_scalar(2).sum_dim(1).sqrt().reshape([OUTPUTS]);
    let factors = (m.clone() / norms).unsqueeze::<2>();
    let expected_y = plain_x.clone().matmul(direction.transpose()) * factors;
    let expected = (expected_y.clone() * g).sum().backward();
    let grad = |tensor: Tensor<2>| numbers(tensor.grad(&expected).expect("a gradient"));
    close("y", &numbers(y), &numbers(expected_y));
    for ((name, found), expected) in ["dx", "da", "db"].into_iter().zip(&found).zip([plain_x, a, b]) {
        close(name, found, &grad(expected));
    }
    close("dm", &found_m, &numbers(m.grad(&expected).expect("a gradient")));
}

#[test]
fn the_merged_matrix_has_the_layers_effect() {
    let lora = layer();
    let x = constant([TOKENS, INPUTS], "x");
    let merged = x.clone().matmul(lora.merged_weight().transpose());
    close("merged", &numbers(merged), &numbers(lora.forward(x)));
}

#[test]
fn a_fresh_adapter_starts_at_the_norms_of_the_rows_and_is_stored_with_them() {
    let base = Decoder::init(&model_config(), 3, &device());
    for format in [BaseFormat::F32, BaseFormat::Nf4Double] {
        let config = LoraTuningConfig::new(2, 4.0).with_target_modules(["wo"]).with_dora().with_base(format);
        let decoder = inject(base.clone(), &config, 7).expect("injects");
        let trained = decoder.parameters().into_iter();
        let trained: Vec<_> =
            trained.filter(|(_, parameter)| parameter.training() == Training::Trained).collect();
        assert_eq!(trained.len(), 2 * 3, "A, B and m of two layers");
        let (_, magnitude) = trained
            .iter()
            .find(|(name, _)| name == "model.layers.0.attention.wo.lora_magnitude_vector")
            .expect("a magnitude");
        let mut shared = decoder.clone();
        let (_, linear) = shared
            .linears_mut()
            .into_iter()
            .find(|(name, _)| name == "model.layers.0.attention.wo")
            .expect("the layer");
        let Linear::Lora(lora) = linear else { panic!("the layer has an adapter") };
        let norms = lora.base.weight().powi_scalar(2).sum_dim(1).sqrt();
        close("m", &magnitude.to_vec(), &numbers(norms));
        let adapter = Adapter::of(&decoder, AdapterConfig::new(&config, "base"));
        assert_eq!(adapter.parameters(), 2 * (2 * 32 + 32 * 2 + 32));
        assert!(adapter.config.use_dora);
    }
}
