//! What the engine promises beyond logits: shared beginnings, a pool that can be replaced, memory that is accounted for.

use internlm_kit::exit::BadInput;
#[cfg(unix)]
use internlm_model::weights::open_stored;
use turbomind::{
    BlockCopy, Engine, EngineConfig, Error, KvFormat, LogitEntries, LogitRows, Outputs, SeqStep,
};

use crate::tiny::Tiny;

/// Blocks of the pool; each holds 32 tokens.
const BLOCKS: usize = 8;

fn load(tiny: Tiny, config: EngineConfig) -> Engine {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.gguf");
    tiny.write(&path);
    Engine::load(&path, &config.with_kv_blocks(BLOCKS)).expect("loads")
}

/// Bits of the logits of a step.
fn logits(engine: &mut Engine, step: SeqStep<'_>) -> Vec<u32> {
    let mut outputs = Outputs::default();
    engine.forward(&[step], LogitEntries::All, &mut outputs).expect("a pass");
    assert!(outputs.logits.iter().all(|logit| logit.is_finite()));
    outputs.logits.iter().map(|logit| logit.to_bits()).collect()
}

#[test]
fn a_copied_block_serves_a_sequence_with_the_same_beginning() {
    for kv in [KvFormat::F32, KvFormat::F16, KvFormat::Int8, KvFormat::Int4, KvFormat::Int4Plain] {
        let mut engine = load(Tiny::default(), EngineConfig::new().with_kv(kv));
        let prompt: Vec<u32> = (0..40).map(|i| (i * 37 + 5) % 300).collect();
        logits(&mut engine, SeqStep::new(&prompt, 0, &[0, 1]));
        // The second sequence shares the whole first block and eight tokens of the second one.
        engine.copy_block(BlockCopy { src: 1, dst: 6, tokens: 8 }).expect("blocks of the pool");
        let expected = logits(&mut engine, SeqStep::new(&[9], 40, &[0, 1]));
        assert_eq!(logits(&mut engine, SeqStep::new(&[9], 40, &[0, 6])), expected, "{kv}");
        for copy in [BlockCopy { src: 8, dst: 0, tokens: 1 }, BlockCopy { src: 0, dst: 1, tokens: 33 }] {
            let error = engine.copy_block(copy).expect_err("outside of the pool");
            assert!(matches!(error, Error::Argument { .. }) && error.is_bad_input(), "{error}");
        }
    }
}

#[test]
fn blocks_may_be_in_any_order_and_used_again() {
    let mut engine = load(Tiny::default(), EngineConfig::new());
    let prompt: Vec<u32> = (0..100).map(|i| (i * 11 + 3) % 300).collect();
    let expected = logits(&mut engine, SeqStep::new(&prompt, 0, &[0, 1, 2, 3]));
    // What an earlier sequence left in the blocks changes nothing.
    for blocks in [[7, 5, 6, 4], [3, 2, 1, 0], [1, 7, 0, 2]] {
        assert_eq!(logits(&mut engine, SeqStep::new(&prompt, 0, &blocks)), expected, "{blocks:?}");
    }
}

#[test]
fn rows_come_in_the_order_of_the_steps() {
    let mut engine = load(Tiny::default(), EngineConfig::new());
    let vocab = engine.model().vocab;
    let (first, second) = ([5, 6, 7], [8, 9]);
    let all = |tokens, blocks| SeqStep::new(tokens, 0, blocks).with_logits(LogitRows::All);
    let one = logits(&mut engine, all(&first, &[0]));
    let two = logits(&mut engine, all(&second, &[1]));
    let steps = [
        all(&first, &[2]),
        SeqStep::new(&[1, 2, 3, 4], 0, &[3]).with_logits(LogitRows::None),
        SeqStep::new(&second, 0, &[4]),
    ];
    let mut outputs = Outputs::default();
    engine.forward(&steps, LogitEntries::All, &mut outputs).expect("a pass");
    let found: Vec<u32> = outputs.logits.iter().map(|logit| logit.to_bits()).collect();
    assert_eq!(found.len(), 4 * vocab, "three rows, none, and one");
    assert_eq!((&found[..3 * vocab], &found[3 * vocab..]), (&one[..], &two[vocab..]));
}

#[test]
fn hidden_states_come_instead_of_logits_and_in_the_same_order() {
    let mut engine = load(Tiny::default(), EngineConfig::new());
    let (vocab, hidden) = (engine.model().vocab, engine.model().hidden);
    let wants = |tokens, blocks, rows| SeqStep::new(tokens, 0, blocks).with_logits(rows);
    let mut outputs = Outputs::default();
    let mut alone = |step| {
        engine.forward(&[step], LogitEntries::All, &mut outputs).expect("a pass");
        assert!(outputs.logits.is_empty());
        outputs.hidden.clone()
    };
    let first = alone(wants(&[5, 6, 7], &[0], LogitRows::HiddenAll));
    let second = alone(wants(&[8, 9], &[1], LogitRows::HiddenLast));
    assert_eq!((first.len(), second.len()), (3 * hidden, hidden));
    let last = alone(wants(&[5, 6, 7], &[0], LogitRows::HiddenLast));
    assert_eq!(last, first[2 * hidden..]);
    let expected = logits(&mut engine, SeqStep::new(&[1, 2, 3, 4], 0, &[3]));

    let steps = [
        wants(&[5, 6, 7], &[2], LogitRows::HiddenAll),
        wants(&[1, 2, 3, 4], &[3], LogitRows::Last),
        wants(&[3, 3], &[5], LogitRows::None),
        wants(&[8, 9], &[4], LogitRows::HiddenLast),
    ];
    for entries in [LogitEntries::All, LogitEntries::Top(3)] {
        engine.forward(&steps, entries, &mut outputs).expect("a pass");
        assert_eq!(outputs.hidden, [&first[..], &second].concat());
    }
    assert_eq!((outputs.logits.len(), outputs.top.len()), (0, 1), "one row of logits");
    engine.forward(&steps, LogitEntries::All, &mut outputs).expect("a pass");
    let found: Vec<u32> = outputs.logits.iter().map(|logit| logit.to_bits()).collect();
    assert_eq!((found.len(), found), (vocab, expected));
    engine.forward(&[SeqStep::new(&[1], 0, &[0])], LogitEntries::All, &mut outputs).expect("a pass");
    assert!(outputs.hidden.is_empty(), "nothing is left of the pass before");
}

#[test]
fn the_pool_can_be_replaced_and_stays_when_that_is_not_possible() {
    let mut engine = load(Tiny::default(), EngineConfig::new());
    let expected = logits(&mut engine, SeqStep::new(&[1, 2, 3], 0, &[7]));
    let error = engine.resize_kv(0).expect_err("no blocks");
    assert!(
        matches!(error, Error::KvShape { .. }) && error.to_string().contains("blocks: found 0"),
        "{error}"
    );
    assert_eq!(engine.kv_config().blocks, BLOCKS);
    engine.resize_kv(20).expect("a few more blocks");
    assert_eq!(engine.kv_config().blocks, 20);
    assert_eq!(logits(&mut engine, SeqStep::new(&[1, 2, 3], 0, &[19])), expected);
}

#[cfg(unix)]
#[test]
fn a_model_loads_again_from_files_that_are_open() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.gguf");
    Tiny::default().write(&path);
    let config = EngineConfig::new().with_kv_blocks(BLOCKS);
    let stored = open_stored(&path).expect("a model");
    let step = SeqStep::new(&[1, 2, 3], 0, &[7]);
    let expected = logits(&mut Engine::load_stored(&stored, &path, &config).expect("loads"), step);
    // The files stay readable under their handles.
    std::fs::remove_file(&path).expect("the file is there");
    let again = &mut Engine::load_stored(&stored, &path, &config).expect("loads");
    assert_eq!(logits(again, step), expected);
    assert!(Engine::load(&path, &config).is_err(), "there is no such file");
}

#[test]
fn memory_is_accounted_for() {
    let tiny = Tiny::default();
    let mut engine = load(tiny, EngineConfig::new().with_threads(2).with_max_batched_tokens(64));
    let memory = engine.memory();
    // Q4_1: 320 bytes for 32 weights of 16 outputs; 300 ids are 19 groups, the embedding is the output matrix.
    let matrix = |outputs: usize, inputs: usize| outputs.div_ceil(16) * inputs / 32 * 320;
    let layer = 2 * matrix(256, 256) + 2 * matrix(128, 256) + 2 * matrix(512, 256) + matrix(256, 512);
    assert_eq!(memory.repacked, matrix(300, 256) + tiny.layers * layer);
    // Keys and values of 2 layers, 2 heads of 64 dimensions, 2 bytes each.
    let block = 2 * 2 * 2 * 64 * 2 * 32;
    assert_eq!(engine.kv_config().block_bytes().expect("a shape"), block);
    assert_eq!(memory.kv, BLOCKS * block);
    assert!(memory.scratch > 64 * 256 * 4, "at least the residual stream");
    assert_eq!(memory.total(), memory.repacked + memory.kv + memory.scratch);
    logits(&mut engine, SeqStep::new(&[1; 64], 0, &[0, 1]));
    let after = engine.memory();
    assert_eq!((after.repacked, after.kv), (memory.repacked, memory.kv));
}

#[test]
fn settings_are_what_the_engine_says() {
    let config = EngineConfig::new().with_threads(3).with_block_tokens(64).with_max_batched_tokens(17);
    let engine = load(Tiny { context: 128, ..Tiny::default() }, config.clone().with_kv(KvFormat::Int8));
    assert_eq!((engine.threads(), engine.max_batched_tokens(), engine.max_position()), (3, 17, 128));
    assert_eq!((engine.kv_config().block_tokens, engine.kv_config().format), (64, KvFormat::Int8));
    assert!(engine.isa().is_available());
    // Without a number of blocks the pool holds one sequence of the model's context.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.gguf");
    Tiny { context: 200, ..Tiny::default() }.write(&path);
    let engine = Engine::load(&path, &config).expect("loads");
    assert_eq!(engine.kv_config().blocks, 200_usize.div_ceil(64));
}
