//! Memory of training, computed from shapes before anything is allocated.
//!
//! What is counted is what fused operations hold at their peak: weights as they are stored, gradients, the two moments,
//! and what the backward pass needs. For each token a layer keeps the inputs of its norms and linear layers, the rotated
//! projection, the output of attention, gate and up: 4 h + (2 H + 2 K) d + 3 i floats, and little else.
//! On the CPU, memory that kernels have used stays with the process until another kind of buffer needs it, so that what
//! is needed at once counts: what layers keep, and either the head's logits or the gradients in a layer. On a GPU the
//! largest of the moments of a step counts.

mod gpu;
mod passes;
mod shapes;

use burn::module::Module;
use internlm_model::decoder::Decoder;
use internlm_model::linear::Linear;
use internlm_model::parameter::{Parameter, Training};
use internlm_model::{Device, ModelConfig, Precision};
use serde::Serialize;

use self::gpu::{Stage, Step};
pub use self::passes::Passes;
use self::shapes::{HeadKind, LayerShape, WHOLE_LOGITS};
use crate::recompute::Recompute;

/// Bytes of one f32.
const F32: u64 = 4;
/// Floats of logits that the head holds at once, and its minimum number of tokens.
const HEAD_CHUNK: (usize, usize) = (1 << 24, 64);

/// Bytes of a run at its peak, by what they hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Memory {
    /// Weights of the model, packed ones included, and of adapters.
    pub weights: u64,
    /// Sums of gradients over the passes of a step, and those of the present pass.
    pub gradients: u64,
    /// First and second moments of everything that is trained.
    pub moments: u64,
    /// What one pass needs for its backward pass, and the work space of kernels.
    pub activations: u64,
}

impl Memory {
    /// Sum of the four parts.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.weights + self.gradients + self.moments + self.activations
    }
}

/// The parameters of a tuned model without their numbers: how many there are, which are trained and how they are held.
#[derive(Clone, Debug)]
pub struct TrainedShape {
    model: ModelConfig,
    weights: u64,
    /// Trained parameters outside of the layers.
    outer: u64,
    layers: Vec<LayerShape>,
    /// Whether the embedding is trained.
    embedding: Training,
    head: HeadKind,
    place: Place,
    precision: Precision,
}

/// Whose memory is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Host,
    Gpu,
}

impl TrainedShape {
    /// The shape of a model with the config `model` that `tune` changes: it is given a decoder with the names and
    /// layers of the model, but with tiny matrices.
    ///
    /// ```
    /// use internlm_model::{ModelConfig, ModelSize};
    /// use internlm_train::memory::{Passes, TrainedShape};
    /// use internlm_train::{Error, Recompute};
    ///
    /// let size = ModelSize { hidden: 64, layers: 8, heads: 2, inter: 128, vocab: 100 };
    /// let shape = TrainedShape::of(&ModelConfig::new(size), Ok::<_, Error>)?;
    /// let memory = |recompute| shape.memory(Passes { tokens: 4096, count: 1 }, recompute);
    /// let (whole, less) = (memory(Recompute::None), memory(Recompute::Layers));
    /// assert!(less.activations < whole.activations / 2 && less.weights == whole.weights);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of `tune`.
    pub fn of<E>(model: &ModelConfig, tune: impl FnOnce(Decoder) -> Result<Decoder, E>) -> Result<Self, E> {
        let mut twin = tune(Decoder::init(&shapes::tiny(model), 0, &Device::flex()))?.train();
        let layer = |block| LayerShape {
            trained: 0,
            weights: 0,
            kept: shapes::kept(block, model),
            made_again: shapes::made_again(block, model),
        };
        let mut shape = Self {
            model: model.clone(),
            weights: 0,
            outer: 0,
            layers: twin.layers.iter().map(layer).collect(),
            embedding: Parameter::Matrix(twin.tok_embeddings.weight.clone()).training(),
            head: match &twin.output {
                None | Some(Linear::Dense(_)) => HeadKind::Fused,
                Some(_) => HeadKind::Whole,
            },
            place: Place::Host,
            precision: Precision::F32Exact,
        };
        for (name, parameter) in twin.parameters() {
            shape.add(&name, shapes::elements(model, &name, &parameter.shape()), parameter.training());
        }
        for (name, linear) in twin.linears_mut() {
            shape.weights += shapes::frozen_bytes(shapes::matrix(model, &name), linear);
        }
        Ok(shape)
    }

    /// The same model on a GPU, whose kernels hold other work space than those of the CPU.
    #[must_use]
    pub fn on_gpu(self) -> Self {
        Self { place: Place::Gpu, ..self }
    }

    /// The same model, computed in `precision` on a GPU.
    #[must_use]
    pub fn in_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    fn add(&mut self, name: &str, elements: u64, training: Training) {
        self.weights += F32 * elements;
        let trained = if training == Training::Trained { elements } else { 0 };
        match shapes::layer_of(name).and_then(|layer| self.layers.get_mut(layer)) {
            Some(layer) => {
                layer.trained += trained;
                layer.weights += if name.contains("lora_") { 0 } else { elements };
            }
            None => self.outer += trained,
        }
    }

    /// Number of trained parameters.
    #[must_use]
    pub fn trained(&self) -> u64 {
        self.outer + self.layers.iter().map(|layer| layer.trained).sum::<u64>()
    }

    /// Memory of a training step with these passes.
    #[must_use]
    pub fn memory(&self, passes: Passes, recompute: Recompute) -> Memory {
        let Stage { gradients, activations } = match self.place {
            Place::Host => self.on_host(passes, recompute),
            Place::Gpu => self.gpu_step(passes, recompute).largest_stage(),
        };
        Memory { weights: self.weights, gradients, moments: 2 * F32 * self.trained(), activations }
    }

    /// Bytes of gradients and activations on the CPU.
    fn on_host(&self, passes: Passes, recompute: Recompute) -> Stage {
        let largest = self.layers.iter().map(|layer| layer.trained).max().unwrap_or(0);
        // Layers are differentiated one by one: sums over passes, and the gradients of one layer.
        let pass = if passes.count < 2 { 0 } else { largest + self.outer };
        // A tied matrix gets one gradient as the embedding and one as the output.
        let tied = self.model.tied && self.embedding == Training::Trained;
        let twice = if tied { (self.model.vocab * self.model.hidden) as u64 } else { 0 };
        let activations = self.activations(passes.tokens, recompute) as u64;
        Stage { gradients: F32 * (self.trained() + pass + twice), activations: F32 * activations }
    }

    /// A step on a GPU.
    fn gpu_step(&self, passes: Passes, recompute: Recompute) -> Step<'_> {
        Step {
            model: &self.model,
            layers: self.differentiated(),
            trained: self.trained(),
            outer: self.outer,
            embedding: self.embedding,
            head: self.head,
            passes,
            recompute,
            precision: self.precision,
        }
    }

    /// The layers that the backward pass goes through.
    fn differentiated(&self) -> &[LayerShape] {
        let first = match self.embedding {
            Training::Trained => Some(0),
            Training::Frozen => self.layers.iter().position(|layer| layer.trained > 0),
        };
        &self.layers[first.unwrap_or(self.layers.len())..]
    }

    /// Floats that a pass of this many tokens needs.
    fn activations(&self, tokens: usize, recompute: Recompute) -> usize {
        let ModelConfig { hidden, inter, .. } = self.model;
        let differentiated = self.differentiated();
        // What is kept all the time, and what the backward pass of one layer adds.
        let (kept, again) = match recompute {
            Recompute::None => (differentiated.iter().map(|layer| layer.kept).sum(), 0),
            // Inputs of the layers, and the product that begins the backward pass of one.
            Recompute::Layers => (
                (differentiated.len() + 2) * hidden,
                differentiated.iter().map(|layer| layer.kept).max().unwrap_or(0),
            ),
        };
        // Gradients on their way through one layer.
        let passing = 2 * inter + 3 * hidden + 2 * self.model.qkv_rows() + self.model.head_dim;
        tokens * kept + self.head(tokens).max(tokens * (again + passing))
    }

    /// Floats of the head: logits, its input and the gradient of that.
    fn head(&self, tokens: usize) -> usize {
        let ModelConfig { hidden, vocab, .. } = self.model;
        let logits = match self.head {
            HeadKind::Fused => (HEAD_CHUNK.0 / vocab.max(1)).max(HEAD_CHUNK.1).min(tokens) * vocab,
            HeadKind::Whole => WHOLE_LOGITS * tokens * vocab,
        };
        logits + 3 * tokens * hidden
    }
}

#[cfg(test)]
mod tests;
