//! Each fused kernel alone, at the shapes of the default recipe's model and 2048 tokens: forward, and forward plus
//! backward, best of several runs. Run with `cargo bench -p internlm-model --bench kernels [runs]`.
#![allow(clippy::print_stdout, missing_docs)]

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use internlm_kit::rng::CounterRng;
use internlm_model::attend::HeadShape;
use internlm_model::positions::Positions;
use internlm_model::rope::{Rope, RopeTable};
use internlm_model::{ModelConfig, ModelSize, TokenId, kernels};

const TOKENS: usize = 2048;
const LENGTH: usize = 256;

fn main() {
    let runs = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(20);
    let size = ModelSize { hidden: 256, layers: 4, heads: 4, inter: 1024, vocab: 2048 };
    let config = ModelConfig::new(size).with_kv_heads(2);
    let cumulative: Vec<usize> = (0..=TOKENS / LENGTH).map(|sample| sample * LENGTH).collect();
    let positions = Positions::packed(&cumulative);
    let table: RopeTable = Rope::new(&config).table(&positions, &Device::flex());
    let labels: Vec<_> = (0..TOKENS).map(|t| Some(TokenId((t * 7919 % config.vocab) as u32))).collect();
    let (hidden, inter) = (config.hidden, config.inter);
    let (h, wide) = (leaf([TOKENS, hidden]), leaf([TOKENS, inter]));
    let norm = leaf([hidden]);
    for (name, x, out) in [("qkv", &h, 512), ("wo", &h, 256), ("w1", &h, 1024), ("w2", &wide, 256)] {
        let weight = leaf([out, x.dims()[1]]);
        let flops = 2.0 * (TOKENS * out * x.dims()[1]) as f64;
        report(&format!("linear {name}"), runs, flops, || kernels::linear(x.clone(), weight.clone()).sum());
    }
    report("rms_norm", runs, 0.0, || kernels::rms_norm(h.clone(), norm.clone(), 1e-5).sum());
    report("swiglu", runs, 0.0, || kernels::swiglu(wide.clone(), wide.clone()).sum());
    report("add", runs, 0.0, || kernels::add(h.clone(), h.clone()).sum());
    let packed = leaf([TOKENS, config.qkv_rows()]);
    let shape = HeadShape { heads: config.heads, kv_heads: config.kv_heads };
    let flops = 4.0 * (TOKENS * config.heads * config.head_dim) as f64 * (LENGTH + 1) as f64 / 2.0;
    report("attention", runs, flops, || {
        kernels::rotary_attention(packed.clone(), shape, &table, &positions, None).sum()
    });
    let head = leaf([config.vocab, hidden]);
    let flops = 6.0 * (TOKENS * hidden * config.vocab) as f64;
    report("cross entropy", runs, flops, || kernels::cross_entropy(h.clone(), head.clone(), &labels).sum);
}

fn leaf<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    let rng = CounterRng::new(1, "bench");
    let values: Vec<f32> =
        (0..shape.iter().product::<usize>() as u64).map(|i| rng.normal(i) as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex().autodiff()).require_grad()
}

/// `flops` are those of the forward pass.
fn report(name: &str, runs: usize, flops: f64, loss: impl Fn() -> Tensor<1>) {
    let mut best = [f64::INFINITY; 2];
    for _ in 0..runs {
        let start = Instant::now();
        let loss = loss();
        best[0] = best[0].min(start.elapsed().as_secs_f64());
        drop(loss.backward());
        best[1] = best[1].min(start.elapsed().as_secs_f64());
    }
    let rate =
        if flops > 0.0 { format!("{:.0} GFLOP/s forward", flops / best[0] * 1e-9) } else { String::new() };
    println!("{name:14} {:7.3} ms, with backward {:7.3} ms  {rate}", best[0] * 1e3, best[1] * 1e3);
}
