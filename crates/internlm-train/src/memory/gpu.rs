//! The peak of a training step on a GPU, from what tensors hold at each of its stages.
//!
//! Nothing outlives its last use there, so that gradients and activations are largest at different times: the sum of
//! both is taken stage by stage. In the backward pass of a layer the feed-forward network holds the most: the gradients
//! of the gated numbers, of gate and of up next to everything that the forward pass has kept.

use internlm_model::parameter::Training;
use internlm_model::{ModelConfig, Precision};

use super::F32;
use super::passes::Passes;
use super::shapes::{HeadKind, LayerShape, WHOLE_LOGITS};
use crate::recompute::Recompute;

/// Labeled tokens whose logits exist at once.
const HEAD_TOKENS: usize = 1024;

/// Bytes at one moment of a step.
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
    /// What activations and their gradients are stored in; those of parameters are f32.
    pub(super) precision: Precision,
}

impl Step<'_> {
    /// The stage with the most bytes.
    pub(super) fn largest_stage(&self) -> Stage {
        let mut stages = vec![self.logits(), self.lookup()];
        for layer in 0..self.layers.len() {
            stages.extend([self.feed_forward(layer), self.layer_end(layer)]);
        }
        stages.into_iter().max_by_key(|stage| stage.gradients + stage.activations).unwrap_or_default()
    }

    /// Bytes of so much per token, together with what a pass holds from its beginning to its end: ids, and the cosine and
    /// sine of every position.
    fn per_token(&self, bytes: u64) -> u64 {
        self.passes.tokens as u64 * (bytes + F32 * (1 + self.model.head_dim as u64))
    }

    /// Bytes of `count` activations.
    fn activations(&self, count: usize) -> u64 {
        self.precision.bytes() * count as u64
    }

    /// Bytes per token that are kept of a layer: `1 / rms` of both norms and two numbers per query are f32.
    fn kept(&self, layer: &LayerShape) -> u64 {
        let heads = self.model.heads;
        self.activations(layer.kept - layer.made_again - 2 - heads) + F32 * (2 + 2 * heads) as u64
    }

    /// Bytes per token that the first `count` layers hold before their backward passes.
    fn kept_below(&self, count: usize) -> u64 {
        match self.recompute {
            Recompute::None => self.layers[..count].iter().map(|layer| self.kept(layer)).sum(),
            Recompute::Layers => self.activations(count * self.model.hidden),
        }
    }

    /// Bytes of `count` weights that are rounded to 16 bits for the pass.
    fn rounded(&self, count: u64) -> u64 {
        if self.precision.is_f32_exact() { 0 } else { self.precision.bytes() * count }
    }

    /// Bytes of the rounded weights of the first `count` layers before their backward passes.
    fn rounded_below(&self, count: usize) -> u64 {
        match self.recompute {
            Recompute::None => self.rounded(self.layers[..count].iter().map(|layer| layer.weights).sum()),
            Recompute::Layers => 0,
        }
    }

    /// Bytes of gradients that exist when the backward pass has gone through all layers from number `layer` on: sums over
    /// passes from the second one on have all numbers.
    fn gradients_from(&self, layer: usize) -> u64 {
        let outer = self.head_gradients();
        if self.passes.count > 1 {
            return F32 * self.trained + outer;
        }
        outer + F32 * self.layers[layer..].iter().map(|layer| layer.trained).sum::<u64>()
    }

    /// Bytes of the gradients of the head: of the output matrix, and of the norm before it.
    fn head_gradients(&self) -> u64 {
        let embedding = if self.embedding == Training::Trained { self.matrix() } else { 0 };
        F32 * if self.model.tied { self.outer } else { self.outer.saturating_sub(embedding) }
    }

    /// Number of weights of the output matrix.
    fn matrix(&self) -> u64 {
        (self.model.vocab * self.model.hidden) as u64
    }

    /// The last piece of the logits: its gradient, and the part of the gradient of the matrix that it gives.
    fn logits(&self) -> Stage {
        let hidden = self.model.hidden;
        let tokens = self.passes.tokens;
        let parts = if tokens > HEAD_TOKENS { self.head_gradients() } else { 0 };
        let logits = |tokens: usize| (tokens * self.model.vocab) as u64;
        let (chunk, parts) = match self.head {
            HeadKind::Whole => (F32 * logits(WHOLE_LOGITS * tokens), parts),
            HeadKind::Fused => {
                let rows = tokens.min(HEAD_TOKENS);
                let fixed = rows as u64 * self.activations(hidden) + self.rounded(self.matrix());
                let (wide, narrow) = (F32 * logits(rows), self.rounded(logits(rows)));
                // What the last piece adds to the gradient of the matrix, the gradient itself when it is the first.
                let added = if tokens > HEAD_TOKENS { parts } else { self.head_gradients() };
                if self.precision.is_f32_exact() {
                    (fixed + wide, parts)
                } else if wide > added {
                    // The gradients are rounded before they are multiplied.
                    (fixed + narrow + wide - added, parts)
                } else {
                    (fixed + narrow, parts)
                }
            }
        };
        // The output of the layers, normalized, and its gradient; loss, weight, place and label of each token.
        let own = self.activations(3 * hidden) + F32 * 5;
        let count = self.layers.len();
        let states = self.per_token(self.kept_below(count) + own) + self.rounded_below(count);
        let sum = if self.passes.count > 1 { F32 * self.trained } else { 0 };
        Stage { gradients: sum + self.head_gradients() + parts, activations: states + chunk }
    }

    /// The feed-forward network of a layer: its last product is differentiated, the gate is at it.
    fn feed_forward(&self, layer: usize) -> Stage {
        let ModelConfig { hidden, inter, .. } = *self.model;
        let own = &self.layers[layer];
        let (again, rounded) = match self.recompute {
            Recompute::None => (0, self.rounded_below(layer + 1)),
            // The input is among those that were kept.
            Recompute::Layers => (self.kept(own) - self.activations(hidden), self.rounded(own.weights)),
        };
        let passing = self.activations(hidden + 3 * inter);
        let product = F32 * own.trained.min((hidden * inter) as u64);
        Stage {
            gradients: self.gradients_from(layer + 1) + product,
            activations: self.per_token(self.kept_below(layer + 1) + again + passing) + rounded,
        }
    }

    /// The gradients of a layer are complete, nothing of it is kept any more but its input.
    fn layer_end(&self, layer: usize) -> Stage {
        let activations = self.kept_below(layer) + self.activations(2 * self.model.hidden);
        Stage {
            gradients: self.gradients_from(layer + 1) + F32 * self.layers[layer].trained,
            activations: self.per_token(activations) + self.rounded_below(layer),
        }
    }

    /// The gradient of the embedding; a tied matrix has a second one from the head.
    fn lookup(&self) -> Stage {
        let own = match self.embedding {
            Training::Trained => F32 * self.matrix(),
            Training::Frozen => 0,
        };
        // The gradient of 16 bits is widened before it is added up.
        let states = self.activations(self.model.hidden) + 2 * self.rounded(self.model.hidden as u64);
        Stage { gradients: self.gradients_from(0) + own, activations: self.per_token(states) }
    }
}
