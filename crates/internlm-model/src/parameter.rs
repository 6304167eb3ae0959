//! Parameters of a decoder by checkpoint name: what optimizers, adapters and checkpoints enumerate.

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Shape, Tensor, TensorData};

/// One parameter; cloning shares the numbers.
#[derive(Clone, Debug)]
pub enum Parameter {
    /// A matrix, `[out, in]` or `[vocab, hidden]`.
    Matrix(Param<Tensor<2>>),
    /// A norm's weight or a bias.
    Vector(Param<Tensor<1>>),
}

/// Whether the backward pass computes a gradient for a parameter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Training {
    /// The backward pass computes a gradient, so that an optimizer can change the parameter.
    Trained,
    /// The parameter is a constant; no gradient is computed for it.
    Frozen,
}

impl Parameter {
    /// Burn's identifier, stable under updates of the value.
    #[must_use]
    pub fn id(&self) -> ParamId {
        match self {
            Self::Matrix(param) => param.id,
            Self::Vector(param) => param.id,
        }
    }

    /// Sizes of the dimensions, outermost first.
    #[must_use]
    pub fn shape(&self) -> Vec<usize> {
        match self {
            Self::Matrix(param) => param.dims().to_vec(),
            Self::Vector(param) => param.dims().to_vec(),
        }
    }

    /// The numbers as one vector without autodiff; on the CPU a view, not a copy.
    #[must_use]
    pub fn flat(&self) -> Tensor<1> {
        match self {
            Self::Matrix(param) => flatten(param.val().inner()),
            Self::Vector(param) => param.val().inner(),
        }
    }

    /// A copy of the numbers, row-major.
    #[must_use]
    pub fn to_vec(&self) -> Vec<f32> {
        numbers(self.flat())
    }

    /// Whether a gradient is computed.
    #[must_use]
    pub fn training(&self) -> Training {
        let trained = match self {
            Self::Matrix(param) => param.is_require_grad(),
            Self::Vector(param) => param.is_require_grad(),
        };
        if trained { Training::Trained } else { Training::Frozen }
    }

    /// Takes the gradient out of `gradients`, flat and row-major.
    #[cfg(feature = "autodiff")]
    pub fn take_gradient(&self, gradients: &mut burn::tensor::Gradients) -> Option<Tensor<1>> {
        match self {
            Self::Matrix(param) => param.val().grad_remove(gradients).map(flatten),
            Self::Vector(param) => param.val().grad_remove(gradients),
        }
    }
}

/// One parameter to be changed in place; identifier and training state are kept.
#[derive(Debug)]
pub enum ParameterMut<'a> {
    /// A matrix, `[out, in]` or `[vocab, hidden]`.
    Matrix(&'a mut Param<Tensor<2>>),
    /// A norm's weight or a bias.
    Vector(&'a mut Param<Tensor<1>>),
}

impl ParameterMut<'_> {
    /// A shared handle to the same numbers.
    #[must_use]
    pub fn get(&self) -> Parameter {
        match self {
            Self::Matrix(param) => Parameter::Matrix((*param).clone()),
            Self::Vector(param) => Parameter::Vector((*param).clone()),
        }
    }

    /// Replaces the numbers, row-major.
    ///
    /// # Panics
    /// When the count differs from the parameter's.
    pub fn set(&mut self, values: Vec<f32>) {
        self.update(|old| {
            assert_eq!(values.len(), old.dims()[0], "a parameter keeps its number of elements");
            let count = values.len();
            Tensor::from_data(TensorData::new(values, [count]), &old.device())
        });
    }

    /// Replaces the numbers by a function of them; both sides flat and without autodiff. When nobody else holds
    /// the numbers, the function owns them and may work in place.
    pub fn update(&mut self, change: impl FnOnce(Tensor<1>) -> Tensor<1>) {
        match self {
            Self::Matrix(param) => replace(param, |value| {
                let shape = value.dims();
                change(flatten(value)).reshape(shape)
            }),
            Self::Vector(param) => replace(param, change),
        }
    }

    /// Chooses whether the backward pass computes a gradient.
    pub fn set_training(&mut self, training: Training) {
        let trained = training == Training::Trained;
        match self {
            Self::Matrix(param) => **param = param.clone().set_require_grad(trained),
            Self::Vector(param) => **param = param.clone().set_require_grad(trained),
        }
    }
}

/// Replaces the value of `param` by a function of its inner tensor, keeping device context and training state.
fn replace<const D: usize>(param: &mut Param<Tensor<D>>, change: impl FnOnce(Tensor<D>) -> Tensor<D>) {
    let device = param.device();
    let trained = param.is_require_grad();
    // Never initialized: on a GPU even one zero is an allocation and a kernel.
    let zero = |device: &Device, _requires_grad| Tensor::zeros([1; D], device);
    let placeholder = Param::uninitialized(param.id, zero, device.clone(), false, Shape::new([1; D]));
    let (id, value, mapper) = std::mem::replace(param, placeholder).consume();
    let value = change(value.inner());
    let value = if device.is_autodiff() { value.autodiff().set_require_grad(trained) } else { value };
    // The mapper carries what `train()` restores; on a device without autodiff the tensor itself does not know it.
    *param = Param::from_mapped_value(id, value, mapper);
}

fn flatten(matrix: Tensor<2>) -> Tensor<1> {
    let count = matrix.shape().num_elements();
    matrix.reshape([count])
}

/// The numbers of a float tensor in f32.
///
/// # Panics
/// When the device cannot be read back.
#[must_use]
pub fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let shape: Shape = tensor.shape();
    let values = tensor.inner().try_into_vec_as::<f32>().expect("a float tensor converts to f32");
    debug_assert_eq!(values.len(), shape.num_elements());
    values
}
