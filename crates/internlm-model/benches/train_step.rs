//! Forward and backward of the default recipe's model: hidden 256, 4 layers, vocabulary 2048, batch 8 x 256.
//!
//! Prints tokens/s and GFLOP/s by the formula of the training crate, `6 N + 12 L H d A` per token, A = mean keys per
//! query. Run with `cargo bench -p internlm-model --bench train_step [steps]`.
#![allow(clippy::print_stdout, missing_docs)]

use std::time::Instant;

use burn::tensor::Device;
use internlm_model::attend::Causal;
use internlm_model::{Decoder, ModelConfig, ModelSize, TokenId};

const SEQUENCES: usize = 8;
const LENGTH: usize = 256;

fn main() {
    let steps = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(10);
    let size = ModelSize { hidden: 256, layers: 4, heads: 4, inter: 1024, vocab: 2048 };
    let config = ModelConfig::new(size).with_kv_heads(2);
    let decoder = Decoder::init(&config, 1, &Device::flex().autodiff());
    let tokens = SEQUENCES * LENGTH;
    let ids: Vec<TokenId> = (0..tokens).map(|i| TokenId((i * 7919 % config.vocab) as u32)).collect();
    let labels: Vec<Option<TokenId>> = ids.iter().skip(1).copied().map(Some).chain([None]).collect();
    let cumulative: Vec<usize> = (0..=SEQUENCES).map(|sample| sample * LENGTH).collect();
    let mut times: Vec<(f64, f64)> = (0..steps).map(|_| step(&decoder, &ids, &labels, &cumulative)).collect();
    times.sort_by(|a, b| (a.0 + a.1).total_cmp(&(b.0 + b.1)));
    let flops = flops_per_token(&config) * tokens as f64;
    for (name, (forward, backward)) in [("best", times[0]), ("median", times[times.len() / 2])] {
        let total = forward + backward;
        println!(
            "{name}: forward {:.1} ms, backward {:.1} ms, {:.0} tokens/s, {:.0} GFLOP/s",
            forward * 1e3,
            backward * 1e3,
            tokens as f64 / total,
            flops / total * 1e-9
        );
    }
}

/// Seconds of forward and backward.
fn step(decoder: &Decoder, ids: &[TokenId], labels: &[Option<TokenId>], cumulative: &[usize]) -> (f64, f64) {
    let start = Instant::now();
    let input = decoder.ids(ids, &Device::flex().autodiff()).expect("ids are below the vocabulary size");
    let hidden = decoder.forward(input, &mut Causal::packed(cumulative));
    let loss = decoder.cross_entropy(hidden, labels);
    let forward = start.elapsed().as_secs_f64();
    let mut gradients = loss.sum.backward();
    let gradients: Vec<_> =
        decoder.parameters().iter().map(|(_, parameter)| parameter.take_gradient(&mut gradients)).collect();
    assert!(gradients.iter().all(Option::is_some), "every parameter has a gradient");
    (forward, start.elapsed().as_secs_f64() - forward)
}

fn flops_per_token(config: &ModelConfig) -> f64 {
    let width = config.heads * config.head_dim;
    let block = config.hidden * (config.qkv_rows() + width + 3 * config.inter);
    let matrices = config.layers * block + config.hidden * config.vocab;
    let keys = (LENGTH + 1) as f64 / 2.0;
    6.0 * matrices as f64 + 12.0 * (config.layers * width) as f64 * keys
}
