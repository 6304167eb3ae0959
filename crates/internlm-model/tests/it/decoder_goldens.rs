//! The decoder against PyTorch: logits, packed rows, greedy generation, gradients.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use internlm_kit::testing::shared_data;
use internlm_model::attend::{Causal, GrowingCache};
use internlm_model::decoder::Decoder;
use internlm_model::generate::{GenerateConfig, Generator};
use internlm_model::parameter::numbers;
use internlm_model::positions::{Positions, Run};
use internlm_model::rope::Rope;
use internlm_model::weights::{SafetensorsFile, TensorSource};
use internlm_model::{ModelConfig, Precision, TokenId, sampling};
use serde::Deserialize;
use serde_json::Value;

const MODELS: [&str; 4] =
    ["golden/model/tiny_a", "golden/model/tiny_b", "golden/model/tiny_c", "models/stories260K"];

/// A device and how far its numbers may be from PyTorch's.
struct Place {
    device: Device,
    /// What is computed in, with weights in f32.
    precision: Precision,
    /// Largest difference of a logit.
    logit: f32,
    /// Relative L2 difference of a gradient.
    gradient: f64,
    /// Relative difference of a loss.
    loss: f64,
}

impl Place {
    /// The goldens themselves carry rounding noise of about 4e-6.
    fn cpu() -> Self {
        let precision = Precision::F32Exact;
        Self { device: Device::flex(), precision, logit: 2e-5, gradient: 1e-5, loss: 1e-6 }
    }
}

/// The same goldens on a GPU: the device that `INTERNLM_TEST_DEVICE` names, by default the first one of the build. The
/// first Vulkan device is Mesa's lavapipe where there is no GPU.
#[cfg(any(feature = "cuda", feature = "vulkan"))]
mod gpu {
    use super::*;

    fn place() -> Place {
        let first = if cfg!(feature = "vulkan") { "vulkan:0" } else { "cuda:0" };
        let name = std::env::var("INTERNLM_TEST_DEVICE").unwrap_or_else(|_| first.to_owned());
        let device = internlm_model::device::parse(&name).expect("the device under test is there");
        Place { device, precision: Precision::F32Exact, logit: 1e-4, gradient: 1e-4, loss: 1e-5 }
    }

    /// In the 16 bits that the device computes with; several times their rounding error.
    fn half_place() -> Place {
        let device = place().device;
        let precision = if Precision::Bf16.check(&device).is_ok() { Precision::Bf16 } else { Precision::F16 };
        let (gradient, loss) = if precision == Precision::Bf16 { (5e-2, 1e-2) } else { (1e-2, 2e-3) };
        Place { device, precision, logit: 0.0, gradient, loss }
    }

    #[test]
    fn gradients_of_16_bits() {
        check_gradients(&half_place());
    }

    /// With weights in f32 that are rounded when they are used, and with weights that were rounded when they were read.
    #[test]
    fn logits_of_16_bits() {
        let place = half_place();
        for name in MODELS {
            let Some(folder) = shared_data(name) else { return };
            let used = load(&folder, &place);
            let read = Decoder::load_in(model(&folder), &place.device, place.precision).expect("loads");
            let lists: Vec<Vec<TokenId>> = json(folder.join("ids.json"));
            let golden = tensors(&folder.join("logits.safetensors"));
            for (index, ids) in lists.iter().enumerate() {
                let expected = golden(&format!("logits.{index}"));
                let found =
                    [&used, &read].map(|decoder| causal_logits(decoder, ids, &[0, ids.len()], &place));
                assert!(found[0] == found[1], "{name} {index}: the same numbers were rounded");
                let difference = relative_l2(&found[0], &expected);
                assert!(difference <= place.gradient, "{name} {index}: {difference}");
            }
        }
    }

    #[test]
    fn logits() {
        check_logits(&place());
    }

    #[test]
    fn growing_cache() {
        check_growing_cache(&place());
    }

    #[test]
    fn packed_samples() {
        check_packed_samples(&place());
    }

    #[test]
    fn greedy_generation() {
        check_greedy(&place());
    }

    #[test]
    fn stories() {
        check_stories(&place());
    }

    #[test]
    fn gradients() {
        check_gradients(&place());
    }
}

/// The model folder of a golden; stories260K keeps its files in a folder of their own.
fn model(folder: &Path) -> PathBuf {
    let inner = folder.join("hf");
    if inner.is_dir() { inner } else { folder.to_path_buf() }
}

fn load(folder: &Path, place: &Place) -> Decoder {
    load_on(folder, &place.device, place.precision)
}

fn load_on(folder: &Path, device: &Device, precision: Precision) -> Decoder {
    let decoder = Decoder::load(model(folder), device).expect("the golden model loads");
    decoder.with_precision(precision).expect("the device computes in it")
}

fn relative_l2(found: &[f32], expected: &[f32]) -> f64 {
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
    let difference = square(&mut found.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    (difference / square(&mut expected.iter().map(|&x| f64::from(x)))).sqrt()
}

fn json<T: for<'a> Deserialize<'a>>(path: PathBuf) -> T {
    serde_json::from_slice(&fs::read(&path).expect("the golden is there")).expect("the golden is JSON")
}

fn tensors(path: &Path) -> impl Fn(&str) -> Vec<f32> + use<> {
    let file = SafetensorsFile::open(path).expect("the golden opens");
    move |name| file.read_f32(name).expect("the golden holds the tensor")
}

fn causal_logits(decoder: &Decoder, ids: &[TokenId], cumulative: &[usize], place: &Place) -> Vec<f32> {
    let ids = decoder.ids(ids, &place.device).expect("golden ids are below the vocabulary size");
    let hidden = decoder.forward(ids, &mut Causal::packed(cumulative));
    numbers(decoder.logits(hidden))
}

/// Same within the tolerance, and the same best token in every row.
fn assert_logits(name: &str, found: &[f32], expected: &[f32], (vocab, tolerance): (usize, f32)) {
    assert_eq!(found.len(), expected.len(), "{name}: number of logits");
    let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst <= tolerance, "{name}: largest difference {worst}");
    for (row, (found, expected)) in found.chunks(vocab).zip(expected.chunks(vocab)).enumerate() {
        assert_eq!(sampling::argmax(found), sampling::argmax(expected), "{name}: best token of row {row}");
    }
}

#[test]
fn logits_equal_pytorch() {
    check_logits(&Place::cpu());
}

fn check_logits(place: &Place) {
    for model in MODELS {
        let Some(folder) = shared_data(model) else { return };
        let decoder = load(&folder, place);
        let lists: Vec<Vec<TokenId>> = json(folder.join("ids.json"));
        let golden = tensors(&folder.join("logits.safetensors"));
        for (index, ids) in lists.iter().enumerate() {
            let logits = causal_logits(&decoder, ids, &[0, ids.len()], place);
            let name = format!("logits.{index}");
            assert_logits(
                &format!("{model} {name}"),
                &logits,
                &golden(&name),
                (decoder.logits_width(), place.logit),
            );
        }
    }
}

#[test]
fn a_growing_cache_gives_the_logits_of_the_whole_sequence() {
    check_growing_cache(&Place::cpu());
}

fn check_growing_cache(place: &Place) {
    for model in MODELS {
        let Some(folder) = shared_data(model) else { return };
        let decoder = load(&folder, place);
        let lists: Vec<Vec<TokenId>> = json(folder.join("ids.json"));
        // Up to max_position only: beyond it cached keys keep the rotation they were stored with.
        for ids in lists.iter().filter(|ids| ids.len() <= 64) {
            let mut cache = GrowingCache::new();
            let mut logits = Vec::new();
            for piece in ids.chunks(ids.len().div_ceil(3)) {
                cache.extend(piece.len());
                let ids = decoder.ids(piece, &place.device).expect("golden ids");
                logits.extend(numbers(decoder.logits(decoder.forward(ids, &mut cache))));
            }
            let whole = causal_logits(&decoder, ids, &[0, ids.len()], place);
            assert_logits(model, &logits, &whole, (decoder.logits_width(), place.logit));
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
    check_packed_samples(&Place::cpu());
}

fn check_packed_samples(place: &Place) {
    let Some(folder) = shared_data("golden/model/tiny_a") else { return };
    let decoder = load(&folder, place);
    let vocab = decoder.logits_width();
    let golden = tensors(&folder.join("packed_logits.safetensors"));
    let rows: Vec<PackedRow> = json(folder.join("packed.json"));
    for (index, row) in rows.iter().enumerate() {
        let logits = causal_logits(&decoder, &row.input_ids, &row.cu_seqlens, place);
        let mut changed = row.input_ids.clone();
        let last = row.cu_seqlens[row.cu_seqlens.len() - 2];
        changed[last..].iter_mut().for_each(|id| id.0 = (id.0 + 1) % vocab as u32);
        let other = causal_logits(&decoder, &changed, &row.cu_seqlens, place);
        assert!(other[..last * vocab] == logits[..last * vocab], "row {index}: bits of the other samples");
        assert!(other[last * vocab..] != logits[last * vocab..], "row {index}: the changed sample changes");
        for (sample, pair) in row.cu_seqlens.windows(2).enumerate() {
            let name = format!("logits.{index}.{sample}");
            assert_logits(
                &name,
                &logits[pair[0] * vocab..pair[1] * vocab],
                &golden(&name),
                (vocab, place.logit),
            );
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
    check_greedy(&Place::cpu());
}

fn check_greedy(place: &Place) {
    for model in &MODELS[..3] {
        let Some(folder) = shared_data(model) else { return };
        let decoder = load(&folder, place);
        for golden in json::<Vec<Greedy>>(folder.join("greedy.json")) {
            let options = GenerateConfig::new(golden.new.len());
            let ids: Vec<TokenId> =
                Generator::new(&decoder, &golden.prompt, options).expect("a valid prompt").collect();
            assert_eq!(ids, golden.new, "{model}");
        }
    }
}

#[test]
fn stories_are_told_as_by_the_reference() {
    check_stories(&Place::cpu());
}

fn check_stories(place: &Place) {
    let Some(folder) = shared_data("models/stories260K") else { return };
    let decoder = load(&folder, place);
    let golden: Value = json(folder.join("golden.json"));
    let expected: Vec<TokenId> = serde_json::from_value(golden["greedy_ids_from_bos"].clone()).expect("ids");
    let options = GenerateConfig::new(expected.len() - 1);
    let ids: Vec<TokenId> =
        Generator::new(&decoder, &expected[..1], options).expect("a valid prompt").collect();
    assert_eq!(ids, expected[1..]);
    let told = fs::read(folder.join("golden_greedy.txt")).expect("the golden is there");
    let told = told.strip_suffix(b"\n").unwrap_or(&told);
    assert_eq!(llama2_c_text(&folder.join("tok512.bin"), &ids), told, "the text, byte for byte");
    let sentence: Vec<TokenId> = serde_json::from_value(golden["ids"].clone()).expect("ids");
    let labels: Vec<_> = sentence[1..].iter().copied().map(Some).chain([None]).collect();
    let ids = decoder.ids(&sentence, &place.device).expect("golden ids");
    let hidden = decoder.forward(ids, &mut Causal::sequence(sentence.len()));
    let loss = f64::from(numbers(decoder.cross_entropy(hidden, &labels).sum)[0]);
    let expected = golden["nll_sum"].as_f64().expect("a number");
    assert!((loss - expected).abs() < place.loss * expected, "{loss} {expected}");
}

/// The text of ids in the vocabulary of llama2.c (`tokenizer.bin`: i32 longest piece, then per piece f32 score, i32
/// length, bytes); a space that starts the text is dropped, `<0x0A>` is a byte.
fn llama2_c_text(path: &Path, ids: &[TokenId]) -> Vec<u8> {
    let bytes = fs::read(path).expect("the vocabulary is there");
    let (mut pieces, mut rest) = (Vec::new(), &bytes[4..]);
    while let [_, _, _, _, a, b, c, d, tail @ ..] = rest {
        let (piece, tail) = tail.split_at(u32::from_le_bytes([*a, *b, *c, *d]) as usize);
        pieces.push(String::from_utf8_lossy(piece).into_owned());
        rest = tail;
    }
    let mut text = Vec::new();
    for id in ids {
        let piece = &pieces[id.index()];
        let hex = piece.strip_prefix("<0x").and_then(|hex| hex.strip_suffix('>'));
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => text.push(byte),
            None if text.is_empty() => text.extend(piece.strip_prefix(' ').unwrap_or(piece).bytes()),
            None => text.extend(piece.bytes()),
        }
    }
    text
}

#[derive(Deserialize)]
struct Gradients {
    ids: Vec<Vec<TokenId>>,
    loss: f64,
}

#[test]
fn gradients_equal_pytorch() {
    check_gradients(&Place::cpu());
}

fn check_gradients(place: &Place) {
    let Some(folder) = shared_data("golden/model/tiny_a") else { return };
    let device = place.device.clone().autodiff();
    let decoder = load_on(&folder, &device, place.precision);
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
    assert!((found - golden.loss).abs() <= place.loss * golden.loss, "loss {found} {}", golden.loss);
    let mut gradients = mean.backward();
    let named: HashMap<_, _> = decoder.parameters().into_iter().collect();
    assert_eq!(named.len(), 3 * 7 + 3);
    for (name, parameter) in named {
        let found = numbers(parameter.take_gradient(&mut gradients).expect("every parameter has a gradient"));
        let expected = expected(&name);
        let relative = relative_l2(&found, &expected);
        assert!(relative <= place.gradient, "{name}: relative difference {relative}");
    }
}

#[derive(Deserialize)]
struct RopeGolden {
    scaling: Value,
    max_position: usize,
    positions: Vec<usize>,
    cos: Vec<Vec<f32>>,
    sin: Vec<Vec<f32>>,
}

/// `tests/golden/rope.py` made the numbers with transformers.
#[test]
fn rotations_of_every_scaling_equal_transformers() {
    let goldens: Vec<RopeGolden> =
        serde_json::from_str(include_str!("../golden/rope.json")).expect("the golden is JSON");
    for golden in goldens {
        let json = serde_json::json!({"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "head_dim": 32,
            "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8, "vocab_size": 8,
            "max_position_embeddings": golden.max_position, "rope_theta": 1e4, "rope_scaling": golden.scaling});
        let object = json.as_object().expect("an object");
        let config = ModelConfig::from_hf_json(object, Path::new("golden")).expect("a valid config");
        for (row, &position) in golden.positions.iter().enumerate() {
            let positions = Positions::from_runs(vec![Run { first: position, tokens: 1 }]);
            let table = Rope::new(&config).table(&positions, &Device::flex());
            for (found, expected) in [(table.cos, &golden.cos[row]), (table.sin, &golden.sin[row])] {
                // Angles are f32: near position 1000 their rounding alone is 6e-5.
                let tolerance = 1e-6 + 1e-7 * position as f32;
                for (found, expected) in numbers(found).iter().zip(expected) {
                    assert!((found - expected).abs() <= tolerance, "{json} {position}: {found} {expected}");
                }
            }
        }
    }
}
