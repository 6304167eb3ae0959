//! Every weight of a [`Decoder`] with its checkpoint name: what optimizers, adapters, quantizers and writers enumerate.

use burn::module::Param;
use burn::tensor::Tensor;

use super::block::Block;
use super::decoder::Decoder;
use super::norm::RmsNorm;
use crate::linear::{Base, Linear, Lora};
use crate::parameter::{Parameter, ParameterMut};
use crate::weights::names::{Part, Slot};

/// What a slot holds.
enum Held<'a> {
    Matrix(&'a mut Param<Tensor<2>>),
    Norm(&'a mut RmsNorm),
    Linear(&'a mut Linear),
}

impl Decoder {
    /// Every parameter with its checkpoint name, in a fixed order: embedding, blocks, norm, output. Adapters appear
    /// as `NAME.lora_A.weight`, `NAME.lora_B.weight` and DoRA's `NAME.lora_magnitude_vector` after their base; layers
    /// of codes and packed ones show their bias only.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Parameter)> {
        let mut shared = self.clone();
        shared.parameters_mut().iter().map(|(name, parameter)| (name.clone(), parameter.get())).collect()
    }

    /// The same list for changing values or choosing what is trained.
    pub fn parameters_mut(&mut self) -> Vec<(String, ParameterMut<'_>)> {
        let mut list = Vec::new();
        for (slot, held) in self.slots_mut() {
            let name = slot.name();
            match held {
                Held::Matrix(param) => list.push((format!("{name}.weight"), ParameterMut::Matrix(param))),
                Held::Norm(norm) => {
                    list.push((format!("{name}.weight"), ParameterMut::Vector(&mut norm.weight)));
                }
                Held::Linear(linear) => push_linear(&mut list, &name, linear),
            }
        }
        list
    }

    /// Every linear layer with its checkpoint name without `.weight`, the output last: what adapters and quantizers
    /// swap. The tied output is the embedding and does not appear.
    pub fn linears_mut(&mut self) -> Vec<(String, &mut Linear)> {
        let linears = self.slots_mut().into_iter().filter_map(|(slot, held)| match held {
            Held::Linear(linear) => Some((slot.name(), linear)),
            Held::Matrix(_) | Held::Norm(_) => None,
        });
        linears.collect()
    }

    /// Every slot in the order of the forward, on which the order of optimizer states depends.
    fn slots_mut(&mut self) -> Vec<(Slot, Held<'_>)> {
        let output = Slot::output(self.config());
        let mut slots = vec![(Slot::Embedding, Held::Matrix(&mut self.tok_embeddings.weight))];
        for (layer, block) in self.layers.iter_mut().enumerate() {
            slots.extend(parts_mut(block).map(|(part, held)| (Slot::Block(layer, part), held)));
        }
        slots.push((Slot::Norm, Held::Norm(&mut self.norm)));
        slots.extend(output.zip(self.output.as_mut()).map(|(slot, output)| (slot, Held::Linear(output))));
        slots
    }
}

fn parts_mut(block: &mut Block) -> [(Part, Held<'_>); 7] {
    let Block { attention, feed_forward, attention_norm, ffn_norm } = block;
    [
        (Part::AttentionNorm, Held::Norm(attention_norm)),
        (Part::Wqkv, Held::Linear(&mut attention.wqkv)),
        (Part::Wo, Held::Linear(&mut attention.wo)),
        (Part::FfnNorm, Held::Norm(ffn_norm)),
        (Part::W1, Held::Linear(&mut feed_forward.w1)),
        (Part::W3, Held::Linear(&mut feed_forward.w3)),
        (Part::W2, Held::Linear(&mut feed_forward.w2)),
    ]
}

fn push_linear<'a>(list: &mut Vec<(String, ParameterMut<'a>)>, name: &str, linear: &'a mut Linear) {
    let bias = match linear {
        Linear::Dense(dense) => {
            list.push((format!("{name}.weight"), ParameterMut::Matrix(&mut dense.weight)));
            &mut dense.bias
        }
        Linear::Lora(lora) => push_lora(list, name, lora),
        Linear::Quantized(quantized) => &mut quantized.bias,
        Linear::Int4(int4) => &mut int4.bias,
        Linear::Packed(packed) => &mut packed.bias,
    };
    if let Some(bias) = bias {
        list.push((format!("{name}.bias"), ParameterMut::Vector(bias)));
    }
}

/// Pushes the parameters of an adapter and its base; returns the bias.
fn push_lora<'a>(
    list: &mut Vec<(String, ParameterMut<'a>)>,
    name: &str,
    lora: &'a mut Lora,
) -> &'a mut Option<Param<Tensor<1>>> {
    let Lora { base, a, b, magnitude, .. } = lora;
    let bias = match base {
        Base::Dense(dense) => {
            list.push((format!("{name}.weight"), ParameterMut::Matrix(&mut dense.weight)));
            &mut dense.bias
        }
        Base::Packed(packed) => &mut packed.bias,
    };
    list.push((format!("{name}.lora_A.weight"), ParameterMut::Matrix(a)));
    list.push((format!("{name}.lora_B.weight"), ParameterMut::Matrix(b)));
    if let Some(magnitude) = magnitude {
        list.push((format!("{name}.lora_magnitude_vector"), ParameterMut::Vector(magnitude)));
    }
    bias
}
