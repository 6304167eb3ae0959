//! Trains a small model on the bytes of its own source and prints the loss: the trainer as a library.
//!
//! `cargo run --release -p internlm-train --example train_tiny`
#![allow(clippy::print_stdout)]

use burn::tensor::Device;
use internlm_kit::rng::CounterRng;
use internlm_model::decoder::Decoder;
use internlm_model::{ModelConfig, ModelSize, TokenId};
use internlm_train::{FitOptions, Result, Row, RowSource, Trainer, TrainerConfig};

/// Pieces of one text, each byte an id, drawn at random places.
struct Pieces(Vec<TokenId>);

impl RowSource for Pieces {
    fn batch(&mut self, step: u64) -> Result<Vec<Row>> {
        let rng = CounterRng::new(1, "pieces").split(step);
        let start = |piece| rng.below(piece, self.0.len() as u64 - 64) as usize;
        Ok((0..4).map(|piece| Row::sample(&self.0[start(piece)..start(piece) + 64])).collect())
    }

    fn fingerprint(&self) -> String {
        format!("{} bytes", self.0.len())
    }

    fn epoch(&self, step: u64) -> f64 {
        (step * 4 * 64) as f64 / self.0.len() as f64
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut pieces =
        Pieces(include_bytes!("train_tiny.rs").iter().map(|byte| TokenId(u32::from(*byte))).collect());
    let model = ModelConfig::new(ModelSize { hidden: 64, layers: 2, heads: 4, inter: 128, vocab: 256 });
    let decoder = Decoder::init(&model, 1, &Device::flex());
    let mut trainer = Trainer::new(model, decoder, TrainerConfig::new(200, 3e-3))?;
    let out = std::env::temp_dir().join(format!("train_tiny-{}", std::process::id()));
    trainer.fit(&mut pieces, &mut (), &FitOptions::new(&out))?;
    println!("loss {:.3} after {} steps", trainer.state().loss, trainer.state().step);
    Ok(std::fs::remove_dir_all(out)?)
}
