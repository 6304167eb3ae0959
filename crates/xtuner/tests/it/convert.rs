//! `xtuner convert`: checkpoints, merged, split and renamed folders hold what they should, and bad input is named.

use std::fs;
use std::path::{Path, PathBuf};

use internlm_kit::testing::Ran;
use internlm_model::weights::{SafetensorsFile, TensorSource, WeightFolder};
use serde_json::Value;
use xtuner::lora::{Adapter, WeightedAdapter};

use crate::fixture::{prepare, xtuner};

fn succeeds(folder: &Path, words: &[&str]) -> Ran {
    let ran = xtuner(folder).run(words);
    assert_eq!(ran.code, Some(0), "{words:?}: {ran:?}");
    ran
}

fn refused(folder: &Path, words: &[&str], parts: &[&str]) {
    let program = xtuner(folder).with_environment("INTERNLM_LOG", "error");
    let ran = program.run(words);
    assert_eq!(ran.code, Some(2), "{words:?}: {ran:?}");
    for part in parts {
        assert!(ran.stderr.contains(part), "{words:?}: expected `{part}` in {ran:?}");
    }
}

/// A finished run of three steps with a checkpoint after the second.
fn run(folder: &Path, method: &str) {
    let config = prepare(folder, method, 3);
    succeeds(folder, &["train", &config]);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("lists");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Name and bytes of every tensor.
fn tensors(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let source = WeightFolder::open(folder).expect("opens");
    let bytes = |name: &String| source.read_bytes(name).expect("reads").into_owned();
    source.names().iter().map(|name| (name.clone(), bytes(name))).collect()
}

fn numbers(folder: &Path) -> Vec<f32> {
    let source = WeightFolder::open(folder).expect("opens");
    source.names().iter().flat_map(|name| source.read_f32(name).expect("reads")).collect()
}

#[test]
fn a_checkpoint_of_adapters_becomes_the_adapter_that_the_run_writes() {
    let temporary = tempfile::tempdir().expect("temporary folder");
    let folder = temporary.path();
    run(folder, "lora");
    succeeds(folder, &["convert", "pth_to_hf", "config.toml", "run/checkpoints/step-3", "adapter"]);
    for name in ["adapter_config.json", "adapter_model.safetensors"] {
        let read = |place: &str| fs::read(folder.join(place).join(name)).expect("reads");
        assert!(read("adapter") == read("run/adapter"), "{name}");
    }
    succeeds(folder, &["convert", "pth_to_hf", "config.toml", "run/checkpoints/step-2", "earlier"]);
    let earlier = Adapter::read(folder.join("earlier")).expect("reads");
    assert_ne!(earlier, Adapter::read(folder.join("adapter")).expect("reads"));

    refused(
        folder,
        &["convert", "pth_to_hf", "config.toml", "run/checkpoints/step-2", "adapter"],
        &["existing"],
    );
    let checkpoint = ["convert", "pth_to_hf", "config.toml", "run/checkpoints/step-2", "other"];
    refused(folder, &[&checkpoint[..], &["--set", "lora.rank=2"]].concat(), &["lora_A.weight", "[2, 32]"]);
    let fewer = ["--set", "lora.modules-to-save=[]"];
    refused(folder, &[&checkpoint[..], &fewer].concat(), &["trainable.safetensors", "the tensor"]);
    refused(folder, &["convert", "pth_to_hf", "config.toml", "base/absent", "other"], &["absent"]);
    fs::remove_file(folder.join("run/checkpoints/step-2/COMPLETE")).expect("removes");
    refused(folder, &checkpoint, &["COMPLETE"]);
}

#[test]
fn a_checkpoint_of_the_whole_model_becomes_the_folder_that_the_run_writes() {
    let temporary = tempfile::tempdir().expect("temporary folder");
    let folder = temporary.path();
    run(folder, "full");
    succeeds(folder, &["convert", "pth_to_hf", "config.toml", "run/checkpoints/step-3", "hf"]);
    assert_eq!(names(&folder.join("hf")), names(&folder.join("run/hf")));
    for name in names(&folder.join("hf")) {
        let read = |place: &str| fs::read(folder.join(place).join(&name)).expect("reads");
        assert!(read("hf") == read("run/hf"), "{name}");
    }
    let checkpoint = folder.join("run/checkpoints/step-3/model.safetensors");
    let mut bytes = fs::read(&checkpoint).expect("reads");
    *bytes.last_mut().expect("not empty") ^= 1;
    fs::write(&checkpoint, bytes).expect("writes");
    refused(folder, &["convert", "pth_to_hf", "config.toml", "run/checkpoints/step-3", "other"], &["sha256"]);
}

#[test]
fn merged_folders_have_files_of_the_size_and_type_asked_for() {
    let temporary = tempfile::tempdir().expect("temporary folder");
    let folder = temporary.path();
    run(folder, "lora");
    succeeds(folder, &["convert", "merge", "base", "run/adapter", "whole"]);
    let size = ["--max-shard-size", "20KB", "--fp32"];
    succeeds(folder, &[&["convert", "merge", "base", "run/adapter", "shards"][..], &size].concat());
    assert!(folder.join("shards/model.safetensors.index.json").is_file());
    assert!(!folder.join("shards/model.safetensors").exists() && !folder.join("shards/.whole").exists());
    for name in names(&folder.join("shards")).iter().filter(|name| name.ends_with(".safetensors")) {
        let path = folder.join("shards").join(name);
        let one = SafetensorsFile::open(&path).expect("opens").names().len() == 1;
        assert!(one || fs::metadata(&path).expect("metadata").len() < 22_000, "{name}");
    }
    assert_eq!(tensors(&folder.join("shards")), tensors(&folder.join("whole")));
    let others = |place: &str| -> Vec<String> {
        names(&folder.join(place)).into_iter().filter(|name| !name.contains(".safetensors")).collect()
    };
    assert_eq!(others("shards"), others("whole"));
    let config: Value =
        serde_json::from_slice(&fs::read(folder.join("shards/config.json")).expect("reads")).expect("JSON");
    assert_eq!(config["torch_dtype"], "float32");
    for size in ["0", "2TB", "many"] {
        let words = ["convert", "merge", "base", "run/adapter", "other", "--max-shard-size", size];
        refused(folder, &words, &["--max-shard-size", size]);
    }
}

#[test]
fn several_adapters_are_merged_by_weighted_sum() {
    let temporary = tempfile::tempdir().expect("temporary folder");
    let folder = temporary.path();
    run(folder, "lora");
    let merge = |out: &str, words: &[&str]| {
        succeeds(folder, &[&["convert", "merge", "base", "run/adapter", out][..], words].concat());
        numbers(&folder.join(out))
    };
    let (once, base) = (merge("once", &[]), numbers(&folder.join("base")));
    let expect = |found: &[f32], weight: f32| {
        let expected = once.iter().zip(&base).map(|(once, base)| base + weight * (once - base));
        let difference = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(difference < 1e-6, "weight {weight}: {difference}");
    };
    expect(&merge("halves", &["--weight", "0.5", "--add", "run/adapter=0.5"]), 1.0);
    expect(&merge("twice", &["--add", "run/adapter=1"]), 2.0);
    expect(&merge("nothing", &["--weight", "-1", "--add", "run/adapter=1.0"]), 0.0);
    expect(&merge("part", &["--weight", "0.25"]), 0.25);
    let bad = ["convert", "merge", "base", "run/adapter", "other", "--add"];
    refused(folder, &[&bad[..], &["run/adapter"]].concat(), &["--add", "run/adapter"]);
    refused(folder, &[&bad[..], &["run/adapter=NaN"]].concat(), &["finite"]);
    refused(folder, &[&bad[..], &["absent=1"]].concat(), &["absent"]);
    assert_eq!(WeightedAdapter::new("a").with_weight(0.5).weight, 0.5);
}

#[test]
fn a_split_folder_has_one_file_for_each_tensor() {
    let temporary = tempfile::tempdir().expect("temporary folder");
    let folder = temporary.path();
    run(folder, "lora");
    succeeds(folder, &["convert", "split", "run/hf", "split"]);
    let split = folder.join("split");
    let files: Vec<PathBuf> = names(&split)
        .iter()
        .filter(|name| name.ends_with(".safetensors"))
        .map(|name| split.join(name))
        .collect();
    let all = tensors(&folder.join("run/hf"));
    assert_eq!(files.len(), all.len());
    for file in files {
        assert_eq!(SafetensorsFile::open(&file).expect("opens").names().len(), 1, "{}", file.display());
    }
    assert_eq!(tensors(&split), all);
    for name in ["config.json", "tokenizer.json"] {
        let read = |place: &Path| fs::read(place.join(name)).expect("reads");
        assert!(read(&split) == read(&folder.join("run/hf")), "{name}");
    }
    refused(folder, &["convert", "split", "run/hf", "split"], &["split: found an existing path"]);
    refused(folder, &["convert", "split", "absent", "other"], &["absent"]);
    refused(folder, &["convert", "split", "config.toml", "other"], &["config.toml: found a file"]);
}

#[test]
fn an_adapter_is_written_under_the_other_familys_names() {
    let temporary = tempfile::tempdir().expect("temporary folder");
    let folder = temporary.path();
    run(folder, "lora");
    succeeds(folder, &["convert", "adapter", "base", "run/adapter", "llama", "--names", "llama"]);
    let file = SafetensorsFile::open(folder.join("llama/adapter_model.safetensors")).expect("opens");
    let has = |name: &str| file.info(&format!("base_model.model.{name}")).is_some();
    assert!(has("model.layers.0.self_attn.q_proj.lora_A.weight") && has("model.embed_tokens.weight"));
    assert!(has("lm_head.weight") && !has("output.weight"));
    succeeds(folder, &["convert", "merge", "base", "llama", "merged"]);
    succeeds(folder, &["convert", "merge", "base", "run/adapter", "expected"]);
    assert_eq!(tensors(&folder.join("merged")), tensors(&folder.join("expected")));
    let words = ["convert", "adapter", "base", "run/adapter", "llama", "--names", "internlm2"];
    refused(folder, &words, &["existing"]);
}
