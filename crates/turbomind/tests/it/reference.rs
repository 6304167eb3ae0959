//! The engine against a model written out in f64: the formulas of the Llama decoder, without tiles, blocks or threads.

use std::path::Path;

use internlm_model::weights::{Encoding, StoredModel, open_stored};
use turbomind::{Compute, Engine, EngineConfig, LogitEntries, LogitRows, Outputs, SeqStep};

use crate::tiny::Tiny;

/// A model as its formulas read it.
struct Reference {
    stored: StoredModel,
    heads: usize,
    kv_heads: usize,
    hidden: usize,
}

impl Reference {
    fn open(path: &Path, tiny: Tiny) -> Self {
        let stored = open_stored(path).expect("a model");
        Self { stored, heads: tiny.heads, kv_heads: tiny.kv_heads, hidden: tiny.hidden }
    }

    fn tensor(&self, name: &str) -> Vec<f64> {
        let values = self.stored.source.read_f32(&format!("{name}.weight")).expect("a tensor");
        values.into_iter().map(f64::from).collect()
    }

    /// `W x` for a matrix by its name.
    fn times(&self, name: &str, x: &[f64]) -> Vec<f64> {
        self.tensor(name).chunks_exact(x.len()).map(|row| dot(row, x)).collect()
    }

    /// `w * x / sqrt(mean(x^2) + 1e-5)`.
    fn norm(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let mean = dot(x, x) / x.len() as f64;
        self.tensor(name).iter().zip(x).map(|(w, x)| w * x / (mean + 1e-5).sqrt()).collect()
    }

    /// Logits of every position of `tokens`.
    fn logits(&self, tokens: &[u32]) -> Vec<Vec<f64>> {
        self.hidden(tokens).iter().map(|h| self.times("token_embd", h)).collect()
    }

    /// Hidden states of every position after the final norm.
    fn hidden(&self, tokens: &[u32]) -> Vec<Vec<f64>> {
        let embedding = self.tensor("token_embd");
        let mut rows: Vec<Vec<f64>> = tokens
            .iter()
            .map(|token| embedding[*token as usize * self.hidden..][..self.hidden].to_vec())
            .collect();
        for layer in 0..self.stored.config.layers {
            self.attention(layer, &mut rows);
            let name = |inner: &str| format!("blk.{layer}.{inner}");
            for x in &mut rows {
                let h = self.norm(&name("ffn_norm"), x);
                let (gate, up) = (self.times(&name("ffn_gate"), &h), self.times(&name("ffn_up"), &h));
                let inner: Vec<f64> =
                    gate.iter().zip(up).map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up).collect();
                add(x, &self.times(&name("ffn_down"), &inner));
            }
        }
        rows.iter().map(|x| self.norm("output_norm", x)).collect()
    }

    /// Causal attention of one layer, added to the rows. Every query head `h` reads kv head `h * kv_heads / heads`.
    fn attention(&self, layer: usize, rows: &mut [Vec<f64>]) {
        let name = |inner: &str| format!("blk.{layer}.{inner}");
        let head_dim = self.hidden / self.heads;
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (position, x) in rows.iter_mut().enumerate() {
            let h = self.norm(&name("attn_norm"), x);
            let mut q = self.times(&name("attn_q"), &h);
            let mut k = self.times(&name("attn_k"), &h);
            q.chunks_exact_mut(head_dim).for_each(|head| rotate(head, position));
            k.chunks_exact_mut(head_dim).for_each(|head| rotate(head, position));
            keys.push(k);
            values.push(self.times(&name("attn_v"), &h));
            let mut mixed = Vec::new();
            for (head, q) in q.chunks_exact(head_dim).enumerate() {
                let start = head * self.kv_heads / self.heads * head_dim;
                let scores: Vec<f64> = keys
                    .iter()
                    .map(|key| (dot(q, &key[start..start + head_dim]) / (head_dim as f64).sqrt()).exp())
                    .collect();
                let sum: f64 = scores.iter().sum();
                mixed.extend((start..start + head_dim).map(|d| {
                    scores.iter().zip(&values).map(|(score, value)| score * value[d]).sum::<f64>() / sum
                }));
            }
            add(x, &self.times(&name("attn_output"), &mixed));
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(x: &mut [f64], y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

/// Rotary embedding as GGUF stores the heads of `llama`: pairs are neighbors, the base is 10,000.
fn rotate(head: &mut [f64], position: usize) {
    let dim = head.len();
    for (i, pair) in head.chunks_exact_mut(2).enumerate() {
        let angle = position as f64 * 1e4_f64.powf(-2.0 * i as f64 / dim as f64);
        let (sin, cos) = angle.sin_cos();
        (pair[0], pair[1]) = (pair[0] * cos - pair[1] * sin, pair[1] * cos + pair[0] * sin);
    }
}

/// What the engine computes of a short text, the text, and the formulas.
fn pass(tiny: Tiny, compute: Compute, rows: LogitRows) -> (Outputs, Vec<u32>, Reference) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.gguf");
    tiny.write(&path);
    let tokens: Vec<u32> = (0..37).map(|i| (i * 89 + 11) % tiny.vocab as u32).collect();
    let config = EngineConfig::new().with_compute(compute).with_threads(2).with_kv_blocks(2);
    let mut engine = Engine::load(&path, &config).expect("loads");
    let mut outputs = Outputs::default();
    let step = SeqStep::new(&tokens, 0, &[1, 0]).with_logits(rows);
    engine.forward(&[step], LogitEntries::All, &mut outputs).expect("a pass");
    (outputs, tokens, Reference::open(&path, tiny))
}

/// Relative error of the logits of a short text, and how often the most likely id is another one.
fn error(tiny: Tiny, compute: Compute) -> (f64, usize) {
    let (outputs, tokens, reference) = pass(tiny, compute, LogitRows::All);
    let expected = reference.logits(&tokens);
    let (mut off, mut size, mut changed) = (0.0, 0.0, 0);
    for (found, expected) in outputs.logits.chunks_exact(tiny.vocab).zip(&expected) {
        for (found, expected) in found.iter().zip(expected) {
            off += (f64::from(*found) - expected).powi(2);
            size += expected * expected;
        }
        let best = |row: &mut dyn Iterator<Item = f64>| {
            row.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).map(|(id, _)| id)
        };
        let best_found = best(&mut found.iter().copied().map(f64::from));
        changed += usize::from(best_found != best(&mut expected.iter().copied()));
    }
    ((off / size).sqrt(), changed)
}

#[test]
fn f32_logits_are_those_of_the_formulas() {
    for encoding in [
        Encoding::F32,
        Encoding::F16,
        Encoding::Bf16,
        Encoding::Q4_0,
        Encoding::Q4_1,
        Encoding::Q5_0,
        Encoding::Q5_1,
        Encoding::Q8_0,
        Encoding::Q4K,
        Encoding::Q5K,
        Encoding::Q6K,
    ] {
        let tiny = Tiny { encoding, vocab: 64, ..Tiny::default() };
        let (error, changed) = error(tiny, Compute::F32);
        assert!(error <= 1e-5 && changed == 0, "{encoding}: relative error {error:e}, {changed} other ids");
    }
}

#[test]
fn eight_bit_activations_stay_close_to_the_formulas() {
    for encoding in [Encoding::Q4_1, Encoding::Q8_0, Encoding::Q6K] {
        let tiny = Tiny { encoding, vocab: 64, ..Tiny::default() };
        let (error, _) = error(tiny, Compute::Int8);
        assert!(error <= 0.03, "{encoding}: relative error {error}");
    }
}

/// Relative error of the hidden states of a short text.
fn hidden_error(tiny: Tiny, compute: Compute) -> f64 {
    let (outputs, tokens, reference) = pass(tiny, compute, LogitRows::HiddenAll);
    let expected: Vec<f64> = reference.hidden(&tokens).concat();
    assert_eq!(outputs.hidden.len(), expected.len());
    let pairs = outputs.hidden.iter().zip(&expected);
    let off: f64 = pairs.map(|(found, expected)| (f64::from(*found) - expected).powi(2)).sum();
    (off / dot(&expected, &expected)).sqrt()
}

#[test]
fn hidden_states_are_those_of_the_formulas() {
    for encoding in [Encoding::F32, Encoding::Q4_1, Encoding::Q6K] {
        let tiny = Tiny { encoding, vocab: 64, ..Tiny::default() };
        for (compute, limit) in [(Compute::F32, 1e-5), (Compute::Int8, 0.03)] {
            let error = hidden_error(tiny, compute);
            assert!(error <= limit, "{encoding} with {compute:?}: relative error {error:e}");
        }
    }
}

#[test]
fn every_grouping_of_heads_is_right() {
    for (heads, kv_heads) in [(4, 4), (4, 1), (8, 2), (2, 1), (16, 4)] {
        let tiny = Tiny { heads, kv_heads, encoding: Encoding::F32, layers: 1, vocab: 64, ..Tiny::default() };
        let (error, changed) = error(tiny, Compute::F32);
        assert!(error <= 1e-5 && changed == 0, "{heads} over {kv_heads}: relative error {error:e}");
    }
}
