//! [`TileForm`]: how a kernel multiplies tiles.

use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::DType;
use cubecl::features::MmaConfig;
use cubecl::prelude::Client;

/// Numbers of a chunk, the part of a row that is moved at once.
pub(in crate::kernels::device) const CHUNK: usize = 8;
/// Units of a plane, as fragments are laid out.
pub(in crate::kernels::device) const LANES: usize = 32;

/// How a kernel multiplies tiles; known when it is compiled.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(in crate::kernels::device) enum TileForm {
    /// `mma.sync.m16n8k16` with fragments read by `ldmatrix` and tiles copied by `cp.async`: 16 bits, added in f32.
    Mma,
    /// The same fragments and indices in f32 through shared memory.
    Emulated,
}

impl TileForm {
    /// The form for tensors of a number format; `None` where the device has no such instructions.
    pub(in crate::kernels::device) fn of(client: &Client, format: DType) -> Option<Self> {
        if !matches!(format, DType::BF16 | DType::F16) {
            return None;
        }
        let (float, sum) = (dtype_to_storage_type(format), dtype_to_storage_type(DType::F32));
        let config = MmaConfig { a_type: float, b_type: float, cd_type: sum, m: 16, n: 8, k: 16 };
        let (features, hardware) = (client.features(), &client.properties().hardware);
        let planes = hardware.plane_size_min == LANES as u32 && hardware.plane_size_max == LANES as u32;
        let matmul = &features.matmul;
        let known = matmul.mma.contains(&config) && matmul.ldmatrix.contains(&float) && features.copy_async;
        (planes && known).then_some(Self::Mma)
    }

    /// Numbers that the kernel reads from memory at once: 16 bytes, or one number.
    pub(in crate::kernels::device) fn vector(self) -> usize {
        match self {
            Self::Mma => CHUNK,
            Self::Emulated => 1,
        }
    }
}
