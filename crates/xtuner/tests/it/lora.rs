//! Adapters: merging changes nothing, files come back, misfits are named.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use internlm_model::attend::Causal;
use internlm_model::config::Biased;
use internlm_model::decoder::Decoder;
use internlm_model::linear::Linear;
use internlm_model::parameter::Training;
use internlm_model::{TokenId, device};
use serde_json::{Value, json};
use xtuner::lora::{Adapter, AdapterConfig, Compat, LoraTuningConfig, TrainedBias, inject};

use crate::fixture::model_config;

fn cpu() -> Device {
    // Only parameters on a device with autodiff remember whether they are trained.
    device::parse("cpu").expect("the CPU").autodiff()
}

fn section() -> LoraTuningConfig {
    LoraTuningConfig::new(4, 8.0).with_modules_to_save(["tok_embeddings", "output"])
}

/// A decoder whose trained parameters have all left their initial values.
fn tuned(base: &Decoder) -> Decoder {
    let mut decoder = inject(base.clone(), &section(), 7).expect("injects");
    for (index, (_, mut parameter)) in decoder.parameters_mut().into_iter().enumerate() {
        if parameter.get().training() == Training::Trained {
            let moved = |values: Vec<f32>| -> Vec<f32> {
                values
                    .iter()
                    .enumerate()
                    .map(|(i, x)| x + 0.02 * ((i * 7 + index * 13) as f32).sin())
                    .collect()
            };
            let values = parameter.get().to_vec();
            parameter.set(moved(values));
        }
    }
    decoder
}

fn logits(decoder: &Decoder) -> Vec<f32> {
    let ids: Vec<TokenId> = (0..40).map(|i| TokenId((i * 37 + 5) % 384)).collect();
    let device = decoder.tok_embeddings.weight.device().inner();
    let input = decoder.ids(&ids, &device).expect("ids below the vocabulary");
    let hidden = decoder.forward(input, &mut Causal::sequence(ids.len()));
    let logits: Tensor<2> = decoder.logits(hidden);
    logits.into_data().convert::<f32>().try_to_vec().expect("f32")
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn merged_logits_equal_those_with_the_adapter() {
    let base = Decoder::init(&model_config(), 3, &cpu());
    let tuned = tuned(&base);
    let with_adapter = logits(&tuned);
    assert!(largest_difference(&with_adapter, &logits(&base)) > 1e-2, "the adapter does something");
    let difference = largest_difference(&with_adapter, &logits(&tuned.merged()));
    assert!(difference <= 1e-5, "{difference}");
}

#[test]
fn a_fresh_adapter_changes_nothing_and_only_the_chosen_parts_learn() {
    let base = Decoder::init(&model_config(), 3, &cpu());
    let decoder = inject(base.clone(), &section(), 7).expect("injects");
    assert_eq!(logits(&decoder), logits(&base));
    for (name, parameter) in decoder.parameters() {
        let expected = name.contains(".lora_") || name.contains("tok_embeddings") || name == "output.weight";
        assert_eq!(parameter.training() == Training::Trained, expected, "{name}");
    }
}

#[test]
fn peft_files_come_back_and_apply_to_the_same_model() {
    let base = Decoder::init(&model_config(), 3, &cpu());
    let tuned = tuned(&base);
    let folder = tempfile::tempdir().expect("temporary folder");
    let adapter = Adapter::of(&tuned, AdapterConfig::new(&section(), "base"));
    adapter.write(folder.path()).expect("writes");
    let bytes = std::fs::read(folder.path().join("adapter_model.safetensors")).expect("reads");
    let header = String::from_utf8_lossy(&bytes[..4000.min(bytes.len())]).into_owned();
    for name in [
        "base_model.model.model.layers.0.attention.wqkv.lora_A.weight",
        "base_model.model.model.layers.1.feed_forward.w2.lora_B.weight",
        "base_model.model.output.weight",
        "base_model.model.model.tok_embeddings.weight",
    ] {
        assert!(header.contains(&format!("\"{name}\"")), "{name}");
    }
    let read = Adapter::read(folder.path()).expect("reads");
    assert_eq!(read, adapter);
    assert_eq!(logits(&read.apply(base, folder.path()).expect("applies")), logits(&tuned));
    let again = tempfile::tempdir().expect("temporary folder");
    read.write(again.path()).expect("writes");
    for name in ["adapter_model.safetensors", "adapter_config.json"] {
        let file = |folder: &Path| std::fs::read(folder.join(name)).expect("reads");
        assert_eq!(file(folder.path()), file(again.path()), "{name}: byte for byte");
    }
}

#[test]
fn targets_are_suffixes_and_unknown_ones_are_refused() {
    let base = Decoder::init(&model_config(), 3, &cpu());
    let only = |name: &str| LoraTuningConfig::new(2, 16.0).with_target_modules([name]);
    let adapter = Adapter::of(
        &inject(base.clone(), &only("wqkv"), 1).expect("injects"),
        AdapterConfig::new(&only("wqkv"), "base"),
    );
    // Two layers of A [2, 32] and B [64 + 2 * 32 / 2 ..]: (2 + 2 * 1) heads of 16 dimensions are 64 rows.
    assert_eq!(adapter.parameters(), 2 * (2 * 32 + 64 * 2));
    let text = inject(base.clone(), &only("q_proj"), 1).expect_err("no such layer").to_string();
    assert!(text.contains("q_proj") && text.contains("attention.wqkv"), "{text}");
    let saved = only("wo").with_modules_to_save(["lm_head"]);
    let text = inject(base, &saved, 1).expect_err("no such module").to_string();
    assert!(text.contains("lm_head") && text.contains("output"), "{text}");
}

#[test]
fn an_adapter_without_tensors_or_with_values_that_are_no_numbers_is_refused() {
    let base = Decoder::init(&model_config(), 3, &cpu());
    let folder = tempfile::tempdir().expect("temporary folder");
    let adapter = Adapter::of(&tuned(&base), AdapterConfig::new(&section(), "base"));
    adapter.write(folder.path()).expect("writes");
    // A safetensors file without tensors: the length of its header, and an empty object.
    let empty = [&8_u64.to_le_bytes()[..], b"{}      "].concat();
    std::fs::write(folder.path().join("adapter_model.safetensors"), empty).expect("writes");
    let adapter = Adapter::read(folder.path()).expect("reads");
    let text = adapter.apply(base.clone(), folder.path()).expect_err("nothing to apply").to_string();
    assert!(text.contains("found no tensor, expected those of an adapter"), "{text}");
    let mut decoder = tuned(&base);
    for (name, mut parameter) in decoder.parameters_mut() {
        if name == "model.layers.0.attention.wo.lora_A.weight" {
            let values = vec![f32::NAN; parameter.get().to_vec().len()];
            parameter.set(values);
        }
    }
    let adapter = Adapter::of(&decoder, AdapterConfig::new(&section(), "base"));
    let text = adapter.apply(base, folder.path()).expect_err("no numbers").to_string();
    assert!(text.contains("attention.wo.lora_A.weight: found values that are not finite"), "{text}");
}

#[test]
fn ranks_scales_and_biases_are_those_of_the_config_and_of_the_file() {
    let model = model_config().with_biases(&[Biased::Qkv, Biased::Output]);
    let base = Decoder::init(&model, 3, &cpu());
    let mut lora = LoraTuningConfig::new(4, 8.0).with_rslora().with_bias(TrainedBias::LoraOnly);
    lora = lora.with_target_modules(["wqkv", "w1", "w2"]);
    lora.rank_pattern = serde_json::from_value(json!({r"layers\.0\..*w[12]": 2})).expect("a map");
    lora.alpha_pattern = serde_json::from_value(json!({"w2": 16})).expect("a map");
    let decoder = inject(base.clone(), &lora, 7).expect("injects");
    let trained: Vec<(String, Vec<usize>)> = decoder
        .parameters()
        .into_iter()
        .filter(|(_, parameter)| parameter.training() == Training::Trained)
        .map(|(name, parameter)| (name, parameter.shape()))
        .collect();
    let shape = |name: &str| trained.iter().find(|(other, _)| other == name).map(|(_, shape)| shape.clone());
    assert_eq!(shape("model.layers.0.feed_forward.w1.lora_A.weight"), Some(vec![2, 32]));
    assert_eq!(shape("model.layers.1.feed_forward.w1.lora_A.weight"), Some(vec![4, 32]));
    assert_eq!(shape("model.layers.0.attention.wqkv.bias"), Some(vec![64]));
    assert_eq!(shape("model.layers.0.attention.wo.bias"), None);
    let mut shared = decoder.clone();
    for (name, linear) in shared.linears_mut() {
        let Linear::Lora(lora) = linear else { continue };
        let alpha = if name.ends_with("w2") { 16.0 } else { 8.0 };
        let rank: f64 = if name.contains("layers.0.feed_forward") { 2.0 } else { 4.0 };
        assert_eq!(lora.scale, alpha / rank.sqrt(), "{name}");
    }
    let adapter = Adapter::of(&decoder, AdapterConfig::new(&lora, "base"));
    let folder = tempfile::tempdir().expect("temporary folder");
    adapter.write(folder.path()).expect("writes");
    let read = Adapter::read(folder.path()).expect("reads");
    assert_eq!(logits(&read.apply(base, folder.path()).expect("applies")), logits(&decoder));
    let none = Decoder::init(&model_config(), 3, &cpu());
    let text = inject(none, &lora, 7).expect_err("a model without biases").to_string();
    assert!(text.starts_with("lora.bias: found \"lora_only\""), "{text}");
}

#[test]
fn dropout_acts_in_training_only_and_is_a_function_of_the_pass() {
    let base = Decoder::init(&model_config(), 3, &cpu());
    let mut decoder = inject(base, &LoraTuningConfig::new(4, 8.0).with_dropout(0.5), 7).expect("injects");
    for (name, mut parameter) in decoder.parameters_mut() {
        if name.ends_with("lora_B.weight") {
            let count = parameter.get().to_vec().len();
            parameter.set((0..count).map(|i| 0.3 * (i as f32).sin()).collect());
        }
    }
    let pass = |number: u64| {
        decoder.noise().begin(number);
        logits(&decoder)
    };
    assert_eq!(pass(1), pass(1));
    assert!(largest_difference(&pass(1), &pass(2)) > 1e-3);
    let measured = decoder.valid();
    decoder.noise().begin(3);
    assert_eq!(logits(&measured), logits(&measured));
    let merged = logits(&measured.clone().merged());
    assert!(largest_difference(&logits(&measured), &merged) < 1e-5);
}

#[test]
fn the_output_is_adapted_in_xtuners_way_only() {
    let base = Decoder::init(&model_config(), 3, &cpu());
    let mut lora = LoraTuningConfig::new(2, 4.0);
    let has_output = |lora: &LoraTuningConfig| {
        let decoder = inject(base.clone(), lora, 7).expect("injects");
        let adapter = Adapter::of(&decoder, AdapterConfig::new(lora, "base"));
        assert!(adapter.apply(base.clone(), "made").is_ok());
        decoder.parameters().iter().any(|(name, _)| name == "output.lora_A.weight")
    };
    assert!(!has_output(&lora));
    lora.compat = Some(Compat::Xtuner);
    assert!(has_output(&lora));
}

/// Sets one key of the `adapter_config.json` in `folder`.
fn set(folder: &Path, key: &str, value: Value) {
    let path = folder.join("adapter_config.json");
    let text = std::fs::read_to_string(&path).expect("reads");
    let mut config: Value = serde_json::from_str(&text).expect("JSON");
    config[key] = value;
    std::fs::write(&path, config.to_string()).expect("writes");
}

/// How far the merge of the adapter in `folder` moves every tensor of `base`.
fn moved(base: &Decoder, folder: &Path) -> BTreeMap<String, f32> {
    let adapter = Adapter::read(folder).expect("reads");
    let merged = adapter.apply(base.clone(), folder).expect("applies").merged();
    let before: BTreeMap<String, Vec<f32>> =
        base.parameters().into_iter().map(|(name, parameter)| (name, parameter.to_vec())).collect();
    let distance = |name: &str, after: &[f32]| -> f32 {
        after.iter().zip(&before[name]).map(|(after, before)| (after - before).abs()).sum()
    };
    let moved = merged.parameters().into_iter().map(|(name, parameter)| {
        let distance = distance(&name, &parameter.to_vec());
        (name, distance)
    });
    moved.collect()
}

#[test]
fn patterns_of_alpha_are_regular_expressions_of_whole_names() {
    let base = Decoder::init(&model_config(), 3, &cpu());
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    Adapter::of(&tuned(&base), AdapterConfig::new(&section(), "base")).write(folder).expect("writes");
    let plain = moved(&base, folder);
    // alpha is 8: the first pattern makes the change 8 times as large, the second one half as large.
    set(folder, "alpha_pattern", json!({r".*\.layers\.0\..*(wqkv|wo)": 64, "wqkv": 4}));
    let mut expected = BTreeMap::from([
        ("model.layers.0.attention.wqkv.weight", 8.0),
        ("model.layers.0.attention.wo.weight", 8.0),
        ("model.layers.1.attention.wqkv.weight", 0.5),
    ]);
    for (name, distance) in moved(&base, folder) {
        let factor = expected.remove(name.as_str()).unwrap_or(1.0);
        let found = distance - factor * plain[&name];
        assert!(
            found.abs() <= 1e-3 * (1.0 + distance),
            "{name}: {distance}, expected {factor} times {}",
            plain[&name]
        );
    }
    assert!(expected.is_empty(), "every layer was seen: {expected:?}");
}

#[test]
fn a_config_that_does_not_fit_its_tensors_is_refused() {
    let base = Decoder::init(&model_config(), 3, &cpu());
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let adapter = Adapter::of(&tuned(&base), AdapterConfig::new(&section(), "base"));
    let refused = |key: &str, value: Value| {
        adapter.write(folder).expect("writes");
        set(folder, key, value);
        let applied = Adapter::read(folder).and_then(|adapter| adapter.apply(base.clone(), folder));
        applied.err().map_or_else(String::new, |error| error.to_string())
    };
    let text = refused("r", json!(16));
    assert!(text.contains("tensor model.layers.0.attention.wqkv.lora_A.weight"), "{text}");
    assert!(text.contains("found shape [4, 32], expected [16, 32]"), "{text}");
    let text = refused("rank_pattern", json!({"wo": 2}));
    assert!(text.contains("attention.wo.lora_B.weight") && !text.contains("wqkv"), "{text}");
    let text = refused("target_modules", json!(["wqkv", "w1", "w2", "w3"]));
    assert!(text.contains("attention.wo.lora_A.weight") && !text.contains("wqkv"), "{text}");
    let text = refused("alpha_pattern", json!({"(?=w)wo": 2}));
    assert!(text.contains("alpha_pattern: found the key `(?=w)wo`"), "{text}");
    assert!(refused("layer_replication", json!([[0, 2]])).contains("layer_replication: found [[0,2]]"));
    assert_eq!(refused("lora_dropout", json!(0.1)), "");
    let text = refused("modules_to_save", json!(["tok_embeddings", "output", "norm", "no_such_module"]));
    assert!(text.contains("modules_to_save: found `norm`, expected its tensor"), "{text}");
    assert!(!text.contains("output") && !text.contains("no_such_module"), "{text}");
    let weights = folder.join("adapter_model.safetensors");
    std::fs::rename(weights, folder.join("adapter_model.bin")).expect("renames");
    let text = Adapter::read(folder).expect_err("only the older file").to_string();
    assert!(text.contains("found adapter_model.bin, expected adapter_model.safetensors"), "{text}");
}
