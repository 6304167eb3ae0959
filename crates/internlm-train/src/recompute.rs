//! Recomputation of layers: memory of one layer instead of all of them, for one more forward pass.
//!
//! The usual backward pass needs what every layer has kept in the forward pass. With [`Recompute::Layers`] the forward
//! pass keeps the input of each layer only; the backward pass then computes one layer after the other again, from the
//! last to the first, and differentiates each at once (Chen et al., "Training Deep Nets with Sublinear Memory Cost",
//! 2016). Every operation sees the same numbers in both forms, and every gradient is the same sum in the same order: the
//! results are equal bit for bit on the CPU, dropout included, whose masks are functions of the pass.

use std::time::Instant;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients as Tape, Tensor};
use internlm_model::attend::{Attend, Causal};
use internlm_model::decoder::Decoder;
use internlm_model::parameter::Training;
use internlm_model::rope::RopeTable;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::gradients::{Gradients, accumulate};
use crate::loss::{Loss, LossSum, head_loss};
use crate::objective::Pass;
use crate::parameters::take_gradients;
use crate::report::StepTimes;

/// What the forward pass of training keeps for the backward pass.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recompute {
    /// Everything that is needed; the default.
    #[default]
    None,
    /// The input of each layer; the rest is computed again, which takes about a third more time.
    Layers,
}

impl Recompute {
    /// Whether everything is kept: what a config does not write.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// A decoder whose layers are computed twice.
pub(crate) struct Layers<'a> {
    decoder: &'a Decoder,
    /// The same weights and noise; nothing is kept for a backward pass.
    frozen: Decoder,
    /// Whether the embedding learns.
    embedding: Training,
    /// The first layer that the backward pass goes through; the number of layers when only the head learns.
    first: usize,
}

/// The forward pass up to the head.
struct Walk {
    /// The input of every layer from the first that is differentiated on, then that of the head.
    inputs: Vec<Tensor<2>>,
    table: RopeTable,
    attend: Causal,
}

/// What the backward pass of the head gives.
struct HeadGradients {
    /// The gradient of its input; `None` when nothing before it learns.
    gradient: Option<Tensor<2>>,
    /// The gradients of its parameters. A tied output matrix is the embedding: its two gradients must be one number
    /// before they meet those of other passes.
    outer: Gradients,
}

impl<'a> Layers<'a> {
    pub(crate) fn of(decoder: &'a Decoder) -> Self {
        let mut frozen = decoder.clone();
        for (_, mut parameter) in frozen.parameters_mut() {
            parameter.set_training(Training::Frozen);
        }
        let embedding = training_of(&decoder.tok_embeddings);
        let learns = |layer: &usize| training_of(&decoder.layers[*layer]) == Training::Trained;
        let count = decoder.layers.len();
        let first = match embedding {
            Training::Trained => 0,
            Training::Frozen => (0..count).find(learns).unwrap_or(count),
        };
        Self { decoder, frozen, embedding, first }
    }

    /// The loss of a pass; its gradient is added to `sum`.
    pub(crate) fn compute(
        &self,
        pass: &Pass<'_>,
        loss: &mut Loss<'_>,
        sum: &mut Gradients,
    ) -> Result<(LossSum, StepTimes)> {
        let start = Instant::now();
        let mut walk = self.walk(pass)?;
        let input = walk.inputs.pop().expect("the head has an input");
        let input = leaf(input, self.before(self.decoder.layers.len()));
        let (value, graph) = head_loss(self.decoder, self.decoder.norm.forward(input.clone()), pass, loss)?;
        let mut times = StepTimes { forward: start.elapsed().as_secs_f64(), ..StepTimes::default() };
        let start = Instant::now();
        if let Some(graph) = graph {
            let mut tape = graph.backward();
            let gradient = input.grad_remove(&mut tape);
            let head = HeadGradients { gradient, outer: take_gradients(self.decoder, tape) };
            self.backward(walk, head, pass, sum)?;
        }
        times.backward = start.elapsed().as_secs_f64();
        Ok((value, times))
    }

    /// Whether anything learns before layer number `layer`; the head counts as the layer behind the last.
    fn before(&self, layer: usize) -> Training {
        if layer > self.first { Training::Trained } else { self.embedding }
    }

    /// Runs the layers without keeping anything of them but their inputs.
    fn walk(&self, pass: &Pass<'_>) -> Result<Walk> {
        let mut attend = Causal::packed(&pass.row.cu_seqlens);
        let mut h = self.embed(&self.frozen, pass)?;
        let table = self.decoder.rope.table(attend.positions(), &h.device());
        let mut inputs = Vec::with_capacity(self.decoder.layers.len() + 1 - self.first);
        for (layer, block) in self.frozen.layers.iter().enumerate() {
            if layer >= self.first {
                inputs.push(h.clone());
            }
            h = block.forward(h, layer, &table, &mut attend);
        }
        inputs.push(h);
        Ok(Walk { inputs, table, attend })
    }

    /// From the gradient of the head's input to those of all parameters, which are added to `sum`.
    fn backward(&self, walk: Walk, head: HeadGradients, pass: &Pass<'_>, sum: &mut Gradients) -> Result<()> {
        let Walk { mut inputs, table, mut attend } = walk;
        let HeadGradients { mut gradient, mut outer } = head;
        for layer in (self.first..self.decoder.layers.len()).rev() {
            let (Some(input), Some(seed)) = (inputs.pop(), gradient.take()) else { break };
            let input = leaf(input, self.before(layer));
            let output = self.decoder.layers[layer].forward(input.clone(), layer, &table, &mut attend);
            let mut tape = differentiate(output, seed);
            gradient = input.grad_remove(&mut tape);
            accumulate(sum, take_gradients(self.decoder, tape));
        }
        if let Some(seed) = gradient.filter(|_| self.embedding == Training::Trained) {
            let tape = differentiate(self.embed(self.decoder, pass)?, seed);
            accumulate(&mut outer, take_gradients(self.decoder, tape));
        }
        accumulate(sum, outer);
        Ok(())
    }

    /// The input of the first layer.
    fn embed(&self, decoder: &Decoder, pass: &Pass<'_>) -> Result<Tensor<2>> {
        let device = self.decoder.tok_embeddings.weight.device().inner();
        let ids = decoder.ids(&pass.row.ids, &device)?;
        Ok(decoder.first_hidden(ids, Causal::packed(&pass.row.cu_seqlens).positions()))
    }
}

/// `h` as the beginning of a graph, differentiated when anything before it learns.
fn leaf(h: Tensor<2>, before: Training) -> Tensor<2> {
    h.detach().set_require_grad(before == Training::Trained)
}

/// The gradients of everything that `output` was computed from, when its own gradient is `seed`.
fn differentiate(output: Tensor<2>, seed: Tensor<2>) -> Tape {
    (output * seed).sum().backward()
}

/// Whether any parameter of `module` learns.
fn training_of(module: &impl Module) -> Training {
    struct AnyTrained(bool);
    impl ModuleVisitor for AnyTrained {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            self.0 |= parameter.is_require_grad();
        }
    }
    let mut any = AnyTrained(false);
    module.visit(&mut any);
    if any.0 { Training::Trained } else { Training::Frozen }
}
