//! [`DecodeGraphs`]: decoding steps of a GPU whose launches are recorded, so that the host launches a step as a whole.
//!
//! There is a recording for each number of rows and of key splits, powers of two, and each number of logits that sampling
//! wants, made when the first step of its kind comes. Other steps are launched one kernel after the other.

use std::collections::BTreeMap;

use internlm_model::decoder::Decoder;
use internlm_model::kernels::{
    DecodeBuffers, DecodePlace, DecodeSize, DecodeStep, MAX_DECODE_ROWS, MAX_ENTRIES, Recorded,
};

use super::outputs::StepOutputs;
use crate::cache::PagedCache;
use crate::engine::{Batch, LogitsDetail, LogitsWanted};

/// The recordings of a decoder and a cache: they must be dropped with either.
#[derive(Debug)]
pub(super) struct DecodeGraphs {
    place: DecodePlace,
    /// By size and number of logits; none for what could not be recorded.
    known: BTreeMap<(DecodeSize, usize), Option<DecodeGraph>>,
}

#[derive(Debug)]
struct DecodeGraph {
    buffers: DecodeBuffers,
    recorded: Recorded<Option<StepOutputs>>,
}

impl DecodeGraphs {
    /// No recordings yet.
    pub(super) fn new(place: DecodePlace) -> Self {
        Self { place, known: BTreeMap::new() }
    }

    /// Number of recordings.
    pub(super) fn len(&self) -> usize {
        self.known.values().flatten().count()
    }

    /// The outputs of a step, which has been launched; none when steps like this one are not recorded.
    pub(super) fn step(
        &mut self,
        batch: &Batch,
        decoder: &Decoder,
        cache: &mut PagedCache,
    ) -> Option<StepOutputs> {
        let count = entries(batch)?;
        let step = decode_step(batch, decoder)?;
        let key = (step.size()?, count);
        if let Some(known) = self.known.get_mut(&key) {
            let graph = known.as_mut()?;
            graph.buffers.write(step);
            return graph.recorded.launch()?.clone();
        }
        let graph = DecodeBuffers::new(step, &self.place)
            .and_then(|buffers| DecodeGraph::record(buffers, count, decoder, cache));
        self.known.insert(key, graph);
        self.known.get(&key)?.as_ref()?.recorded.launch()?.clone()
    }
}

impl DecodeGraph {
    fn record(
        buffers: DecodeBuffers,
        count: usize,
        decoder: &Decoder,
        cache: &mut PagedCache,
    ) -> Option<Self> {
        let (ids, table) = (buffers.ids(), buffers.table());
        cache.begin_planned(buffers.batch());
        let recorded = Recorded::new(&ids.device(), || {
            let hidden = decoder.forward_rotated(ids.clone(), &table, cache);
            StepOutputs::of_all(decoder, hidden, count)
        });
        Some(Self { buffers, recorded: recorded? })
    }
}

/// Number of logits per row that the steps of a batch want; none unless each is one token with its logits.
fn entries(batch: &Batch) -> Option<usize> {
    let single = batch.steps.iter().all(|step| step.tokens.len() == 1 && step.logits == LogitsWanted::Last);
    match batch.detail {
        LogitsDetail::Top(count) if single && count <= MAX_ENTRIES => Some(count.max(1)),
        _ => None,
    }
}

/// The new token of each sequence; none when there are too many, or one is unknown, which the other way reports.
fn decode_step(batch: &Batch, decoder: &Decoder) -> Option<DecodeStep> {
    let vocab = decoder.tok_embeddings.weight.dims()[0];
    let known = batch.steps.iter().all(|step| step.tokens[0].index() < vocab);
    if !known || batch.steps.len() > MAX_DECODE_ROWS {
        return None;
    }
    let mut all = DecodeStep::default();
    for step in &batch.steps {
        let blocks = step.blocks.iter().map(|block| block.0).collect();
        all.push(step.tokens[0], step.position, step.rope_len, blocks);
    }
    Some(all)
}
