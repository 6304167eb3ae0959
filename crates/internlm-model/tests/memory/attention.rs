//! Attention needs memory in proportion to the sequence, forward and backward: no T x T scores.

use burn::tensor::{Device, Distribution, Tensor};
use internlm_model::attend::{Attend, AttentionLayer, Causal, GrowingCache, HeadShape, PackedQkv};
use internlm_model::positions::Positions;
use internlm_model::rope::Rope;
use internlm_model::{ModelConfig, ModelSize};

use crate::{peak, turn};

const SHORT: usize = 2048;
const LONG: usize = 8192;
const SHAPE: HeadShape = HeadShape { heads: 4, kv_heads: 2 };
const D: usize = 16;

fn qkv(tokens: usize, device: &Device) -> PackedQkv {
    let width = (SHAPE.heads + 2 * SHAPE.kv_heads) * D;
    PackedQkv { packed: Tensor::random([tokens, width], Distribution::Default, device), shape: SHAPE }
}

fn rope() -> Rope {
    let size = ModelSize { hidden: 4 * D, layers: 1, heads: SHAPE.heads, inter: 8, vocab: 8 };
    Rope::new(&ModelConfig::new(size).with_kv_heads(SHAPE.kv_heads))
}

fn attend(attend: &mut dyn Attend, qkv: PackedQkv) -> Tensor<2> {
    let table = rope().table(&attend.positions().clone(), &qkv.packed.device());
    attend.attend_packed(AttentionLayer { index: 0, window: None }, qkv, &table)
}

/// Bytes of training: forward, then backward.
fn training(tokens: usize) -> (usize, usize) {
    let device = Device::flex().autodiff();
    let mut qkv = qkv(tokens, &device);
    qkv.packed = qkv.packed.require_grad();
    let packed = qkv.packed.clone();
    let (out, forward) = peak(|| attend(&mut Causal::sequence(tokens), qkv));
    let (gradient, backward) = peak(|| {
        let mut gradients = out.sum().backward();
        packed.grad_remove(&mut gradients).expect("the projection is tracked")
    });
    assert_eq!(gradient.dims(), packed.dims());
    (forward, backward)
}

fn inference(tokens: usize) -> usize {
    let mut cache = GrowingCache::new();
    cache.extend(tokens);
    assert_eq!(cache.positions(), &Positions::sequence(tokens));
    let qkv = qkv(tokens, &Device::flex());
    peak(|| attend(&mut cache, qkv)).1
}

#[track_caller]
fn assert_linear(what: &str, short: usize, long: usize) {
    println!("{what}: {short} bytes at {SHORT} tokens, {long} at {LONG}: {:.2}x", long as f64 / short as f64);
    let scores = SHAPE.heads * LONG * LONG * 4;
    assert!(2 * long < 9 * short, "{what}: {short} -> {long} bytes");
    assert!(long < scores / 10, "{what}: {long} bytes, all scores would be {scores}");
}

#[test]
fn memory_is_linear_in_the_sequence() {
    let _turn = turn();
    // Threads and scratch space of the first use are not the sequence's.
    let _ = (training(64), inference(64));
    let (short_forward, short_backward) = training(SHORT);
    let (long_forward, long_backward) = training(LONG);
    assert_linear("forward", short_forward, long_forward);
    assert_linear("backward", short_backward, long_backward);
    assert_linear("growing cache", inference(SHORT), inference(LONG));
}
