//! Adapters: merging changes nothing, files come back, misfits are named.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use internlm_model::attend::Causal;
use internlm_model::decoder::Decoder;
use internlm_model::parameter::Training;
use internlm_model::{TokenId, device};
use xtuner::lora::{Adapter, AdapterConfig, LoraTuningConfig, inject};

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
    let input = decoder.ids(&ids, &cpu()).expect("ids below the vocabulary");
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
    let adapter = Adapter::of(&tuned, AdapterConfig::new(&section(), Path::new("base")));
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
        AdapterConfig::new(&only("wqkv"), Path::new("base")),
    );
    // Two layers of A [2, 32] and B [64 + 2 * 32 / 2 ..]: (2 + 2 * 1) heads of 16 dimensions are 64 rows.
    assert_eq!(adapter.parameters(), 2 * (2 * 32 + 64 * 2));
    let text = inject(base.clone(), &only("q_proj"), 1).expect_err("no such layer").to_string();
    assert!(text.contains("q_proj") && text.contains("attention.wqkv"), "{text}");
    let saved = only("wo").with_modules_to_save(["lm_head"]);
    let text = inject(base, &saved, 1).expect_err("no such module").to_string();
    assert!(text.contains("lm_head") && text.contains("output"), "{text}");
}
