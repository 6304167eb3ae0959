//! Attention over keys in blocks against its plain twin on the CPU, and what must not change a bit.
//!
//! Memory begins as NaN and has NaN between its blocks: a slot that is read before a token is stored in it shows. The
//! twin of stored codes keeps the floats that they stand for.

use std::sync::OnceLock;

use burn::tensor::{Device, Int, Shape, Tensor, TensorData};
use burn_cubecl::CubeBackend;
use burn_cubecl::tensor::CubeTensor;
use half::{bf16, f16};
use internlm_kit::rng::CounterRng;
use proptest::prelude::*;

use super::twin::{Codes, as_stored, rotate};
use super::{PagedCall, attend, copy};
use crate::heads::{HeadShape, PackedQkv};
use crate::kernels::block_tables::{BlockTables, KeyCopy, KeyFormat, KeyLayout};
use crate::kernels::device::launch::{primitive, upload};
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
        let format = KeyFormat::F32;
        Self { layout: KeyLayout { shape, head_dim, block_tokens, format }, window: None }
    }

    fn stored_as(self, format: KeyFormat) -> Self {
        Self { layout: KeyLayout { format, ..self.layout }, ..self }
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
    cache: CubeTensor,
}

impl Storage {
    fn new(layer: Layer) -> Self {
        let like = primitive(Tensor::<1>::zeros([1], &gpu()));
        let words = layer.layout.block_words();
        // Three words that no block owns come after each block.
        let all = [BLOCKS, words + 3];
        let mut cache = match layer.layout.format {
            KeyFormat::F32 => upload(&like, &vec![f32::NAN; BLOCKS * (words + 3)], all),
            // Scale and minimum are halves that are not numbers; a bf16 of these bits is a large number.
            KeyFormat::Bf16 => upload(&like, &vec![0x7fc0_7fc0_u32; BLOCKS * (words + 3)], all),
            _ => upload(&like, &vec![0x7e00_7e00_u32; BLOCKS * (words + 3)], all),
        };
        *cache.meta.shape_mut() = Shape::new([BLOCKS, words]);
        Self { layer, cache }
    }

    /// One step, `[T, heads * d]`.
    fn step(&self, parts: &[Part]) -> Vec<f32> {
        self.attend(&self.layer.row(parts, &gpu()), parts)
    }

    fn attend(&self, row: &Tensor<2>, parts: &[Part]) -> Vec<f32> {
        let (tables, plan) = (tables(parts), OnceLock::new());
        let call =
            PagedCall { layout: self.layer.layout, tables: &tables, plan: &plan, window: self.layer.window };
        numbers(attend(&gaps(row.clone()), &self.cache, call).expect("these heads fit"))
    }

    /// All words of codes.
    fn words(&self) -> Vec<u32> {
        let words = Tensor::<2, Int>::from_primitive::<CubeBackend>(self.cache.clone());
        words.into_data().try_into_vec_as::<u32>().expect("words")
    }
}

/// The same steps by the twins.
struct Twin {
    layer: Layer,
    cache: Tensor<2>,
}

impl Twin {
    fn new(layer: Layer) -> Self {
        let width = layer.layout.rows() * layer.layout.head_dim;
        Self { layer, cache: Tensor::full([BLOCKS, width], f32::NAN, &cpu()) }
    }

    fn step(&mut self, parts: &[Part]) -> Vec<f32> {
        let Layer { layout, window } = self.layer;
        let rotated = layout.format == KeyFormat::Int4;
        let mut row = numbers(self.layer.row(parts, &cpu()));
        let group = layout.shape.heads / layout.shape.kv_heads;
        for (slot, head) in row.chunks_exact_mut(layout.head_dim).enumerate() {
            if rotated {
                rotate(head);
            }
            if slot % (group + 2) >= group {
                head.copy_from_slice(&as_stored(head, layout.format));
            }
        }
        let tokens = row.len() / self.layer.width();
        let packed = Tensor::from_data(TensorData::new(row, [tokens, self.layer.width()]), &cpu());
        let (q, k, v) = PackedQkv { packed, shape: layout.shape }.split();
        // Whatever is stored, the twin keeps floats.
        let layout = KeyLayout { format: KeyFormat::F32, ..layout };
        self.cache = plain::store_keys(self.cache.clone(), layout, (k, v), &tables(parts));
        let mut out = numbers(plain::paged_attention(q, &self.cache, layout, &tables(parts), window));
        if rotated {
            out.chunks_exact_mut(layout.head_dim).for_each(rotate);
        }
        out
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

    #[test]
    fn mixed_steps_over_fewer_bits_equal_their_twin(
        runs in runs(), kv_heads in 1..3_usize, group in 1..5_usize, parts in 1..4_usize,
        format in prop::sample::select(vec![
            (KeyFormat::Bf16, 2), (KeyFormat::F16, 6), (KeyFormat::Int8, 4), (KeyFormat::Int4, 32),
        ]),
        block_tokens in prop::sample::select(vec![8_usize, 24, 64]), window in prop::option::of(1..400_usize),
    ) {
        let (format, step) = format;
        let layer = Layer::new((kv_heads * group, kv_heads), step * parts, block_tokens).stored_as(format);
        compare(Layer { window, ..layer }, &runs);
    }
}

#[test]
fn heads_of_real_models_equal_their_twin() {
    for (heads, d) in [((4, 2), 64), ((3, 3), 80), ((2, 1), 96), ((8, 1), 128)] {
        compare(Layer::new(heads, d, 64), &[run(0, 33), run(290, 1), run(70, 9), run(0, 1)]);
    }
}

#[test]
fn fewer_bits_of_real_models_equal_their_twin() {
    let runs = [run(0, 33), run(290, 1), run(70, 9), run(0, 1)];
    for (heads, d) in [((4, 2), 64), ((3, 3), 80), ((2, 1), 96), ((8, 1), 128)] {
        for format in [KeyFormat::Bf16, KeyFormat::F16, KeyFormat::Int8] {
            compare(Layer::new(heads, d, 64).stored_as(format), &runs);
        }
        if d % 32 == 0 {
            let layer = Layer::new(heads, d, 16).stored_as(KeyFormat::Int4);
            compare(Layer { window: Some(40), ..layer }, &runs);
        }
    }
}

/// Heads of every size of number, down to those that are subnormal as halves: the codes are those of the CPU, bit by bit.
#[test]
fn codes_and_scales_are_those_of_the_cpu() {
    const TOKENS: usize = 300;
    for (format, d) in [
        (KeyFormat::Int8, 4),
        (KeyFormat::Int8, 80),
        (KeyFormat::Int8, 128),
        (KeyFormat::Int4, 32),
        (KeyFormat::Int4, 96),
        (KeyFormat::Int4, 128),
    ] {
        let layer = Layer::new((2, 1), d, 64).stored_as(format);
        let storage = Storage::new(layer);
        let rng = CounterRng::new(d as u64, "sizes");
        let mut row = layer.projection(3, run(0, TOKENS));
        for (index, head) in row.chunks_exact_mut(d).enumerate() {
            // From 1e-9 to 1e3, with a common offset in every third.
            let size = 10_f32.powf(rng.f64(index as u64) as f32 * 12.0 - 9.0);
            let offset = if index % 3 == 0 { 2.0 } else { 0.0 };
            head.iter_mut().for_each(|number| *number = (*number + offset) * size);
        }
        // All numbers the same: the scale is 0.
        row[2 * d..3 * d].fill(0.75);
        let packed = Tensor::from_data(TensorData::new(row.clone(), [TOKENS, 4 * d]), &gpu());
        let part = Part { sequence: 0, run: run(0, TOKENS), blocks: vec![7, 2, 9, 0, 5] };
        storage.attend(&packed, &[part.clone()]);
        let stored = storage.words();
        let words = layer.layout.block_words();
        for (token, row) in row.chunks_exact(4 * d).enumerate() {
            let block = &stored[part.blocks[token / 64] as usize * words..][..words];
            for (plane, head) in row[2 * d..].chunks_exact(d).enumerate() {
                let mut head = head.to_vec();
                if format == KeyFormat::Int4 {
                    rotate(&mut head);
                }
                let expected = Codes::new(&head, format);
                let (codes, scales) = block.split_at(layer.layout.rows() * layer.layout.row_words());
                let of_row =
                    |all: &[u32], count: usize| all[(plane * 64 + token % 64) * count..][..count].to_vec();
                let found =
                    (of_row(codes, layer.layout.row_words()), of_row(scales, layer.layout.row_scales()));
                assert_eq!(found, expected.packed(), "{format:?}, {d} numbers, token {token}, plane {plane}");
            }
        }
    }
}

/// Numbers of every size, those that no half holds among them: rounded as on the CPU.
#[test]
fn floats_of_16_bits_are_those_of_the_cpu() {
    const TOKENS: usize = 64;
    for format in [KeyFormat::Bf16, KeyFormat::F16] {
        let layer = Layer::new((1, 1), 8, 64).stored_as(format);
        let storage = Storage::new(layer);
        let rng = CounterRng::new(11, "sizes");
        let mut row = layer.projection(3, run(0, TOKENS));
        for (index, number) in row.iter_mut().enumerate() {
            *number *= 10_f32.powf(rng.f64(index as u64) as f32 * 14.0 - 9.0);
            // Half way between two numbers, as often as not.
            let bits = number.to_bits();
            if index % 5 == 0 {
                *number = f32::from_bits(if format == KeyFormat::Bf16 {
                    bits & !0xffff | 0x8000
                } else {
                    bits & !0x1fff | 0x1000
                });
            }
        }
        row[8..12].copy_from_slice(&[f32::INFINITY, f32::NAN, -0.0, f32::MIN_POSITIVE]);
        let packed = Tensor::from_data(TensorData::new(row.clone(), [TOKENS, 24]), &gpu());
        storage.attend(&packed, &[Part { sequence: 0, run: run(0, TOKENS), blocks: vec![7] }]);
        let words = layer.layout.block_words();
        let stored = &storage.words()[7 * words..8 * words];
        for (token, row) in row.chunks_exact(24).enumerate() {
            for (plane, head) in row[8..].chunks_exact(8).enumerate() {
                let words = &stored[(plane * 64 + token) * 4..][..4];
                for (number, found) in
                    head.iter().zip(words.iter().flat_map(|word| [*word as u16, (word >> 16) as u16]))
                {
                    let (found, expected) = match format {
                        KeyFormat::Bf16 => {
                            (bf16::from_bits(found).to_f32(), bf16::from_f32(*number).to_f32())
                        }
                        _ => (f16::from_bits(found).to_f32(), f16::from_f32(*number).to_f32()),
                    };
                    // As halves, what is not finite is infinite, and read back as NaN.
                    let odd = !expected.is_finite() && !found.is_finite();
                    assert!(odd || found.to_bits() == expected.to_bits(), "{format:?} {number:e}: {found:e}");
                }
            }
        }
    }
}

/// The CPU core reads them back as numbers that are not finite, too.
#[test]
fn numbers_beyond_the_range_of_halves_do_not_stay_hidden() {
    for format in [KeyFormat::Int8, KeyFormat::Int4] {
        let layer = Layer::new((1, 1), 32, 8).stored_as(format);
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e9, -1e9, 3e38] {
            let mut row = layer.projection(1, run(0, 3));
            // A number of the second token's key.
            row[96 + 32 + 5] = bad;
            let packed = Tensor::from_data(TensorData::new(row, [3, 96]), &gpu());
            let part = Part { sequence: 0, run: run(0, 3), blocks: vec![4] };
            let found = Storage::new(layer).attend(&packed, &[part]);
            assert!(found[..32].iter().all(|number| number.is_finite()), "{format:?}, {bad}");
            let broken = |token: &[f32]| token.iter().any(|number| !number.is_finite());
            assert!(found[32..].chunks(32).all(broken), "{format:?}, {bad}: {:?}", &found[32..]);
        }
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
    for (heads, window, format) in [
        ((4, 2), None, KeyFormat::F32),
        ((3, 1), Some(100), KeyFormat::F32),
        ((2, 2), Some(600), KeyFormat::F32),
        ((4, 2), None, KeyFormat::Bf16),
        ((4, 2), None, KeyFormat::Int8),
        ((3, 1), Some(100), KeyFormat::Int4),
    ] {
        let layer = |block_tokens| {
            let layer = Layer::new(heads, 32, block_tokens).stored_as(format);
            Layer { window, ..layer }
        };
        let alone = in_pieces(layer(64), &[0, 530], &[]);
        let cuts: Vec<usize> = (0..18).chain([250, 255, 256, 257, 258, 500, 512, 513, 514, 530]).collect();
        let others = [run(40, 1), run(3, 70)];
        assert!(alone == in_pieces(layer(8), &cuts, &others), "{heads:?}, window {window:?}, {format:?}");
        assert!(
            alone == in_pieces(layer(24), &[0, 529, 530], &others),
            "{heads:?}, window {window:?}, {format:?}"
        );
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
    for (format, d) in
        [(KeyFormat::F32, 8), (KeyFormat::Bf16, 6), (KeyFormat::Int8, 12), (KeyFormat::Int4, 32)]
    {
        let layer = Layer::new((4, 2), d, 8).stored_as(format);
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
}

#[test]
fn heads_without_a_tile_are_refused() {
    let layer = Layer::new((40, 1), 8, 8);
    let cache = Tensor::<2>::zeros([1, layer.layout.block_words()], &gpu());
    let part = Part { sequence: 0, run: run(0, 2), blocks: vec![0] };
    let (tables, plan) = (tables(&[part.clone()]), OnceLock::new());
    let call = PagedCall { layout: layer.layout, tables: &tables, plan: &plan, window: None };
    assert!(attend(&layer.row(&[part], &gpu()), &primitive(cache.clone()), call).is_none());
    assert!(numbers(cache).iter().all(|number| *number == 0.0), "nothing is stored");
}
