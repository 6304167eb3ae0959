//! Weights under InternLM2 names, from every kind of file, and back.

use std::collections::BTreeMap;
use std::path::Path;

use internlm_kit::testing::shared_data;
use internlm_model::config::{DType, Family};
use internlm_model::weights::names::{self, NameStyle, Parts};
use internlm_model::weights::qkv::{self, Heads, RowOrder};
use internlm_model::weights::{self, Encoding, SafetensorsFile, TensorSource, WriteConfig};
use internlm_model::{Error, ModelConfig};
use serde_json::Value;

use crate::models::{self, Pair};

/// Distinct numbers per tensor, so that a swap shows.
fn numbers(name: &str, shape: &[usize]) -> Vec<f32> {
    let start = name.bytes().map(usize::from).sum::<usize>();
    (0..shape.iter().product()).map(|index: usize| (start + index) as f32).collect()
}

fn write(dir: &Path, dtype: DType, max_shard_bytes: u64) {
    let tensors = models::tensors();
    let shapes: BTreeMap<String, Vec<usize>> = tensors.iter().cloned().collect();
    let config = WriteConfig::new(dtype).with_max_shard_bytes(max_shard_bytes);
    weights::write_folder(dir, &tensors, &config, &mut |name| Ok(numbers(name, &shapes[name])))
        .expect("writes");
}

#[test]
fn one_file_and_shards_read_back_the_same() {
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("config.json"), models::config().to_string()).expect("writes");
    for (dtype, max_shard_bytes, index) in
        [(DType::F32, 1 << 30, false), (DType::Bf16, 200, true), (DType::F16, 1 << 30, false)]
    {
        write(folder.path(), dtype, max_shard_bytes);
        assert_eq!(folder.path().join("model.safetensors.index.json").exists(), index);
        let (_, source) = weights::open(folder.path()).expect("opens");
        assert_eq!(source.names().len(), models::tensors().len());
        for (name, shape) in models::tensors() {
            let info = source.info(&name).expect("present");
            assert_eq!((info.shape.clone(), info.encoding), (shape.clone(), Encoding::from(dtype)));
            let expected = numbers(&name, &shape);
            // bf16 has 8 significant bits, these numbers need up to 13.
            let close = |(a, b): (&f32, &f32)| (a - b).abs() <= b.abs() / 256.0;
            assert!(source.read_f32(&name).expect("reads").iter().zip(&expected).all(close), "{name}");
        }
    }
}

#[test]
fn a_failed_write_leaves_the_old_file() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("model.safetensors");
    write(folder.path(), DType::F32, 1 << 30);
    let before = std::fs::read(&path).expect("reads");
    let metadata = BTreeMap::new();
    for bad in [Ok(vec![0.0]), Err(Error::Chat("any error".to_owned()))] {
        let mut bad = Some(bad);
        let result = weights::write_file(&path, &models::tensors(), DType::F32, &metadata, &mut |_| {
            bad.take().unwrap_or_else(|| Ok(Vec::new()))
        });
        assert!(result.is_err());
        assert_eq!(std::fs::read(&path).expect("reads"), before);
    }
}

#[test]
fn gguf_rows_are_put_back() {
    // One head of 4 rows: half-split rows 0 1 2 3 are stored as 0 2 1 3.
    let rows = |order: [f32; 4]| order.iter().flat_map(|row| [*row; 4]).collect::<Vec<f32>>();
    let pairs = [
        Pair::Text("general.architecture", "llama"),
        Pair::Number("llama.block_count", 1),
        Pair::Number("llama.context_length", 16),
        Pair::Number("llama.embedding_length", 4),
        Pair::Number("llama.feed_forward_length", 2),
        Pair::Number("llama.attention.head_count", 1),
        Pair::Float("llama.attention.layer_norm_rms_epsilon", 1e-5),
    ];
    let mut tensors = vec![
        ("token_embd.weight", vec![4, 3], numbers("e", &[12])),
        ("output_norm.weight", vec![4], vec![1.0; 4]),
        ("blk.0.attn_q.weight", vec![4, 4], rows([0.0, 2.0, 1.0, 3.0])),
        ("blk.0.attn_k.weight", vec![4, 4], rows([10.0, 12.0, 11.0, 13.0])),
        ("blk.0.attn_v.weight", vec![4, 4], rows([20.0, 21.0, 22.0, 23.0])),
        ("blk.0.attn_output.weight", vec![4, 4], numbers("o", &[16])),
        ("blk.0.ffn_gate.weight", vec![4, 2], numbers("g", &[8])),
        ("blk.0.ffn_up.weight", vec![4, 2], numbers("u", &[8])),
        ("blk.0.ffn_down.weight", vec![2, 4], numbers("d", &[8])),
        ("blk.0.attn_norm.weight", vec![4], vec![1.0; 4]),
    ];
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("x.gguf");
    std::fs::write(&path, models::gguf(2, &pairs, &tensors)).expect("writes");
    let error = weights::open(&path).err().expect("a norm is missing").to_string();
    assert!(error.contains("blk.0.ffn_norm.weight: missing"), "{error}");
    tensors.push(("blk.0.ffn_norm.weight", vec![4], vec![1.0; 4]));
    std::fs::write(&path, models::gguf(3, &pairs, &tensors)).expect("writes");
    let (config, source) = weights::open(&path).expect("opens");
    assert_eq!((config.family, config.vocab, config.tied, config.eps), (Family::Llama, 3, true, 1e-5));
    let wqkv = source.read_f32("model.layers.0.attention.wqkv.weight").expect("reads");
    let first: Vec<f32> = wqkv.iter().step_by(4).copied().collect();
    assert_eq!(first, [0.0, 1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 13.0, 20.0, 21.0, 22.0, 23.0]);
}

/// sha256 of a tensor in its stored form.
fn sha256(values: &[f32], dtype: DType) -> String {
    let bytes: Vec<u8> = match dtype {
        DType::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        DType::F16 => values.iter().flat_map(|value| half::f16::from_f32(*value).to_le_bytes()).collect(),
        DType::Bf16 => values.iter().flat_map(|value| half::bf16::from_f32(*value).to_le_bytes()).collect(),
    };
    internlm_kit::hash::sha256(&bytes)
}

/// Every tensor of the golden folders in the other family's form has the published bytes.
#[test]
fn golden_models_convert_to_the_published_bytes() {
    for (name, style, form) in [
        ("tiny_a", NameStyle::Llama, "hf-llama"),
        ("tiny_b", NameStyle::InternLm2, "hf-internlm2"),
        ("tiny_c", NameStyle::Llama, "hf-llama"),
    ] {
        let Some(dir) = shared_data(format!("golden/model/{name}")) else { return };
        let (config, source) = weights::open(&dir).expect("opens");
        let json = std::fs::read(dir.join("convert.json")).expect("reads");
        let json: Value = serde_json::from_slice(&json).expect("JSON");
        let expected = json[form].as_object().expect("an object");
        let heads = Heads {
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
            order: RowOrder::HalfSplit,
        };
        let mut seen = 0;
        for (tensor, _) in weights::names::expected(&config) {
            let values = source.read_f32(&tensor).expect("reads");
            let converted = match names::parts(&tensor, style).expect("has a counterpart") {
                Parts::One(name) => vec![(name, values)],
                Parts::Qkv(names) => names.into_iter().zip(qkv::split(&values[..], heads)).collect(),
            };
            for (part, values) in converted {
                assert_eq!(expected[&part]["sha256"], sha256(&values, config.dtype), "{name} {part}");
                seen += 1;
            }
        }
        // The form without tying repeats the embedding as the output matrix.
        assert_eq!(seen + usize::from(config.tied && expected.contains_key("output.weight")), expected.len());
    }
}

#[test]
fn shared_models_open() {
    let Some(dir) = shared_data("models") else { return };
    let (config, _) = weights::open(dir.join("stories260K/hf")).expect("opens");
    assert_eq!((config.parameters(), config.tied), (260_032, true));
    let (config, source) =
        weights::open(dir.join("llama-2-tiny-random/llama-2-tiny-random.gguf")).expect("opens");
    assert_eq!(
        source.info("model.tok_embeddings.weight").expect("present").shape,
        [config.vocab, config.hidden]
    );
}

#[test]
fn metadata_of_a_file_is_kept() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("adapter.safetensors");
    let metadata = BTreeMap::from([("rank".to_owned(), "8".to_owned())]);
    let tensors = [("a".to_owned(), vec![2, 2])];
    weights::write_file(&path, &tensors, DType::F32, &metadata, &mut |_| Ok(vec![1.0, 2.0, 3.0, 4.0]))
        .expect("writes");
    let file = SafetensorsFile::open(&path).expect("opens");
    assert_eq!(file.metadata(), &metadata);
    assert_eq!(file.read_f32("a").expect("reads"), [1.0, 2.0, 3.0, 4.0]);
    let missing = file.read_f32("b").expect_err("missing");
    assert!(missing.to_string().contains("tensor b: missing"));
    assert!(ModelConfig::from_hf(folder.path()).is_err());
}
