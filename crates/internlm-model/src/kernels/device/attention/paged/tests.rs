//! Attention over keys in blocks against its plain twin on the CPU, and what must not change a bit.
//!
//! Memory begins as NaN and has NaN between its blocks: a slot that is read before a token is stored in it shows.

use std::sync::OnceLock;

use burn::tensor::{Device, Tensor, TensorData};
use internlm_kit::rng::CounterRng;
use proptest::prelude::*;

use super::{PagedCall, attend, copy};
use crate::heads::{HeadShape, PackedQkv};
use crate::kernels::block_tables::{BlockTables, KeyCopy, KeyLayout};
use crate::kernels::device::tests::{close, cpu, gaps, gpu};
use crate::kernels::plain;
use crate::parameter::numbers;
use crate::positions::Run;

/// Blocks of a storage that is large enough for every test.
const BLOCKS: usize = 128;

/// Heads, sizes and window of a layer.
#[derive(Clone, Copy, Debug)]
struct Layer {
    layout: KeyLayout,
    window: Option<usize>,
}

impl Layer {
    fn new(heads: (usize, usize), head_dim: usize, block_tokens: usize) -> Self {
        let shape = HeadShape { heads: heads.0, kv_heads: heads.1 };
        Self { layout: KeyLayout { shape, head_dim, block_tokens }, window: None }
    }

    fn width(self) -> usize {
        (self.layout.shape.heads + 2 * self.layout.shape.kv_heads) * self.layout.head_dim
    }

    /// The rotated projection of consecutive tokens of a sequence: a function of sequence and position alone.
    fn projection(self, sequence: u64, run: Run) -> Vec<f32> {
        let rng = CounterRng::new(sequence, "projection");
        let width = self.width();
        (run.first * width..run.keys() * width).map(|i| rng.normal(i as u64) as f32).collect()
    }

    /// The tokens of several sequences in one row.
    fn row(self, parts: &[Part], device: &Device) -> Tensor<2> {
        let rows: Vec<f32> = parts.iter().flat_map(|part| self.projection(part.sequence, part.run)).collect();
        let tokens = rows.len() / self.width();
        Tensor::from_data(TensorData::new(rows, [tokens, self.width()]), device)
    }
}

/// Consecutive tokens of one sequence, and its blocks.
#[derive(Clone, Debug)]
struct Part {
    sequence: u64,
    run: Run,
    blocks: Vec<u32>,
}

fn tables(parts: &[Part]) -> BlockTables {
    BlockTables::new(
        parts.iter().map(|part| part.run).collect(),
        parts.iter().map(|part| part.blocks.clone()).collect(),
    )
}

/// The storage of one layer on the device under test.
struct Storage {
    layer: Layer,
    cache: Tensor<2>,
}

impl Storage {
    fn new(layer: Layer) -> Self {
        Self { layer, cache: gaps(Tensor::full([BLOCKS, layer.layout.block_numbers()], f32::NAN, &gpu())) }
    }

    /// One step, `[T, heads * d]`.
    fn step(&self, parts: &[Part]) -> Vec<f32> {
        let (tables, plan) = (tables(parts), OnceLock::new());
        let call =
            PagedCall { layout: self.layer.layout, tables: &tables, plan: &plan, window: self.layer.window };
        let out = attend(&gaps(self.layer.row(parts, &gpu())), &self.cache, call);
        numbers(out.expect("these heads fit"))
    }
}

/// The same steps by the twins.
struct Twin {
    layer: Layer,
    cache: Tensor<2>,
}

impl Twin {
    fn new(layer: Layer) -> Self {
        Self { layer, cache: Tensor::full([BLOCKS, layer.layout.block_numbers()], f32::NAN, &cpu()) }
    }

    fn step(&mut self, parts: &[Part]) -> Vec<f32> {
        let Layer { layout, window } = self.layer;
        let packed = self.layer.row(parts, &cpu());
        let (q, k, v) = PackedQkv { packed, shape: layout.shape }.split();
        self.cache = plain::store_keys(self.cache.clone(), layout, (k, v), &tables(parts));
        numbers(plain::paged_attention(q, &self.cache, layout, &tables(parts), window))
    }
}

/// Blocks for `lengths` tokens each, scattered over the storage.
fn scattered(lengths: &[usize], block_tokens: usize) -> Vec<Vec<u32>> {
    let mut next = 0;
    let needed = lengths.iter().map(|length| length.div_ceil(block_tokens));
    let tables = needed.map(|count| {
        next += count;
        // 37 is prime to the number of blocks: each number comes once.
        (next - count..next).map(|block| ((block * 37 + 5) % BLOCKS) as u32).collect()
    });
    let tables: Vec<Vec<u32>> = tables.collect();
    assert!(next <= BLOCKS, "the storage is large enough");
    tables
}

/// Sequences that continue after `first` tokens with the new ones of `runs`.
fn parts(runs: &[Run], block_tokens: usize) -> Vec<Part> {
    let lengths: Vec<usize> = runs.iter().map(Run::keys).collect();
    let blocks = scattered(&lengths, block_tokens).into_iter().zip(runs).enumerate();
    blocks.map(|(index, (blocks, run))| Part { sequence: index as u64, run: *run, blocks }).collect()
}

/// The step that stores the tokens before those of a step.
fn before(step: &[Part]) -> Vec<Part> {
    let earlier = step.iter().filter(|part| part.run.first > 0);
    earlier.map(|part| Part { run: Run { first: 0, tokens: part.run.first }, ..part.clone() }).collect()
}

fn compare(layer: Layer, runs: &[Run]) {
    let step = parts(runs, layer.layout.block_tokens);
    let (storage, mut twin) = (Storage::new(layer), Twin::new(layer));
    let earlier = before(&step);
    if !earlier.is_empty() {
        close("prompts", &storage.step(&earlier), &twin.step(&earlier));
    }
    let found = storage.step(&step);
    close("step", &found, &twin.step(&step));
    assert!(found == storage.step(&step), "two runs, the same bits");
}

fn run(first: usize, tokens: usize) -> Run {
    Run { first, tokens }
}

fn runs() -> impl Strategy<Value = Vec<Run>> {
    let decode = (0..300_usize).prop_map(|first| run(first, 1));
    let prefill = (0..150_usize, 2..150_usize).prop_map(|(first, tokens)| run(first, tokens));
    prop::collection::vec(prop_oneof![decode, prefill], 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn mixed_steps_equal_their_twin(
        runs in runs(), kv_heads in 1..3_usize, group in 1..9_usize, d in 1..40_usize,
        block_tokens in prop::sample::select(vec![8_usize, 16, 24, 64]), window in prop::option::of(1..400_usize),
    ) {
        let layer = Layer::new((kv_heads * group, kv_heads), d, block_tokens);
        compare(Layer { window, ..layer }, &runs);
    }
}

#[test]
fn heads_of_real_models_equal_their_twin() {
    for (heads, d) in [((4, 2), 64), ((3, 3), 80), ((2, 1), 96), ((8, 1), 128)] {
        compare(Layer::new(heads, d, 64), &[run(0, 33), run(290, 1), run(70, 9), run(0, 1)]);
    }
}

/// Outputs of all tokens of one sequence that is computed in pieces, each next to other sequences.
fn in_pieces(layer: Layer, cuts: &[usize], neighbors: &[Run]) -> Vec<f32> {
    let length = *cuts.last().expect("a sequence has an end");
    let mut all = vec![run(0, length)];
    all.extend(neighbors);
    let step = parts(&all, layer.layout.block_tokens);
    let storage = Storage::new(layer);
    let earlier = before(&step);
    if !earlier.is_empty() {
        storage.step(&earlier);
    }
    let mut outputs = Vec::new();
    let row = layer.layout.shape.heads * layer.layout.head_dim;
    for pair in cuts.windows(2) {
        // The neighbors come first: nothing of the sequence is at the beginning of the row.
        let mut now = step[1..].to_vec();
        now.push(Part { run: run(pair[0], pair[1] - pair[0]), ..step[0].clone() });
        let found = storage.step(&now);
        outputs.extend_from_slice(&found[found.len() - (pair[1] - pair[0]) * row..]);
    }
    outputs
}

/// Whole prompts and single tokens run through different kernels, blocks of different sizes through different tables.
#[test]
fn neighbors_blocks_and_pieces_change_no_bit() {
    for (heads, window) in [((4, 2), None), ((3, 1), Some(100)), ((2, 2), Some(600))] {
        let layer = |block_tokens| Layer { window, ..Layer::new(heads, 16, block_tokens) };
        let alone = in_pieces(layer(64), &[0, 530], &[]);
        let cuts: Vec<usize> = (0..18).chain([250, 255, 256, 257, 258, 500, 512, 513, 514, 530]).collect();
        let others = [run(40, 1), run(3, 70)];
        assert!(alone == in_pieces(layer(8), &cuts, &others), "{heads:?}, window {window:?}");
        assert!(alone == in_pieces(layer(24), &[0, 529, 530], &others), "{heads:?}, window {window:?}");
    }
}

#[test]
fn a_window_as_long_as_the_sequence_changes_no_bit() {
    let outputs = |window| {
        let layer = Layer { window, ..Layer::new((2, 1), 16, 16) };
        in_pieces(layer, &[0, 299, 300], &[])
    };
    assert!(outputs(None) == outputs(Some(300)));
    assert!(outputs(None) != outputs(Some(299)));
}

#[test]
fn copied_blocks_hold_the_same_keys() {
    let layer = Layer::new((4, 2), 8, 8);
    let storage = Storage::new(layer);
    let first = Part { sequence: 1, run: run(0, 22), blocks: vec![3, 9, 4] };
    storage.step(&[first]);
    // Five slots of the last block and all of the second one.
    let copies = [KeyCopy { from: 4, to: 6, tokens: 5 }, KeyCopy { from: 9, to: 7, tokens: 8 }];
    copy(&storage.cache, layer.layout, &copies).expect("these heads fit");
    let next = Part { sequence: 1, run: run(21, 3), blocks: vec![3, 7, 6] };
    let found = storage.step(&[next.clone()]);
    let mut twin = Twin::new(layer);
    twin.step(&[Part { run: run(0, 21), ..next.clone() }]);
    close("copied", &found, &twin.step(&[next]));
}

#[test]
fn heads_without_a_tile_are_refused() {
    let layer = Layer::new((40, 1), 8, 8);
    let cache = Tensor::zeros([1, layer.layout.block_numbers()], &gpu());
    let part = Part { sequence: 0, run: run(0, 2), blocks: vec![0] };
    let (tables, plan) = (tables(&[part.clone()]), OnceLock::new());
    let call = PagedCall { layout: layer.layout, tables: &tables, plan: &plan, window: None };
    assert!(attend(&layer.row(&[part], &gpu()), &cache, call).is_none());
    assert!(numbers(cache).iter().all(|number| *number == 0.0), "nothing is stored");
}
