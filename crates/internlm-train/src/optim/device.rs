//! [`DeviceMoments`]: clip and AdamW where the parameters are, with one read-back per step.
//!
//! Norm, clip factor and the decision to skip a step are numbers on the device that the update reads. The host launches
//! everything and waits once, for loss, norm and decision together.

use burn::tensor::{Device, Tensor, TensorData};
use internlm_model::decoder::Decoder;
use internlm_model::kernels::{self, AdamWState};
use internlm_model::parameter::numbers;

use super::Moments;
use super::update::{Update, Updated};
use crate::gradients::Gradients;
use crate::loss::LossSum;
use crate::parameters::{self, ParameterInfo};
use crate::report::StepOutcome;

/// First and second moment of each parameter, as flat tensors.
#[derive(Clone, Debug)]
pub(crate) struct DeviceMoments {
    device: Device,
    moments: Vec<[Tensor<1>; 2]>,
}

impl DeviceMoments {
    pub(super) fn zeros(parameters: &[ParameterInfo], device: &Device) -> Self {
        let zeros = |info: &ParameterInfo| {
            let zeros = || Tensor::zeros([info.elements()], device);
            [zeros(), zeros()]
        };
        Self { device: device.clone(), moments: parameters.iter().map(zeros).collect() }
    }

    /// Copies to the device.
    pub(super) fn upload(&mut self, moments: Vec<Moments>) {
        let device = &self.device;
        let tensor = |values: Vec<f32>| {
            let count = values.len();
            Tensor::from_data(TensorData::new(values, [count]), device)
        };
        let upload = |Moments { first, second }| [first, second].map(tensor);
        self.moments = moments.into_iter().map(upload).collect();
    }

    /// Copies to the host, for a checkpoint.
    pub(super) fn read_back(&self) -> Vec<Moments> {
        let read = |[first, second]: &[Tensor<1>; 2]| Moments {
            first: numbers(first.clone()),
            second: numbers(second.clone()),
        };
        self.moments.iter().map(read).collect()
    }

    /// Updates the parameters of `decoder` and their moments, unless loss or norm are not finite.
    pub(crate) fn step(
        &mut self,
        decoder: &mut Decoder,
        mut gradients: Gradients,
        loss: &LossSum,
        update: &Update<'_>,
    ) -> Updated {
        // The kernels know only the gradients that are there.
        let (places, measured): (Vec<_>, Vec<_>) = (gradients.iter().cloned().enumerate())
            .filter_map(|(index, gradient)| gradient.map(|gradient| (index, gradient)))
            .unzip();
        let norm = kernels::global_norm(&measured, loss.on_device(&self.device), update.config.clip);
        drop(measured);
        let adamw = update.adamw(1.0);
        let [vectors, matrices] =
            [1, 2].map(|dimensions| adamw.coefficients(dimensions).upload(&self.device));
        let mut moments = std::mem::take(&mut self.moments).into_iter();
        parameters::replace(decoder, &mut |index, parameter| {
            let [first, second] = moments.next().expect("two moments per parameter");
            let mut state = AdamWState { parameter, first, second };
            if let Some(gradient) = gradients[index].take() {
                let coefficients =
                    if update.parameters[index].shape.len() < 2 { &vectors } else { &matrices };
                state = kernels::adamw(state, gradient, coefficients, &norm);
            }
            self.moments.push([state.first, state.second]);
            state.parameter
        });
        // The only wait of a step on cross entropy.
        let found = norm.read();
        let outcome = if found.applied {
            StepOutcome::Updated
        } else {
            update.skipped(found.not_finite.map(|place| places[place]))
        };
        let loss = loss.known().unwrap_or_else(|| f64::from(found.loss));
        Updated { loss, grad_norm: f64::from(found.norm), outcome }
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;
    use internlm_kit::rng::CounterRng;
    use internlm_model::{ModelConfig, ModelSize};

    use super::*;
    use crate::gradients::read_back;
    use crate::optim::{OptimConfig, step_on_host};

    /// The one that takes no part in the loss.
    const ABSENT: usize = 3;

    fn decoder() -> Decoder {
        let size = ModelSize { hidden: 16, layers: 1, heads: 2, inter: 32, vocab: 40 };
        Decoder::init(&ModelConfig::new(size), 1, &Device::flex()).train()
    }

    fn gradients(parameters: &[ParameterInfo], step: u64) -> Gradients {
        let one = |(index, info): (usize, &ParameterInfo)| {
            let rng = CounterRng::new(step, &info.name);
            let values: Vec<f32> = (0..info.elements() as u64).map(|i| rng.normal(i) as f32 * 0.1).collect();
            let shape = [values.len()];
            (index != ABSENT).then(|| Tensor::from_data(TensorData::new(values, shape), &Device::flex()))
        };
        parameters.iter().enumerate().map(one).collect()
    }

    fn assert_close(found: &[f32], expected: &[f32], name: &str) {
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{name}: {found} {expected}");
        }
    }

    /// On the CPU the readable twins of the kernels run.
    #[test]
    fn steps_equal_those_of_the_host() {
        let (mut theirs, mut ours) = (decoder(), decoder());
        let parameters = parameters::trainable(&ours);
        let mut host: Vec<Moments> = parameters.iter().map(|info| Moments::zeros(info.elements())).collect();
        let mut device = DeviceMoments::zeros(&parameters, &Device::flex());
        let config = OptimConfig::with_lr(1e-2);
        for step in 0..3 {
            let update = Update { parameters: &parameters, config: &config, lr: 1e-2, number: step + 1 };
            let there = read_back(gradients(&parameters, step));
            let expected = step_on_host(&mut host, &mut theirs, &there, 0.0, &update);
            let here = gradients(&parameters, step);
            let found = device.step(&mut ours, here, &LossSum::default(), &update);
            assert_eq!((found.loss, &found.outcome), (0.0, &StepOutcome::Updated));
            assert!((found.grad_norm / expected.grad_norm - 1.0).abs() < 1e-5, "{found:?} {expected:?}");
        }
        let (found, expected) = (parameters::values(&ours), parameters::values(&theirs));
        for (index, info) in parameters.iter().enumerate() {
            assert_close(&found[index], &expected[index], &info.name);
        }
        for (found, (expected, info)) in device.read_back().iter().zip(host.iter().zip(&parameters)) {
            assert_close(&found.first, &expected.first, &info.name);
            assert_close(&found.second, &expected.second, &info.name);
        }
        assert!(host[ABSENT] == device.read_back()[ABSENT], "no gradient, no moments");
    }

    #[test]
    fn a_gradient_that_is_not_finite_is_named_and_changes_nothing() {
        let mut decoder = decoder();
        let parameters = parameters::trainable(&decoder);
        let (before, config) = (parameters::values(&decoder), OptimConfig::with_lr(1e-2));
        let mut device = DeviceMoments::zeros(&parameters, &Device::flex());
        let update = Update { parameters: &parameters, config: &config, lr: 1e-2, number: 1 };
        for index in [0, ABSENT + 2] {
            let mut gradients = gradients(&parameters, 0);
            let gradient = gradients[index].take().expect("takes part");
            gradients[index] = Some(gradient.mul_scalar(f32::INFINITY));
            let found = device.step(&mut decoder, gradients, &LossSum::default(), &update);
            let tensor = parameters[index].name.clone();
            assert_eq!(found.outcome, StepOutcome::Skipped { tensor });
        }
        assert_eq!(parameters::values(&decoder), before);
    }
}
