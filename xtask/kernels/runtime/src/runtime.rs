//! The runtime that CubeCL calls by the name of its CUDA runtime.

use cubecl_common::device::DeviceId;
use cubecl_core::ir::TargetProperties;
use cubecl_core::zspace::striding::has_pitched_row_major_strides;
use cubecl_core::zspace::{Shape, Strides};
use cubecl_server::device::CudaDevice;
use cubecl_server::runtime::Runtime;

use crate::architecture::{Architecture, target};
use crate::launched::{self, Launched};
use crate::server::RecordingServer;

/// One device for each [`Architecture`].
#[derive(Clone, Debug)]
pub struct CudaRuntime;

impl Runtime for CudaRuntime {
    type Server = RecordingServer;
    type Device = CudaDevice;

    fn can_read_tensor(shape: &Shape, strides: &Strides) -> bool {
        has_pitched_row_major_strides(shape, strides)
    }

    fn target_properties() -> TargetProperties {
        target()
    }

    fn enumerate_devices(_type_id: u16) -> Vec<DeviceId> {
        (0..Architecture::ALL.len() as u16).map(|index| DeviceId::new(0, index)).collect()
    }
}

/// Runs `work` and gives the kernels that the device of `architecture` met for the first time, in order.
///
/// # Panics
/// When the thread of the device has ended.
pub fn record(architecture: Architecture, work: impl FnOnce()) -> Vec<Launched> {
    work();
    // Launches are queued; this comes back after the last of them.
    CudaRuntime::client(&architecture.device()).flush().expect("the thread of the device runs");
    launched::take()
}
