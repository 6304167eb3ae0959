//! Memory of training steps and prefills on a GPU: linear in the number of tokens, and what the plan says.
#![allow(clippy::print_stdout, reason = "the figures are what a reader of the test wants")]

use internlm_model::{ModelConfig, ModelSize, Precision};
use internlm_train::trace::{Peak, Trace, Work, measure, tiny_model};

use super::{alone, device};

fn peak(model: &ModelConfig, work: Work, tokens: usize) -> Peak {
    peak_in(Precision::F32Exact, model, work, tokens)
}

fn peak_in(precision: Precision, model: &ModelConfig, work: Work, tokens: usize) -> Peak {
    let trace = Trace { model: model.clone(), device: device(), precision };
    let peak = measure(&trace, work, tokens).expect("the tiny model runs");
    println!("{} tokens, {}: {peak:?}", peak.tokens, work.name());
    peak
}

/// With a small vocabulary nearly all memory is that of tokens, and the scores of all pairs of them would show: four times
/// the tokens have sixteen times as many.
#[test]
fn four_times_the_tokens_take_at_most_four_times_the_memory() {
    let _alone = alone();
    let model = ModelConfig::new(ModelSize { hidden: 64, layers: 2, heads: 2, inter: 128, vocab: 256 });
    for work in Work::ALL {
        let (short, long) = (peak(&model, work, 512), peak(&model, work, 2048));
        let ratio = long.in_use as f64 / short.in_use as f64;
        println!("{}: {ratio:.2}x", work.name());
        assert!(ratio <= 4.1, "{short:?} {long:?}");
    }
}

/// A whole matrix of logits, `[T, vocab]`, would be more than half as much again.
#[test]
fn steps_take_what_the_plan_says() {
    let _alone = alone();
    let size = ModelSize { hidden: 96, layers: 3, heads: 3, inter: 160, vocab: 256 };
    let grouped = ModelConfig::new(size).with_kv_heads(1);
    let (exact, half) = (Precision::F32Exact, Precision::F16);
    let cases = [
        (exact, tiny_model(), Work::Step, 2048),
        (exact, tiny_model(), Work::StepLayers, 2048),
        (exact, tiny_model(), Work::Step, 300),
        (exact, grouped.clone(), Work::Step, 1500),
        (half, tiny_model(), Work::Step, 2048),
        (half, tiny_model(), Work::StepLayers, 2048),
        (half, tiny_model(), Work::Step, 300),
        (half, grouped, Work::Step, 1500),
    ];
    for (precision, model, work, tokens) in cases {
        let peak = peak_in(precision, &model, work, tokens);
        let ratio = peak.in_use as f64 / peak.planned.expect("a step has a plan") as f64;
        println!("{ratio:.3} of the plan");
        assert!((ratio - 1.0).abs() <= 0.05, "{ratio}: {peak:?}");
    }
}
