//! What every launch shares: which tensors kernels take, how memory is laid out, how many cubes run.
//!
//! Rows may be apart: CUDA pads rows to 512 bytes where wgpu does not, and slices keep the row stride of their
//! source. Kernels read the stride of the rows and ask only that the numbers of one row follow one another.

use std::sync::{Mutex, PoisonError};

use burn::tensor::{Bytes, DType, Device, Int, Shape, Tensor};
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use burn_cubecl::{CubeBackend, CubeElement};
use cubecl::prelude::{Client, CubeCount, CubeDim};

use super::trace::sample;
use crate::device::is_gpu;

/// Units of a cube that works on one row together: a power of two that every runtime allows.
pub(crate) const UNITS: u32 = 256;

/// Why the plain twin runs on a GPU instead of a kernel, or a kernel without tensor cores instead of one with them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    /// A number format without a kernel.
    #[error("found {0:?}, expected F32, or 16 bits that the device computes with")]
    Format(DType),
    /// Kernels read their inputs in one number format.
    #[error("found tensors of {0:?} and {1:?}, expected one number format")]
    Mixed(DType, DType),
    /// There is nothing to launch.
    #[error("found a tensor without elements")]
    Empty,
    /// Another kernel runs in its place, without tensor cores.
    #[error("no kernel on tensor cores takes {0}")]
    TensorCores(&'static str),
    /// Kernels index elements with 32 bits.
    #[error("found {0} elements, expected fewer than 2^32")]
    Size(usize),
    /// The smallest tile of these heads does not fit in shared memory.
    #[error("no attention tile fits in shared memory: {heads} heads, {kv_heads} kv heads of width {d}")]
    Heads { heads: usize, kv_heads: usize, d: usize },
    /// The kernels that can be differentiated expect every key in the same row.
    #[error("attention over cached keys has no kernel for training")]
    CachedKeys,
}

impl Refusal {
    /// Logs that something slower runs: a warning for the first time with this reason, debug output after that.
    pub(crate) fn report(self) {
        if self.is_new() {
            tracing::warn!(reason = %self, "slow path on the GPU");
        } else {
            tracing::debug!(reason = %self, "slow path on the GPU");
        }
    }

    /// Whether this process has not met this reason before.
    fn is_new(self) -> bool {
        static SEEN: Mutex<Vec<Refusal>> = Mutex::new(Vec::new());
        let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
        let new = !seen.contains(&self);
        if new {
            seen.push(self);
        }
        new
    }
}

/// Whether kernels take this tensor; the log tells when a tensor on a GPU is refused.
pub(crate) fn accepts<const D: usize>(tensor: &Tensor<D>) -> bool {
    if !is_gpu(&tensor.device()) {
        return false;
    }
    unless(refusal(tensor.dtype(), tensor.shape().num_elements()))
}

/// Whether the kernels of the decoder take this tensor on a GPU: f32, or 16 bits where the GPU computes with them. They
/// compute in f32 whatever they store.
pub(crate) fn accepts_floats<const D: usize>(tensor: &Tensor<D>) -> bool {
    let (dtype, device) = (tensor.dtype(), tensor.device());
    let half = matches!(dtype, DType::BF16 | DType::F16) && is_gpu(&device) && device.supports_dtype(dtype);
    if half { unless(refusal(DType::F32, tensor.shape().num_elements())) } else { accepts(tensor) }
}

/// Whether these kernels take two tensors, which must have one number format.
pub(crate) fn accepts_pair<const A: usize, const B: usize>(a: &Tensor<A>, b: &Tensor<B>) -> bool {
    let mixed = (a.dtype() != b.dtype()).then(|| Refusal::Mixed(a.dtype(), b.dtype()));
    accepts_floats(a) && accepts_floats(b) && unless(mixed)
}

/// Whether nothing is refused; what is, goes to the log.
fn unless(refusal: Option<Refusal>) -> bool {
    if let Some(refusal) = refusal {
        refusal.report();
    }
    refusal.is_none()
}

/// Why kernels do not take a tensor on a GPU; `None` when they do.
fn refusal(dtype: DType, numbers: usize) -> Option<Refusal> {
    match dtype {
        DType::F32 if numbers == 0 => Some(Refusal::Empty),
        DType::F32 if u32::try_from(numbers).is_err() => Some(Refusal::Size(numbers)),
        DType::F32 => None,
        other => Some(Refusal::Format(other)),
    }
}

/// A tensor that kernels take, as the runtime sees it, without autodiff.
pub(crate) fn primitive<const D: usize>(tensor: Tensor<D>) -> CubeTensor {
    tensor.inner().try_into_primitive::<CubeBackend>().expect("accepted tensors are on a GPU")
}

/// What launches on `device`, which is a GPU, and knows its memory.
pub(crate) fn client(device: &Device) -> Client {
    primitive(Tensor::<1>::empty([1], device)).client
}

/// The same of a tensor of integers.
pub(crate) fn int_primitive<const D: usize>(tensor: Tensor<D, Int>) -> CubeTensor {
    tensor.try_into_primitive::<CubeBackend>().expect("the tensor is on a GPU")
}

/// The inverse of [`primitive`].
pub(crate) fn from_primitive<const D: usize>(tensor: CubeTensor) -> Tensor<D> {
    Tensor::from_primitive::<CubeBackend>(tensor)
}

/// The tensor itself when nobody else holds its memory, else a copy: a kernel may write to it.
pub(crate) fn owned(tensor: CubeTensor) -> CubeTensor {
    let tensor = into_contiguous(tensor);
    if tensor.can_mut() { tensor } else { tensor.copy() }
}

/// The tensor itself when the numbers of each row follow one another, whatever is between rows; else a copy.
pub(crate) fn rows(tensor: CubeTensor) -> CubeTensor {
    let last = tensor.meta.num_dims() - 1;
    let adjacent = tensor.meta.shape()[last] == 1 || tensor.meta.strides()[last] == 1;
    if adjacent && !tensor.meta.is_tiled() { tensor } else { into_contiguous(tensor) }
}

/// Size of one dimension.
pub(crate) fn size(tensor: &CubeTensor, dimension: usize) -> usize {
    tensor.meta.shape()[dimension]
}

/// Memory for a tensor beside `like`, of its number format, rows without gaps, numbers not set.
pub(crate) fn empty<const D: usize>(like: &CubeTensor, shape: [usize; D]) -> CubeTensor {
    empty_in(like, shape, like.dtype)
}

/// As [`empty`], in f32 whatever the number format of `like`.
pub(crate) fn empty_f32<const D: usize>(like: &CubeTensor, shape: [usize; D]) -> CubeTensor {
    empty_in(like, shape, DType::F32)
}

/// As [`empty`], of any number format.
pub(crate) fn empty_in<const D: usize>(like: &CubeTensor, shape: [usize; D], format: DType) -> CubeTensor {
    let (client, device) = (like.client.clone(), like.device.clone());
    let tensor = empty_device_contiguous_dtype(client, device, Shape::new(shape), format);
    sample(&tensor.client);
    tensor
}

/// The numbers in another number format; the tensor itself when it has that one.
pub(crate) fn cast(tensor: CubeTensor, format: DType) -> CubeTensor {
    if tensor.dtype == format {
        return tensor;
    }
    let cast = burn_cubecl::kernel::cast(tensor.clone(), format);
    // Both are there at this moment.
    sample(&tensor.client);
    cast
}

/// A tensor of these numbers on the GPU of `like`, rows without gaps.
pub(crate) fn upload<E: CubeElement, const D: usize>(
    like: &CubeTensor,
    numbers: &[E],
    shape: [usize; D],
) -> CubeTensor {
    let handle = like.client.create_from_slice(E::as_bytes(numbers));
    CubeTensor::new_contiguous(
        like.client.clone(),
        like.device.clone(),
        Shape::new(shape),
        handle,
        E::dtype(),
    )
}

/// Overwrites a tensor of [`upload`] with as many numbers, after all launches before.
pub(crate) fn write<E: CubeElement>(tensor: &CubeTensor, numbers: &[E]) {
    assert_eq!(tensor.meta.num_elements(), numbers.len(), "as many numbers as there were");
    tensor.client.write(&tensor.handle, Bytes::from_bytes_vec(E::as_bytes(numbers).to_vec()));
}

/// How many cubes run, and how many units each has.
pub(crate) struct Grid {
    pub(crate) count: CubeCount,
    pub(crate) dim: CubeDim,
}

impl Grid {
    /// One unit for each of `count` numbers, found by `ABSOLUTE_POS`; the last cube may have more.
    pub(crate) fn units(client: &Client, count: usize) -> Self {
        let dim = CubeDim::new_1d(UNITS);
        Self { count: cubecl::calculate_cube_count_elemwise(client, count, dim), dim }
    }

    /// One cube of [`UNITS`] units for each of `count` rows, found by `CUBE_POS`; there may be more cubes.
    pub(crate) fn cubes(client: &Client, count: usize) -> Self {
        Self::cubes_of(client, count, UNITS)
    }

    /// As [`Grid::cubes`], of any number of units.
    pub(crate) fn cubes_of(client: &Client, count: usize, units: u32) -> Self {
        let dim = CubeDim::new_1d(units);
        Self { count: cubecl::calculate_cube_count_elemwise(client, count * units as usize, dim), dim }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_f32_tensors_with_elements_are_accepted() {
        assert_eq!(refusal(DType::F32, 12), None);
        assert_eq!(refusal(DType::BF16, 12), Some(Refusal::Format(DType::BF16)));
        assert_eq!(refusal(DType::F32, 0), Some(Refusal::Empty));
        assert_eq!(refusal(DType::F32, 1 << 32), Some(Refusal::Size(1 << 32)));
    }

    #[test]
    fn each_reason_is_new_once() {
        let refusal = Refusal::Heads { heads: 99, kv_heads: 1, d: 1024 };
        assert!(refusal.is_new());
        assert!(!refusal.is_new());
        assert!(Refusal::Heads { heads: 98, kv_heads: 1, d: 1024 }.is_new());
    }
}
