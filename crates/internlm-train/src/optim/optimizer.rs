//! [`Optimizer`]: the moments of AdamW, on the host or where the parameters are.

use burn::tensor::Device;
use internlm_model::device::is_gpu;

use super::Moments;
use super::device::DeviceMoments;
use crate::parameters::ParameterInfo;

/// The moments of all trained parameters, where the update runs.
#[derive(Clone, Debug)]
pub(crate) enum Optimizer {
    /// Host buffers: on the CPU, and in runs of several ranks, which exchange gradients as host buffers.
    Host(Vec<Moments>),
    /// Tensors on the GPU of the parameters.
    Device(DeviceMoments),
}

impl Optimizer {
    /// Zeros for `parameters` on `device`, which is without autodiff.
    pub(crate) fn zeros(parameters: &[ParameterInfo], device: &Device) -> Self {
        if is_gpu(device) {
            return Self::Device(DeviceMoments::zeros(parameters, device));
        }
        Self::Host(parameters.iter().map(|info| Moments::zeros(info.elements())).collect())
    }

    /// The same moments in host buffers.
    pub(crate) fn into_host(self) -> Self {
        Self::Host(self.moments())
    }

    /// A copy of the moments on the host.
    pub(crate) fn moments(&self) -> Vec<Moments> {
        match self {
            Self::Host(moments) => moments.clone(),
            Self::Device(moments) => moments.read_back(),
        }
    }

    /// Replaces the moments.
    pub(crate) fn restore(&mut self, restored: Vec<Moments>) {
        match self {
            Self::Host(moments) => *moments = restored,
            Self::Device(moments) => moments.upload(restored),
        }
    }
}
