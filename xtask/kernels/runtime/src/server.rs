//! A device that has no memory and executes nothing.

use std::collections::HashSet;
use std::sync::Arc;

use cubecl_common::bytes::Bytes;
use cubecl_common::device::{DeviceId, DeviceService, ServerUtilitiesHandle, ServiceId};
use cubecl_common::profile::ProfileDuration;
use cubecl_core::CubeKernel;
use cubecl_environment::backtrace::BackTrace;
use cubecl_environment::future::DynFut;
use cubecl_environment::stream::StreamId;
use cubecl_server::allocator::PitchedMemoryLayoutPolicy;
use cubecl_server::dry_run::LaunchMode;
use cubecl_server::id::KernelId;
use cubecl_server::logging::ServerLogger;
use cubecl_server::memory_management::{ManagedMemoryHandle, MemoryAllocationMode, StreamMemoryReport};
use cubecl_server::server::{
    BufferBinding, CopyDescriptor, CubeCount, IoError, KernelArguments, ProfileError, ProfilingToken, Server,
    ServerCommunication, ServerError, ServerStorage, ServerUtilities,
};
use cubecl_server::storage::{BytesResource, BytesStorage, ManagedResource};

use crate::architecture::{ALIGNMENT, Architecture, target};
use crate::launched;

/// Writes down every kernel once; memory is a number, what is read from it is zeros.
#[derive(Debug)]
pub struct RecordingServer {
    architecture: Architecture,
    utilities: Arc<ServerUtilities>,
    seen: HashSet<KernelId>,
}

impl DeviceService for RecordingServer {
    fn init(device: DeviceId) -> Self {
        let architecture = *Architecture::ALL
            .get(usize::from(device.index_id))
            .expect("devices are numbered by the architectures");
        let (utilities, _captures) = ServerUtilities::init(
            ServiceId::of::<Self>(device),
            "cuda",
            architecture.properties(),
            target(),
            Arc::new(ServerLogger::default()),
            PitchedMemoryLayoutPolicy::new(ALIGNMENT),
        );
        Self { architecture, utilities: Arc::new(utilities), seen: HashSet::new() }
    }

    fn utilities(&self) -> ServerUtilitiesHandle {
        self.utilities.clone()
    }
}

impl ServerCommunication for RecordingServer {}

impl Server for RecordingServer {
    fn initialize_memory(
        &mut self,
        _memory: ManagedMemoryHandle,
        _size: u64,
        _stream_id: StreamId,
    ) -> Result<(), ServerError> {
        Ok(())
    }

    fn logger(&self) -> Arc<ServerLogger> {
        self.utilities.logger.clone()
    }

    fn utilities(&self) -> Arc<ServerUtilities> {
        self.utilities.clone()
    }

    fn read(
        &mut self,
        descriptors: Vec<CopyDescriptor>,
        _stream_id: StreamId,
    ) -> DynFut<Result<Vec<Bytes>, ServerError>> {
        let zeros = |descriptor: &CopyDescriptor| {
            let numbers: usize = descriptor.shape.iter().product();
            Bytes::from_bytes_vec(vec![0; numbers * descriptor.elem_size])
        };
        let bytes: Vec<Bytes> = descriptors.iter().map(zeros).collect();
        Box::pin(async move { Ok(bytes) })
    }

    fn write(&mut self, _descriptors: Vec<(CopyDescriptor, Bytes)>, _stream_id: StreamId) {}

    fn sync(
        &mut self,
        _handles: Vec<BufferBinding>,
        _stream_id: StreamId,
    ) -> DynFut<Result<(), ServerError>> {
        Box::pin(async { Ok(()) })
    }

    fn check(&mut self, _handles: Vec<BufferBinding>, _stream_id: StreamId) -> Result<(), ServerError> {
        Ok(())
    }

    // SAFETY: the trait's method is unsafe because a kernel may read and write out of bounds; here none runs.
    #[allow(unsafe_code, reason = "the trait asks for an unsafe method")]
    unsafe fn launch(
        &mut self,
        kernel: Box<dyn CubeKernel>,
        _count: CubeCount,
        _bindings: KernelArguments,
        _stream_id: StreamId,
        _launch_mode: LaunchMode,
    ) {
        if self.seen.insert(kernel.id()) {
            launched::add(&*kernel, self.architecture);
        }
    }

    fn flush(&mut self, _stream_id: StreamId) -> Result<(), ServerError> {
        Ok(())
    }

    fn memory_report(&mut self, _stream_id: StreamId) -> Option<StreamMemoryReport> {
        None
    }

    fn memory_cleanup(&mut self, _stream_id: StreamId) -> Result<(), ServerError> {
        Ok(())
    }

    fn start_profile(&mut self, _stream_id: StreamId) -> Result<ProfilingToken, ServerError> {
        Ok(ProfilingToken { id: 0 })
    }

    fn end_profile(
        &mut self,
        _stream_id: StreamId,
        _token: ProfilingToken,
    ) -> Result<ProfileDuration, ProfileError> {
        Err(ProfileError::NotMeasured { backtrace: BackTrace::capture() })
    }

    fn allocation_mode(&mut self, _mode: MemoryAllocationMode, _stream_id: StreamId) {}
}

impl ServerStorage for RecordingServer {
    type Storage = BytesStorage;

    fn get_resource(
        &mut self,
        _binding: BufferBinding,
        _stream_id: StreamId,
    ) -> Result<ManagedResource<BytesResource>, ServerError> {
        Err(IoError::UnsupportedIoOperation { backtrace: BackTrace::capture() }.into())
    }
}
