//! A model learns a repeated sentence: the trainer as a library, with data of the caller's own.

use std::error::Error;

use internlm_model::{Decoder, ModelConfig, ModelSize, TokenId, device};
use internlm_train::{FitOptions, Result, Row, RowSource, Trainer, TrainerConfig};

const STEPS: u64 = 30;

/// Pieces of one text, each byte an id; the batch is a function of the step.
struct Pieces(Vec<TokenId>);

impl RowSource for Pieces {
    fn batch(&mut self, step: u64) -> Result<Vec<Row>> {
        let start = |piece: u64| (step * 31 + piece * 7) as usize % (self.0.len() - 64);
        Ok((0..4).map(|piece| Row::sample(&self.0[start(piece)..start(piece) + 64])).collect())
    }

    fn fingerprint(&self) -> String {
        format!("{} bytes", self.0.len())
    }

    fn epoch(&self, step: u64) -> f64 {
        (step * 4 * 64) as f64 / self.0.len() as f64
    }
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let text = "the tide turns with the moon and the boats follow. ".repeat(40);
    let mut pieces = Pieces(text.bytes().map(|byte| TokenId(u32::from(byte))).collect());
    let config = ModelConfig::new(ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 256 });
    let decoder = Decoder::init(&config, 1, &device::parse("cpu")?);
    let mut trainer = Trainer::new(config, decoder, TrainerConfig::new(STEPS, 3e-2))?;

    let folder = tempfile::tempdir()?;
    trainer.fit(&mut pieces, &mut (), &FitOptions::new(folder.path()))?;
    let state = trainer.state();
    assert_eq!(state.step, STEPS);
    // Guessing among 256 bytes costs 5.5 nats.
    assert!(state.loss < 3.0, "loss {} after {STEPS} steps", state.loss);
    Ok(())
}
