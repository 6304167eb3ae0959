//! Attention against plain f64 softmax, and bit by bit against itself in every other arrangement.

use internlm_kit::testing::TestRng;
use proptest::prelude::*;

use super::{AttentionStep, KvPlace, PagedAttention};
use crate::Error;
use crate::kv::{BlockCopy, KvConfig, KvFormat, tests::decode};
use crate::pool::Pool;
use crate::simd::Isa;

/// Random numbers in -1..1.
fn noise(count: usize, seed: u64) -> Vec<f32> {
    TestRng::new(seed).floats(count, 1.0)
}

/// Sequences in a pool whose unused slots are NaN; what they hold depends on their number and `layer` alone.
struct Fixture {
    attention: PagedAttention,
    config: KvConfig,
    heads: usize,
    tables: Vec<Vec<u32>>,
    window: Option<usize>,
}

const LAYER: usize = 1;

impl Fixture {
    /// `lengths[s]` tokens of sequence s, in blocks of no order.
    fn new(isa: Isa, config: KvConfig, group: usize, lengths: &[usize]) -> Self {
        let heads = group * config.kv_heads;
        let mut attention = PagedAttention::new(isa, &config, heads).expect("a small pool");
        attention.kv().keys.get_mut().fill(0xff);
        attention.kv().values.get_mut().fill(0xff);
        let mut free: Vec<u32> =
            (0..config.blocks as u32).map(|i| (i * 7 + 3) % config.blocks as u32).collect();
        let mut tables = Vec::new();
        for (sequence, length) in lengths.iter().enumerate() {
            let rest = free.split_off(length.div_ceil(config.block_tokens));
            let table = std::mem::replace(&mut free, rest);
            for position in 0..*length {
                for kv_head in 0..config.kv_heads {
                    let seed = (sequence * 100_000 + position) * 16 + kv_head;
                    let x = noise(2 * config.head_dim, seed as u64);
                    let (key, value) = x.split_at(config.head_dim);
                    attention.store(place(&config, &table, position, kv_head), key, value);
                }
            }
            tables.push(table);
        }
        Self { attention, config, heads, tables, window: None }
    }

    fn set_window(&mut self, window: Option<usize>) {
        self.window = window;
        self.attention.set_window(window);
    }

    /// The query row of a token, three times as long as a key, so that the weights differ.
    fn query(&self, sequence: usize, position: usize) -> Vec<f32> {
        let x = noise(self.heads * self.config.head_dim, (sequence * 7_000 + position) as u64 + 77);
        x.into_iter().map(|x| 3.0 * x).collect()
    }

    /// One pass over `(sequence, first position, tokens)`.
    fn run(&mut self, threads: usize, parts: &[(usize, usize, usize)]) -> Vec<f32> {
        let mut first_row = 0;
        let mut q = Vec::new();
        let tables = self.tables.clone();
        let mut steps = Vec::new();
        for &(sequence, position, rows) in parts {
            steps.push(AttentionStep { first_row, rows, position, blocks: &tables[sequence] });
            first_row += rows;
            (position..position + rows).for_each(|position| q.extend(self.query(sequence, position)));
        }
        let mut pool = Pool::new(threads).expect("threads");
        self.attention.run(&mut pool, LAYER, &steps, &q).expect("a pass").to_vec()
    }

    /// Softmax attention in f64 over what is stored, for one token.
    fn expected(&mut self, sequence: usize, position: usize) -> Vec<f64> {
        let (config, group) = (self.config, self.heads / self.config.kv_heads);
        let q = self.query(sequence, position);
        let table = self.tables[sequence].clone();
        let first = self.window.map_or(0, |window| (position + 1).saturating_sub(window));
        let mut out = Vec::new();
        for kv_head in 0..config.kv_heads {
            let mut read = |side| -> Vec<Vec<f64>> {
                let stored = (first..=position).map(|position| {
                    decode(self.attention.kv(), place(&config, &table, position, kv_head), side)
                });
                stored.map(|x| if config.format == KvFormat::Int4 { rotated(&x) } else { x }).collect()
            };
            let (keys, values) = (read(0), read(1));
            for head in 0..group {
                let q = &q[(kv_head * group + head) * config.head_dim..][..config.head_dim];
                let score = |key: &Vec<f64>| {
                    let dot: f64 = q.iter().zip(key).map(|(q, key)| f64::from(*q) * key).sum();
                    dot / (config.head_dim as f64).sqrt()
                };
                let scores: Vec<f64> = keys.iter().map(score).collect();
                let largest = scores.iter().copied().fold(f64::MIN, f64::max);
                let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
                let sum: f64 = weights.iter().sum();
                let column = |d: usize| -> f64 {
                    weights.iter().zip(&values).map(|(weight, value)| weight * value[d]).sum::<f64>() / sum
                };
                out.extend((0..config.head_dim).map(column));
            }
        }
        out
    }
}

fn place(config: &KvConfig, table: &[u32], position: usize, kv_head: usize) -> KvPlace {
    let (block, slot) = (table[position / config.block_tokens], position % config.block_tokens);
    KvPlace { layer: LAYER, block, slot, kv_head }
}

/// Times the Hadamard matrix, by its definition.
fn rotated(x: &[f64]) -> Vec<f64> {
    let n = 1 << x.len().trailing_zeros();
    let sign = |i: usize, j: usize| if (i & j).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
    (0..x.len())
        .map(|i| (0..n).map(|j| sign(i % n, j) * x[i / n * n + j]).sum::<f64>() / (n as f64).sqrt())
        .collect()
}

fn config(format: KvFormat, kv_heads: usize, head_dim: usize, block_tokens: usize) -> KvConfig {
    KvConfig { format, layers: 2, kv_heads, head_dim, block_tokens, blocks: 4096 / block_tokens + 1 }
}

fn bits(x: &[f32]) -> Vec<u32> {
    assert!(x.iter().all(|x| x.is_finite()), "stale numbers came through");
    x.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn agrees_with_plain_softmax_attention() {
    for (index, format) in KvFormat::ALL.into_iter().enumerate() {
        for (group, head_dim, block_tokens) in [
            (1, 64, 16),
            (3, 64, 32),
            (2, 8, 64),
            (5, 80, 32),
            (8, 128, 16),
            (4, 4, 32),
            (7, 16, 128),
            (1, 256, 32),
        ] {
            let config = config(format, 1 + index % 2, head_dim, block_tokens);
            let mut fixture = Fixture::new(Isa::detect(), config, group, &[300, 1, 40]);
            let steps = [(0, 255, 45), (1, 0, 1), (2, 0, 40)];
            let found = fixture.run(1, &steps);
            check(&mut fixture, &steps, &found);
        }
    }
}

/// Checks the rows of some steps against the formula.
fn check(fixture: &mut Fixture, steps: &[(usize, usize, usize)], found: &[f32]) {
    let mut rows = found.chunks_exact(fixture.heads * fixture.config.head_dim);
    for &(sequence, position, count) in steps {
        for position in position..position + count {
            let row = rows.next().expect("a row per token");
            let expected = fixture.expected(sequence, position);
            // Values are within -1..1 (a little more after 4-bit rounding), so 1e-5 of them is:
            for (d, (found, expected)) in row.iter().zip(&expected).enumerate() {
                let error = (f64::from(*found) - expected).abs();
                assert!(
                    error <= 1e-5,
                    "{:?} window {:?} sequence {sequence} at {position}, {d}: found {found}, expected {expected}",
                    fixture.config,
                    fixture.window
                );
            }
        }
    }
}

#[test]
fn a_window_hides_the_keys_before_it() {
    for (format, group, head_dim) in
        [(KvFormat::F16, 3, 64), (KvFormat::F32, 1, 48), (KvFormat::Int8, 5, 32), (KvFormat::Int4, 2, 64)]
    {
        let mut fixture = Fixture::new(Isa::detect(), config(format, 1, head_dim, 32), group, &[900, 40]);
        for window in [1, 2, 5, 40, 255, 256, 300, 800] {
            fixture.set_window(Some(window));
            let steps = [(0, 200, 120), (1, 0, 40), (0, 515, 9), (0, 899, 1)];
            for threads in [1, 3] {
                let found = fixture.run(threads, &steps);
                check(&mut fixture, &steps, &found);
            }
        }
    }
}

#[test]
fn a_window_as_long_as_the_sequence_changes_no_bit() {
    let mut fixture = Fixture::new(Isa::detect(), config(KvFormat::F16, 2, 64, 32), 3, &[700]);
    let without = bits(&fixture.run(2, &[(0, 0, 700)]));
    fixture.set_window(Some(700));
    assert!(bits(&fixture.run(2, &[(0, 0, 700)])) == without);
    fixture.set_window(Some(699));
    let found = bits(&fixture.run(2, &[(0, 0, 700)]));
    let last = without.len() - 6 * 64;
    assert!(found[..last] == without[..last] && found[last..] != without[last..]);
}

#[test]
fn what_is_not_a_number_outside_of_the_window_changes_no_bit() {
    let mut fixture = Fixture::new(Isa::detect(), config(KvFormat::F16, 1, 64, 32), 3, &[400]);
    fixture.set_window(Some(30));
    let steps = [(0, 41, 100), (0, 300, 60)];
    let expected = bits(&fixture.run(1, &steps));
    for position in [3, 9, 11] {
        let place = place(&fixture.config, &fixture.tables[0], position, 0);
        fixture.attention.store(place, &[f32::NAN; 64], &[f32::NAN; 64]);
    }
    assert!(bits(&fixture.run(1, &steps)) == expected);
    assert!(bits(&fixture.run(3, &steps)) == expected);
}

#[test]
fn chunks_neighbors_and_threads_change_no_bit() {
    for (format, group, head_dim) in [
        (KvFormat::F16, 3, 64),
        (KvFormat::F16, 8, 32),
        (KvFormat::F32, 1, 48),
        (KvFormat::Int8, 4, 64),
        (KvFormat::Int4, 2, 128),
    ] {
        let lengths = [LENGTH, 37, 700, 1];
        let mut fixture = Fixture::new(Isa::detect(), config(format, 2, head_dim, 32), group, &lengths);
        for window in [None, Some(3), Some(280)] {
            fixture.set_window(window);
            arrangements_change_no_bit(&mut fixture);
        }
    }
}

/// Length of the first sequence of [`arrangements_change_no_bit`].
const LENGTH: usize = 1100;

fn arrangements_change_no_bit(fixture: &mut Fixture) {
    let whole = bits(&fixture.run(1, &[(0, 0, LENGTH)]));
    for chunk in [1, 7, 64, 512] {
        let mut found = Vec::new();
        for start in (0..LENGTH).step_by(chunk) {
            let rows = chunk.min(LENGTH - start);
            found.extend(bits(&fixture.run(2, &[(0, start, rows)])));
        }
        assert!(found == whole, "{:?} window {:?} in chunks of {chunk}", fixture.config, fixture.window);
    }
    let width = fixture.heads * fixture.config.head_dim;
    for threads in [1, 2, 3] {
        let mixed = fixture.run(threads, &[(1, 36, 1), (2, 600, 100), (0, 900, 150), (3, 0, 1)]);
        assert!(bits(&mixed[101 * width..251 * width]) == whole[900 * width..1050 * width]);
        let alone = fixture.run(threads, &[(2, 600, 100)]);
        assert!(bits(&mixed[width..101 * width]) == bits(&alone));
    }
}

#[test]
fn a_block_that_was_copied_serves_as_the_first() {
    for format in KvFormat::ALL {
        let mut fixture = Fixture::new(Isa::detect(), config(format, 2, 64, 32), 3, &[90, 90]);
        let before = fixture.run(1, &[(0, 80, 10)]);
        let (src, dst) = (fixture.tables[0][2], fixture.tables[1][2]);
        fixture.attention.kv().copy(BlockCopy { src, dst, tokens: 26 }).expect("blocks of the pool");
        fixture.tables[0][2] = dst;
        assert_eq!(bits(&fixture.run(1, &[(0, 80, 10)])), bits(&before), "{format}");
    }
}

#[test]
fn what_is_not_a_number_stays_with_those_who_see_it() {
    let mut fixture = Fixture::new(Isa::detect(), config(KvFormat::F16, 1, 64, 32), 3, &[40]);
    let expected = fixture.run(1, &[(0, 0, 40)]);
    let bad = place(&fixture.config, &fixture.tables[0], 21, 0);
    let mut value = [0.25; 64];
    value[9] = f32::NAN;
    fixture.attention.store(bad, &[0.5; 64], &value);
    let found = fixture.run(1, &[(0, 0, 40)]);
    assert_eq!(bits(&found[..21 * 192]), bits(&expected[..21 * 192]));
    for (index, x) in found[21 * 192..].iter().enumerate() {
        assert_eq!(x.is_nan(), index % 64 == 9, "{index}");
    }
    fixture.attention.store(bad, &[f32::NAN; 64], &[0.25; 64]);
    let found = fixture.run(1, &[(0, 0, 40)]);
    assert_eq!(bits(&found[..21 * 192]), bits(&expected[..21 * 192]));
    assert!(found[21 * 192..].iter().all(|x| x.is_nan()));
}

#[test]
fn steps_that_do_not_fit_are_errors() {
    let config = config(KvFormat::F16, 2, 64, 32);
    let mut attention = PagedAttention::new(Isa::detect(), &config, 6).expect("a small pool");
    let mut threads = Pool::new(1).expect("one thread");
    let q = vec![0.0; 6 * 64];
    let mut message = |blocks: &[u32], first_row, position| {
        let step = AttentionStep { first_row, rows: 1, position, blocks };
        match attention.run(&mut threads, 0, &[step], &q) {
            Err(error @ Error::Step { .. }) => error.to_string(),
            other => panic!("found {other:?}"),
        }
    };
    assert_eq!(message(&[], 0, 32), "step 0: found 0 blocks, expected 2 of 32 tokens for 33 positions");
    assert_eq!(message(&[0, 500], 0, 32), "step 0: found block 500, expected one of the pool's 129");
    assert_eq!(message(&[0], 2, 0), "step 0: found first row 2, expected 0");
    let mut attention = PagedAttention::new(Isa::detect(), &config, 5).expect("a small pool");
    let step = AttentionStep { first_row: 0, rows: 1, position: 0, blocks: &[0] };
    let error = attention.run(&mut threads, 0, &[step], &[0.0; 5 * 64]).expect_err("five heads over two");
    assert_eq!(error.to_string(), "heads: found 5, expected a multiple of 2");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_isa_gives_the_same_bits(
        format in prop::sample::select(KvFormat::ALL.to_vec()),
        group in 1_usize..=8,
        head_dim in prop::sample::select(vec![4, 8, 16, 32, 48, 64, 80, 112]),
        block_tokens in prop::sample::select(vec![16, 32, 64]),
        length in 1_usize..=530,
        rows in 1_usize..=9,
        window in prop::option::of(1_usize..=300),
    ) {
        let position = length.saturating_sub(rows);
        let run = |isa, threads| {
            let mut fixture = Fixture::new(isa, config(format, 1, head_dim, block_tokens), group, &[length]);
            fixture.set_window(window);
            bits(&fixture.run(threads, &[(0, position, length - position)]))
        };
        let expected = run(Isa::Scalar, 1);
        for isa in Isa::ALL {
            prop_assert!(run(isa, 1) == expected, "{}", isa.name());
            prop_assert!(run(isa, 4) == expected, "{} split", isa.name());
        }
    }
}
