//! [`Model`] and [`Layer`]: all weights of one model as tiles.

use internlm_model::ModelConfig;

use super::weights::Weights;
use crate::tile::Matrix;

/// The weights of one model, ready to be multiplied.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) config: ModelConfig,
    pub(crate) embedding: Matrix,
    pub(crate) layers: Vec<Layer>,
    pub(crate) norm: Vec<f32>,
    pub(crate) output: Weights,
}

/// One block of the model; the names of the fields are those of InternLM2.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) attention_norm: Vec<f32>,
    /// q, k and v; rotary pairs are half a head apart.
    pub(crate) qkv: [Weights; 3],
    pub(crate) wo: Weights,
    pub(crate) ffn_norm: Vec<f32>,
    pub(crate) w1: Weights,
    pub(crate) w3: Weights,
    pub(crate) w2: Weights,
}

impl Model {
    /// Bytes of all tiles.
    pub(crate) fn tile_bytes(&self) -> usize {
        let layers = self.layers.iter().flat_map(|layer| {
            layer
                .qkv
                .iter()
                .chain([&layer.wo, &layer.w1, &layer.w3, &layer.w2])
                .map(|weights| &weights.matrix)
        });
        let output = (!self.config.tied).then_some(&self.output.matrix);
        layers.chain([&self.embedding]).chain(output).map(|matrix| matrix.tiles.len()).sum()
    }
}
