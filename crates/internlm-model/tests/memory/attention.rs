//! Attention needs memory in proportion to the sequence, forward and backward: no T x T scores.

use std::process::Command;

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

/// Names what a process measures.
const CASE: &str = "INTERNLM_MEMORY_CASE";
/// What the line with the result begins with.
const RESULT: &str = "bytes: ";
const CASES: [&str; 3] = ["forward", "backward", "growing cache"];

/// Measures in this process when it is told to: the kernels keep memory of whatever ran before.
#[test]
fn one_case() {
    let Ok(case) = std::env::var(CASE) else { return };
    let _turn = turn();
    let (what, tokens) = case.rsplit_once(' ').expect("a case and its length");
    let tokens = tokens.parse().expect("a length");
    let bytes = match what {
        "forward" => training(tokens).0,
        "backward" => training(tokens).1,
        _ => inference(tokens),
    };
    println!("{RESULT}{bytes}");
}

fn measure_alone(what: &str, tokens: usize) -> usize {
    let program = std::env::current_exe().expect("this program");
    let arguments = ["--exact", "attention::one_case", "--nocapture", "--test-threads", "1"];
    let output = Command::new(program).args(arguments).env(CASE, format!("{what} {tokens}")).output();
    let text = String::from_utf8_lossy(&output.expect("runs").stdout).into_owned();
    let line = text.lines().find_map(|line| line.split_once(RESULT));
    let (_, bytes) = line.unwrap_or_else(|| panic!("no result of {what}: {text}"));
    bytes.trim().parse().expect("a number")
}

#[test]
fn memory_is_linear_in_the_sequence() {
    for what in CASES {
        let (short, long) = (measure_alone(what, SHORT), measure_alone(what, LONG));
        let ratio = long as f64 / short as f64;
        println!("{what}: {short} bytes at {SHORT} tokens, {long} at {LONG}: {ratio:.2}x");
        let scores = SHAPE.heads * LONG * LONG * 4;
        assert!(2 * long < 9 * short, "{what}: {short} -> {long} bytes");
        assert!(long < scores / 10, "{what}: {long} bytes, all scores would be {scores}");
    }
}
