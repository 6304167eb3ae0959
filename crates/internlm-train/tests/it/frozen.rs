//! Models with frozen parts: only what is trained moves, and only that is in a checkpoint.

use std::path::Path;

use burn::tensor::Device;
use internlm_model::decoder::Decoder;
use internlm_model::linear::{LoraConfig, Noise};
use internlm_model::parameter::Training;
use internlm_model::{ModelConfig, ModelSize, TokenId};
use internlm_train::{FitOptions, Result, Row, RowSource, Trainer, TrainerConfig};

struct Same;

impl RowSource for Same {
    fn batch(&mut self, step: u64) -> Result<Vec<Row>> {
        Ok(vec![Row::sample(&[1, 5 + step as u32 % 7, 9, 4, 2].map(TokenId))])
    }

    fn fingerprint(&self) -> String {
        "same".to_owned()
    }

    fn epoch(&self, _step: u64) -> f64 {
        0.0
    }
}

/// A decoder whose only trained parameters are the adapters of the feed-forward input.
fn trainer(steps: u64) -> Trainer {
    let size = ModelSize { hidden: 32, layers: 2, heads: 2, inter: 64, vocab: 40 };
    let model = ModelConfig::new(size);
    let mut decoder = Decoder::init(&model, 1, &Device::flex());
    for (_, mut parameter) in decoder.parameters_mut() {
        parameter.set_training(Training::Frozen);
    }
    for (name, linear) in decoder.linears_mut() {
        if name.ends_with("w1") {
            let config = LoraConfig::new(2, 4.0).with_seed(3);
            *linear = linear.clone().inject_lora(&config, &name, &Noise::default());
        }
    }
    Trainer::new(model, decoder, TrainerConfig::new(steps, 1e-2)).expect("has parameters")
}

fn fit(trainer: &mut Trainer, out: &Path) {
    trainer.fit(&mut Same, &mut (), &FitOptions::new(out)).expect("trains");
}

#[test]
fn only_adapters_move_and_are_saved_and_resume() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut whole = trainer(6);
    let names: Vec<&str> = whole.parameters().iter().map(|info| info.name.as_str()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names.iter().all(|name| name.contains("w1.lora_")), "{names:?}");
    let before = whole.decoder().parameters();
    fit(&mut whole, folder.path());
    for ((name, old), (_, new)) in before.iter().zip(whole.decoder().parameters()) {
        assert_eq!(old.to_vec() != new.to_vec(), name.contains("lora_"), "{name}");
    }
    let checkpoint = folder.path().join("checkpoints/step-6");
    assert!(
        checkpoint.join("trainable.safetensors").exists() && !checkpoint.join("model.safetensors").exists()
    );
    let mut resumed = trainer(6);
    fit(&mut resumed, folder.path());
    assert_eq!(resumed.snapshot().values, whole.snapshot().values);
    assert_eq!(resumed.snapshot().moments, whole.snapshot().moments);
}
