//! [`DecodeGraphs`]: decoding steps of a GPU whose launches are recorded, so that the host launches a step as a whole.
//!
//! There is a recording for each number of rows and of key splits, powers of two, and for one or [`MAX_ENTRIES`] logits a
//! row, made when the first step of its kind comes. Other steps are launched one kernel after the other.

use std::collections::BTreeMap;

use internlm_model::decoder::Decoder;
use internlm_model::kernels::{
    DecodeBuffers, DecodePlace, DecodeSize, DecodeStep, MAX_DECODE_ROWS, MAX_ENTRIES, Recorded,
};

use super::outputs::StepOutputs;
use crate::cache::PagedCache;
use crate::engine::{Batch, LogitsDetail, LogitsWanted, SequencePart};

/// Maximum number of recordings: each keeps memory that nothing else can use.
const MAX_RECORDINGS: usize = 32;

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
        let step = self.decode_step(batch, decoder)?;
        let key = (step.size()?, count);
        let is_full = self.len() == MAX_RECORDINGS;
        match self.known.get_mut(&key) {
            Some(known) => known.as_mut()?.buffers.write(step),
            None if is_full => return None,
            None => {
                let graph = DecodeBuffers::new(step, &self.place)
                    .and_then(|buffers| DecodeGraph::record(buffers, count, decoder, cache));
                self.known.insert(key, graph);
            }
        }
        let outputs = self.known.get(&key)?.as_ref()?.recorded.launch().cloned();
        if outputs.is_none() {
            // What the GPU refuses once gives its memory back.
            self.known.insert(key, None);
        }
        outputs.flatten()
    }
}

impl DecodeGraphs {
    /// The new token of each sequence; none when there are too many, or an id or a block is unknown, which the other way
    /// reports.
    fn decode_step(&self, batch: &Batch, decoder: &Decoder) -> Option<DecodeStep> {
        let vocab = decoder.tok_embeddings.weight.dims()[0];
        let known = |step: &SequencePart| {
            step.tokens[0].index() < vocab && step.blocks.iter().all(|block| block.0 < self.place.spare)
        };
        if batch.steps.len() > MAX_DECODE_ROWS || !batch.steps.iter().all(known) {
            return None;
        }
        let mut all = DecodeStep::default();
        for step in &batch.steps {
            let blocks = step.blocks.iter().map(|block| block.0).collect();
            all.push(step.tokens[0], step.position, step.rope_len, blocks);
        }
        Some(all)
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

/// Number of logits per row that a recording for a batch gives; none unless each is one token with its logits.
fn entries(batch: &Batch) -> Option<usize> {
    let single = batch.steps.iter().all(|step| step.tokens.len() == 1 && step.logits == LogitsWanted::Last);
    match batch.detail {
        LogitsDetail::Top(count) if single && count <= 1 => Some(1),
        LogitsDetail::Top(count) if single && count <= MAX_ENTRIES => Some(MAX_ENTRIES),
        _ => None,
    }
}
