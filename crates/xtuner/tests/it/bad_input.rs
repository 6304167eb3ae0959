//! Bad input: one message that names the place, what was found and what was expected; exit code 2.

use std::fs;
use std::process::{Command, Output};

use crate::fixture::{prepare, pretrain_text};

fn xtuner(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtuner")).args(arguments).output().expect("runs")
}

/// Runs and checks exit code 2 and the parts of the message.
fn refused(arguments: &[&str], parts: &[&str]) {
    let output = xtuner(arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    for part in parts {
        assert!(text.contains(part), "{arguments:?}: expected `{part}` in: {text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
fn configs_and_data_are_refused_with_their_place() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let config = prepare(folder, "lora", 2);
    let data = folder.join("conversations.jsonl");
    let good = fs::read_to_string(&data).expect("reads");

    refused(&["train", "absent.toml"], &["absent.toml", "cannot read"]);
    refused(&["train", &config, "--set", "lora.ranks=3"], &["unknown field `ranks`", "rank"]);
    refused(&["train", &config, "--set", "lora.rank=0"], &["lora.rank", "found 0", "at least 1"]);
    refused(&["train", &config, "--set", "model.path=absent"], &["absent"]);
    refused(&["train", &config, "--set", "run.device=tpu"], &["tpu", "expected cpu"]);
    refused(&["train", &config, "--set", "lora.modules-to-save=[\"lm_head\"]"], &["lm_head", "output"]);
    refused(&["train", &config, "--set", "dataset.paths=[]"], &["dataset.paths", "at least one"]);
    refused(&["generate", &config], &["[generate]"]);
    refused(&["train", &config, "--set", "dataset.max-length=9999"], &["9999", "512 positions"]);

    let lines = [
        ("{\"messages\": [", "messages", "does not end on its line"),
        (
            "{\"messages\": [{\"role\": \"robot\", \"content\": \"x\"}]}",
            "unknown variant `robot`",
            "assistant",
        ),
        (
            "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}",
            "no assistant message",
            "at least one",
        ),
    ];
    for (line, first, second) in lines {
        let first_line = good.lines().next().expect("a line");
        fs::write(&data, format!("{first_line}\n{line}\n")).expect("writes");
        refused(&["train", &config], &["conversations.jsonl: line 2", first, second]);
        refused(&["check-dataset", &config], &["conversations.jsonl: line 2"]);
    }
    fs::write(&data, "\n").expect("writes");
    refused(&["train", &config], &["conversations.jsonl", "no conversation"]);
}

#[test]
fn an_adapter_of_another_model_is_refused_with_tensor_and_shapes() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let config = prepare(folder, "lora", 2);
    let show = |path: std::path::PathBuf| path.display().to_string();
    assert!(xtuner(&["train", &config]).status.success());
    let (base, adapter) = (show(folder.join("base")), show(folder.join("run/adapter")));
    let other = folder.join("other");
    fs::create_dir_all(&other).expect("creates");
    let size = internlm_model::ModelSize { hidden: 16, layers: 1, heads: 2, inter: 32, vocab: 384 };
    let model = internlm_model::ModelConfig::new(size).with_kv_heads(1);
    let device = internlm_model::device::parse("cpu").expect("the CPU");
    internlm_model::Decoder::init(&model, 1, &device).save(&other).expect("saves");
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        fs::copy(folder.join("base").join(name), other.join(name)).expect("copies");
    }
    let out = show(folder.join("merged"));
    refused(
        &["convert", "merge", &show(other), &adapter, &out],
        &["layers.0.attention.wqkv.lora_A.weight", "found shape [4, 32]", "expected [4, 16]", "and 12 more"],
    );
    refused(&["convert", "merge", &base, &base, &out], &["adapter_config.json"]);
    refused(&["convert", "merge", &base, &adapter, &base], &["an existing path"]);
    assert!(xtuner(&["convert", "merge", &base, &adapter, &out]).status.success());
}

#[test]
fn pretraining_text_is_refused_with_its_key_or_folder() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let config = prepare(folder, "lora", 2);
    let text = fs::read_to_string(&config).expect("reads") + &pretrain_text(folder, 0.25);
    fs::write(&config, text).expect("writes");
    let set = |change: &str, parts: &[&str]| refused(&["train", &config, "--set", change], parts);
    set("dataset.pretrain.share=1.0", &["dataset.pretrain.share: found 1", "less than 1"]);
    set("dataset.pretrain.share=0", &["dataset.pretrain.share: found 0", "more than 0"]);
    set("dataset.pretrain.seq-len=0", &["dataset.pretrain.seq-len: found 0"]);
    set("dataset.pretrain.valid-tokens=0", &["dataset.pretrain.valid-tokens: found 0"]);
    set("dataset.pretrain.weight=2", &["unknown field `weight`"]);
    set("dataset.pretrain.seq-len=1000", &["dataset.pretrain.seq-len", "found 1000", "512 positions"]);
    set("dataset.pretrain.shards=\"nowhere\"", &["nowhere", "cannot"]);
    set("dataset.pretrain.valid=\"nowhere\"", &["nowhere", "cannot"]);
}
