//! Devices by name: `cpu`, `cuda:N`, `vulkan:N`.

use burn::tensor::Device;
#[cfg(any(feature = "cuda", feature = "vulkan"))]
use cubecl_environment::stream::{StreamPolicy, set_policy};

use crate::{Error, Result};

/// The device called `name`: `cpu`, `cuda` or `cuda:N`, `vulkan` or `vulkan:N`.
///
/// # Errors
/// An unknown name, an index that is not a number, or a device whose cargo feature was not compiled in.
///
/// ```
/// use internlm_model::device;
///
/// assert!(device::parse("cpu").is_ok());
/// assert!(device::parse("tpu").is_err());
/// ```
pub fn parse(name: &str) -> Result<Device> {
    let (kind, index) = match name.split_once(':') {
        None => (name, 0),
        Some((kind, index)) => {
            let index =
                index.parse().map_err(|_| refuse(name, "expected a device number after the colon"))?;
            (kind, index)
        }
    };
    match kind {
        "cpu" if name == "cpu" => cpu(name),
        "cuda" => cuda(name, index),
        "vulkan" => vulkan(name, index),
        _ => Err(refuse(name, "expected cpu, cuda:N or vulkan:N")),
    }
}

fn refuse(name: &str, expected: &str) -> Error {
    Error::Device { found: name.to_owned(), expected: expected.to_owned() }
}

#[cfg(feature = "flex")]
fn cpu(_name: &str) -> Result<Device> {
    Ok(Device::flex())
}

#[cfg(not(feature = "flex"))]
fn cpu(name: &str) -> Result<Device> {
    Err(refuse(name, "this build has no CPU backend: compile with `--features flex`"))
}

#[cfg(feature = "cuda")]
fn cuda(name: &str, index: usize) -> Result<Device> {
    numbered(name, index, burn::tensor::DeviceType::Cuda)
}

#[cfg(not(feature = "cuda"))]
fn cuda(name: &str, _index: usize) -> Result<Device> {
    Err(refuse(name, "this build has no CUDA backend: compile with `--features cuda`"))
}

#[cfg(feature = "vulkan")]
fn vulkan(name: &str, index: usize) -> Result<Device> {
    numbered(name, index, burn::tensor::DeviceType::Wgpu)
}

#[cfg(not(feature = "vulkan"))]
fn vulkan(name: &str, _index: usize) -> Result<Device> {
    Err(refuse(name, "this build has no Vulkan backend: compile with `--features vulkan`"))
}

/// Device `index` among those of one kind the system has, software rasterizers included.
#[cfg(any(feature = "cuda", feature = "vulkan"))]
fn numbered(name: &str, index: usize, kind: burn::tensor::DeviceType) -> Result<Device> {
    // All threads launch in one order: weights are loaded on another thread than the one that serves, and recorded
    // launches cannot wait for those of others.
    set_policy(StreamPolicy::Single);
    let devices = Device::enumerate(kind).into_vec();
    let count = devices.len();
    devices.into_iter().nth(index).ok_or_else(|| {
        refuse(name, &format!("the system has {count} device(s) of this kind, they are numbered from 0"))
    })
}

/// Whether `device` is a GPU, with or without autodiff: tensors stay there, and reading one waits for all work before.
#[cfg(any(feature = "cuda", feature = "vulkan"))]
#[must_use]
pub fn is_gpu(device: &Device) -> bool {
    use burn::backend::DispatchDevice;
    match device.as_dispatch() {
        DispatchDevice::Cube(_) => true,
        #[cfg(feature = "autodiff")]
        DispatchDevice::Autodiff(device) => matches!(**device, DispatchDevice::Cube(_)),
        #[allow(unreachable_patterns, reason = "other backends are compiled in by features")]
        _ => false,
    }
}

/// Whether `device` is a GPU: never, in a build without one.
#[cfg(not(any(feature = "cuda", feature = "vulkan")))]
#[must_use]
pub fn is_gpu(_device: &Device) -> bool {
    false
}

/// Memory of a GPU in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DeviceMemory {
    /// What this process has not reserved of it; `None` where the runtime does not tell how much there is. Other processes
    /// may have taken some.
    pub free: Option<usize>,
    /// Size of the largest tensor.
    pub largest: usize,
}

/// The memory of `device` if it is a GPU.
#[cfg(any(feature = "cuda", feature = "vulkan"))]
#[must_use]
pub fn memory(device: &Device) -> Option<DeviceMemory> {
    use burn::backend::DispatchDevice;
    let device = device.clone().inner();
    let DispatchDevice::Cube(device) = device.as_dispatch() else {
        return None;
    };
    let client = device.client();
    let memory = &client.properties().memory;
    let free = |all: u64| {
        let reserved = client.memory_report(cubecl::MemoryScope::Device).usage().bytes_reserved;
        all.saturating_sub(reserved) as usize
    };
    Some(DeviceMemory { free: memory.max_memory().map(free), largest: memory.max_page_size as usize })
}

/// The memory of `device` if it is a GPU: never, in a build without one.
#[cfg(not(any(feature = "cuda", feature = "vulkan")))]
#[must_use]
pub fn memory(_device: &Device) -> Option<DeviceMemory> {
    None
}
