//! The bridge between GPU kernels and Burn: one trait for an operation, one place where it meets the graph.
//!
//! The twin of the CPU's `fused`: a [`DeviceOp`] launches the kernels of its output and keeps whatever its backward
//! pass needs; the backend alone drops that, autodiff keeps it in the graph.

use std::fmt::Debug;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, backend_extension};
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;

/// An operation of N inputs on one GPU with a hand-written backward pass.
pub(crate) trait DeviceOp<const N: usize>: Debug + Send + 'static {
    /// What the backward pass needs besides the gradient.
    type Saved: Clone + Debug + Send + 'static;

    /// Launches the kernels of the output; inputs have any strides. `wanted` tells which inputs will need a gradient,
    /// all `false` outside of training.
    fn forward(self, inputs: [CubeTensor; N], wanted: [bool; N]) -> (CubeTensor, Self::Saved);

    /// The gradients of the wanted inputs from the gradient of the output, which has any strides.
    fn backward(saved: Self::Saved, gradient: CubeTensor, wanted: [bool; N]) -> [Option<CubeTensor>; N];
}

/// Backends that run device operations: every CubeCL runtime, alone and under autodiff.
#[backend_extension(Cube, Autodiff: cfg(feature = "autodiff"))]
pub(crate) trait DeviceBackend: Backend {
    /// One input.
    fn device1<O: DeviceOp<1>>(op: O, a: FloatTensor<Self>) -> FloatTensor<Self>;
    /// Two inputs.
    fn device2<O: DeviceOp<2>>(op: O, a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self>;
    /// Three inputs.
    fn device3<O: DeviceOp<3>>(
        op: O,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl DeviceBackend for CubeBackend {
    fn device1<O: DeviceOp<1>>(op: O, a: CubeTensor) -> CubeTensor {
        op.forward([a], [false]).0
    }

    fn device2<O: DeviceOp<2>>(op: O, a: CubeTensor, b: CubeTensor) -> CubeTensor {
        op.forward([a, b], [false; 2]).0
    }

    fn device3<O: DeviceOp<3>>(op: O, a: CubeTensor, b: CubeTensor, c: CubeTensor) -> CubeTensor {
        op.forward([a, b, c], [false; 3]).0
    }
}

#[cfg(feature = "autodiff")]
mod tracked {
    //! Device operations as nodes of the autodiff graph.

    use std::marker::PhantomData;

    use burn::backend::Autodiff;
    use burn::tensor::DType;
    use burn_autodiff::checkpoint::base::Checkpointer;
    use burn_autodiff::checkpoint::strategy::CheckpointStrategy;
    use burn_autodiff::grads::Gradients;
    use burn_autodiff::ops::{Backward, Ops, OpsKind};

    use super::super::launch::cast;
    use super::{CubeBackend, DeviceBackend, DeviceOp, FloatTensor};

    impl<C: CheckpointStrategy> DeviceBackend for Autodiff<CubeBackend, C> {
        fn device1<O: DeviceOp<1>>(op: O, a: FloatTensor<Self>) -> FloatTensor<Self> {
            track::<C, O, 1>(op, [a])
        }

        fn device2<O: DeviceOp<2>>(op: O, a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
            track::<C, O, 2>(op, [a, b])
        }

        fn device3<O: DeviceOp<3>>(
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

    impl<O: DeviceOp<N>, const N: usize> Backward<CubeBackend, N> for Step<O> {
        /// Also the number format of the output.
        type State = (O::Saved, DType);

        fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
            let (saved, format) = ops.state;
            // A weight's gradient is f32 whatever the weight is, and may come back here through an operation on it.
            let gradient = cast(grads.consume::<CubeBackend>(&ops.node), format);
            let wanted = ops.parents.each_ref().map(Option::is_some);
            let gradients = O::backward(saved, gradient, wanted);
            for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
                if let (Some(parent), Some(gradient)) = (parent, gradient) {
                    grads.register::<CubeBackend>(parent.id, gradient);
                }
            }
        }
    }

    fn track<C: CheckpointStrategy, O: DeviceOp<N>, const N: usize>(
        op: O,
        inputs: [FloatTensor<Autodiff<CubeBackend, C>>; N],
    ) -> FloatTensor<Autodiff<CubeBackend, C>> {
        let wanted = inputs.each_ref().map(|input| input.is_tracked());
        let guards = inputs.each_ref().map(|input| input.node());
        let (output, saved) = op.forward(inputs.map(|input| input.into_primitive()), wanted);
        match Step::<O>(PhantomData).prepare::<C>(guards).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let format = output.dtype;
                prep.finish((saved, format), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(output),
        }
    }
}
