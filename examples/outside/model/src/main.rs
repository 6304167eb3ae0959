//! A small decoder with random weights: generates, is saved, and generates the same after loading.

use std::error::Error;

use internlm_model::{Decoder, GenerateConfig, Generator, ModelConfig, ModelSize, TokenId, device};

fn greedy(decoder: &Decoder, prompt: &[TokenId]) -> Result<Vec<TokenId>, internlm_model::Error> {
    let mut config = GenerateConfig::default();
    config.max_tokens = 8;
    Ok(Generator::new(decoder, prompt, config)?.collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let size = ModelSize { hidden: 64, layers: 2, heads: 4, inter: 96, vocab: 200 };
    let config = ModelConfig::new(size).with_kv_heads(2);
    let device = device::parse("cpu")?;
    let decoder = Decoder::init(&config, 1, &device);
    let prompt = [TokenId(1), TokenId(17), TokenId(42)];
    let ids = greedy(&decoder, &prompt)?;
    assert_eq!(ids.len(), 8);

    let folder = tempfile::tempdir()?;
    decoder.save(folder.path())?;
    let loaded = Decoder::load(folder.path(), &device)?;
    assert_eq!(loaded.config().vocab, 200);
    assert_eq!(greedy(&loaded, &prompt)?, ids);
    Ok(())
}
