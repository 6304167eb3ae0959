//! What only a GPU does: keys and values as codes, recorded steps, and how often the host waits.

mod int4;
mod waits;

use internlm_model::Precision;
use lmdeploy::engine::{SleepLevel, SleepPart};

use super::*;

/// A model whose heads have groups of 32 numbers.
fn wide(device: &Device, limits: &ExecutorConfig) -> BurnExecutor {
    let size = ModelSize { hidden: 64, layers: 2, heads: 2, inter: 160, vocab: 300 };
    let config = ModelConfig::new(size).with_kv_heads(1).with_max_position(128);
    BurnExecutor::new(&config, Decoder::init(&config, 3, device), device, limits).expect("fits")
}

/// The beginning of a prompt comes from blocks of another sequence, one of them a copy.
#[test]
fn blocks_of_codes_are_shared_and_copied() {
    let _alone = alone();
    let device = internlm_model::device::parse("vulkan:0").expect("a Vulkan device");
    let ids = prompt(1, 12);
    let logits = |policy| {
        let limits = ExecutorConfig::default().with_cache_block_seq_len(4).with_quant_policy(policy);
        let mut executor = wide(&device, &limits);
        let mut rows = |copies: Vec<BlockCopy>, steps: Vec<SequencePart>| -> Vec<f32> {
            let found = executor.step(&Batch { copies, steps, ..Batch::default() }).expect("computes");
            found.rows().flat_map(full).copied().collect()
        };
        let whole = rows(Vec::new(), vec![step(0, &ids, 0, &[9, 2, 7], LogitsWanted::Last)]);
        rows(Vec::new(), vec![step(1, &ids[..7], 0, &[3, 8], LogitsWanted::None)]);
        let copies = vec![BlockCopy { from: BlockId(8), to: BlockId(5), tokens: 3 }];
        let shared = rows(copies, vec![step(2, &ids[7..], 7, &[3, 5, 1], LogitsWanted::Last)]);
        // Twelve tokens and five: products of up to sixteen rows.
        assert!(whole == shared, "{policy:?}");
        whole
    };
    let exact = logits(QuantPolicy::Float);
    let off = |policy| {
        let found = logits(policy);
        found.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    };
    let (int8, int4) = (off(QuantPolicy::Int8), off(QuantPolicy::Int4));
    assert!(0.0 < int8 && int8 < int4 && int4 < 0.1, "{int8} {int4}");
}

/// Steps of one to sixteen sequences, with more and fewer keys than a split has, and what does not fit a recording.
#[test]
fn recorded_steps_give_the_bits_of_others() {
    let _alone = alone();
    let device = internlm_model::device::parse("vulkan:0").expect("a Vulkan device");
    let size = ModelSize { hidden: 64, layers: 2, heads: 2, inter: 160, vocab: 300 };
    let config = ModelConfig::new(size).with_kv_heads(1).with_max_position(600);
    let run = |policy, precision, graphs: fn(ExecutorConfig) -> ExecutorConfig| {
        let limits = graphs(ExecutorConfig::default().with_cache_block_seq_len(64).with_quant_policy(policy));
        let decoder = Decoder::init(&config, 3, &device).with_precision(precision).expect("has kernels");
        let mut executor = BurnExecutor::new(&config, decoder, &device, &limits).expect("fits");
        let mut ids: Vec<Vec<TokenId>> = (0..17).map(|i| prompt(i, 5 + i)).collect();
        ids[2] = prompt(2, 254);
        let mut rows = Vec::new();
        let mut first = [0; 17];
        // The numbers of the sequences of each step: prompts, then single tokens.
        let steps: [&[usize]; 9] = [
            &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
            &[2],
            &[1],
            &[2, 0, 5],
            &[2, 0, 5],
            &[16, 2, 15, 14, 13],
            &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
            &[2],
            &[3, 4, 8, 9],
        ];
        for members in steps {
            let parts = members.iter().map(|&member| {
                let blocks: Vec<u32> = (0..5).map(|block| (member * 5 + block) as u32).collect();
                step(member as u64, &ids[member][first[member]..], first[member], &blocks, LogitsWanted::Last)
            });
            let batch = Batch { steps: parts.collect(), detail: LogitsDetail::Top(5), ..Batch::default() };
            let found = executor.step(&batch).expect("computes");
            assert_eq!(found.len(), members.len());
            for (&member, row) in members.iter().zip(found.rows()) {
                let Row::Top(entries) = row else { panic!("the largest were wanted") };
                rows.push(entries.to_vec());
                first[member] = ids[member].len();
                ids[member].push(entries[0].0);
            }
        }
        (rows, executor.recorded_steps())
    };
    let (exact, half) = (Precision::F32Exact, Precision::F16);
    let cases = [
        (QuantPolicy::Float, exact),
        (QuantPolicy::Int8, exact),
        (QuantPolicy::Int4, exact),
        (QuantPolicy::Float, half),
    ];
    for (policy, precision) in cases {
        let (recorded, count) = run(policy, precision, ExecutorConfig::with_graphs);
        // One row, four, four with two splits, eight with two, one with two; seventeen rows are too many.
        assert_eq!(count, 5, "{policy:?}");
        let (single, none) = run(policy, precision, |limits| limits);
        assert_eq!(none, 0);
        assert!(recorded == single, "{policy:?} {precision}");
    }
}

/// The same weights, read as 16 bits and widened: logits near those of f32, from a folder whose decoder can sleep and wake.
#[test]
fn weights_of_16_bits_serve() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("temporary folder");
    let device = internlm_model::device::parse("vulkan:0").expect("a Vulkan device");
    let decoder = Decoder::init(&config(), 3, &Device::flex());
    decoder.save(folder.path()).expect("saves");
    let ids = prompt(1, 12);
    let rows = |executor: &mut BurnExecutor| -> Vec<f32> {
        let steps = vec![step(0, &ids, 0, &[0], LogitsWanted::Last)];
        let found = executor.step(&Batch { steps, ..Batch::default() }).expect("computes");
        found.rows().flat_map(full).copied().collect()
    };
    let logits = |dtype| {
        let limits = ExecutorConfig::default().with_dtype(dtype);
        let mut executor = BurnExecutor::load(folder.path(), "vulkan:0", &limits).expect("loads");
        let before = rows(&mut executor);
        executor.sleep(SleepLevel::ReleaseFiles).expect("sleeps");
        executor.wake(SleepPart::Weights).expect("wakes");
        executor.wake(SleepPart::Cache).expect("wakes");
        assert!(before == rows(&mut executor), "{dtype}");
        before
    };
    assert!(Precision::F16.check(&device).is_ok());
    let (exact, half) = (logits(ComputeType::Float32), logits(ComputeType::Float16));
    let worst = exact.iter().zip(&half).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(0.0 < worst && worst < 1e-2, "{worst}");
}
