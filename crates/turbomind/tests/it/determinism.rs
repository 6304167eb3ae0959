//! A sequence's logits are the same bits alone and among others, in chunks of any size, on any number of threads and,
//! for quantized weights, on every instruction set.

use internlm_model::weights::Encoding;
use turbomind::{Engine, EngineConfig, Isa, KvFormat, LogitEntries, LogitRows, Outputs, SeqStep};

use crate::tiny::Tiny;

const PROMPT: usize = 70;
const STEPS: usize = 12;

fn token(sequence: usize, position: usize) -> u32 {
    ((7919 * position + 131 * sequence) % 300) as u32
}

fn load(tiny: Tiny, config: &EngineConfig) -> Engine {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.gguf");
    tiny.write(&path);
    Engine::load(path, &config.clone().with_kv_blocks(128)).expect("loads")
}

/// Blocks of a sequence, not in rising order.
fn blocks(sequence: usize) -> Vec<u32> {
    (0..4).map(|index| ((index * 5 + 3) % 4 * 32 + sequence) as u32).collect()
}

/// Bits of the logits of sequence 0 after its prompt and after each further token; `others` more sequences share the
/// passes of the decode.
fn run(engine: &mut Engine, chunk: usize, others: usize) -> Vec<u32> {
    let mut outputs = Outputs::default();
    let mut bits = Vec::new();
    let vocab = engine.model().vocab;
    let tables: Vec<Vec<u32>> = (0..=others).map(blocks).collect();
    for (sequence, table) in tables.iter().enumerate().rev() {
        let prompt: Vec<u32> = (0..PROMPT).map(|position| token(sequence, position)).collect();
        for (index, tokens) in prompt.chunks(chunk).enumerate() {
            let position = index * chunk;
            let step = SeqStep::new(tokens, position, table).with_rope_len(PROMPT);
            engine.forward(&[step], LogitEntries::All, &mut outputs).expect("a prompt");
        }
    }
    bits.extend(outputs.logits.iter().map(|logit| logit.to_bits()));
    for position in PROMPT..PROMPT + STEPS {
        let tokens: Vec<[u32; 1]> = (0..=others).map(|sequence| [token(sequence, position)]).collect();
        let steps: Vec<SeqStep<'_>> = (0..=others)
            .map(|sequence| SeqStep::new(&tokens[sequence], position, &tables[sequence]))
            .collect();
        engine.forward(&steps, LogitEntries::All, &mut outputs).expect("a step");
        bits.extend(outputs.logits[..vocab].iter().map(|logit| logit.to_bits()));
    }
    assert!(bits.iter().all(|bits| f32::from_bits(*bits).is_finite()), "finite logits");
    bits
}

#[test]
fn neighbors_chunks_and_threads_change_no_bit() {
    for encoding in [Encoding::Q4_1, Encoding::Q6K, Encoding::Q8_0, Encoding::Bf16, Encoding::F16] {
        let tiny = Tiny { encoding, ..Tiny::default() };
        let config = EngineConfig::new().with_threads(1);
        let expected = run(&mut load(tiny, &config), 512, 0);
        for threads in [1, 2] {
            let config = EngineConfig::new().with_threads(threads);
            let mut engine = load(tiny, &config);
            for (chunk, others) in [(512, 0), (1, 0), (7, 3), (64, 31)] {
                let found = run(&mut engine, chunk, others);
                assert!(
                    found == expected,
                    "{encoding}: {threads} threads, chunks of {chunk}, {others} others"
                );
            }
        }
    }
}

#[test]
fn instruction_sets_agree_on_quantized_weights() {
    let encodings =
        [Encoding::Q4_0, Encoding::Q4_1, Encoding::Q5_0, Encoding::Q5_1, Encoding::Q8_0, Encoding::Q4K];
    for encoding in encodings.into_iter().chain([Encoding::Q5K, Encoding::Q6K]) {
        let tiny = Tiny { encoding, layers: 1, vocab: 300, ..Tiny::default() };
        let with = |isa| EngineConfig::new().with_isa(isa).with_threads(1);
        let expected = run(&mut load(tiny, &with(Isa::Scalar)), 512, 0);
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            assert!(run(&mut load(tiny, &with(isa)), 512, 1) == expected, "{encoding} on {isa:?}");
        }
    }
}

#[test]
fn quantized_caches_are_deterministic_too() {
    for kv in [KvFormat::Int8, KvFormat::Int4, KvFormat::Int4Plain, KvFormat::F32] {
        let config = EngineConfig::new().with_kv(kv).with_threads(1);
        let expected = run(&mut load(Tiny::default(), &config), 512, 0);
        let config = config.with_threads(2);
        assert!(run(&mut load(Tiny::default(), &config), 7, 9) == expected, "{kv}");
    }
}

#[test]
fn hidden_states_do_not_depend_on_chunks_neighbors_or_threads() {
    let prompt: Vec<u32> = (0..PROMPT).map(|position| token(0, position)).collect();
    let (table, other) = (blocks(0), blocks(1));
    let run = |threads: usize, chunk: usize| {
        let mut engine = load(Tiny::default(), &EngineConfig::new().with_threads(threads));
        let (mut outputs, mut bits) = (Outputs::default(), Vec::new());
        for (index, tokens) in prompt.chunks(chunk).enumerate() {
            let step = SeqStep::new(tokens, index * chunk, &table).with_rope_len(PROMPT);
            let steps = [SeqStep::new(&[9], index, &other), step.with_logits(LogitRows::HiddenAll)];
            let from = usize::from(chunk >= PROMPT);
            engine.forward(&steps[from..], LogitEntries::Top(1), &mut outputs).expect("a pass");
            bits.extend(outputs.hidden.iter().map(|value| value.to_bits()));
        }
        bits
    };
    let expected = run(1, PROMPT);
    assert_eq!(expected.len(), PROMPT * 256);
    for (threads, chunk) in [(1, 1), (1, 64), (2, PROMPT), (2, 7), (3, 33)] {
        assert!(run(threads, chunk) == expected, "{threads} threads, chunks of {chunk}");
    }
}

#[test]
fn the_best_entries_are_those_of_the_whole_row() {
    let mut engine = load(Tiny::default(), &EngineConfig::default());
    let prompt: Vec<u32> = (0..PROMPT).map(|position| token(5, position)).collect();
    let table = blocks(5);
    let step = SeqStep::new(&prompt, 0, &table).with_logits(LogitRows::All);
    let mut outputs = Outputs::default();
    engine.forward(&[step], LogitEntries::All, &mut outputs).expect("a pass");
    let rows = outputs.logits.clone();
    engine.forward(&[step], LogitEntries::Top(40), &mut outputs).expect("a pass");
    assert_eq!(outputs.top.len(), PROMPT);
    let sorted = |row: &[f32]| {
        let mut sorted: Vec<(u32, f32)> = (0..).zip(row.iter().copied()).collect();
        sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        sorted
    };
    for (row, top) in rows.chunks_exact(300).zip(&outputs.top) {
        assert_eq!(top, &sorted(row)[..40]);
    }
    // All entries of a row, in order: the largest number that there is.
    let last = SeqStep::new(&prompt[PROMPT - 1..], PROMPT - 1, &table);
    engine.forward(&[last], LogitEntries::Top(300), &mut outputs).expect("a pass");
    assert_eq!(outputs.top, [sorted(&rows[300 * (PROMPT - 1)..])]);
}
