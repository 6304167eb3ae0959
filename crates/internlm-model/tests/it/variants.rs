//! Every kind of positions and windows against transformers: logits of tiny models whose weights follow from a formula.
//!
//! `tests/golden/variants.py` made the logits.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use internlm_model::attend::{Attend, Causal, GrowingCache};
use internlm_model::config::RopeScaling;
use internlm_model::parameter::numbers;
use internlm_model::weights::gguf::GgufFile;
use internlm_model::weights::{ConvertConfig, Target, convert};
use internlm_model::{Decoder, ModelConfig, TokenId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::models::{self, Pair};

#[derive(Deserialize)]
struct Golden {
    ids: Vec<u32>,
    /// Positions whose logits are there.
    rows: Vec<usize>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: Value,
    tensors: BTreeMap<String, Vec<usize>>,
    logits: Vec<Vec<f32>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../golden/variants.json")).expect("the golden is JSON")
}

/// The elements of a tensor, by the formula of the script.
fn values(name: &str, shape: &[usize]) -> Vec<f32> {
    let seed: i64 = name.bytes().map(i64::from).sum();
    let base = if name.ends_with("norm.weight") { 1.0 } else { 0.0 };
    let count = shape.iter().product::<usize>() as i64;
    (0..count).map(|i| base + (((i * 7919 + seed * 104_729) % 2003 - 1001) as f64 / 4004.0) as f32).collect()
}

impl Case {
    /// Writes the model as a folder.
    fn write(&self, dir: &Path) {
        let mut header = serde_json::Map::new();
        let mut data = Vec::new();
        for (name, shape) in &self.tensors {
            let start = data.len();
            data.extend(values(name, shape).iter().flat_map(|value| value.to_le_bytes()));
            let offsets = [start, data.len()];
            header.insert(name.clone(), json!({"dtype": "F32", "shape": shape, "data_offsets": offsets}));
        }
        let header = Value::Object(header).to_string().into_bytes();
        let bytes = [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat();
        fs::write(dir.join("model.safetensors"), bytes).expect("writes");
        fs::write(dir.join("config.json"), self.config.to_string()).expect("writes");
    }

    fn by_name(name: &str) -> Self {
        golden().cases.into_iter().find(|case| case.name == name).expect("a case of the golden")
    }
}

fn logits(decoder: &Decoder, attend: &mut dyn Attend, ids: &[u32]) -> Vec<f32> {
    let ids: Vec<TokenId> = ids.iter().copied().map(TokenId).collect();
    let ids = decoder.ids(&ids, &Device::flex()).expect("ids of the vocabulary");
    numbers(decoder.logits(decoder.forward(ids, attend)))
}

/// Checks the logits of all tokens against the rows of the golden.
#[track_caller]
fn check(case: &Case, found: &[f32], what: &str) {
    let golden = golden();
    let vocabulary = case.logits[0].len();
    assert_eq!(found.len(), golden.ids.len() * vocabulary);
    for (row, expected) in golden.rows.iter().zip(&case.logits) {
        let found = &found[row * vocabulary..][..vocabulary];
        let difference = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(difference <= 2e-5, "{} {what}: row {row} is off by {difference}", case.name);
    }
}

#[test]
fn every_variant_has_the_logits_of_transformers() {
    let golden = golden();
    for case in &golden.cases {
        let folder = tempfile::tempdir().expect("a temporary folder");
        case.write(folder.path());
        let decoder = Decoder::load(folder.path(), &Device::flex()).expect("loads");
        check(case, &logits(&decoder, &mut Causal::sequence(golden.ids.len()), &golden.ids), "at once");
        // Keys in a cache keep their rotation: with frequencies that depend on the length, pieces are another thing.
        if matches!(decoder.config().rope_scaling, RopeScaling::Dynamic { .. } | RopeScaling::LongRope { .. })
        {
            continue;
        }
        let mut cache = GrowingCache::new();
        let mut pieces = Vec::new();
        for piece in [0..9, 9..10, 10..23, 23..24] {
            cache.extend(piece.len());
            pieces.extend(logits(&decoder, &mut cache, &golden.ids[piece]));
        }
        check(case, &pieces, "in pieces");
    }
}

/// llama.cpp's factors for Llama 3.1 (`convert_hf_to_gguf.py`) with the golden's numbers and heads of 16 dimensions.
fn llama3_factors() -> Vec<f32> {
    let (factor, low, high, length) = (8.0_f64, 1.0, 4.0, 16.0);
    let one = |i: i32| {
        let wave = TAU * 10_000.0_f64.powf(f64::from(i) / 8.0);
        let smooth = (length / wave - low) / (high - low);
        match wave {
            _ if wave < length / high => 1.0,
            _ if wave > length / low => factor,
            _ => ((1.0 - smooth) / factor + smooth).recip(),
        }
    };
    (0..8).map(|i| one(i) as f32).collect()
}

/// GGUF files of architecture `llama` hold the rows of q and k with the pairs of the rotation side by side.
fn side_by_side(values: &[f32], rows: usize) -> Vec<f32> {
    const HEAD: usize = 16;
    let width = values.len() / rows;
    let source = (0..rows).map(|row| {
        let (head, place) = (row / HEAD, row % HEAD);
        head * HEAD + place % 2 * HEAD / 2 + place / 2
    });
    source.flat_map(|row| values[row * width..][..width].to_vec()).collect()
}

/// Tensors of factors with their names.
type Factors<'a> = Vec<(&'a str, Vec<f32>)>;

/// The name of a tensor of LLaMA in a GGUF file.
fn gguf_name(name: &str) -> String {
    let name = name.replace("model.layers.", "blk.").replace("model.", "");
    let table = [
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", "ffn_norm"),
        ("embed_tokens", "token_embd"),
        ("lm_head", "output"),
    ];
    let renamed = table.iter().fold(name, |name, (from, to)| name.replace(from, to));
    if renamed == "norm.weight" { "output_norm.weight".to_owned() } else { renamed }
}

/// Writes the model of a case as a GGUF file with more keys and tensors.
fn write_gguf(case: &Case, path: &Path, more: &[Pair<'_>], factors: &[(&str, Vec<f32>)]) {
    let mut pairs = vec![
        Pair::Text("general.architecture", "llama"),
        Pair::Number("llama.block_count", 2),
        Pair::Number("llama.context_length", 64),
        Pair::Number("llama.embedding_length", 64),
        Pair::Number("llama.feed_forward_length", 96),
        Pair::Number("llama.attention.head_count", 4),
        Pair::Number("llama.attention.head_count_kv", 2),
        Pair::Number("llama.rope.dimension_count", 16),
        Pair::Float("llama.attention.layer_norm_rms_epsilon", 1e-5),
        Pair::Float("llama.rope.freq_base", 10_000.0),
    ];
    pairs.extend(more.iter().map(copied));
    let names: Vec<String> = case.tensors.keys().map(|name| gguf_name(name)).collect();
    let mut tensors: Vec<(&str, Vec<u64>, Vec<f32>)> = Vec::new();
    for ((name, shape), stored) in case.tensors.iter().zip(&names) {
        let mut values = values(name, shape);
        if name.contains("q_proj") || name.contains("k_proj") {
            values = side_by_side(&values, shape[0]);
        }
        tensors.push((stored.as_str(), shape.iter().rev().map(|size| *size as u64).collect(), values));
    }
    tensors.extend(factors.iter().map(|(name, values)| (*name, vec![values.len() as u64], values.clone())));
    fs::write(path, models::gguf(3, &pairs, &tensors)).expect("writes");
}

fn copied<'a>(pair: &Pair<'a>) -> Pair<'a> {
    match pair {
        Pair::Number(key, value) => Pair::Number(key, *value),
        Pair::Float(key, value) => Pair::Float(key, *value),
        Pair::Text(key, value) => Pair::Text(key, value),
        Pair::Texts(key, values) => Pair::Texts(key, values),
        Pair::Numbers(key, values) => Pair::Numbers(key, values),
    }
}

#[test]
fn a_gguf_file_says_positions_in_every_spelling_of_the_format() {
    let [short, long] = [0.125, 1.0].map(|step| (0..8).map(|i| 1.0 + step * i as f32).collect::<Vec<f32>>());
    let long_rope = vec![("rope_factors_short.weight", short), ("rope_factors_long.weight", long)];
    let kind = |kind| Pair::Text("llama.rope.scaling.type", kind);
    let factor = || Pair::Float("llama.rope.scaling.factor", 4.0);
    let original = |length| Pair::Number("llama.rope.scaling.original_context_length", length);
    // The attention factor of transformers: sqrt(1 + ln(64 / first) / ln(first)) for contexts of 32 and 16 tokens.
    let attention = |first: f32| {
        let value = (1.0 + (64.0 / first).ln() / first.ln()).sqrt();
        Pair::Float("llama.rope.scaling.attn_factor", value)
    };
    let cases: Vec<(&str, Vec<Pair<'_>>, Factors<'_>)> = vec![
        ("plain", vec![], vec![]),
        ("plain", vec![kind("none"), factor()], vec![]),
        ("llama3", vec![], vec![("rope_freqs.weight", llama3_factors())]),
        ("llama3", vec![kind("none")], vec![("rope_freqs.weight", llama3_factors())]),
        ("linear", vec![kind("linear"), factor()], vec![]),
        ("linear", vec![factor()], vec![]),
        ("linear", vec![Pair::Float("llama.rope.scale_linear", 4.0)], vec![]),
        ("linear", vec![factor(), Pair::Float("llama.rope.scale_linear", 4.0)], vec![]),
        ("linear", vec![factor()], vec![("rope_freqs.weight", vec![1.0; 8])]),
        ("linear", vec![], vec![("rope_freqs.weight", vec![4.0; 8])]),
        ("yarn", vec![kind("yarn"), factor(), original(16)], vec![]),
        ("longrope_short", vec![kind("longrope"), original(32), attention(32.0)], long_rope.clone()),
        ("longrope_long", vec![kind("longrope"), original(16), attention(16.0)], long_rope),
        ("mistral_window", vec![Pair::Number("llama.attention.sliding_window", 4)], vec![]),
    ];
    let golden = golden();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (number, (name, pairs, factors)) in cases.into_iter().enumerate() {
        let case = Case::by_name(name);
        let path = folder.path().join(format!("{number}.gguf"));
        write_gguf(&case, &path, &pairs, &factors);
        let decoder = Decoder::load(&path, &Device::flex()).expect("loads");
        let found = logits(&decoder, &mut Causal::sequence(golden.ids.len()), &golden.ids);
        check(&case, &found, &format!("as GGUF {number}"));
        if decoder.config().sliding_window.is_some() {
            continue;
        }
        // The converted folder says the same in its config.json.
        let out = folder.path().join(format!("{number}"));
        convert(&path, &out, &ConvertConfig::new(Target::HfLlama), &()).expect("converts");
        let decoder = Decoder::load(&out, &Device::flex()).expect("loads");
        let found = logits(&decoder, &mut Causal::sequence(golden.ids.len()), &golden.ids);
        check(&case, &found, &format!("converted from GGUF {number}"));
    }
}

#[test]
fn what_a_gguf_file_says_beyond_that_is_refused_by_name() {
    let freqs = || vec![("rope_freqs.weight", vec![1.0; 8])];
    let both =
        || vec![("rope_factors_short.weight", vec![1.0; 8]), ("rope_factors_long.weight", vec![1.0; 8])];
    let kind = |kind| Pair::Text("llama.rope.scaling.type", kind);
    let number = Pair::Number;
    let cases: Vec<(Vec<Pair<'_>>, Factors<'_>, &str)> = vec![
        (vec![kind("mrope")], vec![], "llama.rope.scaling.type: found mrope"),
        (
            vec![number("llama.rope.scaling.type", 1)],
            vec![],
            "llama.rope.scaling.type: found 1, expected none",
        ),
        (vec![kind("longrope")], vec![], "found longrope with no tensors of factors"),
        (vec![kind("longrope")], freqs(), "found longrope with rope_freqs.weight"),
        (vec![], both(), "found linear with rope_factors_short.weight and rope_factors_long.weight"),
        (vec![kind("yarn")], freqs(), "found yarn with rope_freqs.weight"),
        (
            vec![],
            vec![("rope_freqs.weight", vec![1.0; 4])],
            "tensor rope_freqs.weight: found shape [4], expected [8]",
        ),
        (
            vec![],
            vec![("rope_freqs.weight", vec![0.0; 8])],
            "tensor rope_freqs.weight: found 0 at index 0, expected numbers > 0",
        ),
        (vec![number("llama.rope.dimension_sections", 8)], vec![], "llama.rope.dimension_sections: found 8"),
        (vec![number("llama.rope.freq_base_swa", 8)], vec![], "llama.rope.freq_base_swa: found 8"),
        (
            vec![Pair::Float("llama.rope.scaling.yarn_ext_factor", 0.5)],
            vec![],
            "llama.rope.scaling.yarn_ext_factor: found 0.5",
        ),
        (
            vec![Pair::Text("llama.rope.scaling.factor", "4")],
            vec![],
            "llama.rope.scaling.factor: found \"4\", expected a number",
        ),
        (
            vec![Pair::Float("llama.rope.scaling.factor", 4.0), Pair::Float("llama.rope.scale_linear", 2.0)],
            vec![],
            "llama.rope.scale_linear: found 2, expected the 4 of rope.scaling.factor",
        ),
        (
            vec![Pair::Text("llama.attention.sliding_window", "4")],
            vec![],
            "llama.attention.sliding_window: found \"4\", expected a whole number",
        ),
        (
            vec![number("llama.attention.key_length", 32)],
            vec![],
            "llama.rope.dimension_count: found 16, expected the width of a head, 32",
        ),
    ];
    let case = Case::by_name("plain");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.gguf");
    for (pairs, factors, part) in cases {
        write_gguf(&case, &path, &pairs, &factors);
        let file = GgufFile::open(&path).expect("opens");
        let error = ModelConfig::from_gguf(&file).expect_err(part).to_string();
        assert!(error.contains(part), "{error} lacks {part}");
    }
    let harmless = [
        Pair::Float("llama.rope.scaling.yarn_ext_factor", 1.0),
        Pair::Float("llama.rope.scaling.yarn_log_multiplier", 0.0),
        Pair::Number("llama.attention.sliding_window", 0),
    ];
    write_gguf(&case, &path, &harmless, &[]);
    let config = ModelConfig::from_gguf(&GgufFile::open(&path).expect("opens")).expect("changes nothing");
    assert_eq!((config.rope_scaling, config.sliding_window), (RopeScaling::None, None));
}

#[test]
fn a_form_without_windows_or_this_scaling_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, target, part) in [
        ("mistral_window", Target::HfLlama, "sliding-window: found 4 tokens"),
        ("mistral_window", Target::HfInternLm2, "sliding-window: found 4 tokens"),
        ("llama3", Target::HfInternLm2, "rope-scaling: found llama3"),
        ("longrope_long", Target::HfInternLm2, "rope-scaling: found longrope"),
    ] {
        let source = folder.path().join(format!("{name}-{target:?}"));
        fs::create_dir(&source).expect("a folder");
        Case::by_name(name).write(&source);
        let out = folder.path().join("out");
        let error = convert(&source, &out, &ConvertConfig::new(target), &()).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }
}
