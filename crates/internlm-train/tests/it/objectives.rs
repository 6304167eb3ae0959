//! Objectives on the host against cross entropy in the graph, weights of labels, and noise that depends on the pass.

use internlm_model::linear::{LoraConfig, Noise};
use internlm_model::parameter::Training;
use internlm_model::{Decoder, Device, ModelConfig, ModelSize, TokenId};
use internlm_train::{Head, Objective, Pass, PassLoss, Result, Row, Trainer, TrainerConfig, outputs};

fn model() -> ModelConfig {
    ModelConfig::new(ModelSize { hidden: 32, layers: 2, heads: 2, inter: 64, vocab: 40 })
}

fn trainer(pass_tokens: usize) -> Trainer {
    let decoder = Decoder::init(&model(), 1, &Device::flex());
    Trainer::new(model(), decoder, TrainerConfig::new(10, 1e-2).with_pass_tokens(pass_tokens))
        .expect("has parameters")
}

fn rows() -> Vec<Row> {
    let row = |seed: u32, length: u32| {
        Row::sample(&Vec::from_iter((0..length).map(|i| TokenId((i * 7 + seed) % 40))))
    };
    vec![row(1, 9), row(5, 14), row(11, 6)]
}

/// The mean of -log p, written as an objective.
struct Likelihood {
    labels: f64,
}

impl Objective for Likelihood {
    fn head(&self) -> Head {
        Head::LogProbabilities
    }

    fn prepare(&mut self, _step: u64, rows: &[Row]) -> Result<()> {
        self.labels = rows.iter().map(|row| row.targets() as f64).sum();
        Ok(())
    }

    fn loss(&mut self, pass: &Pass<'_>, outputs: &[f32]) -> Result<PassLoss> {
        let loss = -outputs.iter().map(|log_prob| f64::from(*log_prob)).sum::<f64>() / self.labels;
        let derivative =
            |label: &Option<TokenId>| if label.is_some() { (-1.0 / self.labels) as f32 } else { 0.0 };
        Ok(PassLoss { loss, gradient: pass.row.labels.iter().map(derivative).collect() })
    }

    fn measured(&mut self) -> Vec<(String, f64)> {
        vec![("labels".to_owned(), self.labels)]
    }
}

#[test]
fn an_objective_has_the_gradients_of_the_loss_that_it_is() {
    for pass_tokens in [1, 20, 4096] {
        let mut trainer = trainer(pass_tokens);
        let expected = trainer.gradients(&rows()).expect("gradients");
        let found = trainer.gradients_with(&rows(), &mut Likelihood { labels: 0.0 }).expect("gradients");
        assert!((found.loss - expected.loss).abs() < 1e-6, "{} {}", found.loss, expected.loss);
        for ((name, found), (_, expected)) in found.gradients.iter().zip(&expected.gradients) {
            let size = expected.iter().map(|value| value.abs()).fold(0.0, f32::max);
            let far = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(far <= 1e-5 * size + 1e-8, "{name}: {far} of {size}");
        }
        let report = trainer.step_with(&rows(), &mut Likelihood { labels: 0.0 }).expect("steps");
        assert_eq!(report.measured, [("labels".to_owned(), 26.0)]);
    }
}

#[test]
fn a_weight_is_how_often_a_label_counts() {
    let [first, second, _] = &rows()[..] else { unreachable!("three rows") };
    let weighted = Row { weights: Some(vec![2.0; first.tokens()]), ..first.clone() };
    let mut trainer = trainer(4096);
    let twice = [first.clone(), first.clone(), second.clone()];
    let expected = trainer.step(&twice).expect("steps");
    let mut other = self::trainer(4096);
    let found = other.step(&[weighted, second.clone()]).expect("steps");
    assert!((found.loss - expected.loss).abs() < 1e-6 && (found.grad_norm - expected.grad_norm).abs() < 1e-5);
    let evaluation = trainer.evaluate(&twice).expect("measures");
    assert_eq!((evaluation.weight, evaluation.targets), (29.0, 29));
}

#[test]
fn outputs_of_rows_do_not_depend_on_the_passes() {
    let decoder = Decoder::init(&model(), 1, &Device::flex());
    let expected = outputs(&decoder, &rows(), Head::LogProbabilities, 1).expect("outputs");
    let found = outputs(&decoder, &rows(), Head::LogProbabilities, 4096).expect("outputs");
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [9, 14, 6]);
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

#[test]
fn dropout_is_a_function_of_the_step() {
    let run = |steps: usize| {
        let mut decoder = Decoder::init(&model(), 1, &Device::flex());
        for (_, mut parameter) in decoder.parameters_mut() {
            parameter.set_training(Training::Frozen);
        }
        let noise: Noise = decoder.noise().clone();
        for (name, linear) in decoder.linears_mut() {
            let config = LoraConfig::new(4, 8.0).with_dropout(0.5).with_seed(3);
            *linear = linear.clone().inject_lora(&config, &name, &noise);
        }
        let mut trainer =
            Trainer::new(model(), decoder, TrainerConfig::new(10, 1e-2)).expect("has parameters");
        (0..steps).map(|_| trainer.step(&rows()).expect("steps").loss).collect::<Vec<_>>()
    };
    let losses = run(4);
    assert_eq!(losses, run(4), "the same steps draw the same masks");
    assert!(losses[3] < losses[0], "{losses:?}");
}
