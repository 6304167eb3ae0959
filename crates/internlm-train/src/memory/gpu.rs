//! The peak of a training step on a GPU, from what tensors hold at each of its stages.
//!
//! Nothing outlives its last use there, so that gradients and activations are largest at different times: the sum of
//! both is taken stage by stage. In the backward pass of a layer the feed-forward network holds the most: the gradients
//! of the gated numbers, of gate and of up next to everything that the forward pass has kept.

use internlm_model::ModelConfig;
use internlm_model::parameter::Training;

use super::passes::Passes;
use super::shapes::{HeadKind, LayerShape, WHOLE_LOGITS};
use crate::recompute::Recompute;

/// Labeled tokens whose logits exist at once.
const HEAD_TOKENS: usize = 1024;

/// Floats at one moment of a step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stage {
    /// Gradients of parameters.
    pub(super) gradients: u64,
    /// Everything that backward passes still need, and work space.
    pub(super) activations: u64,
}

/// A training step of a model.
pub(super) struct Step<'a> {
    pub(super) model: &'a ModelConfig,
    /// The layers that the backward pass goes through.
    pub(super) layers: &'a [LayerShape],
    /// Number of parameters that learn, and of those outside of the layers.
    pub(super) trained: u64,
    pub(super) outer: u64,
    /// Whether the embedding learns.
    pub(super) embedding: Training,
    pub(super) head: HeadKind,
    pub(super) passes: Passes,
    pub(super) recompute: Recompute,
}

impl Step<'_> {
    /// The stage with the most floats.
    pub(super) fn largest_stage(&self) -> Stage {
        let mut stages = vec![self.logits(), self.lookup()];
        for layer in 0..self.layers.len() {
            stages.extend([self.feed_forward(layer), self.layer_end(layer)]);
        }
        stages.into_iter().max_by_key(|stage| stage.gradients + stage.activations).unwrap_or_default()
    }

    /// Floats of `count` numbers per token, together with what a pass holds from its beginning to its end: ids, and the
    /// cosine and sine of every position.
    fn per_token(&self, count: usize) -> u64 {
        (self.passes.tokens * (count + 1 + self.model.head_dim)) as u64
    }

    /// Floats per token that are kept of a layer; queries have a second number for the backward pass.
    fn kept(&self, layer: &LayerShape) -> usize {
        layer.kept + self.model.heads - layer.made_again
    }

    /// Floats per token that the first `count` layers hold before their backward passes.
    fn kept_below(&self, count: usize) -> usize {
        match self.recompute {
            Recompute::None => self.layers[..count].iter().map(|layer| self.kept(layer)).sum(),
            Recompute::Layers => count * self.model.hidden,
        }
    }

    /// Gradients that exist when the backward pass has gone through all layers from number `layer` on: sums over passes
    /// from the second one on have all numbers.
    fn gradients_from(&self, layer: usize) -> u64 {
        let outer = self.head_gradients();
        if self.passes.count > 1 {
            return self.trained + outer;
        }
        outer + self.layers[layer..].iter().map(|layer| layer.trained).sum::<u64>()
    }

    /// Gradients of the head: of the output matrix, and of the norm before it.
    fn head_gradients(&self) -> u64 {
        let model = self.model;
        let matrix = (model.vocab * model.hidden) as u64;
        let embedding = if self.embedding == Training::Trained { matrix } else { 0 };
        if model.tied { self.outer } else { self.outer.saturating_sub(embedding) }
    }

    /// The last piece of the logits: its gradient, and the part of the gradient of the matrix that it gives.
    fn logits(&self) -> Stage {
        let ModelConfig { hidden, vocab, .. } = *self.model;
        let tokens = self.passes.tokens;
        let chunk = match self.head {
            HeadKind::Fused => tokens.min(HEAD_TOKENS) * (hidden + vocab),
            HeadKind::Whole => WHOLE_LOGITS * tokens * vocab,
        };
        // The output of the layers, normalized, and its gradient; loss, weight, place and label of each token.
        let states = self.per_token(self.kept_below(self.layers.len()) + 3 * hidden + 5);
        let parts = if tokens > HEAD_TOKENS { self.head_gradients() } else { 0 };
        let sum = if self.passes.count > 1 { self.trained } else { 0 };
        Stage { gradients: sum + self.head_gradients() + parts, activations: states + chunk as u64 }
    }

    /// The feed-forward network of a layer: its last product is differentiated, the gate is at it.
    fn feed_forward(&self, layer: usize) -> Stage {
        let ModelConfig { hidden, inter, .. } = *self.model;
        let own = &self.layers[layer];
        let again = match self.recompute {
            Recompute::None => 0,
            // The input is among those that were kept.
            Recompute::Layers => self.kept(own) - hidden,
        };
        let activations = self.kept_below(layer + 1) + again + hidden + 3 * inter;
        let product = own.trained.min((hidden * inter) as u64);
        Stage {
            gradients: self.gradients_from(layer + 1) + product,
            activations: self.per_token(activations),
        }
    }

    /// The gradients of a layer are complete, nothing of it is kept any more but its input.
    fn layer_end(&self, layer: usize) -> Stage {
        let activations = self.kept_below(layer) + 2 * self.model.hidden;
        let own = self.layers[layer].trained;
        Stage { gradients: self.gradients_from(layer + 1) + own, activations: self.per_token(activations) }
    }

    /// The gradient of the embedding; a tied matrix has a second one from the head.
    fn lookup(&self) -> Stage {
        let model = self.model;
        let own = match self.embedding {
            Training::Trained => (model.vocab * model.hidden) as u64,
            Training::Frozen => 0,
        };
        Stage { gradients: self.gradients_from(0) + own, activations: self.per_token(model.hidden) }
    }
}
