//! [`Int4Weights`]: a matrix of 4-bit codes in the memory of a device.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::weights::int4::{Int4Layout, Int4Matrix, Offset};

/// A frozen matrix of 4-bit codes on a device, `[out, in]`.
#[derive(Clone, Debug)]
pub struct Int4Weights {
    /// Words of eight codes, `[out, in / 8]`, u32; as [`Int4Matrix::codes`].
    pub codes: Tensor<2, Int>,
    /// Scales with their offsets, `[out, in / group]`, u32; as [`Int4Matrix::scales`].
    pub scales: Tensor<2, Int>,
    /// Consecutive inputs with one scale.
    pub group: usize,
    /// What belongs to a scale.
    pub offset: Offset,
}

impl Int4Weights {
    /// Copies a matrix to a device; the order of its inputs is the caller's to keep.
    #[must_use]
    pub fn new(matrix: &Int4Matrix, device: &Device) -> Self {
        let (outputs, Int4Layout { inputs, group, offset, .. }) = (matrix.outputs(), &matrix.layout);
        let upload = |words: &[u32], columns: usize| {
            let data = TensorData::new(words.to_vec(), [outputs, columns]);
            Tensor::from_data(data, (device, DType::U32))
        };
        Self {
            codes: upload(&matrix.codes, inputs / 8),
            scales: upload(&matrix.scales, inputs / group),
            group: *group,
            offset: *offset,
        }
    }

    /// Shape of the matrix: `[out, in]`.
    #[must_use]
    pub fn shape(&self) -> [usize; 2] {
        let [outputs, words] = self.codes.dims();
        [outputs, 8 * words]
    }

    /// What [`super::int4_decode`] gives, decoded by the host: the twin of the kernel.
    pub(super) fn plain(&self, format: DType) -> Tensor<2> {
        let words = |tensor: &Tensor<2, Int>| tensor.to_data().try_into_vec_as::<u32>().expect("integers");
        let layout =
            Int4Layout { inputs: self.shape()[1], group: self.group, offset: self.offset, columns: None };
        let matrix = Int4Matrix { layout, codes: words(&self.codes), scales: words(&self.scales) };
        let data = TensorData::new(matrix.to_f32(), self.shape());
        Tensor::from_data(data, (&self.codes.device(), format))
    }
}
