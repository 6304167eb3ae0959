//! Fused and separate adapters have the same effect, computed densely.

use internlm_model::{ModelConfig, ModelSize};

use super::*;

const WQKV: &str = "model.layers.0.attention.wqkv";
const SEPARATE: [&str; 3] =
    ["model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.k_proj", "model.layers.0.self_attn.v_proj"];

/// Two kv heads of two query heads each, of 4 rows: q has 16 rows, k and v 8; 16 inputs.
fn config() -> ModelConfig {
    let size = ModelSize { hidden: 16, layers: 1, heads: 4, inter: 12, vocab: 20 };
    ModelConfig::new(size).with_kv_heads(2)
}

fn values(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7 + seed * 13) as f32).sin()).collect()
}

fn factors([outputs, rank]: [usize; 2], scale: f64, seed: usize) -> Factors {
    Factors {
        rank,
        scale,
        a: values(rank * 16, seed),
        b: values(outputs * rank, seed + 1),
        magnitude: Some(values(outputs, seed + 2)),
    }
}

/// `s B A`, `[out, in]`.
fn product(factors: &Factors) -> Vec<f32> {
    let inputs = factors.a.len() / factors.rank;
    let row = |b: &[f32]| -> Vec<f32> {
        let entry = |i: usize| -> f32 {
            let sum: f64 = b.iter().enumerate().map(|(r, b)| f64::from(*b * factors.a[r * inputs + i])).sum();
            (factors.scale * sum) as f32
        };
        (0..inputs).map(entry).collect()
    };
    factors.b.chunks_exact(factors.rank).flat_map(row).collect()
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    let largest = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(largest < 1e-5, "{largest}");
}

fn nothing(_name: &str) -> Option<Vec<f32>> {
    None
}

#[test]
fn a_fused_adapter_is_split_exactly_and_comes_back_with_its_bits() {
    let fused = factors([32, 3], 0.5, 1);
    let modules = Modules {
        factors: BTreeMap::from([(WQKV.to_owned(), fused.clone())]),
        whole: BTreeMap::from([("model.tok_embeddings.weight".to_owned(), values(320, 4))]),
    };
    let separate = modules.clone().separate(&config());
    assert!(separate.whole.contains_key("model.embed_tokens.weight"));
    let parts = SEPARATE.map(|name| product(&separate.factors[name]));
    close(&qkv::join(&parts.each_ref().map(Vec::as_slice), heads(&config())), &product(&fused));
    assert_eq!(separate.fused(&config(), &nothing).expect("nothing is missing"), modules);
}

#[test]
fn separate_adapters_of_any_ranks_and_scales_become_one_of_blocks() {
    let parts = [factors([16, 2], 0.5, 1), factors([8, 3], 0.25, 5), factors([8, 1], 2.0, 9)];
    let modules = Modules {
        factors: SEPARATE.map(str::to_owned).into_iter().zip(parts.clone()).collect(),
        whole: BTreeMap::new(),
    };
    let fused = modules.fused(&config(), &nothing).expect("nothing is missing");
    let found = &fused.factors[WQKV];
    assert_eq!((found.rank, fused.factors.len()), (6, 1));
    let dense = parts.each_ref().map(product);
    close(&product(found), &qkv::join(&dense.each_ref().map(Vec::as_slice), heads(&config())));
    let magnitudes = parts.map(|part| part.magnitude.expect("a magnitude"));
    let expected = qkv::join(&magnitudes.each_ref().map(Vec::as_slice), heads(&config()));
    assert_eq!(found.magnitude.as_ref(), Some(&expected));
}

#[test]
fn what_only_some_of_the_three_have_is_completed_from_the_base() {
    let query = factors([16, 2], 0.5, 1);
    let modules = Modules {
        factors: BTreeMap::from([(SEPARATE[0].to_owned(), query.clone())]),
        whole: BTreeMap::from([(format!("{}.weight", SEPARATE[2]), values(8 * 16, 3))]),
    };
    let problems = modules.clone().fused(&config(), &nothing).expect_err("no base");
    assert_eq!(problems.len(), 2, "{problems:?}");
    let weights = values(32 * 16, 8);
    let base = |name: &str| (name == "model.layers.0.attention.wqkv.weight").then(|| weights.clone());
    let fused = modules.fused(&config(), &base).expect("completed");
    let found = &fused.factors[WQKV];
    let [q, k, v] = qkv::split(&product(found), heads(&config()));
    close(&q, &product(&query));
    assert!(k.iter().chain(&v).all(|value| *value == 0.0));
    // The magnitude of untouched rows is their norm, so that they stay as they are.
    let [_, magnitude, _] = qkv::split(found.magnitude.as_ref().expect("a magnitude"), heads(&config()));
    let [_, k, _] = qkv::split(&weights, heads(&config()));
    close(&magnitude, &row_norms(&k, 8));
    let [_, whole, _] = qkv::split(&fused.whole["model.layers.0.attention.wqkv.weight"], heads(&config()));
    assert_eq!(whole, k);
}
