//! [`Weights`]: a matrix of a model with the kernel that multiplies it.

use std::ops::Range;

use crate::kernels::{Input, Needs};
use crate::simd::{BlockSums, Blocks, BlocksFn, Floats, FloatsFn, Isa, vector};
use crate::tile::{GROUP, Matrix, TileFormat};

/// The numbers that matrix products are computed with.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Compute {
    /// Quantized weights times 8-bit activations, float weights times floats: the default.
    #[default]
    Int8,
    /// Weights dequantized exactly, f32 everywhere: slow, the reference that the default is measured against.
    F32,
}

/// Everything that decides which kernel multiplies a matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arithmetic {
    pub(crate) isa: Isa,
    pub(crate) compute: Compute,
}

/// A matrix with the kernel that multiplies it.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) matrix: Matrix,
    kernel: Kernel,
    /// One number per output, padded with zeros to whole column groups.
    pub(crate) bias: Option<Vec<f32>>,
    /// The input at each place of the tiles, when the inputs are not in their usual order (GPTQ's `desc_act`).
    pub(crate) columns: Option<Vec<u32>>,
}

/// How a matrix is multiplied; chosen once, when it is loaded.
#[derive(Clone, Copy, Debug)]
enum Kernel {
    /// 8-bit activations times an integer format.
    Blocks(BlocksFn),
    /// Float activations times a float format.
    Floats(FloatsFn),
    /// Float activations times any format, dequantized exactly.
    Dequantized(Isa, TileFormat),
}

impl Weights {
    /// Chooses the kernel of a matrix.
    pub(crate) fn new(matrix: Matrix, bias: Option<Vec<f32>>, arithmetic: Arithmetic) -> Self {
        let Arithmetic { isa, compute } = arithmetic;
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

    /// Sets the input at each place of the tiles; `None` is the usual order.
    pub(crate) fn with_columns(self, columns: Option<Vec<u32>>) -> Self {
        Self { columns, ..self }
    }

    /// Reorders the biases as the outputs are ordered.
    pub(crate) fn order_bias(&mut self, columns: &[u32]) {
        if let Some(bias) = &mut self.bias {
            let ordered: Vec<f32> = columns.iter().map(|column| bias[*column as usize]).collect();
            bias[..ordered.len()].copy_from_slice(&ordered);
        }
    }

    /// The forms that its input must have.
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
