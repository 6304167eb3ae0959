//! Vectors of real weights: both executors against each other, and turbomind's bits for any chunks.

use internlm_model::TokenId;
use lmdeploy::engine::{
    BurnExecutor, CacheSize, Engine, Executor, ExecutorConfig, Pooling, TurbomindExecutor,
};

use super::engine::{BOTH, finished, pooled, start};
use super::length;
use crate::fixture::tiny_model;

/// A cache of a few thousand tokens.
fn limits() -> ExecutorConfig {
    ExecutorConfig::default().with_max_batch_size(4).with_cache_size(CacheSize::Blocks(200))
}

fn prompts() -> Vec<Vec<TokenId>> {
    [1, 2, 17, 40].map(|length| (0..length).map(|i| TokenId(9 + (i * i + 5 * i) % 300)).collect()).to_vec()
}

fn vectors(engine: &Engine, pooling: Pooling) -> Vec<Vec<f32>> {
    let generations: Vec<_> = prompts().iter().map(|prompt| pooled(engine, prompt, pooling)).collect();
    let vector = |generation| finished(generation).embedding.expect("a vector");
    generations.into_iter().map(vector).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot =
        |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn both_executors_give_the_hidden_states_of_the_decoder() {
    let folder = tempfile::tempdir().expect("a folder");
    tiny_model(folder.path());
    for pooling in BOTH {
        let turbomind = TurbomindExecutor::load(folder.path(), &limits()).expect("loads");
        let burn = BurnExecutor::load(folder.path(), "cpu", &limits()).expect("loads");
        assert_eq!((turbomind.hidden_size(), burn.hidden_size()), (Some(64), Some(64)));
        let (turbomind, burn) = (start(turbomind), start(burn));
        let (found, expected) = (vectors(&turbomind, pooling), vectors(&burn, pooling));
        for (found, expected) in found.iter().zip(&expected) {
            let cosine = cosine(found, expected);
            assert!(cosine > 0.999, "{pooling:?}: {cosine}");
            let ratio = cosine * (length(found) / length(expected));
            assert!((ratio - 1.0).abs() < 0.01, "{pooling:?}: {ratio}");
        }
    }
}

#[test]
fn chunks_and_cache_change_no_bit_and_a_mean_is_that_of_all_beginnings() {
    let folder = tempfile::tempdir().expect("a folder");
    tiny_model(folder.path());
    let load = |tokens: usize| {
        let limits = limits().with_max_prefill_token_num(tokens);
        TurbomindExecutor::load(folder.path(), &limits).expect("loads")
    };
    for pooling in BOTH {
        let engine = start(load(512));
        let whole = vectors(&engine, pooling);
        assert_eq!(vectors(&engine, pooling), whole, "{pooling:?} with what the cache holds");
        assert_eq!(vectors(&start(load(5)), pooling), whole, "{pooling:?} in chunks");
    }
    // A token sees nothing that follows it.
    let engine = start(load(512));
    let prompt = &prompts()[2];
    let mut sums = vec![0.0_f64; 64];
    for end in 1..=prompt.len() {
        let last = finished(pooled(&engine, &prompt[..end], Pooling::Last)).embedding.expect("a vector");
        sums.iter_mut().zip(last).for_each(|(sum, value)| *sum += f64::from(value));
    }
    let mean: Vec<f32> = sums.iter().map(|sum| (sum / prompt.len() as f64) as f32).collect();
    assert_eq!(finished(pooled(&engine, prompt, Pooling::Mean)).embedding, Some(mean));
}
