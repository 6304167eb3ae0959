//! [`Layers`]: the gradient of a pass, one layer after the other from the last to the first.
//!
//! Every layer is a graph of its own, from its input to its output. The forward pass detaches the output and hands it to
//! the next layer; the backward pass begins at the head and gives each layer the gradient of its output. So only one
//! layer's gradients exist beside the sums over passes, and a layer's memory is free before the next one begins.
//!
//! With [`Recompute::Layers`] the forward pass keeps the input of a layer only, and the backward pass computes the layer
//! again before it differentiates it. Every operation sees the same numbers in both forms, and every gradient is the
//! same sum in the same order: the results are equal bit for bit on the CPU, dropout included, whose masks are
//! functions of the pass.

use std::time::Instant;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients as Tape, Tensor};
use internlm_model::attend::{Attend, Causal};
use internlm_model::decoder::Decoder;
use internlm_model::kernels::differentiate;
use internlm_model::parameter::{Parameter, Training};
use internlm_model::rope::RopeTable;

use crate::Result;
use crate::gradients::{Gradients, accumulate};
use crate::loss::{Loss, LossSum, head_loss};
use crate::objective::Pass;
use crate::parameters;
use crate::recompute::Recompute;
use crate::report::StepTimes;

/// A decoder whose layers are differentiated one by one.
pub(crate) struct Layers<'a> {
    decoder: &'a Decoder,
    /// The same weights and noise; nothing is kept for a backward pass.
    frozen: Decoder,
    /// Whatever learns, in the order of the gradients.
    trained: Vec<Parameter>,
    recompute: Recompute,
    /// Whether the embedding learns.
    embedding: Training,
    /// The first layer that the backward pass goes through; the number of layers when only the head learns.
    first: usize,
}

/// The forward pass up to the head.
struct Walk {
    /// The output of the embedding, with its graph; `None` when the embedding does not learn.
    embedded: Option<Tensor<2>>,
    /// Layers from the first that is differentiated on.
    layers: Vec<Kept>,
    /// The input of the head, the beginning of a graph.
    hidden: Tensor<2>,
    table: RopeTable,
    attend: Causal,
}

/// What the forward pass keeps of a layer.
struct Kept {
    /// Its input, the beginning of its graph.
    input: Tensor<2>,
    /// Its output, which holds everything between; `None` when it is computed again.
    output: Option<Tensor<2>>,
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
    pub(crate) fn of(decoder: &'a Decoder, recompute: Recompute) -> Self {
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
        Self { decoder, frozen, trained: parameters::handles(decoder), recompute, embedding, first }
    }

    /// Number of parameters that learn.
    pub(crate) fn trained(&self) -> usize {
        self.trained.len()
    }

    /// The loss of a pass; its gradient is added to `sum`.
    pub(crate) fn compute(
        &self,
        pass: &Pass<'_>,
        loss: &mut Loss<'_>,
        sum: &mut Gradients,
    ) -> Result<(LossSum, StepTimes)> {
        let start = Instant::now();
        let walk = self.walk(pass)?;
        let output = self.decoder.norm.forward(walk.hidden.clone());
        let (value, graph) = head_loss(self.decoder, output, pass, loss)?;
        let mut times = StepTimes { forward: start.elapsed().as_secs_f64(), ..StepTimes::default() };
        let start = Instant::now();
        if let Some(graph) = graph {
            let mut tape = graph.backward();
            let gradient = walk.hidden.grad_remove(&mut tape);
            self.backward(walk, HeadGradients { gradient, outer: self.take(tape) }, sum);
        }
        times.backward = start.elapsed().as_secs_f64();
        Ok((value, times))
    }

    /// Whether anything learns before layer number `layer`; the head counts as the layer behind the last.
    fn before(&self, layer: usize) -> Training {
        if layer > self.first { Training::Trained } else { self.embedding }
    }

    /// Runs the layers and keeps what their backward passes need.
    fn walk(&self, pass: &Pass<'_>) -> Result<Walk> {
        let mut attend = Causal::packed(&pass.row.cu_seqlens);
        let device = self.decoder.tok_embeddings.weight.device().inner();
        let ids = self.decoder.ids(&pass.row.ids, &device)?;
        let embedded = self.decoder.first_hidden(ids, attend.positions());
        let table = self.decoder.rope.table(attend.positions(), &embedded.device());
        let mut h = embedded.clone().detach();
        let embedded = (self.embedding == Training::Trained).then_some(embedded);
        let count = self.decoder.layers.len();
        let mut layers = Vec::with_capacity(count - self.first);
        for layer in 0..count {
            let [block, frozen] = [self.decoder, &self.frozen].map(|decoder| &decoder.layers[layer]);
            if layer < self.first {
                h = frozen.forward(h, layer, &table, &mut attend);
                continue;
            }
            let input = leaf(h.clone(), self.before(layer));
            let output = match self.recompute {
                Recompute::None => Some(block.forward(input.clone(), layer, &table, &mut attend)),
                Recompute::Layers => None,
            };
            h = match &output {
                Some(output) => output.clone().detach(),
                None => frozen.forward(h, layer, &table, &mut attend),
            };
            layers.push(Kept { input, output });
        }
        Ok(Walk { embedded, layers, hidden: leaf(h, self.before(count)), table, attend })
    }

    /// From the gradient of the head's input to those of all parameters, which are added to `sum`.
    fn backward(&self, walk: Walk, head: HeadGradients, sum: &mut Gradients) {
        let Walk { embedded, mut layers, hidden, table, mut attend } = walk;
        let HeadGradients { mut gradient, mut outer } = head;
        // The last layer is differentiated without it.
        drop(hidden);
        for layer in (self.first..self.decoder.layers.len()).rev() {
            let (Some(Kept { input, output }), Some(seed)) = (layers.pop(), gradient.take()) else { break };
            let output = output.unwrap_or_else(|| {
                self.decoder.layers[layer].forward(input.clone(), layer, &table, &mut attend)
            });
            let mut tape = differentiate(output, seed);
            gradient = input.grad_remove(&mut tape);
            accumulate(sum, self.take(tape));
        }
        if let (Some(embedded), Some(seed)) = (embedded, gradient) {
            accumulate(&mut outer, self.take(differentiate(embedded, seed)));
        }
        accumulate(sum, outer);
    }

    /// The gradients of parameters.
    fn take(&self, tape: Tape) -> Gradients {
        parameters::take_gradients(&self.trained, tape)
    }
}

/// `h` as the beginning of a graph, differentiated when anything before it learns.
fn leaf(h: Tensor<2>, before: Training) -> Tensor<2> {
    h.detach().set_require_grad(before == Training::Trained)
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
