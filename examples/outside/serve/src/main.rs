//! lmdeploy's engine in this process, without a server: a chat with a small random model.

use std::error::Error;

use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
use internlm_model::{Decoder, ModelConfig, ModelSize, device};
use lmdeploy::Pipeline;
use lmdeploy::config::DeployConfig;
use lmdeploy::protocol::{ChatMessage, ChatRequest};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut config = BpeTrainConfig::default();
    config.vocab_size = 320;
    let texts = (0..50).map(|number| format!("What is {number} plus {number}?"));
    train_bpe(texts, &config)?.save(folder.path())?;
    let size = ModelSize { hidden: 64, layers: 2, heads: 4, inter: 96, vocab: 320 };
    let model = ModelConfig::new(size).with_kv_heads(2).with_max_position(256);
    Decoder::init(&model, 1, &device::parse("cpu")?).save(folder.path())?;

    let pipeline = Pipeline::load(&DeployConfig::new(folder.path()))?;
    let request =
        ChatRequest::new([ChatMessage::user("What is 2 plus 2?")]).with_temperature(0.0).with_max_tokens(16);
    let answer = pipeline.chat(&request)?;
    let usage = &answer.usage;
    assert!((1..=16).contains(&usage.completion_tokens), "{usage:?}");
    assert_eq!(pipeline.chat(&request)?.text(), answer.text(), "greedy answers repeat");
    Ok(())
}
