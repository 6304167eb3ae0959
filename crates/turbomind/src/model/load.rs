//! Files -> [`Model`]: plan, one arena, all matrices repacked in parallel, source pages released.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use internlm_model::weights::StoredModel;

use super::files::Files;
use super::layers::{Layer, Model};
use super::plan::{Form, Plan, Planner};
use super::weights::{Arithmetic, Weights};
use crate::arena::Arena;
use crate::format::int4::{self, Int4Row};
use crate::format::{SourceRows, repack};
use crate::tile::Matrix;
use crate::{Error, Result};

impl Model {
    /// Loads the tensors of a Hugging Face folder, an InternEvo checkpoint or a GGUF file with `threads` threads; `path`
    /// names them in messages.
    ///
    /// # Errors
    /// Files that cannot be read; all tensors that are missing, not used, mis-shaped or not finite, at once.
    pub(crate) fn load(
        stored: &StoredModel,
        path: &Path,
        threads: usize,
        arithmetic: Arithmetic,
    ) -> Result<Self> {
        let files = Files { model: stored, path };
        let planner = Planner::new(files)?;
        let (plans, mut problems) = (planner.plans, planner.problems);
        if !problems.is_empty() {
            return Err(Error::weights(path, problems));
        }
        let matrices = tiles(files, &plans, threads, &mut problems)?;
        let model = assemble(files, matrices, arithmetic, &mut problems);
        match model {
            Some(model) if problems.is_empty() => Ok(model),
            _ => Err(Error::weights(path, problems)),
        }
    }
}

/// A matrix and the order of its inputs, `None` for the usual one.
struct Repacked {
    matrix: Matrix,
    columns: Option<Vec<u32>>,
}

/// Repacks every planned matrix, the largest first, so that no thread is left with a large one at the end.
fn tiles(
    files: Files<'_>,
    plans: &[Plan<'_>],
    threads: usize,
    problems: &mut Vec<String>,
) -> Result<Vec<Repacked>> {
    let lengths: Vec<usize> = plans.iter().map(Plan::bytes).collect();
    let bytes = lengths.iter().sum();
    let memory = |source| Error::Memory { what: "the weights", bytes, source };
    let mut arena = Arena::new(&lengths).map_err(memory)?;
    let mut jobs: Vec<_> = plans.iter().zip(arena.parts_mut()).collect();
    jobs.sort_by_key(|(plan, _)| std::cmp::Reverse(plan.bytes()));
    let jobs: Vec<Mutex<_>> = jobs.into_iter().map(Mutex::new).collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    // Any thread takes the next largest matrix; a problem does not stop the others, so that all are reported at once.
    let work = || {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Ok(mut job) = job.lock() else { continue };
            let (plan, out) = &mut *job;
            if let Err(problem) = fill(files, plan, out)
                && let Ok(mut found) = found.lock()
            {
                found.push(problem);
            }
        }
    };
    std::thread::scope(|scope| {
        (1..threads).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    drop(jobs);
    problems.extend(found.into_inner().unwrap_or_default());
    // Threads finish in any order; messages should not.
    problems.sort();
    let parts = arena.freeze().map_err(memory)?;
    let repacked = plans.iter().zip(parts).map(|(plan, tiles)| {
        let (format, outputs, inputs) = (plan.format, plan.rows.len(), plan.inputs);
        Repacked { matrix: Matrix { format, outputs, inputs, tiles }, columns: plan.columns() }
    });
    Ok(repacked.collect())
}

/// Repacks one matrix and lets go of its pages in the file.
fn fill(files: Files<'_>, plan: &Plan<'_>, out: &mut [u8]) -> Result<(), String> {
    let source = files.model.source.as_ref();
    let place = || files.place(&plan.tensor);
    let encoding = match &plan.stored {
        Form::Rows(encoding) => *encoding,
        Form::Int4(source) => {
            let rows = plan.rows.iter().map(|row| Int4Row { source, row: *row as usize });
            let rows: Vec<Int4Row<'_>> = rows.collect();
            return int4::repack(&rows, out).map_err(|problem| format!("{}: {problem}", place()));
        }
    };
    let bytes = source.read_bytes(&plan.tensor).map_err(|error| error.to_string())?;
    let length = encoding.byte_length(&[plan.inputs]).ok_or_else(|| {
        format!("{}: found rows of {} weights, expected whole blocks", place(), plan.inputs)
    })?;
    let rows = plan.rows.iter().map(|row| {
        let start = *row as usize * length;
        bytes.get(start..start + length).unwrap_or_default()
    });
    let rows = SourceRows { encoding, rows: rows.collect(), inputs: plan.inputs };
    // Releasing the pages keeps the peak of memory near the size of the tiles.
    let repacked = repack(&rows, out).map_err(|problem| format!("{}: {problem}", place()));
    drop(bytes);
    source.release(&plan.tensor);
    repacked
}

/// Puts the matrices, which are in the order of the plan, into their places; `None` when one is missing.
fn assemble(
    files: Files<'_>,
    matrices: Vec<Repacked>,
    arithmetic: Arithmetic,
    problems: &mut Vec<String>,
) -> Option<Model> {
    let config = files.model.config.clone();
    let mut matrices = matrices.into_iter();
    let mut next = |bias| {
        let Repacked { matrix, columns } = matrices.next()?;
        Some(Weights::new(matrix, bias, arithmetic).with_columns(columns))
    };
    let embedding = next(None)?;
    let mut layers = Vec::with_capacity(config.layers);
    for layer in 0..config.layers {
        let name = |inner: &str| format!("model.layers.{layer}.{inner}");
        let mut bias = |wanted: bool, inner: &str, length| {
            wanted.then(|| files.vector(&name(&format!("{inner}.bias")), length, problems))
        };
        // Biases are read from the files as they are; only the matrices were planned.
        let wo = bias(config.o_bias, "attention.wo", config.hidden);
        let [w1, w3] =
            ["feed_forward.w1", "feed_forward.w3"].map(|inner| bias(config.mlp_bias, inner, config.inter));
        let w2 = bias(config.mlp_bias, "feed_forward.w2", config.hidden);
        let qkv = match config.qkv_bias {
            true => files.qkv_bias(&name("attention.wqkv.bias"), problems).map(Some),
            false => [None, None, None],
        };
        let [q, k, v] = qkv;
        let (q, k, v, wo) = (next(q)?, next(k)?, next(v)?, next(wo)?);
        let (mut w1, mut w3, w2) = (next(w1)?, next(w3)?, next(w2)?);
        if let Some(columns) = &w2.columns {
            // The plan has put the outputs of both into this order.
            [&mut w1, &mut w3].into_iter().for_each(|weights| weights.order_bias(columns));
        }
        layers.push(Layer {
            attention_norm: files.vector(&name("attention_norm.weight"), config.hidden, problems),
            qkv: [q, k, v],
            wo,
            ffn_norm: files.vector(&name("ffn_norm.weight"), config.hidden, problems),
            w1,
            w3,
            w2,
        });
    }
    let norm = files.vector("model.norm.weight", config.hidden, problems);
    // A tied output matrix shares the tiles of the embedding.
    let output =
        if config.tied { Weights::new(embedding.matrix.clone(), None, arithmetic) } else { next(None)? };
    same_columns(&layers, problems);
    Some(Model { config, embedding: embedding.matrix, layers, norm, output })
}

/// Checks that matrices which share an input read its columns in the same order.
fn same_columns(layers: &[Layer], problems: &mut Vec<String>) {
    for (index, layer) in layers.iter().enumerate() {
        let [q, k, v] = layer.qkv.each_ref().map(|weights| &weights.columns);
        for (name, same) in
            [("q, k and v", q == k && k == v), ("w1 and w3", layer.w1.columns == layer.w3.columns)]
        {
            if !same {
                problems
                    .push(format!("layer {index}: found different g_idx orders for {name}, expected one"));
            }
        }
    }
}
