//! The trainable parameters of a decoder as named f32 buffers, in checkpoint order.
//!
//! Frozen parameters do not appear. On the CPU backend reading a gradient and updating a parameter moves the
//! buffer out of the tensor and back: nothing is copied.

use burn::tensor::{DType, Gradients, Tensor, TensorData};
use internlm_model::decoder::Decoder;
use internlm_model::linear::Linear;
use internlm_model::parameter::{Parameter, ParameterMut, Training};

/// Name and shape of one trainable parameter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ParameterInfo {
    /// Tensor name in the checkpoint.
    pub name: String,
    /// Dimensions as in the checkpoint, outermost first.
    pub shape: Vec<usize>,
}

impl ParameterInfo {
    /// Number of values, the product of the dimensions.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The trainable parameters of `decoder`, in the order of every function here.
#[must_use]
pub fn trainable(decoder: &Decoder) -> Vec<ParameterInfo> {
    let info = |(name, parameter): (String, Parameter)| ParameterInfo { name, shape: parameter.shape() };
    trained(decoder).map(info).collect()
}

/// The first trainable parameter that is not f32, and its number format.
pub(crate) fn rounded(decoder: &Decoder) -> Option<(String, DType)> {
    let mut formats = trained(decoder).map(|(name, parameter)| (name, parameter.flat().dtype()));
    formats.find(|(_, format)| *format != DType::F32)
}

/// The first layer of codes that nothing trains: a model without adapters whose matrices stay as they are.
pub(crate) fn untrained(decoder: &Decoder) -> Option<String> {
    let mut shared = decoder.clone();
    let layers = shared.linears_mut();
    let adapted = layers.iter().any(|(_, layer)| matches!(layer, Linear::Lora(_)));
    let mut codes = layers.iter().filter(|(_, layer)| matches!(layer, Linear::Int4(_)));
    codes.next().filter(|_| !adapted).map(|(name, _)| name.clone())
}

/// Copies of the values of every trainable parameter.
#[must_use]
pub fn values(decoder: &Decoder) -> Vec<Vec<f32>> {
    trained(decoder).map(|(_, parameter)| parameter.to_vec()).collect()
}

/// Replaces the values of every trainable parameter by `values`.
///
/// # Panics
/// When the counts differ from the decoder's.
pub fn restore(decoder: &mut Decoder, values: Vec<Vec<f32>>) {
    let mut values = values.into_iter();
    for (_, mut parameter) in trained_mut(decoder) {
        parameter.set(values.next().expect("one buffer per trainable parameter"));
    }
}

/// Every trainable parameter itself. An update in place needs these handles gone.
pub(crate) fn handles(decoder: &Decoder) -> Vec<Parameter> {
    trained(decoder).map(|(_, parameter)| parameter).collect()
}

/// Takes the gradients of `handles` out of `gradients`; `None` where a parameter took no part in the loss.
#[must_use]
pub(crate) fn take_gradients(handles: &[Parameter], mut gradients: Gradients) -> Vec<Option<Tensor<1>>> {
    handles.iter().map(|parameter| parameter.take_gradient(&mut gradients)).collect()
}

/// Replaces the values of each parameter, flat and without autodiff, by what `change` makes of them; it gets the
/// parameter's index too.
pub(crate) fn replace(decoder: &mut Decoder, change: &mut dyn FnMut(usize, Tensor<1>) -> Tensor<1>) {
    for (index, (_, mut parameter)) in trained_mut(decoder).enumerate() {
        parameter.update(|flat| change(index, flat));
    }
}

/// Lets `change` work on the values of each parameter in place, in host memory; it gets the parameter's index.
pub(crate) fn update(decoder: &mut Decoder, change: &mut dyn FnMut(usize, &mut [f32])) {
    replace(decoder, &mut |index, flat| {
        let device = flat.device();
        let mut data = flat.into_data();
        change(index, data.as_mut_slice().expect("parameters are f32"));
        Tensor::from_data(data, &device)
    });
}

/// The numbers of a tensor that was read back.
pub(crate) fn numbers(data: &TensorData) -> &[f32] {
    data.as_slice().expect("gradients are f32")
}

fn trained(decoder: &Decoder) -> impl Iterator<Item = (String, Parameter)> {
    let all = decoder.parameters();
    all.into_iter().filter(|(_, parameter)| parameter.training() == Training::Trained)
}

fn trained_mut(decoder: &mut Decoder) -> impl Iterator<Item = (String, ParameterMut<'_>)> {
    let all = decoder.parameters_mut();
    all.into_iter().filter(|(_, parameter)| parameter.get().training() == Training::Trained)
}
