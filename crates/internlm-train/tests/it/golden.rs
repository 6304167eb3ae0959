//! The PyTorch numbers of `golden/model/tiny_a`: gradients, and ten AdamW steps.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use internlm_kit::testing::shared_data as shared;
use internlm_model::TokenId;
use internlm_model::decoder::Decoder;
use internlm_train::{LossGradients, Row, Trainer, TrainerConfig};
use safetensors::SafeTensors;
use serde::Deserialize;

#[derive(Deserialize)]
struct GradientsCase {
    ids: Vec<Vec<u32>>,
    loss: f64,
    grad_norm: f64,
}

#[derive(Deserialize)]
struct AdamWCase {
    lr: f64,
    losses: Vec<f64>,
    grad_norms: Vec<f64>,
    loss_on_first_batch_after: f64,
    batches: Vec<Vec<Vec<u32>>>,
}

/// A device and how far its numbers may be from PyTorch's.
pub(crate) struct Place {
    device: Device,
    /// Relative L2 difference of a gradient.
    gradient: f64,
    /// Relative difference of a loss.
    loss: f64,
    /// Relative L2 difference of a parameter after ten steps.
    weight: f64,
}

impl Place {
    fn cpu() -> Self {
        Self { device: Device::flex(), gradient: 1e-5, loss: 5e-6, weight: 3e-5 }
    }

    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    pub(crate) fn gpu(device: Device) -> Self {
        Self { device, gradient: 1e-4, loss: 5e-5, weight: 1e-4 }
    }

    fn trainer(&self, folder: &Path, config: TrainerConfig) -> Trainer {
        let decoder = Decoder::load(folder, &self.device).expect("loads");
        Trainer::new(decoder.config().clone(), decoder, config).expect("has parameters")
    }
}

fn rows(sequences: &[Vec<u32>]) -> Vec<Row> {
    let row = |ids: &Vec<u32>| Row::sample(&ids.iter().copied().map(TokenId).collect::<Vec<_>>());
    sequences.iter().map(row).collect()
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    serde_json::from_slice(&std::fs::read(path).expect("reads")).expect("parses")
}

fn read_tensors(path: &Path) -> BTreeMap<String, Vec<f32>> {
    let bytes = std::fs::read(path).expect("reads");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let word = |raw: &[u8]| f32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]);
    let values = |data: &[u8]| data.chunks_exact(4).map(word).collect();
    file.tensors().into_iter().map(|(name, tensor)| (name, values(tensor.data()))).collect()
}

/// ||a - b|| / ||b||.
fn relative(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let square = |x: f64| x * x;
    let distance: f64 = a.iter().zip(b).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    (distance / b.iter().map(|b| square(f64::from(*b))).sum::<f64>()).sqrt()
}

#[test]
fn gradients_equal_pytorchs() {
    check_gradients(&Place::cpu());
}

pub(crate) fn check_gradients(place: &Place) {
    let Some(folder) = shared("golden/model/tiny_a") else { return };
    let case: GradientsCase = read_json(&folder.join("grads.json"));
    let expected = read_tensors(&folder.join("grads.safetensors"));
    let trainer = place.trainer(&folder, TrainerConfig::new(1, 1e-3));
    let LossGradients { loss, gradients } = trainer.gradients(&rows(&case.ids)).expect("rows fit");
    assert!((loss / case.loss - 1.0).abs() < 0.2 * place.loss, "loss {loss}, expected {}", case.loss);
    assert_eq!(gradients.len(), expected.len());
    let worst = gradients
        .iter()
        .map(|(name, gradient)| (relative(gradient, &expected[name]), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .expect("some parameter");
    println!("worst relative L2 {:.2e} in {}", worst.0, worst.1);
    assert!(worst.0 <= place.gradient, "{worst:?}");
    let squares = gradients.iter().map(|(_, gradient)| internlm_train::optim::squared_norm(gradient));
    assert!((squares.sum::<f64>().sqrt() / case.grad_norm - 1.0).abs() < place.gradient);
}

#[test]
fn passes_of_one_sequence_give_the_gradients_of_one_large_pass() {
    let Some(folder) = shared("golden/model/tiny_a") else { return };
    let case: GradientsCase = read_json(&folder.join("grads.json"));
    let whole = Place::cpu().trainer(&folder, TrainerConfig::new(1, 1e-3));
    let single = Place::cpu().trainer(&folder, TrainerConfig::new(1, 1e-3).with_pass_tokens(1));
    let LossGradients { loss, gradients } = whole.gradients(&rows(&case.ids)).expect("rows fit");
    let split = single.gradients(&rows(&case.ids)).expect("rows fit");
    assert!((loss / split.loss - 1.0).abs() < 1e-6);
    for ((name, a), (_, b)) in gradients.iter().zip(&split.gradients) {
        assert!(relative(a, b) < 2e-6, "{name}: {}", relative(a, b));
    }
}

#[test]
fn ten_adamw_steps_equal_pytorchs() {
    check_ten_steps(&Place::cpu());
}

pub(crate) fn check_ten_steps(place: &Place) {
    let Some(folder) = shared("golden/model/tiny_a") else { return };
    let case: AdamWCase = read_json(&folder.join("adamw.json"));
    let mut config = TrainerConfig::new(10, case.lr);
    // A constant rate: a floor at the top leaves nothing of the cosine.
    config.schedule.warmup_ratio = 0.0;
    config.schedule.eta_min = case.lr;
    let mut trainer = place.trainer(&folder, config);
    for (step, batch) in case.batches.iter().enumerate() {
        let report = trainer.step(&rows(batch)).expect("rows fit");
        let (loss, norm) =
            (report.loss / case.losses[step] - 1.0, report.grad_norm / case.grad_norms[step] - 1.0);
        println!("step {step}: loss off by {loss:.1e}, norm by {norm:.1e}");
        assert!(
            loss.abs() < place.loss && norm.abs() < 2.0 * place.loss,
            "step {step}: loss {loss:e}, norm {norm:e}"
        );
    }
    let after = trainer.evaluate(&rows(&case.batches[0])).expect("rows fit").loss();
    assert!((after / case.loss_on_first_batch_after - 1.0).abs() < 1e-4, "{after}");
    let expected = read_tensors(&folder.join("adamw_final.safetensors"));
    let snapshot = trainer.snapshot();
    for (info, values) in snapshot.parameters.iter().zip(&snapshot.values) {
        let distance = relative(values, &expected[&info.name]);
        assert!(distance <= place.weight, "{}: {distance:e}", info.name);
    }
}
