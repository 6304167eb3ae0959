//! The CPU core decodes a small random model and chooses the ids that the reference decoder chooses.

use std::error::Error;

use internlm_model::{Decoder, GenerateConfig, Generator, ModelConfig, ModelSize, TokenId, device};
use turbomind::{Compute, Engine, EngineConfig, LogitEntries, Outputs, SeqStep};

const NEW_TOKENS: usize = 8;

fn main() -> Result<(), Box<dyn Error>> {
    let size = ModelSize { hidden: 64, layers: 2, heads: 4, inter: 96, vocab: 200 };
    let decoder = Decoder::init(&ModelConfig::new(size).with_kv_heads(2), 1, &device::parse("cpu")?);
    let folder = tempfile::tempdir()?;
    decoder.save(folder.path())?;
    let prompt = [1_u32, 17, 42];

    let mut config = GenerateConfig::default();
    config.max_tokens = NEW_TOKENS;
    let expected: Vec<TokenId> = Generator::new(&decoder, &prompt.map(TokenId), config)?.collect();

    // Exact arithmetic in f32, and four blocks of tokens for keys and values.
    let config = EngineConfig::new().with_threads(2).with_kv_blocks(4).with_compute(Compute::F32);
    let mut engine = Engine::load(folder.path(), &config)?;
    let (mut ids, mut stored, mut outputs) = (prompt.to_vec(), 0, Outputs::default());
    for _ in 0..NEW_TOKENS {
        // First the whole prompt in one step, then one token at a time.
        let step = SeqStep::new(&ids[stored..], stored, &[0]);
        engine.forward(&[step], LogitEntries::Top(1), &mut outputs)?;
        stored = ids.len();
        ids.push(outputs.top[0][0].0);
    }
    let ids: Vec<TokenId> = ids[prompt.len()..].iter().copied().map(TokenId).collect();
    assert_eq!(ids, expected);
    Ok(())
}
