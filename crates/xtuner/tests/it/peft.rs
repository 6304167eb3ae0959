//! PEFT's files and numbers, made by `tests/peers/peft_lora.py`: the same losses from the same start, adapters under both
//! families' names, and files that come back byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use internlm_model::attend::Causal;
use internlm_model::decoder::Decoder;
use internlm_model::weights::names::NameStyle;
use internlm_model::{TokenId, device};
use internlm_train::{Row, Trainer, TrainerConfig};
use serde::Deserialize;
use xtuner::convert::rename_adapter;
use xtuner::lora::{Adapter, AdapterConfig, LoraTuningConfig, inject};

/// What the script wrote down.
#[derive(Deserialize)]
struct Golden {
    rate: f64,
    /// Steps, rows of a step, ids of a row.
    rows: Vec<Vec<Vec<u32>>>,
    probe: Vec<u32>,
    cases: BTreeMap<String, Case>,
}

#[derive(Deserialize)]
struct Case {
    losses: Vec<f64>,
    logits: Vec<f32>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/peft")
}

fn golden() -> Golden {
    let bytes = fs::read(folder().join("cases.json")).expect("reads");
    serde_json::from_slice(&bytes).expect("parses")
}

fn base(name: &str) -> Decoder {
    Decoder::load(folder().join(name), &device::parse("cpu").expect("the CPU")).expect("loads")
}

fn ids(ids: &[u32]) -> Vec<TokenId> {
    ids.iter().copied().map(TokenId).collect()
}

fn logits(decoder: &Decoder, probe: &[u32]) -> Vec<f32> {
    let input = decoder.ids(&ids(probe), &device::parse("cpu").expect("the CPU")).expect("known ids");
    let hidden = decoder.forward(input, &mut Causal::sequence(probe.len()));
    decoder.logits(hidden).into_data().convert::<f32>().try_to_vec().expect("f32")
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// The table `[lora]` that says what the script says to PEFT.
fn tuning(case: &str) -> LoraTuningConfig {
    let text = match case {
        "lora" => "rank = 4\nalpha = 8",
        "dora" => "rank = 4\nalpha = 8\ndora = true",
        "rslora" => {
            "rank = 4\nalpha = 6\nuse-rslora = true\nbias = 'lora_only'\n\
             modules-to-save = ['tok_embeddings', 'output']\n\
             [rank-pattern]\n'feed_forward.w[12]' = 2\n[alpha-pattern]\n'layers\\.1\\..*wo' = 3"
        }
        other => panic!("no such case: {other}"),
    };
    toml::from_str(text).expect("parses")
}

/// The model in the state that `adapter` of PEFT has, with its trained parameters trained.
fn started(case: &str, adapter: &Path) -> Decoder {
    let read = Adapter::read(adapter).expect("reads").apply(base("base"), adapter).expect("applies");
    let values: BTreeMap<String, Vec<f32>> =
        read.parameters().into_iter().map(|(name, parameter)| (name, parameter.to_vec())).collect();
    let mut decoder = inject(base("base"), &tuning(case), 1).expect("injects");
    for (name, mut parameter) in decoder.parameters_mut() {
        parameter.set(values[&name].clone());
    }
    decoder
}

#[test]
fn the_same_start_and_data_have_pefts_losses() {
    let golden = golden();
    for name in ["lora", "rslora", "dora"] {
        let case = &golden.cases[name];
        let decoder = started(name, &folder().join(name).join("start"));
        let mut config = TrainerConfig::new(golden.rows.len() as u64, golden.rate);
        config.optim.weight_decay = 0.0;
        config.optim.clip = 1e9;
        config.schedule = config.schedule.with_warmup_ratio(0.0).with_eta_min(golden.rate);
        let mut trainer = Trainer::new(decoder.config().clone(), decoder, config).expect("has parameters");
        for (step, (batch, expected)) in golden.rows.iter().zip(&case.losses).enumerate() {
            let rows: Vec<Row> = batch.iter().map(|row| Row::sample(&ids(row))).collect();
            let loss = trainer.step(&rows).expect("steps").loss;
            assert!(
                (loss - expected).abs() <= 1e-4 * expected,
                "{name}, step {step}: {loss}, expected {expected}"
            );
        }
        let found = logits(&trainer.validation_decoder(), &golden.probe);
        assert!(largest_difference(&found, &case.logits) < 2e-3, "{name}: the trained models agree");

        // What is written is what PEFT writes: the same tensors, and a config that means the same.
        let made = Adapter::of(trainer.decoder(), AdapterConfig::new(&tuning(name), "base"));
        let written = tempfile::tempdir().expect("temporary folder");
        made.write(written.path()).expect("writes");
        let peft = Adapter::read(folder().join(name).join("end")).expect("reads");
        assert_eq!(made.parameters(), peft.parameters(), "{name}");
        let names = |path: PathBuf| -> Vec<String> {
            let bytes = fs::read(path.join("adapter_model.safetensors")).expect("reads");
            let length = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes")) as usize;
            let header: serde_json::Map<String, serde_json::Value> =
                serde_json::from_slice(&bytes[8..8 + length]).expect("JSON");
            header.keys().cloned().collect()
        };
        assert_eq!(names(written.path().to_path_buf()), names(folder().join(name).join("end")), "{name}");
        let again =
            Adapter::read(written.path()).expect("reads").apply(base("base"), "made").expect("applies");
        assert_eq!(largest_difference(&logits(&again, &golden.probe), &found), 0.0, "{name}");
    }
}

#[test]
fn adapters_of_peft_have_the_same_effect_here_under_both_names() {
    let golden = golden();
    for (name, adapter) in [
        ("lora", "lora/end"),
        ("rslora", "rslora/end"),
        ("dora", "dora/end"),
        ("llama", "llama"),
        ("llama-qv", "llama-qv"),
    ] {
        let adapter = folder().join(adapter);
        let read = Adapter::read(&adapter).expect("reads");
        for model in ["base", "base-llama"] {
            let tuned = read.apply(base(model), &adapter).expect("applies");
            let expected = &golden.cases[name].logits;
            let difference = largest_difference(&logits(&tuned, &golden.probe), expected);
            assert!(difference < 2e-5, "{name} on {model}: {difference}");
            let difference = largest_difference(&logits(&tuned.merged(), &golden.probe), expected);
            assert!(difference < 2e-5, "{name} on {model}, merged: {difference}");
        }
        assert!(largest_difference(&logits(&base("base"), &golden.probe), &golden.cases[name].logits) > 1e-2);
    }
}

#[test]
fn files_of_peft_come_back_byte_for_byte() {
    for name in ["lora/start", "lora/end", "rslora/end", "dora/end", "llama", "llama-qv"] {
        let source = folder().join(name);
        let out = tempfile::tempdir().expect("temporary folder");
        Adapter::read(&source).expect("reads").write(out.path()).expect("writes");
        for file in ["adapter_config.json", "adapter_model.safetensors"] {
            let bytes = |folder: &Path| fs::read(folder.join(file)).expect("reads");
            assert!(bytes(&source) == bytes(out.path()), "{name}/{file}");
        }
    }
}

#[test]
fn adapters_change_their_names_and_keep_their_effect() {
    let golden = golden();
    let out = tempfile::tempdir().expect("temporary folder");
    let cases = [
        ("lora/end", "lora", NameStyle::Llama),
        ("rslora/end", "rslora", NameStyle::Llama),
        ("dora/end", "dora", NameStyle::Llama),
        ("llama", "llama", NameStyle::InternLm2),
        ("llama-qv", "llama-qv", NameStyle::InternLm2),
    ];
    for (adapter, name, style) in cases {
        let (source, there) = (folder().join(adapter), out.path().join(name));
        rename_adapter(folder().join("base"), &source, &there, style).expect("renames");
        let header = fs::read(there.join("adapter_model.safetensors")).expect("reads");
        let is_fused = String::from_utf8_lossy(&header).contains("wqkv");
        assert_eq!(is_fused, style == NameStyle::InternLm2, "{name}");
        let renamed = Adapter::read(&there).expect("reads");
        let found = logits(&renamed.apply(base("base"), &there).expect("applies"), &golden.probe);
        let difference = largest_difference(&found, &golden.cases[name].logits);
        assert!(difference < 2e-5, "{name}: {difference}");
        if style == NameStyle::Llama {
            // What shares A becomes the fused adapter again, bit for bit.
            let back = out.path().join(format!("{name}-back"));
            rename_adapter(folder().join("base"), &there, &back, NameStyle::InternLm2).expect("renames");
            let tensors = |folder: &Path| fs::read(folder.join("adapter_model.safetensors")).expect("reads");
            assert!(tensors(&back) == tensors(&source), "{name}");
        }
    }
}

#[test]
fn tensors_that_contradict_the_config_are_refused() {
    let copy = tempfile::tempdir().expect("temporary folder");
    let refused = |adapter: &str, key: &str, value: serde_json::Value| {
        for file in ["adapter_config.json", "adapter_model.safetensors"] {
            fs::copy(folder().join(adapter).join(file), copy.path().join(file)).expect("copies");
        }
        let path = copy.path().join("adapter_config.json");
        let mut config: serde_json::Value =
            serde_json::from_slice(&fs::read(&path).expect("reads")).expect("JSON");
        config[key] = value;
        fs::write(&path, config.to_string()).expect("writes");
        let applied = Adapter::read(copy.path()).and_then(|read| read.apply(base("base"), copy.path()));
        applied.err().map_or_else(String::new, |error| error.to_string())
    };
    let text = refused("dora/end", "use_dora", serde_json::json!(false));
    assert!(text.contains("lora_magnitude_vector") && text.contains("`use_dora`"), "{text}");
    let text = refused("lora/end", "use_dora", serde_json::json!(true));
    assert!(text.contains("wqkv.lora_magnitude_vector next to it"), "{text}");
    let text = refused("lora/end", "bias", serde_json::json!("all"));
    assert!(text.contains("bias: found all, expected the tensor"), "{text}");
    let text = refused("llama", "r", serde_json::json!(5));
    assert!(text.contains("self_attn.q_proj.lora_A.weight: found shape [3, 32], expected [5, 32]"), "{text}");
    assert_eq!(refused("rslora/end", "bias", serde_json::json!("lora_only")), "");
}
