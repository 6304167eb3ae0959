//! Numbers that are not finite: skip, count, and in the end a report that names the tensor.

use burn::tensor::Device;
use internlm_kit::exit::BadInput;
use internlm_model::decoder::Decoder;
use internlm_model::{ModelConfig, ModelSize, TokenId};
use internlm_train::{Error, Row, StepOutcome, Trainer, TrainerConfig};

#[test]
fn steps_without_finite_gradients_change_nothing_and_end_the_run() {
    let size = ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 40 };
    let model = ModelConfig::new(size);
    let mut decoder = Decoder::init(&model, 1, &Device::flex());
    for (name, mut parameter) in decoder.parameters_mut() {
        if name == "model.norm.weight" {
            parameter.set(vec![f32::NAN; 32]);
        }
    }
    let mut config = TrainerConfig::new(10, 1e-3);
    config.monitor.max_skipped = 3;
    let mut trainer = Trainer::new(model, decoder, config).expect("has parameters");
    let before = trainer.snapshot().values[0].clone();
    let row = [Row::sample(&[1, 5, 9, 2].map(TokenId))];
    for _ in 0..2 {
        let report = trainer.step(&row).expect("skips");
        assert!(matches!(report.outcome, StepOutcome::Skipped { .. }), "{report:?}");
    }
    assert_eq!((trainer.state().step, trainer.state().updates, trainer.state().skipped), (2, 0, 2));
    assert_eq!(trainer.snapshot().values[0], before);
    let error = trainer.step(&row).expect_err("the third ends the run");
    assert!(
        matches!(&error, Error::NotFinite { step: 3, skipped: 3, tensor } if !tensor.is_empty()),
        "{error}"
    );
    assert!(!error.is_bad_input());
}
