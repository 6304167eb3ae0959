//! Memory that is measured in bytes against the plan: a test binary of its own, because it needs its own allocator.
#![allow(
    clippy::print_stdout,
    reason = "the figures are what a reader of the test wants, and how processes talk"
)]

use std::process::Command;

use internlm_model::linear::LoraConfig;
use internlm_model::packed::PackedFormat;
use internlm_model::parameter::Training;
use internlm_model::{Decoder, Device, ModelConfig, ModelSize, TokenId};
use internlm_train::memory::{Memory, Passes, TrainedShape};
use internlm_train::{Error, Recompute, Result, Row, Trainer, TrainerConfig};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Names the case that a process measures.
const CASE: &str = "INTERNLM_MEMORY_CASE";
/// What the line with the result begins with.
const RESULT: &str = "peak bytes: ";

/// A run of two steps.
struct Case {
    name: &'static str,
    model: ModelConfig,
    tune: fn(Decoder) -> Result<Decoder>,
    /// Number of tokens of each row.
    rows: &'static [usize],
    pass_tokens: usize,
    recompute: Recompute,
}

fn wide() -> ModelConfig {
    let size = ModelSize { hidden: 256, layers: 6, heads: 8, inter: 704, vocab: 2048 };
    ModelConfig::new(size).with_kv_heads(4)
}

fn deep() -> ModelConfig {
    let size = ModelSize { hidden: 192, layers: 12, heads: 6, inter: 512, vocab: 4096 };
    ModelConfig::new(size).with_kv_heads(2).with_tied_output()
}

/// Adapters on every layer over packed weights.
fn adapted(mut decoder: Decoder) -> Result<Decoder> {
    for (_, mut parameter) in decoder.parameters_mut() {
        parameter.set_training(Training::Frozen);
    }
    let noise = decoder.noise().clone();
    for (name, linear) in decoder.linears_mut() {
        let packed = linear.clone().pack(PackedFormat::Nf4Double);
        *linear = packed.inject_lora(&LoraConfig::new(8, 16.0), &name, &noise);
    }
    Ok(decoder)
}

fn cases() -> Vec<Case> {
    let case = |name, model, tune: fn(Decoder) -> Result<Decoder>, recompute| Case {
        name,
        model,
        tune,
        rows: &[384, 384],
        pass_tokens: 4096,
        recompute,
    };
    vec![
        case("full", wide(), Ok, Recompute::None),
        case("full, layers", wide(), Ok, Recompute::Layers),
        case("adapters", deep(), adapted, Recompute::None),
        case("adapters, layers", deep(), adapted, Recompute::Layers),
        Case { pass_tokens: 400, ..case("two passes", wide(), Ok, Recompute::None) },
        Case { pass_tokens: 400, ..case("two passes, layers", wide(), Ok, Recompute::Layers) },
    ]
}

impl Case {
    fn planned(&self) -> Memory {
        let shape = TrainedShape::of::<Error>(&self.model, self.tune).expect("tunes");
        shape.memory(Passes::of(self.rows.iter().copied(), self.pass_tokens), self.recompute)
    }

    fn rows(&self) -> Vec<Row> {
        let id = |place: usize| TokenId((place * 7 % 1000) as u32);
        self.rows.iter().map(|tokens| Row::sample(&Vec::from_iter((0..*tokens).map(id)))).collect()
    }

    /// The most bytes that two steps have allocated.
    fn measure(&self) -> usize {
        let before = ALLOCATOR.current_usage();
        let decoder = (self.tune)(Decoder::init(&self.model, 1, &Device::flex())).expect("tunes");
        let config = TrainerConfig::new(10, 1e-3).with_pass_tokens(self.pass_tokens);
        let config = config.with_recompute(self.recompute);
        let mut trainer = Trainer::new(self.model.clone(), decoder, config).expect("has parameters");
        let rows = self.rows();
        // What loading took is not part of training.
        ALLOCATOR.reset_peak_usage();
        for _ in 0..2 {
            trainer.step(&rows).expect("steps");
        }
        ALLOCATOR.peak_usage().saturating_sub(before)
    }
}

/// Measures one case in this process when it is told to: the kernels keep memory of whatever ran before.
#[test]
fn one_case() {
    let Ok(name) = std::env::var(CASE) else { return };
    let case = cases().into_iter().find(|case| case.name == name).expect("a case of this test");
    println!("{RESULT}{}", case.measure());
}

fn measure_alone(case: &Case) -> u64 {
    let program = std::env::current_exe().expect("this program");
    let arguments = ["--exact", "one_case", "--nocapture", "--test-threads", "1"];
    let output = Command::new(program).args(arguments).env(CASE, case.name).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.split_once(RESULT));
    let (_, bytes) = line.unwrap_or_else(|| panic!("no result of {}: {text}", case.name));
    bytes.trim().parse().expect("a number")
}

#[test]
fn the_plan_is_within_15_percent_of_the_measured_peak() {
    for case in cases() {
        let (planned, measured) = (case.planned().total(), measure_alone(&case));
        let ratio = planned as f64 / measured as f64;
        println!("{:>20}: planned {planned} bytes, measured {measured}: {ratio:.3}", case.name);
        assert!((ratio - 1.0).abs() <= 0.15, "{}: planned {planned}, measured {measured}", case.name);
    }
}

#[test]
fn recomputed_layers_need_less_than_half_of_the_activations() {
    let bytes = |name: &str| {
        let case = cases().into_iter().find(|case| case.name == name).expect("a case of this test");
        let planned = case.planned();
        measure_alone(&case).saturating_sub(planned.total() - planned.activations)
    };
    let (whole, layers) = (bytes("adapters"), bytes("adapters, layers"));
    println!("activations: {whole} bytes, with recomputed layers {layers}");
    assert!(2 * layers < whole, "{whole} {layers}");
}
