//! An adapter learns generated conversations; the merged model opens like any other.

use std::error::Error;
use std::fs;

use internlm_kit::context::RunContext;
use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
use internlm_model::{Decoder, ModelConfig, ModelSize, device};
use xtuner::lora::LoraTuningConfig;
use xtuner::{
    BaseModelConfig, DatasetConfig, EpochScheduleConfig, FinetuneConfig, Method, OptimConfig, Resume,
    RunConfig, finetune,
};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (base, out) = (folder.path().join("base"), folder.path().join("out"));
    let conversations = folder.path().join("conversations.jsonl");
    let lines: Vec<String> = (0..40)
        .map(|number| {
            let messages = format!(
                r#"[{{"role": "user", "content": "Repeat {number}"}}, {{"role": "assistant", "content": "{number}"}}]"#
            );
            format!(r#"{{"messages": {messages}}}"#)
        })
        .collect();
    fs::write(&conversations, lines.join("\n") + "\n")?;

    let mut tokenizer = BpeTrainConfig::default();
    tokenizer.vocab_size = 320;
    train_bpe(lines.iter().cloned(), &tokenizer)?.save(&base)?;
    let size = ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 320 };
    let model = ModelConfig::new(size).with_max_position(256);
    Decoder::init(&model, 1, &device::parse("cpu")?).save(&base)?;

    let dataset = DatasetConfig::new([conversations]).with_max_length(128);
    let config = FinetuneConfig::new(
        RunConfig::new(&out),
        BaseModelConfig::new(&base, Method::Lora),
        dataset,
        OptimConfig::with_lr(1e-2),
    )
    .with_lora(LoraTuningConfig::new(4, 8.0))
    .with_schedule(EpochScheduleConfig::default().with_steps(6));
    let report = finetune(&config, Resume::Auto, &RunContext::default())?;
    assert!(report.summary.is_some(), "the run came to its last step");
    assert!(out.join("adapter/adapter_config.json").is_file());
    let tuned = Decoder::load(out.join("hf"), &device::parse("cpu")?)?;
    assert_eq!(tuned.config().vocab, 320);
    Ok(())
}
