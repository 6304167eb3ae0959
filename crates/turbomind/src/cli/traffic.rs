//! [`Traffic`]: what a pass reads and multiplies, from the sizes of the matrices; attention is not counted.

use internlm_model::ModelConfig;
use internlm_model::weights::StoredModel;
use internlm_model::weights::names::parts;

use crate::tile::TileFormat;

/// The multiply-adds and bytes of a pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Traffic {
    /// Multiply-adds of one token in all layers.
    pub(super) layers_mac: f64,
    /// Multiply-adds of one row of logits.
    pub(super) head_mac: f64,
    /// Bytes of tiles of which a pass reads single rows only: those of an embedding that is not the output matrix too.
    lookup_bytes: usize,
}

impl Traffic {
    /// Computes the work of a model's passes from its shape.
    pub(super) fn of(stored: &StoredModel) -> Self {
        let config = &stored.config;
        Self {
            layers_mac: config.layers as f64 * layer_mac(config),
            head_mac: (config.vocab * config.hidden) as f64,
            lookup_bytes: if config.tied { 0 } else { embedding_bytes(stored).unwrap_or(0) },
        }
    }

    /// Bytes of weights that a decode step reads, given the bytes of all tiles.
    pub(super) fn step_bytes(&self, tiles: usize) -> f64 {
        tiles.saturating_sub(self.lookup_bytes) as f64
    }
}

fn layer_mac(config: &ModelConfig) -> f64 {
    let q_width = config.heads * config.head_dim;
    (config.hidden * (config.qkv_rows() + q_width + 3 * config.inter)) as f64
}

fn embedding_bytes(stored: &StoredModel) -> Option<usize> {
    let name = parts("model.tok_embeddings.weight", stored.style)?;
    let format = TileFormat::of(stored.source.info(name.first())?.encoding)?;
    Some(format.matrix_bytes(stored.config.vocab, stored.config.hidden))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_reads_everything_but_what_it_looks_up() {
        let traffic = Traffic { layers_mac: 10.0, head_mac: 5.0, lookup_bytes: 300 };
        assert_eq!(traffic.step_bytes(1000), 700.0);
        assert_eq!(traffic.step_bytes(200), 0.0, "never below zero");
    }
}
