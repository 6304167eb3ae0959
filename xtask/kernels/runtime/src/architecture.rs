//! The cards that kernels are compiled for, described to CubeCL as its CUDA runtime (`src/runtime.rs` there) describes
//! a card that is present.

use cubecl_common::profile::TimingMethod;
use cubecl_core::cmma::MatrixLayout;
use cubecl_core::ir::features::{Features, Plane, Tma, TypeUsage};
use cubecl_core::ir::{
    ContiguousElements, DeviceIdentity, DeviceProperties, ElemType, FloatKind, HardwareProperties,
    MemoryDeviceProperties, MmaProperties, OpaqueType, TargetProperties, VectorSize,
};
use cubecl_cpp::cuda::arch::CudaArchitecture;
use cubecl_cpp::cuda::mma::CudaCmmaCompiler;
use cubecl_cpp::cuda::mma::manual::contiguous_elements_cuda;
use cubecl_cpp::cuda::supported_mma_combinations;
use cubecl_cpp::register_supported_types;
use cubecl_cpp::shared::{
    CompilationOptions, CppSupportedFeatures, register_mma_features, register_wmma_features,
};
use cubecl_server::device::CudaDevice;

/// What CUDA aligns memory and the rows of tensors to, in bytes.
pub(crate) const ALIGNMENT: usize = 512;
/// Memory of the cards, in bytes.
const MEMORY: u64 = 80 << 30;

/// A kind of card.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Architecture {
    /// A100: compute capability 8.0.
    Ampere,
    /// H100 and H200: compute capability 9.0.
    Hopper,
}

impl Architecture {
    /// All of them, in the order of their devices.
    pub const ALL: [Self; 2] = [Self::Ampere, Self::Hopper];

    /// The CUDA device that stands for cards of this kind.
    #[must_use]
    pub fn device(self) -> CudaDevice {
        CudaDevice::new(self as usize)
    }

    /// The name that NVRTC and ptxas know it by. From 9.0 on CubeCL asks for the instructions of exactly this card.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ampere => "sm_80",
            Self::Hopper => "sm_90a",
        }
    }

    /// Shared memory that one cube can have, in bytes.
    #[must_use]
    pub fn shared_memory(self) -> usize {
        match self {
            Self::Ampere => 163 << 10,
            Self::Hopper => 227 << 10,
        }
    }

    /// What CubeCL asks a card before it chooses and writes a kernel. Kernels silently take another branch where
    /// something is missing here.
    pub(crate) fn properties(self) -> DeviceProperties {
        let cuda = CudaArchitecture { version: self.version(), tensor_cores: true };
        let memory = MemoryDeviceProperties::new(MEMORY / 4, ALIGNMENT as u64).with_max_memory(MEMORY);
        let identity = DeviceIdentity {
            name: format!("{self:?}"),
            fingerprint: format!("ptx_sm{}", self.version()),
            physical: None,
        };
        let mut properties = DeviceProperties::new(
            Features::default(),
            memory,
            self.hardware(),
            TimingMethod::Device,
            identity,
        );
        register_supported_types(&mut properties);
        register_wmma_features(CudaCmmaCompiler::Cpp.supported_cmma_combinations(&cuda), &mut properties);
        register_mma_features(supported_mma_combinations(&cuda), &mut properties);
        self.add_features(&mut properties);
        properties
    }

    fn add_features(self, properties: &mut DeviceProperties) {
        properties.register_opaque_type(OpaqueType::Barrier);
        properties.register_type_usage(ElemType::Float(FloatKind::TF32), TypeUsage::Conversion);
        let features = &mut properties.features;
        features.copy_async = true;
        features.memory_reinterpret = true;
        features.alignment = true;
        features.device_memory_scope = true;
        for plane in [Plane::Ops, Plane::Sync, Plane::NonUniformControlFlow] {
            features.plane.insert(plane);
        }
        let halves = [FloatKind::F16, FloatKind::BF16].map(ElemType::Float);
        features.matmul.ldmatrix.extend(halves);
        if self == Self::Hopper {
            features.matmul.stmatrix.extend(halves);
            features.tma.insert(Tma::Base);
            features.cube_cluster = true;
            properties.register_opaque_type(OpaqueType::TensorMap);
        }
    }

    fn hardware(self) -> HardwareProperties {
        let multiprocessors = match self {
            Self::Ampere => 108,
            Self::Hopper => 132,
        };
        HardwareProperties {
            load_width: 128,
            vector_register_count: None,
            plane_size_min: 32,
            plane_size_max: 32,
            max_bindings: 1024,
            max_shared_memory_size: self.shared_memory(),
            max_cube_count: (i32::MAX as u32, 65535, 65535),
            max_units_per_cube: 1024,
            max_cube_dim: (1024, 1024, 64),
            num_streaming_multiprocessors: Some(multiprocessors),
            num_cpu_cores: None,
            last_level_cache_size: None,
            num_tensor_cores: Some(4),
            min_tensor_cores_dim: Some(8),
            max_vector_size: VectorSize::MAX,
            cube_mma_reserved_shared_memory: 0,
        }
    }

    /// What the C++ generator may use.
    pub(crate) fn options(self) -> CompilationOptions {
        let hopper = self == Self::Hopper;
        CompilationOptions {
            warp_size: 32,
            amd_wmma: None,
            supports_features: CppSupportedFeatures {
                grid_constants: true,
                clusters: hopper,
                fast_math: true,
                fast_tanh: true,
                elect_sync: hopper,
                dp4a: true,
            },
        }
    }

    /// Compute capability, ten times.
    fn version(self) -> u32 {
        match self {
            Self::Ampere => 80,
            Self::Hopper => 90,
        }
    }
}

/// How CUDA spreads the fragments of a matrix over the units of a plane.
pub(crate) fn target() -> TargetProperties {
    TargetProperties {
        mma: MmaProperties {
            register_size_bits: 32,
            const_plane_size: 32,
            register_layout_a: MatrixLayout::RowMajor,
            register_layout_b: MatrixLayout::ColMajor,
            register_layout_acc: MatrixLayout::RowMajor,
            register_duplication_a: 1,
            register_duplication_b: 1,
            register_duplication_acc: 1,
            contiguous_elements: ContiguousElements::new(contiguous_elements_cuda),
        },
    }
}
