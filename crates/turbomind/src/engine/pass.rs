//! One forward pass: embedding, layers, head, as one job of the pool.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Engine, NonFinite, Outputs, Want};
use crate::kernels::attention::{Attend, AttentionCall, AttentionScratch, AttentionShape, attention};
use crate::kernels::{
    Best, HeadOutput, Normalization, Rotation, Rows, Sums, attention_input, embed, gate_up, head, insert,
    prepare, prepare_normalized, residual,
};
use crate::model::{Model, Weights};
use crate::pool::Member;
use crate::{Result, SeqStep};

/// Runs the pass that `engine.fields` lists.
pub(super) fn run(engine: &mut Engine, steps: &[SeqStep<'_>], want: Want, out: &mut Outputs) -> Result<()> {
    let threads = engine.pool.threads();
    let tokens = engine.fields.tokens.len();
    engine.fields.reshape(&engine.model, threads, tokens);
    engine.fields.reshape_head(&engine.model, threads, want);
    let mut first_row = 0;
    let attends: Vec<Attend<'_>> = steps
        .iter()
        .map(|step| {
            let rows = step.tokens.len();
            let attend = Attend { first_row, rows, position: step.position, blocks: step.blocks };
            first_row += rows;
            attend
        })
        .collect();
    // The first layer at which each sequence is not finite.
    let faults: Vec<AtomicU64> = steps.iter().map(|_| AtomicU64::new(u64::MAX)).collect();
    let Engine { model, isa, pool, kv, fields, room, .. } = engine;
    let scale = (model.config.head_dim as f32).sqrt().recip();
    room.prepare(kv, AttentionShape { heads: model.config.heads, scale, threads }, &attends)?;
    let pass = Pass { model, isa: *isa, kv, fields, attends: &attends, room, faults: &faults, want };
    pool.run(&|member| pass.member(member))?;
    finish(engine, want, out);
    out.non_finite = faults
        .iter()
        .enumerate()
        .filter_map(|(sequence, layer)| {
            let layer = layer.load(Ordering::Relaxed);
            (layer != u64::MAX).then_some(NonFinite { sequence, layer: layer as usize })
        })
        .collect();
    Ok(())
}

/// What every member needs to know.
struct Pass<'a> {
    model: &'a Model,
    isa: crate::simd::Isa,
    kv: &'a crate::kv::KvPool,
    fields: &'a super::fields::Fields,
    attends: &'a [Attend<'a>],
    room: &'a AttentionScratch,
    faults: &'a [AtomicU64],
    want: Want,
}

impl Pass<'_> {
    /// The part of one member.
    fn member(&self, member: &Member<'_>) -> Result<()> {
        embed(member, self.model, &self.fields.tokens, &self.fields.x)?;
        for layer in 0..self.model.layers.len() {
            self.layer(member, layer)?;
        }
        self.head(member)
    }

    fn layer(&self, member: &Member<'_>, index: usize) -> Result<()> {
        let (fields, layer, isa) = (self.fields, &self.model.layers[index], self.isa);
        let rows = fields.tokens.len();
        let config = &self.model.config;
        let width = config.heads * config.head_dim;
        let sums = Sums { room: &fields.sums, each: fields.sums_each };
        let report = |row: usize| self.report(row, index);
        let all = |row| row;

        let norm = self.norm(&layer.attention_norm, &layer.qkv[0]);
        let input = prepare_normalized(member, &norm, &fields.x, &fields.normed, rows, (all, report))?;
        let rotation = Rotation {
            cos: &fields.cos,
            sin: &fields.sin,
            places: &fields.places,
            pool: self.kv,
            layer: index,
        };
        attention_input(member, isa, layer, (input, rows), (&rotation, &sums), &fields.q)?;
        let call = AttentionCall {
            isa,
            pool: self.kv,
            layer: index,
            steps: self.attends,
            q: &fields.q,
            out: &fields.attended,
            scratch: self.room,
        };
        attention(member, &call)?;
        let way = self.rows(&layer.wo);
        let input = prepare(member, way, &fields.attended, &fields.mixed, [rows, width])?;
        residual(member, &layer.wo, (input, rows), &sums, &fields.x)?;

        let norm = self.norm(&layer.ffn_norm, &layer.w1);
        let input = prepare_normalized(member, &norm, &fields.x, &fields.normed, rows, (all, report))?;
        gate_up(member, isa, layer, (input, rows), &sums, fields.gated.together())?;
        residual(member, &layer.w2, (fields.gated.together(), rows), &sums, &fields.x)
    }

    fn head(&self, member: &Member<'_>) -> Result<()> {
        let (fields, rows) = (self.fields, self.fields.wanted.len());
        if rows == 0 {
            return Ok(());
        }
        let norm = self.norm(&self.model.norm, &self.model.output);
        let pick = |row: usize| fields.wanted[row];
        let report = |row: usize| self.report(fields.wanted[row], self.model.layers.len());
        let input = prepare_normalized(member, &norm, &fields.x, &fields.last, rows, (pick, report))?;
        let output = match self.want {
            Want::Logits => HeadOutput::Logits(&fields.logits),
            Want::Top(top) => HeadOutput::Best(Best { room: &fields.best, top }),
        };
        let sums = Sums { room: &fields.sums, each: fields.sums_each };
        head(member, self.isa, &self.model.output, (input, rows), &sums, &output)
    }

    /// How rows go into the input of a matrix.
    fn rows<'a>(&'a self, weights: &'a Weights) -> Rows<'a> {
        let (room, each) = (&self.fields.row, self.fields.row_each);
        Rows { isa: self.isa, room, each, columns: weights.columns.as_deref() }
    }

    fn norm<'a>(&'a self, weight: &'a [f32], consumer: &'a Weights) -> Normalization<'a> {
        Normalization { weight, eps: self.model.config.eps as f32, way: self.rows(consumer) }
    }

    /// Notes that a row's numbers left the range of floats.
    fn report(&self, row: usize, layer: usize) {
        self.faults[self.fields.sequences[row]].fetch_min(layer as u64, Ordering::Relaxed);
    }
}

/// Moves what the head gave into the outputs.
fn finish(engine: &mut Engine, want: Want, out: &mut Outputs) {
    let (rows, vocab) = (engine.fields.wanted.len(), engine.model.config.vocab);
    let threads = engine.pool.threads();
    out.logits.clear();
    out.top.clear();
    match want {
        Want::Logits => out.logits.extend_from_slice(&engine.fields.logits.get_mut()[..rows * vocab]),
        Want::Top(top) => {
            let best = engine.fields.best.get_mut();
            for row in 0..rows {
                let mut entries = vec![(f32::NEG_INFINITY, u32::MAX); top];
                for member in 0..threads {
                    let start = (member * rows + row) * top;
                    best[start..start + top].iter().for_each(|entry| insert(&mut entries, *entry));
                }
                out.top.push(entries.into_iter().map(|(logit, id)| (id, logit)).collect());
            }
        }
    }
}
