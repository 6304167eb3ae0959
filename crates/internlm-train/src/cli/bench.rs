//! `internlm-train bench`: tokens per second of whole training steps, FLOP/s of their kernels.

use std::num::NonZeroUsize;

use clap::Args;
use internlm_kit::outln;
use internlm_model::{Precision, device};

use crate::bench::{
    AttentionShape, BenchResult, BenchShape, KernelBench, KernelResult, ProductShape, SHAPES, StepBench,
};
use crate::{Error, Recompute};

/// Examples under `--help`.
const EXAMPLES: &str = "Examples:
  internlm-train bench --json
  internlm-train bench --shape 4m --shape 19m --rounds 10
  internlm-train bench --device cuda:0 --shape 7b --batch 2 --recompute layers --emulate-zero 8
  internlm-train bench --device cuda:0 --precision bf16 --product 4096x4096x4096 --attention 8192x32x8x128

Shapes (batch x sequence): 4m = hidden 256, 4 layers, vocabulary 2048 (8 x 256); 19m = hidden 384, 8 layers,
vocabulary 8192 (4 x 512); 135m = hidden 576, 30 layers, vocabulary 49152 (1 x 512); 1.8b and 7b = InternLM2's
(8 x 2048). crates/internlm-train/benches/pytorch_step.py runs this and PyTorch interleaved and prints the ratio.";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Bench {
    /// Measure this shape; may be repeated; default: 4m, unless kernels are measured.
    #[arg(long = "shape", value_name = "4m|19m|135m|1.8b|7b")]
    shapes: Vec<String>,
    /// Measure the product y = x W^T of these sizes; may be repeated.
    #[arg(long = "product", value_name = "ROWSxOUTPUTSxINPUTS", value_parser = product)]
    products: Vec<ProductShape>,
    /// Measure causal attention, forward and backward, over these heads; may be repeated.
    #[arg(long, value_name = "TOKENSxHEADSxKV_HEADSxWIDTH", value_parser = attention)]
    attention: Vec<AttentionShape>,
    /// Run on this device.
    #[arg(long, default_value = "cpu", value_name = "cpu|cuda:N|vulkan:N")]
    device: String,
    /// Train on this number of sequences per step instead of the shape's.
    #[arg(long)]
    batch: Option<NonZeroUsize>,
    /// Train on sequences of this number of tokens instead of the shape's.
    #[arg(long)]
    seq_len: Option<NonZeroUsize>,
    /// Maximum number of tokens of one forward and backward pass [default: 4096]
    #[arg(long)]
    pass_tokens: Option<NonZeroUsize>,
    /// Keep everything for the backward pass, or compute layers again [default: none]
    #[arg(long, value_name = "none|layers", value_parser = recompute)]
    recompute: Option<Recompute>,
    /// Compute in this number format; weights and moments of training stay f32.
    #[arg(long, value_name = "f32-exact|bf16|f16", default_value_t)]
    precision: Precision,
    /// Do the work of one of this number of ranks of ZeRO-1: update that share of the parameters, exchange nothing
    /// [default: 1]
    #[arg(long, value_name = "RANKS", value_parser = ranks)]
    emulate_zero: Option<usize>,
    /// Measure this number of rounds; the median over all their steps is printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Measure this number of steps, or calls of a kernel, in a round.
    #[arg(long, default_value_t = 4)]
    steps: usize,
    /// Run this number of steps before the first round without measuring them.
    #[arg(long, default_value_t = 2)]
    warmup: usize,
    /// Print one JSON object per line instead of text.
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let shapes = self.shapes()?;
        let device = device::parse(&self.device).map_err(Error::from)?;
        let (repeats, precision) = ((self.rounds * self.steps).max(1), self.precision);
        precision.check(&device).map_err(Error::from)?;
        let kernels = KernelBench { device: device.clone(), repeats, warmup: self.warmup, precision };
        for shape in &self.products {
            self.print_kernel(&kernels.product(*shape))?;
        }
        for shape in &self.attention {
            for result in kernels.attention(*shape) {
                self.print_kernel(&result)?;
            }
        }
        let mut steps = StepBench::new(device, repeats, self.warmup);
        steps.pass_tokens = self.pass_tokens.map_or(steps.pass_tokens, NonZeroUsize::get);
        steps.recompute = self.recompute.unwrap_or_default();
        steps.precision = precision;
        steps.ranks = self.emulate_zero.unwrap_or(1);
        for shape in shapes {
            self.print_steps(&steps.measure(&shape)?)?;
        }
        Ok(())
    }

    /// The shapes whose whole steps are measured.
    fn shapes(&self) -> Result<Vec<BenchShape>, Error> {
        let kernels = !self.products.is_empty() || !self.attention.is_empty();
        if kernels && self.shapes.is_empty() {
            self.refuse_step_options()?;
        }
        let default = if kernels { Vec::new() } else { vec![SHAPES[0].name.to_owned()] };
        let names = if self.shapes.is_empty() { &default } else { &self.shapes };
        let shape = |name: &String| {
            let mut shape = BenchShape::named(name).ok_or_else(|| {
                let known = SHAPES.map(|shape| shape.name).join(", ");
                Error::mismatch("--shape", format!("`{name}`"), format!("one of {known}"))
            })?;
            shape.batch = self.batch.map_or(shape.batch, NonZeroUsize::get);
            shape.seq_len = self.seq_len.map_or(shape.seq_len, NonZeroUsize::get);
            Ok(shape)
        };
        names.iter().map(shape).collect()
    }

    /// Refuses options of whole steps, when only kernels are measured.
    fn refuse_step_options(&self) -> Result<(), Error> {
        let given = [
            ("--batch", self.batch.is_some()),
            ("--seq-len", self.seq_len.is_some()),
            ("--pass-tokens", self.pass_tokens.is_some()),
            ("--recompute", self.recompute.is_some()),
            ("--emulate-zero", self.emulate_zero.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            Some((option, _)) => {
                Err(Error::mismatch(option, "no --shape", "a shape whose steps are measured"))
            }
            None => Ok(()),
        }
    }

    fn print_kernel(&self, result: &KernelResult) -> anyhow::Result<()> {
        if self.json {
            outln!("{}", serde_json::to_string(result)?)?;
        } else {
            let rate =
                result.tflops.map_or("no time left".to_owned(), |tflops| format!("{tflops:.3} TFLOP/s"));
            outln!("{:<18}  {}  {}  {rate}", result.kernel, result.shape, result.precision)?;
        }
        Ok(())
    }

    fn print_steps(&self, result: &BenchResult) -> anyhow::Result<()> {
        if self.json {
            outln!("{}", serde_json::to_string(result)?)?;
            return Ok(());
        }
        let [forward, backward, optimizer] = result.parts.map(|seconds| 1e3 * seconds);
        let rate = match result.mfu {
            Some(mfu) => format!("mfu {:>4.1} %", 100.0 * mfu),
            None => format!("{:.3} TFLOP/s", result.flops_per_second / 1e12),
        };
        let parts = match result.peak {
            Some(_) => {
                format!("forward {forward:.1} ms  backward {backward:.1} ms  optimizer {optimizer:.1} ms")
            }
            // A GPU computes while the host launches.
            None => format!("step {:.1} ms", forward + backward + optimizer),
        };
        let ranks =
            if result.ranks > 1 { format!("  first of {} ranks", result.ranks) } else { String::new() };
        outln!(
            "{:>5}  {:>9} parameters  {}  {:>7.0} tokens/s  {rate}  {parts}{ranks}",
            result.shape,
            result.parameters,
            result.precision,
            result.tokens_per_second,
        )?;
        Ok(())
    }
}

fn product(text: &str) -> Result<ProductShape, String> {
    let [rows, outputs, inputs] = sizes(text)?;
    Ok(ProductShape { rows, outputs, inputs })
}

fn attention(text: &str) -> Result<AttentionShape, String> {
    let [tokens, heads, kv_heads, width] = sizes(text)?;
    if heads % kv_heads != 0 || width % 2 != 0 {
        return Err(format!("found `{text}`, expected a multiple of the kv heads, and an even width"));
    }
    Ok(AttentionShape { tokens, heads, kv_heads, width })
}

/// N positive numbers with an x between them.
fn sizes<const N: usize>(text: &str) -> Result<[usize; N], String> {
    let sizes: Option<Vec<usize>> =
        text.split('x').map(|word| word.parse().ok().filter(|size| *size > 0)).collect();
    let sizes = sizes.and_then(|sizes| sizes.try_into().ok());
    sizes.ok_or_else(|| format!("found `{text}`, expected {N} positive numbers with an x between them"))
}

/// A number of ranks that a run may have.
fn ranks(text: &str) -> Result<usize, String> {
    let ranks = text.parse().ok().filter(|ranks| (1..=1 << 16).contains(ranks));
    ranks.ok_or_else(|| format!("found `{text}`, expected 1 to {}", 1 << 16))
}

fn recompute(text: &str) -> Result<Recompute, String> {
    match text {
        "none" => Ok(Recompute::None),
        "layers" => Ok(Recompute::Layers),
        _ => Err(format!("found `{text}`, expected none or layers")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_positive_numbers() {
        assert_eq!(product("2x3x4"), Ok(ProductShape { rows: 2, outputs: 3, inputs: 4 }));
        for text in ["2x3", "2x3x4x5", "2x0x4", "2xax4", ""] {
            assert!(product(text).expect_err(text).contains("3 positive numbers"), "{text}");
        }
        assert!(attention("8x4x3x16").is_err() && attention("8x4x2x15").is_err());
        assert_eq!(attention("8x4x2x16").map(|shape| shape.width), Ok(16));
    }
}
