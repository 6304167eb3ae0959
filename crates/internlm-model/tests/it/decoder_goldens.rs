//! The decoder against PyTorch: logits, packed rows, greedy generation, gradients.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use internlm_model::attend::{Causal, GrowingCache};
use internlm_model::decoder::Decoder;
use internlm_model::generate::{GenerateConfig, Generator};
use internlm_model::parameter::numbers;
use internlm_model::weights::{SafetensorsFile, TensorSource};
use internlm_model::{TokenId, sampling};
use serde::Deserialize;
use serde_json::Value;

use crate::shared;

const MODELS: [&str; 4] =
    ["golden/model/tiny_a", "golden/model/tiny_b", "golden/model/tiny_c", "models/stories260K"];
/// Largest difference of a logit: the goldens themselves carry rounding noise of about 4e-6.
const TOLERANCE: f32 = 2e-5;

/// The model folder of a golden; stories260K keeps its files in a folder of their own.
fn model(folder: &Path) -> PathBuf {
    let inner = folder.join("hf");
    if inner.is_dir() { inner } else { folder.to_path_buf() }
}

fn load(folder: &Path, device: &Device) -> Decoder {
    Decoder::load(&model(folder), device).expect("the golden model loads").1
}

fn json<T: for<'a> Deserialize<'a>>(path: PathBuf) -> T {
    serde_json::from_slice(&fs::read(&path).expect("the golden is there")).expect("the golden is JSON")
}

fn tensors(path: &Path) -> impl Fn(&str) -> Vec<f32> + use<> {
    let file = SafetensorsFile::open(path).expect("the golden opens");
    move |name| file.read_f32(name).expect("the golden holds the tensor")
}

fn causal_logits(decoder: &Decoder, ids: &[TokenId], cumulative: &[usize]) -> Vec<f32> {
    let ids = decoder.ids(ids, &Device::flex()).expect("golden ids are below the vocabulary size");
    let hidden = decoder.forward(ids, &mut Causal::packed(cumulative));
    numbers(decoder.logits(hidden))
}

/// Same within the tolerance, and the same best token in every row.
fn assert_logits(name: &str, found: &[f32], expected: &[f32], vocab: usize) {
    assert_eq!(found.len(), expected.len(), "{name}: number of logits");
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= TOLERANCE, "{name}: largest difference {worst}");
    for (row, (found, expected)) in found.chunks(vocab).zip(expected.chunks(vocab)).enumerate() {
        assert_eq!(sampling::argmax(found), sampling::argmax(expected), "{name}: best token of row {row}");
    }
}

#[test]
fn logits_equal_pytorch() {
    for model in MODELS {
        let Some(folder) = shared::path(model) else { return };
        let decoder = load(&folder, &Device::flex());
        let lists: Vec<Vec<TokenId>> = json(folder.join("ids.json"));
        let golden = tensors(&folder.join("logits.safetensors"));
        for (index, ids) in lists.iter().enumerate() {
            let logits = causal_logits(&decoder, ids, &[0, ids.len()]);
            let name = format!("logits.{index}");
            assert_logits(&format!("{model} {name}"), &logits, &golden(&name), decoder.logits_width());
        }
    }
}

#[test]
fn a_growing_cache_gives_the_logits_of_the_whole_sequence() {
    for model in MODELS {
        let Some(folder) = shared::path(model) else { return };
        let decoder = load(&folder, &Device::flex());
        let lists: Vec<Vec<TokenId>> = json(folder.join("ids.json"));
        // Up to max_position only: beyond it cached keys keep the rotation they were stored with.
        for ids in lists.iter().filter(|ids| ids.len() <= 64) {
            let mut cache = GrowingCache::new();
            let mut logits = Vec::new();
            for piece in ids.chunks(ids.len().div_ceil(3)) {
                cache.extend(piece.len());
                let ids = decoder.ids(piece, &Device::flex()).expect("golden ids");
                logits.extend(numbers(decoder.logits(decoder.forward(ids, &mut cache))));
            }
            let whole = causal_logits(&decoder, ids, &[0, ids.len()]);
            assert_logits(model, &logits, &whole, decoder.logits_width());
        }
    }
}

#[derive(Deserialize)]
struct PackedRow {
    input_ids: Vec<TokenId>,
    cu_seqlens: Vec<usize>,
}

#[test]
fn packed_samples_equal_samples_alone_and_do_not_see_each_other() {
    let Some(folder) = shared::path("golden/model/tiny_a") else { return };
    let decoder = load(&folder, &Device::flex());
    let vocab = decoder.logits_width();
    let golden = tensors(&folder.join("packed_logits.safetensors"));
    let rows: Vec<PackedRow> = json(folder.join("packed.json"));
    for (index, row) in rows.iter().enumerate() {
        let logits = causal_logits(&decoder, &row.input_ids, &row.cu_seqlens);
        let mut changed = row.input_ids.clone();
        let last = row.cu_seqlens[row.cu_seqlens.len() - 2];
        changed[last..].iter_mut().for_each(|id| id.0 = (id.0 + 1) % vocab as u32);
        let other = causal_logits(&decoder, &changed, &row.cu_seqlens);
        assert!(other[..last * vocab] == logits[..last * vocab], "row {index}: bits of the other samples");
        assert!(other[last * vocab..] != logits[last * vocab..], "row {index}: the changed sample changes");
        for (sample, pair) in row.cu_seqlens.windows(2).enumerate() {
            let name = format!("logits.{index}.{sample}");
            assert_logits(&name, &logits[pair[0] * vocab..pair[1] * vocab], &golden(&name), vocab);
        }
    }
}

#[derive(Deserialize)]
struct Greedy {
    prompt: Vec<TokenId>,
    new: Vec<TokenId>,
}

#[test]
fn greedy_generation_equals_pytorch() {
    for model in &MODELS[..3] {
        let Some(folder) = shared::path(model) else { return };
        let decoder = load(&folder, &Device::flex());
        for golden in json::<Vec<Greedy>>(folder.join("greedy.json")) {
            let options = GenerateConfig { max_new: golden.new.len(), ..GenerateConfig::default() };
            let ids: Vec<TokenId> =
                Generator::new(&decoder, &golden.prompt, options).expect("a valid prompt").collect();
            assert_eq!(ids, golden.new, "{model}");
        }
    }
}

#[test]
fn stories_are_told_as_by_the_reference() {
    let Some(folder) = shared::path("models/stories260K") else { return };
    let decoder = load(&folder, &Device::flex());
    let golden: Value = json(folder.join("golden.json"));
    let expected: Vec<TokenId> = serde_json::from_value(golden["greedy_ids_from_bos"].clone()).expect("ids");
    let options = GenerateConfig { max_new: expected.len() - 1, ..GenerateConfig::default() };
    let ids: Vec<TokenId> =
        Generator::new(&decoder, &expected[..1], options).expect("a valid prompt").collect();
    assert_eq!(ids, expected[1..]);
    let sentence: Vec<TokenId> = serde_json::from_value(golden["ids"].clone()).expect("ids");
    let labels: Vec<_> = sentence[1..].iter().copied().map(Some).chain([None]).collect();
    let ids = decoder.ids(&sentence, &Device::flex()).expect("golden ids");
    let hidden = decoder.forward(ids, &mut Causal::sequence(sentence.len()));
    let loss = f64::from(numbers(decoder.cross_entropy(hidden, &labels).sum)[0]);
    let expected = golden["nll_sum"].as_f64().expect("a number");
    assert!((loss - expected).abs() < 1e-4, "{loss} {expected}");
}

#[derive(Deserialize)]
struct Gradients {
    ids: Vec<Vec<TokenId>>,
    loss: f64,
}

#[test]
fn gradients_equal_pytorch() {
    let Some(folder) = shared::path("golden/model/tiny_a") else { return };
    let device = Device::flex().autodiff();
    let decoder = load(&folder, &device);
    let golden: Gradients = json(folder.join("grads.json"));
    let expected = tensors(&folder.join("grads.safetensors"));
    let ids = golden.ids.concat();
    let labels: Vec<Option<TokenId>> =
        golden.ids.iter().flat_map(|ids| ids[1..].iter().copied().map(Some).chain([None])).collect();
    let length = golden.ids[0].len();
    let hidden = decoder.forward(
        decoder.ids(&ids, &device).expect("golden ids"),
        &mut Causal::packed(&[0, length, 2 * length]),
    );
    let loss = decoder.cross_entropy(hidden, &labels);
    let mean: Tensor<1> = loss.sum.div_scalar(loss.count as f32);
    let found = f64::from(numbers(mean.clone())[0]);
    assert!((found - golden.loss).abs() <= 1e-6 * golden.loss, "loss {found} {}", golden.loss);
    let mut gradients = mean.backward();
    let named: HashMap<_, _> = decoder.parameters().into_iter().collect();
    assert_eq!(named.len(), 3 * 7 + 3);
    for (name, parameter) in named {
        let found = numbers(parameter.take_gradient(&mut gradients).expect("every parameter has a gradient"));
        let expected = expected(&name);
        let square = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
        let difference = square(&mut found.iter().zip(&expected).map(|(a, b)| f64::from(*a) - f64::from(*b)));
        let relative = (difference / square(&mut expected.iter().map(|&x| f64::from(x)))).sqrt();
        assert!(relative <= 1e-5, "{name}: relative difference {relative}");
    }
}
