//! The decoder behind the engine: the same numbers as the reference, alone or in a batch.
//!
//! The device is `INTERNLM_TEST_DEVICE`, the CPU otherwise.

#[cfg(feature = "vulkan")]
mod gpu;

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::module::Param;
use burn::tensor::Device;
use internlm_model::attend::Causal;
use internlm_model::config::RopeScaling;
use internlm_model::decoder::Decoder;
use internlm_model::sampling::largest;
use internlm_model::{ModelConfig, ModelSize, TokenId};
use lmdeploy::engine::{
    Batch, BlockCopy, BlockId, BurnExecutor, CacheSize, ComputeType, Engine, EngineConfig, Executor,
    ExecutorConfig, GenerateRequest, LogitsDetail, LogitsWanted, Output, QuantPolicy, RequestId, Row,
    SchedulerConfig, SequencePart,
};

/// One test at a time: one of them counts what the whole process reads.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn config() -> ModelConfig {
    let size = ModelSize { hidden: 64, layers: 2, heads: 4, inter: 160, vocab: 300 };
    ModelConfig::new(size).with_kv_heads(2).with_max_position(128)
}

fn device_name() -> String {
    std::env::var("INTERNLM_TEST_DEVICE").unwrap_or_else(|_| "cpu".to_owned())
}

fn device() -> Device {
    internlm_model::device::parse(&device_name()).expect("the device under test is there")
}

fn on_cpu() -> bool {
    device_name() == "cpu"
}

fn executor(limits: &ExecutorConfig) -> BurnExecutor {
    executor_on(&device(), limits)
}

fn executor_on(device: &Device, limits: &ExecutorConfig) -> BurnExecutor {
    let decoder = Decoder::init(&config(), 3, device);
    BurnExecutor::new(&config(), decoder, device, limits).expect("fits")
}

fn prompt(seed: u32, length: u32) -> Vec<TokenId> {
    (0..length).map(|i| TokenId((seed * 31 + i * 17 + i * i) % 300)).collect()
}

/// Logits of every position by the decoder without a cache.
fn reference(ids: &[TokenId]) -> Vec<f32> {
    let decoder = Decoder::init(&config(), 3, &device());
    let tensor = decoder.ids(ids, &device()).expect("known ids");
    let hidden = decoder.forward(tensor, &mut Causal::sequence(ids.len()));
    decoder.logits(hidden).into_data().try_into_vec().expect("f32")
}

fn step(id: u64, tokens: &[TokenId], position: usize, blocks: &[u32], logits: LogitsWanted) -> SequencePart {
    let blocks = blocks.iter().copied().map(BlockId).collect();
    let rope_len = position + tokens.len();
    SequencePart { id: RequestId(id), tokens: tokens.to_vec(), position, rope_len, blocks, logits }
}

fn full(row: Row<'_>) -> &[f32] {
    row.full().expect("asked for")
}

#[test]
fn scattered_blocks_and_chunks_give_the_reference_logits() {
    let _alone = alone();
    let limits = ExecutorConfig::default().with_cache_block_seq_len(4);
    let mut executor = executor(&limits);
    let (a, b) = (prompt(1, 11), prompt(2, 7));
    let steps =
        vec![step(0, &a[..5], 0, &[9, 2], LogitsWanted::All), step(1, &b[..3], 0, &[4], LogitsWanted::All)];
    let first = executor.step(&Batch { steps, ..Batch::default() }).expect("computes");
    let steps = vec![
        step(1, &b[3..], 3, &[4, 0], LogitsWanted::All),
        step(0, &a[5..], 5, &[9, 2, 7], LogitsWanted::All),
    ];
    let second = executor.step(&Batch { steps, ..Batch::default() }).expect("computes");
    let rows: Vec<&[f32]> = first.rows().chain(second.rows()).map(full).collect();
    let (expected_a, expected_b) = (reference(&a), reference(&b));
    let row = |all: &[f32], index: usize| all[index * 300..(index + 1) * 300].to_vec();
    let mut expected: Vec<Vec<f32>> = (0..5).map(|i| row(&expected_a, i)).collect();
    expected.extend((0..7).map(|i| row(&expected_b, i)));
    expected.extend((5..11).map(|i| row(&expected_a, i)));
    for (found, expected) in rows.iter().zip(&expected) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
    assert_eq!(rows.len(), 18);
}

/// A sequence whose first block is shared and whose second one begins as a copy.
#[test]
fn shared_and_copied_blocks_give_the_reference_logits() {
    let _alone = alone();
    let mut executor = executor(&ExecutorConfig::default().with_cache_block_seq_len(4));
    let ids = prompt(1, 8);
    let other: Vec<TokenId> = [&ids[..7], &prompt(2, 4)[..]].concat();
    let steps = vec![step(0, &ids, 0, &[9, 2], LogitsWanted::Last)];
    executor.step(&Batch { steps, ..Batch::default() }).expect("computes");
    let copies = vec![BlockCopy { from: BlockId(2), to: BlockId(5), tokens: 3 }];
    let steps = vec![step(1, &other[7..], 7, &[9, 5, 0], LogitsWanted::All)];
    let found = executor.step(&Batch { copies, steps, ..Batch::default() }).expect("computes");
    let expected = reference(&other);
    for (row, expected) in found.rows().map(full).zip(expected[7 * 300..].chunks_exact(300)) {
        for (found, expected) in row.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
    assert_eq!(found.len(), 4);
}

/// A decoder whose vector of token `id` is not a number.
fn broken(mut decoder: Decoder, id: usize) -> Decoder {
    let weight = decoder.tok_embeddings.weight.val().slice_fill(id..id + 1, f32::NAN);
    decoder.tok_embeddings.weight = Param::from_tensor(weight);
    decoder
}

/// A sequence whose numbers leave the range of floats fails alone: nobody else may share its blocks.
#[test]
fn numbers_beyond_the_range_fail_their_sequence_alone() {
    let _alone = alone();
    let decoder = Decoder::init(&config(), 3, &device());
    let broken = broken(decoder, 7);
    let mut executor =
        BurnExecutor::new(&config(), broken, &device(), &ExecutorConfig::default()).expect("fits");
    let steps = vec![
        step(0, &prompt(1, 5), 0, &[1], LogitsWanted::Last),
        step(1, &[TokenId(9), TokenId(7)], 0, &[2], LogitsWanted::None),
        step(2, &prompt(3, 4), 0, &[3], LogitsWanted::Last),
    ];
    assert!(steps[0].tokens.iter().chain(&steps[2].tokens).all(|id| *id != TokenId(7)));
    let found = executor.step(&Batch { steps, ..Batch::default() }).expect("computes");
    assert_eq!([0, 1, 2].map(|index| found.fault(index).is_some()), [false, true, false]);
}

/// A prompt longer than the trained context: where it is cut into chunks decides nothing.
#[test]
fn chunks_have_the_rotation_of_the_whole_prompt() {
    let _alone = alone();
    let scaling = RopeScaling::Dynamic { factor: 2.0 };
    let config = config().with_max_position(8).with_rope_scaling(scaling);
    let decoder = Decoder::init(&config, 3, &device());
    let ids = prompt(5, 24);
    let logits = |cuts: &[usize]| {
        let limits = ExecutorConfig::default().with_cache_block_seq_len(8).with_session_len(32);
        let mut executor = BurnExecutor::new(&config, decoder.clone(), &device(), &limits).expect("fits");
        let mut last = Vec::new();
        for pair in cuts.windows(2) {
            let part = step(0, &ids[pair[0]..pair[1]], pair[0], &[2, 0, 1], LogitsWanted::Last);
            let steps = vec![SequencePart { rope_len: ids.len(), ..part }];
            let found = executor.step(&Batch { steps, ..Batch::default() }).expect("computes");
            last = found.rows().map(|row| full(row).to_vec()).next().expect("one row");
        }
        last
    };
    let (whole, pieces) = (logits(&[0, 24]), logits(&[0, 5, 6, 17, 24]));
    for (whole, piece) in whole.iter().zip(&pieces) {
        assert!((whole - piece).abs() < 1e-5, "{whole} {piece}");
    }
}

/// The same tokens in the same steps, of sequences whose blocks have another size and are elsewhere.
#[test]
fn blocks_do_not_change_a_bit() {
    let _alone = alone();
    let logits = |block_tokens: usize, tables: [&[u32]; 2]| {
        let mut executor = executor(&ExecutorConfig::default().with_cache_block_seq_len(block_tokens));
        let (a, b) = (prompt(1, 14), prompt(2, 9));
        let mut rows = Vec::new();
        for (first, second) in [(0..11, 0..6), (11..12, 6..7), (12..13, 7..9), (13..14, 9..9)] {
            let parts = [(&a, first, tables[0]), (&b, second, tables[1])].into_iter().enumerate();
            let parts = parts.filter(|(_, (_, tokens, _))| !tokens.is_empty());
            let steps = parts.map(|(id, (ids, tokens, blocks))| {
                step(id as u64, &ids[tokens.clone()], tokens.start, blocks, LogitsWanted::All)
            });
            let batch = Batch { steps: steps.collect(), ..Batch::default() };
            let found = executor.step(&batch).expect("computes");
            rows.extend(found.rows().flat_map(full).copied());
        }
        rows
    };
    let contiguous = logits(64, [&[0], &[1]]);
    assert_eq!(contiguous.len(), 23 * 300);
    assert!(contiguous == logits(4, [&[9, 2, 7, 3], &[4, 0, 11]]));
    assert!(contiguous == logits(8, [&[5, 1], &[3, 0]]));
}

/// The largest entries are found where the logits are, or on the host: they are those of the full rows.
#[test]
fn largest_entries_are_those_of_the_full_rows() {
    let _alone = alone();
    let mut executor = executor(&ExecutorConfig::default());
    let mut rows = |detail| {
        let steps = vec![
            step(0, &prompt(1, 5), 0, &[1], LogitsWanted::All),
            step(1, &prompt(2, 7), 0, &[2], LogitsWanted::HiddenLast),
            step(2, &prompt(3, 4), 0, &[3], LogitsWanted::Last),
        ];
        let batch = Batch { steps, detail, ..Batch::default() };
        let found = executor.step(&batch).expect("computes");
        assert!(found.serves(detail));
        assert_eq!((found.len(), found.hidden_len()), (6, 1));
        let entries = |row: Row<'_>, count: usize| match row {
            Row::Full(row) => largest(row, count),
            Row::Top(entries) => entries[..count].to_vec(),
        };
        let count = |count: usize| found.rows().map(|row| entries(row, count)).collect::<Vec<_>>();
        match detail {
            LogitsDetail::Top(wanted) => count(wanted),
            LogitsDetail::Full => count(300),
        }
    };
    let all = rows(LogitsDetail::Full);
    for wanted in [1, 40, 64, 65] {
        let expected: Vec<_> = all.iter().map(|row| row[..wanted].to_vec()).collect();
        assert_eq!(rows(LogitsDetail::Top(wanted)), expected, "{wanted} entries");
    }
}

/// Greedy ids of each prompt, submitted together or one after the other.
fn generate(limits: &ExecutorConfig, prompts: &[Vec<TokenId>], order: Order) -> Vec<Vec<TokenId>> {
    generate_on(&device(), limits, prompts, order)
}

fn generate_on(
    device: &Device,
    limits: &ExecutorConfig,
    prompts: &[Vec<TokenId>],
    order: Order,
) -> Vec<Vec<TokenId>> {
    let executor = executor_on(device, limits);
    let scheduler = SchedulerConfig::new(&executor.capacity());
    let engine = Engine::start(Box::new(executor), EngineConfig::new(scheduler));
    let submit =
        |prompt: &Vec<TokenId>| engine.handle().submit(GenerateRequest::new(prompt.clone()).with_max_new(40));
    let collect = |mut generation: lmdeploy::engine::Generation| {
        let mut ids = Vec::new();
        while let Some(output) = generation.wait() {
            if let Output::Pieces(pieces) = output {
                ids.extend(pieces.iter().map(|piece| piece.id));
            }
        }
        ids
    };
    match order {
        Order::Together => prompts.iter().map(submit).collect::<Vec<_>>().into_iter().map(collect).collect(),
        Order::OneByOne => prompts.iter().map(|prompt| collect(submit(prompt))).collect(),
    }
}

#[derive(Clone, Copy)]
enum Order {
    Together,
    OneByOne,
}

#[test]
fn greedy_ids_do_not_depend_on_neighbors_chunks_or_preemption() {
    let _alone = alone();
    let prompts: Vec<Vec<TokenId>> = (0..8).map(|i| prompt(i, 5 + 7 * i)).collect();
    let roomy = ExecutorConfig::default();
    let alone = generate(&roomy, &prompts, Order::OneByOne);
    assert!(alone.iter().all(|ids| ids.len() == 40));
    assert_eq!(generate(&roomy, &prompts, Order::Together), alone);
    let chunked = ExecutorConfig::default().with_max_batch_size(4).with_max_prefill_token_num(9);
    assert_eq!(generate(&chunked, &prompts, Order::Together), alone);
    let tight = ExecutorConfig::default().with_cache_block_seq_len(4).with_cache_size(CacheSize::Blocks(40));
    assert_eq!(generate(&tight, &prompts, Order::Together), alone);
}

#[test]
fn greedy_ids_are_those_of_the_cpu() {
    let _alone = alone();
    let prompts: Vec<Vec<TokenId>> = (0..4).map(|i| prompt(i, 3 + 11 * i)).collect();
    let limits = ExecutorConfig::default().with_max_batch_size(4).with_max_prefill_token_num(9);
    let cpu = internlm_model::device::parse("cpu").expect("the CPU");
    let expected = generate_on(&cpu, &limits, &prompts, Order::Together);
    assert_eq!(generate(&limits, &prompts, Order::Together), expected);
}

/// Products add in one order for up to sixteen rows on a GPU, and in another beyond; on the CPU the library multiplies one
/// row and many rows in different ways. The greedy ids above must not differ.
#[test]
fn a_row_has_the_same_logits_alone_and_in_a_batch() {
    let _alone = alone();
    let few = if on_cpu() { 1e-6 } else { 0.0 };
    for (length, allowed) in [(2, few), (6, 1e-6)] {
        let mut executor = executor(&ExecutorConfig::default());
        let mut logits = |steps: Vec<SequencePart>| -> Vec<f32> {
            let found = executor.step(&Batch { steps, ..Batch::default() }).expect("computes");
            found.rows().flat_map(full).copied().collect()
        };
        let part = |index: u32| step(index.into(), &prompt(index, length), 0, &[index], LogitsWanted::Last);
        let alone: Vec<f32> = (0..8).flat_map(|index| logits(vec![part(index)])).collect();
        let together = logits((0..8).map(part).collect());
        assert_eq!(alone.len(), together.len());
        let largest = alone.iter().zip(&together).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest <= allowed, "{length} tokens: values differ by up to {largest}");
    }
}

#[test]
fn codes_are_refused_where_no_kernel_stores_them() {
    let _alone = alone();
    let limits = |policy| ExecutorConfig::default().with_quant_policy(policy);
    let refusal = |limits: &ExecutorConfig| {
        let decoder = Decoder::init(&config(), 3, &device());
        BurnExecutor::new(&config(), decoder, &device(), limits).expect_err("refused").to_string()
    };
    // Heads of 16 numbers have no group of 32.
    let found = refusal(&limits(QuantPolicy::Int4));
    let expected = if on_cpu() { "backend turbomind" } else { "heads of 16 numbers in 4 bits" };
    assert!(found.starts_with("quant-policy") && found.contains(expected), "{found}");
    if on_cpu() {
        let found = refusal(&limits(QuantPolicy::Int8));
        assert!(found.contains("backend turbomind"), "{found}");
    } else {
        let executor = executor(&limits(QuantPolicy::Int8).with_cache_size(CacheSize::Blocks(10)));
        // Two layers of two heads, keys and values: 16 codes and a scale with its minimum.
        assert_eq!(executor.capacity().cache_bytes, 10 * 16 * 2 * 2 * 2 * (16 + 4));
    }
}

/// Whoever has made the decoder has chosen what it computes in.
#[test]
fn the_dtype_is_that_of_the_decoder() {
    let _alone = alone();
    let load = |dtype| {
        let limits = ExecutorConfig::default().with_dtype(dtype);
        let decoder = Decoder::init(&config(), 3, &device());
        BurnExecutor::new(&config(), decoder, &device(), &limits).map(|_| ())
    };
    assert!(load(ComputeType::Auto).is_ok() && load(ComputeType::Float32).is_ok());
    let refused = load(ComputeType::Bfloat16).expect_err("the decoder computes in f32").to_string();
    assert_eq!(refused, "dtype: found bfloat16, expected auto: the decoder computes in f32-exact");
}

#[test]
fn a_cache_must_fit_into_the_memory_of_its_device() {
    let _alone = alone();
    let limits = ExecutorConfig::default().with_cache_size(CacheSize::Bytes(1 << 50));
    let decoder = Decoder::init(&config(), 3, &device());
    let error = BurnExecutor::new(&config(), decoder, &device(), &limits).expect_err("a pebibyte");
    let message = error.to_string();
    assert!(message.starts_with("cache-max-entry-count") && message.contains("at most"), "{message}");
    if on_cpu() {
        let decoder = Decoder::init(&config(), 3, &device());
        let limits = ExecutorConfig::default().with_graphs();
        let error =
            BurnExecutor::new(&config(), decoder, &device(), &limits).expect_err("nothing is recorded");
        assert_eq!(error.to_string(), "graphs: found true, expected false for the CPU");
    }
    let memory = internlm_model::device::memory(&device());
    assert_eq!(memory.is_none(), on_cpu());
    assert!(memory.is_none_or(|memory| memory.largest > 1 << 20 && memory.free != Some(0)), "{memory:?}");
}
