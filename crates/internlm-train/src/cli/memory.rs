//! `internlm-train memory`: the peak of a GPU's memory at two lengths, against the plan.

use clap::Args;
use internlm_kit::outln;
use internlm_model::{Precision, device};

use crate::Error;
use crate::bench::{BenchShape, SHAPES};
use crate::plan::bytes;
use crate::trace::{Peak, Trace, Work, measure, tiny_model};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  internlm-train memory --device vulkan:0
  internlm-train memory --device cuda:0 --shape 135m --tokens 2048 --tokens 8192 --json

Shapes: tiny = hidden 64, 2 layers, vocabulary 4096; the others are those of `bench`. Each length is one sequence.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Memory {
    /// GPU to measure.
    #[arg(long, value_name = "cuda:N|vulkan:N")]
    device: String,
    /// Shape of the model.
    #[arg(long, value_name = "tiny|4m|19m|135m|1.8b|7b", default_value = "tiny")]
    shape: String,
    /// Number of tokens of the sequence; may be repeated.
    #[arg(long, value_name = "N", default_values_t = [2048, 8192])]
    tokens: Vec<usize>,
    /// Compute in this number format; weights and moments of training stay f32.
    #[arg(long, value_name = "f32-exact|bf16|f16", default_value_t)]
    precision: Precision,
    /// Print one JSON object per measurement instead of a table.
    #[arg(long)]
    json: bool,
}

impl Memory {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let model = match self.shape.as_str() {
            "tiny" => tiny_model(),
            name => {
                let known = ["tiny"].into_iter().chain(SHAPES.map(|shape| shape.name));
                let known = known.collect::<Vec<_>>().join(", ");
                let refused = || Error::mismatch("--shape", format!("`{name}`"), format!("one of {known}"));
                BenchShape::named(name).ok_or_else(refused)?.model()
            }
        };
        let device = device::parse(&self.device).map_err(Error::from)?;
        let trace = Trace { model, device, precision: self.precision };
        for work in Work::ALL {
            let mut first = None;
            for tokens in &self.tokens {
                let peak = measure(&trace, work, *tokens)?;
                if self.json {
                    outln!("{}", serde_json::to_string(&peak)?)?;
                } else {
                    outln!("{}", line(&peak, *first.get_or_insert(peak)))?;
                }
            }
        }
        Ok(())
    }
}

/// One line of the table; how many times the memory of the first length it takes.
fn line(peak: &Peak, first: Peak) -> String {
    let planned = peak.planned.map_or_else(String::new, |planned| {
        let ratio = peak.in_use as f64 / planned as f64;
        format!("  plan {} (measured is {ratio:.3} of it)", bytes(planned))
    });
    format!(
        "{:>36}  {}  {:>7} tokens  {:>9} in use ({:.2}x)  {:>9} reserved{planned}",
        peak.work.name(),
        peak.precision,
        peak.tokens,
        bytes(peak.in_use),
        peak.in_use as f64 / first.in_use as f64,
        bytes(peak.reserved),
    )
}
