//! [`Model`]: the weights of one model as tiles.

mod load;
mod plan;

use std::ops::Range;

use internlm_model::ModelConfig;

use crate::kernels::{Input, Needs};
use crate::simd::vector::{self, BlockSums};
use crate::simd::{Blocks, BlocksFn, Floats, FloatsFn, Isa};
use crate::tile::{GROUP, Matrix, TileFormat};

/// What the products are computed in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Compute {
    /// Quantized weights times 8-bit activations; float weights times floats.
    #[default]
    Int8,
    /// Weights dequantized exactly, f32 everywhere: slow, the yardstick of the other.
    F32,
}

/// The weights of one model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) config: ModelConfig,
    pub(crate) embedding: Matrix,
    pub(crate) layers: Vec<Layer>,
    pub(crate) norm: Vec<f32>,
    pub(crate) output: Weights,
}

/// One block of the model; the names are InternLM2's.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) attention_norm: Vec<f32>,
    /// q, k and v; rotary pairs are half a head apart.
    pub(crate) qkv: [Weights; 3],
    pub(crate) wo: Weights,
    pub(crate) ffn_norm: Vec<f32>,
    pub(crate) w1: Weights,
    pub(crate) w3: Weights,
    pub(crate) w2: Weights,
}

/// A matrix with the kernel that multiplies it.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) matrix: Matrix,
    kernel: Kernel,
    /// Whole column groups, padded with zeros.
    pub(crate) bias: Option<Vec<f32>>,
    /// Which input stands at each place of the tiles, when they do not stand in order (GPTQ's desc_act).
    pub(crate) columns: Option<Vec<u32>>,
}

#[derive(Clone, Copy, Debug)]
enum Kernel {
    Blocks(BlocksFn),
    Floats(FloatsFn),
    /// Whatever the format, as exact floats.
    Dequantized(Isa, TileFormat),
}

impl Weights {
    /// A matrix for this instruction set.
    pub(crate) fn new(matrix: Matrix, bias: Option<Vec<f32>>, isa: Isa, compute: Compute) -> Self {
        let kernel = match compute {
            Compute::Int8 if !matrix.format.is_float() => Kernel::Blocks(isa.blocks(matrix.format)),
            Compute::Int8 => Kernel::Floats(isa.floats(matrix.format)),
            Compute::F32 => Kernel::Dequantized(isa, matrix.format),
        };
        let bias = bias.map(|mut bias| {
            bias.resize(matrix.groups() * GROUP, 0.0);
            bias
        });
        Self { matrix, kernel, bias, columns: None }
    }

    /// Puts the biases of the outputs into another order.
    pub(crate) fn order_bias(&mut self, columns: &[u32]) {
        if let Some(bias) = &mut self.bias {
            let ordered: Vec<f32> = columns.iter().map(|column| bias[*column as usize]).collect();
            bias[..ordered.len()].copy_from_slice(&ordered);
        }
    }

    /// What its input must hold.
    pub(crate) fn needs(&self) -> Needs {
        let blocks = matches!(self.kernel, Kernel::Blocks(_));
        let halves = self.matrix.format == TileFormat::Q6K;
        let sums = if halves { BlockSums::Halves } else { BlockSums::Whole };
        Needs { blocks, floats: !blocks, sums }
    }

    /// `out[group][row]` = products of some column groups with some rows, without bias.
    pub(crate) fn multiply(
        &self,
        input: &Input,
        groups: Range<usize>,
        rows: Range<usize>,
        out: &mut [[f32; GROUP]],
    ) {
        let tiles = self.matrix.group_tiles(groups.clone());
        match self.kernel {
            Kernel::Blocks(multiply) => {
                let call =
                    Blocks { tiles, groups: groups.len(), panel: input.panel(), first_row: rows.start };
                multiply(&call, out);
            }
            Kernel::Floats(multiply) => {
                let inputs = self.matrix.inputs;
                let call = Floats { tiles, groups: groups.len(), rows: input.floats(rows), inputs };
                multiply(&call, out);
            }
            Kernel::Dequantized(isa, format) => {
                let inputs = self.matrix.inputs;
                let call = Floats { tiles, groups: groups.len(), rows: input.floats(rows), inputs };
                vector::multiply_dequantized(isa, format, &call, out);
            }
        }
    }
}
