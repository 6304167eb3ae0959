//! The peak of a GPU's memory while something runs.

use burn::tensor::Device;

/// Largest numbers of bytes on one GPU at once, those of all threads of this process together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct MemoryPeak {
    /// Bytes that tensors hold.
    pub in_use: u64,
    /// Bytes taken from the driver: pages that tensors share, and the room between them.
    pub reserved: u64,
}

/// The result of `work`, and the largest numbers of bytes while it ran, those from before included; `None` on the CPU.
///
/// Every look at the memory makes the host wait for its own launches, not for the GPU: times measured inside are longer
/// than without a trace. One trace at a time.
pub fn trace_memory<T>(device: &Device, work: impl FnOnce() -> T) -> (T, Option<MemoryPeak>) {
    gpu::begin(device);
    let result = work();
    (result, gpu::end(device))
}

#[cfg(any(feature = "cuda", feature = "vulkan"))]
mod gpu {
    //! Builds that know a GPU.

    use burn::tensor::Device;

    use super::MemoryPeak;
    use crate::device::is_gpu;
    use crate::kernels::device::{client, trace};

    pub(super) fn begin(device: &Device) {
        if is_gpu(device) {
            trace::begin(&client(device));
        }
    }

    pub(super) fn end(device: &Device) -> Option<MemoryPeak> {
        let peak = |[in_use, reserved]: [u64; 2]| MemoryPeak { in_use, reserved };
        is_gpu(device).then(|| peak(trace::end(&client(device))))
    }
}

#[cfg(not(any(feature = "cuda", feature = "vulkan")))]
mod gpu {
    //! Builds that know only the CPU.

    use burn::tensor::Device;

    use super::MemoryPeak;

    pub(super) fn begin(_device: &Device) {}

    pub(super) fn end(_device: &Device) -> Option<MemoryPeak> {
        None
    }
}
