//! A run that was stopped and continued ends with the bytes of one that was not.

use std::fs;
use std::path::Path;

use internlm_kit::config;
use internlm_kit::context::RunContext;
use internlm_kit::stop::Stop;
use internlm_model::attend::Causal;
use internlm_model::decoder::Decoder;
use internlm_model::{TokenId, device};
use internlm_train::End;
use xtuner::{FinetuneConfig, Resume, finetune};

use crate::fixture::{config_text, generate_config, model_folder};

fn load(folder: &Path, method: &str) -> FinetuneConfig {
    config::parse(&config_text(folder, method, 6), "test.toml").expect("a valid config")
}

fn outputs(folder: &Path, method: &str) -> Vec<(String, Vec<u8>)> {
    let mut names = vec!["hf/model.safetensors", "hf/config.json", "hf/tokenizer.json"];
    if method == "lora" {
        names.extend(["adapter/adapter_model.safetensors", "adapter/adapter_config.json"]);
    }
    let read = |name: &str| (name.to_owned(), fs::read(folder.join("run").join(name)).expect(name));
    names.into_iter().map(read).collect()
}

#[test]
fn stopped_and_continued_equals_uninterrupted() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    model_folder(folder);
    xtuner::generator::generate(&generate_config(folder)).expect("generates");
    for method in ["lora", "full"] {
        let config = load(folder, method);
        let whole = finetune(&config, Resume::None, &RunContext::default()).expect("trains");
        assert_eq!(whole.run.end, End::Finished);
        let expected = outputs(folder, method);
        fs::remove_dir_all(folder.join("run")).expect("removes");

        // A stop that is already asked for ends the run after its first step, with a checkpoint.
        for _ in 0..2 {
            let stop = Stop::new();
            stop.request();
            let context = RunContext::default().with_stop(stop);
            let stopped = finetune(&config, Resume::Auto, &context).expect("stops");
            assert_eq!((stopped.run.end, stopped.summary), (End::Stopped, None));
        }
        let continued = finetune(&config, Resume::Auto, &RunContext::default()).expect("resumes");
        assert_eq!(continued.run.resumed_from, Some(2));
        for ((name, expected), (_, found)) in expected.iter().zip(outputs(folder, method)) {
            assert!(*expected == found, "{method}: {name} differs");
        }
        let metrics = fs::read_to_string(folder.join("run/metrics.jsonl")).expect("reads");
        assert_eq!(metrics.lines().filter(|line| line.contains("\"loss\"")).count(), 6);
        fs::remove_dir_all(folder.join("run")).expect("removes");
    }
}

#[test]
fn adapter_plus_base_is_the_exported_model() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let base = model_folder(folder);
    xtuner::generator::generate(&generate_config(folder)).expect("generates");
    finetune(&load(folder, "lora"), Resume::None, &RunContext::default()).expect("trains");
    let run = folder.join("run");
    xtuner::lora::merge(&base, run.join("adapter"), folder.join("merged")).expect("merges");
    let logits = |path: &Path| {
        let device = device::parse("cpu").expect("the CPU");
        let decoder = Decoder::load(path, &device).expect("loads");
        let ids: Vec<TokenId> = (0..30).map(|i| TokenId((i * 29 + 3) % 384)).collect();
        let input = decoder.ids(&ids, &device).expect("ids below the vocabulary");
        let hidden = decoder.forward(input, &mut Causal::sequence(ids.len()));
        let values: Vec<f32> = decoder.logits(hidden).into_data().try_to_vec().expect("f32");
        (decoder.config().eos.clone(), values)
    };
    let (eos, exported) = logits(&run.join("hf"));
    assert_eq!(eos.len(), 2, "a tuned model also stops at the end of a turn");
    assert_eq!(exported, logits(&folder.join("merged")).1);
    assert_ne!(exported, logits(&base).1);
}
