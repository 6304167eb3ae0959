//! `internlm-train bench`: tokens per second of whole training steps.

use clap::Args;
use internlm_kit::outln;

use crate::Error;
use crate::bench::{BenchShape, SHAPES};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  internlm-train bench --json
  internlm-train bench --shape 4m --shape 19m --rounds 10

Shapes (batch x sequence): 4m = hidden 256, 4 layers, vocabulary 2048 (8 x 256); 19m = hidden 384, 8 layers,
vocabulary 8192 (4 x 512); 135m = hidden 576, 30 layers, vocabulary 49152 (1 x 512).
crates/internlm-train/benches/pytorch_step.py runs this and PyTorch interleaved and prints the ratio.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Bench {
    /// Measure this shape; may be repeated; default: 4m.
    #[arg(long = "shape", value_name = "4m|19m|135m")]
    shapes: Vec<String>,
    /// Measure this number of rounds; the median over all their steps is printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Measure this number of steps in a round.
    #[arg(long, default_value_t = 4)]
    steps: usize,
    /// Run this number of steps before the first round without measuring them.
    #[arg(long, default_value_t = 2)]
    warmup: usize,
    /// Print one JSON object per shape instead of text.
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let names = if self.shapes.is_empty() { vec![SHAPES[0].name.to_owned()] } else { self.shapes };
        let shapes = names
            .iter()
            .map(|name| {
                BenchShape::named(name).ok_or_else(|| {
                    let known = SHAPES.map(|shape| shape.name).join(", ");
                    Error::mismatch("--shape", format!("`{name}`"), format!("one of {known}"))
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        for shape in shapes {
            let result = shape.measure((self.rounds * self.steps).max(1), self.warmup)?;
            if self.json {
                outln!("{}", serde_json::to_string(&result)?)?;
                continue;
            }
            let [forward, backward, optimizer] = result.parts.map(|seconds| 1e3 * seconds);
            outln!(
                "{:>5}  {:>9} parameters  {:>7.0} tokens/s  mfu {:>4.1} %  forward {forward:.1} ms  backward {backward:.1} ms  optimizer {optimizer:.1} ms",
                result.shape,
                result.parameters,
                result.tokens_per_second,
                100.0 * result.mfu,
            )?;
        }
        Ok(())
    }
}
