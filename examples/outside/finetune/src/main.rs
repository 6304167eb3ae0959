//! An adapter learns generated conversations; the merged model opens like any other.

use std::error::Error;
use std::fs;

use internlm_kit::context::RunContext;
use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
use internlm_model::{Decoder, ModelConfig, ModelSize, device};
use xtuner::{FinetuneConfig, Resume, finetune};

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

    let text = format!(
        "[run]\nout = {out:?}\n[model]\npath = {base:?}\nmethod = \"lora\"\n[lora]\nrank = 4\nalpha = 8.0\n\
         [dataset]\npaths = [{conversations:?}]\nmax-length = 128\nvalid-conversations = 4\n\
         [optim]\nlr = 1e-2\n[schedule]\nsteps = 6\n"
    );
    let config: FinetuneConfig = internlm_kit::config::parse(&text, "finetune.toml")?;
    let report = finetune(&config, Resume::Auto, &RunContext::default())?;
    assert!(report.summary.is_some(), "the run came to its last step");
    assert!(out.join("adapter/adapter_config.json").is_file());
    let tuned = Decoder::load(out.join("hf"), &device::parse("cpu")?)?;
    assert_eq!(tuned.config().vocab, 320);
    Ok(())
}
