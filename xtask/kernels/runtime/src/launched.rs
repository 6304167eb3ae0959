//! What was launched: one entry for each kernel and each set of its compile-time arguments.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use cubecl_core::CubeKernel;
use cubecl_cpp::shared::CppCompiler;
use cubecl_cpp::target::Cuda;
use cubecl_server::kernel::{CompiledKernel, define_kernel};
use cubecl_server::validation::{validate_cube_dim, validate_units};

use crate::architecture::Architecture;

/// A kernel that a device was asked to launch.
#[derive(Clone, Debug)]
pub struct Launched {
    /// The card that it was launched on.
    pub architecture: Architecture,
    /// Path of its function, such as `internlm_model::kernels::device::rms_norm::normalize`.
    pub function: String,
    /// Units of one cube.
    pub units: u32,
    /// Its text, or why CubeCL could not write it.
    pub text: Result<Text, String>,
}

/// A kernel in CUDA C++.
#[derive(Clone, Debug)]
pub struct Text {
    /// The name of the function; different for every set of compile-time arguments.
    pub entry: String,
    /// The whole text, which includes CUDA's headers.
    pub source: String,
    /// Shared memory that a launch asks for, in bytes.
    pub shared: usize,
}

static LAUNCHED: Mutex<Vec<Launched>> = Mutex::new(Vec::new());

/// Takes what was launched since the last call, on all devices.
pub(crate) fn take() -> Vec<Launched> {
    std::mem::take(&mut *LAUNCHED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Writes down one kernel as CubeCL's CUDA runtime would compile it.
pub(crate) fn add(kernel: &dyn CubeKernel, architecture: Architecture) {
    // The compiler panics where it meets what it does not know; on a card that would end the launch.
    let text = catch_unwind(AssertUnwindSafe(|| text(kernel, architecture)))
        .unwrap_or_else(|_| Err("the C++ generator panicked".to_owned()));
    let launched = Launched {
        architecture,
        function: function(kernel.name()),
        units: kernel.id().cube_dim.num_elems(),
        text,
    };
    LAUNCHED.lock().unwrap_or_else(PoisonError::into_inner).push(launched);
}

fn text(kernel: &dyn CubeKernel, architecture: Architecture) -> Result<Text, String> {
    let id = kernel.id();
    let properties = architecture.properties();
    validate_cube_dim(&properties, &id).map_err(|error| error.to_string())?;
    validate_units(&properties, &id).map_err(|error| error.to_string())?;
    let definition = define_kernel(kernel).map_err(|error| error.to_string())?;
    let mut compiler = CppCompiler::<Cuda>::default();
    let compiled = CompiledKernel::compile(kernel, definition, &mut compiler, &architecture.options())
        .map_err(|error| error.to_string())?;
    let shared = compiled.repr.map_or(0, |kernel| kernel.shared_memory_size);
    Ok(Text { entry: compiled.entrypoint_name, source: compiled.source, shared })
}

/// The path of the function that a kernel's type was made from: `a::scale::Scale<f32>` is `a::scale`.
fn function(kernel: &str) -> String {
    let path = kernel.split('<').next().unwrap_or(kernel);
    path.rsplit_once("::").map_or(path, |(function, _)| function).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_in_the_names_of_types() {
        assert_eq!(function("model::norm::scale::Scale"), "model::norm::scale");
        assert_eq!(
            function("burn::fill::full_kernel::FullKernel<a::B, c::D<e::F>>"),
            "burn::fill::full_kernel"
        );
        assert_eq!(function("Alone"), "Alone");
    }
}
