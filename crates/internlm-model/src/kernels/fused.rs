//! The bridge between kernels on slices and Burn: one trait for an operation, one place where it meets the graph.
//!
//! A [`FusedOp`] computes its output and whatever its backward pass needs; the backends differ only in what they do
//! with that: the CPU backend drops it, autodiff keeps it in the graph. Other devices never come here, they run
//! the plain twin.

use std::fmt::Debug;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, backend_extension};
use burn::tensor::{DType, Device, Tensor};
use burn_flex::FlexTensor;

/// An operation of N inputs with a hand-written backward pass.
pub(crate) trait FusedOp<const N: usize>: Debug + Send + 'static {
    /// What the backward pass needs besides the gradient.
    type Saved: Clone + Debug + Send + 'static;

    /// Computes the output; inputs are contiguous f32. `wanted` tells which inputs will need a gradient, all
    /// `false` outside of training.
    fn forward(self, inputs: [FlexTensor; N], wanted: [bool; N]) -> (FlexTensor, Self::Saved);

    /// The gradients of the wanted inputs from the gradient of the output.
    fn backward(saved: Self::Saved, gradient: FlexTensor, wanted: [bool; N]) -> [Option<FlexTensor>; N];
}

/// Backends that run fused operations: the CPU backend, alone and under autodiff.
#[backend_extension(Flex, Autodiff: cfg(feature = "autodiff"))]
pub(crate) trait FusedBackend: Backend {
    /// One input.
    fn fused1<O: FusedOp<1>>(op: O, a: FloatTensor<Self>) -> FloatTensor<Self>;
    /// Two inputs.
    fn fused2<O: FusedOp<2>>(op: O, a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;
    /// Three inputs.
    fn fused3<O: FusedOp<3>>(
        op: O,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// Whether fused operations can take these tensors: f32 on the CPU backend.
pub(crate) fn accepts<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && on_cpu(&tensor.device())
}

fn on_cpu(device: &Device) -> bool {
    use burn::backend::DispatchDevice;
    match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "autodiff")]
        DispatchDevice::Autodiff(device) => matches!(**device, DispatchDevice::Flex(_)),
        #[allow(unreachable_patterns, reason = "other backends are compiled in by features")]
        _ => false,
    }
}

/// The floats of a contiguous tensor.
pub(crate) fn floats(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("inputs of fused operations were made contiguous f32")
}

/// A contiguous version of the tensor, itself when it is already.
pub(crate) fn contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

impl FusedBackend for Flex {
    fn fused1<O: FusedOp<1>>(op: O, a: FlexTensor) -> FlexTensor {
        op.forward([contiguous(a)], [false]).0
    }

    fn fused2<O: FusedOp<2>>(op: O, a: FlexTensor, b: FlexTensor) -> FlexTensor {
        op.forward([contiguous(a), contiguous(b)], [false; 2]).0
    }

    fn fused3<O: FusedOp<3>>(op: O, a: FlexTensor, b: FlexTensor, c: FlexTensor) -> FlexTensor {
        op.forward([contiguous(a), contiguous(b), contiguous(c)], [false; 3]).0
    }
}

#[cfg(feature = "autodiff")]
mod tracked {
    //! Fused operations as nodes of the autodiff graph.

    use std::marker::PhantomData;

    use burn::backend::Autodiff;
    use burn_autodiff::checkpoint::base::Checkpointer;
    use burn_autodiff::checkpoint::strategy::CheckpointStrategy;
    use burn_autodiff::grads::Gradients;
    use burn_autodiff::ops::{Backward, Ops, OpsKind};

    use super::{Flex, FloatTensor, FusedBackend, FusedOp, contiguous};

    impl<C: CheckpointStrategy> FusedBackend for Autodiff<Flex, C> {
        fn fused1<O: FusedOp<1>>(op: O, a: FloatTensor<Self>) -> FloatTensor<Self> {
            track::<C, O, 1>(op, [a])
        }

        fn fused2<O: FusedOp<2>>(op: O, a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
            track::<C, O, 2>(op, [a, b])
        }

        fn fused3<O: FusedOp<3>>(
            op: O,
            a: FloatTensor<Self>,
            b: FloatTensor<Self>,
            c: FloatTensor<Self>,
        ) -> FloatTensor<Self> {
            track::<C, O, 3>(op, [a, b, c])
        }
    }

    /// The backward step of one operation.
    #[derive(Debug)]
    struct Step<O>(PhantomData<fn() -> O>);

    impl<O: FusedOp<N>, const N: usize> Backward<Flex, N> for Step<O> {
        type State = O::Saved;

        fn backward(self, ops: Ops<O::Saved, N>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
            let gradient = contiguous(grads.consume::<Flex>(&ops.node));
            let wanted = ops.parents.each_ref().map(Option::is_some);
            let gradients = O::backward(ops.state, gradient, wanted);
            for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
                if let (Some(parent), Some(gradient)) = (parent, gradient) {
                    grads.register::<Flex>(parent.id, gradient);
                }
            }
        }
    }

    fn track<C: CheckpointStrategy, O: FusedOp<N>, const N: usize>(
        op: O,
        inputs: [FloatTensor<Autodiff<Flex, C>>; N],
    ) -> FloatTensor<Autodiff<Flex, C>> {
        let wanted = inputs.each_ref().map(|input| input.is_tracked());
        let guards = inputs.each_ref().map(|input| input.node());
        let (output, saved) = op.forward(inputs.map(|input| contiguous(input.into_primitive())), wanted);
        match Step::<O>(PhantomData).prepare::<C>(guards).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish(saved, output),
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}
