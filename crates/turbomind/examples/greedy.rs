//! Greedy continuation of a prompt: `cargo run --release -p turbomind --example greedy -- MODEL 'Rust is' 32`.

use std::io::Write;

use anyhow::{Context, bail};
use internlm_model::tokenizer::Special;
use internlm_model::{TokenId, Tokenizer};
use turbomind::{Engine, EngineConfig, LogitEntries, Outputs, SeqStep};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().context("usage: greedy MODEL PROMPT NEW_TOKENS");
    let (model, prompt, new_tokens) = (argument()?, argument()?, argument()?.parse::<usize>()?);

    let tokenizer = Tokenizer::load(model.as_ref())?;
    let mut engine = Engine::load(&model, &EngineConfig::new())?;
    let bos = engine.model().bos.filter(|_| tokenizer.adds_bos());
    let mut ids: Vec<u32> = bos.into_iter().chain(tokenizer.encode(&prompt)).map(u32::from).collect();
    // The caller decides which blocks a sequence owns; the only sequence may have all of them.
    let blocks: Vec<u32> = (0..engine.kv_config().blocks as u32).collect();

    let (mut stored, mut outputs) = (0, Outputs::default());
    for _ in 0..new_tokens {
        // First the whole prompt, then one token at a time.
        let step = SeqStep::new(&ids[stored..], stored, &blocks);
        engine.forward(&[step], LogitEntries::Top(1), &mut outputs)?;
        stored = ids.len();
        let [(id, _logit)] = outputs.top[0][..] else {
            bail!("the model's numbers left the range of floats")
        };
        if engine.model().eos.contains(&TokenId(id)) {
            break;
        }
        ids.push(id);
    }

    let ids: Vec<TokenId> = ids.into_iter().map(TokenId).collect();
    writeln!(std::io::stdout(), "{}", tokenizer.decode(&ids, Special::Skip))?;
    Ok(())
}
