//! Bad files and impossible steps are errors that name place, found and expected; nothing panics.

use internlm_kit::exit::BadInput;
use internlm_kit::testing::{TestRng, mutate};
use internlm_model::weights::Encoding;
use turbomind::{Engine, EngineConfig, Error, Isa, LogitEntries, LogitRows, NonFinite, Outputs, SeqStep};

use crate::tiny::Tiny;

fn load(bytes: &[u8]) -> Result<Engine, Error> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bad.gguf");
    std::fs::write(&path, bytes).expect("writes");
    Engine::load(&path, &EngineConfig::new().with_kv_blocks(8))
}

fn message(bytes: &[u8]) -> String {
    match load(bytes) {
        Ok(_) => panic!("loads"),
        Err(error) => {
            assert!(error.is_bad_input(), "{error}");
            let text = error.to_string();
            assert_eq!(text.matches("bad.gguf").count(), 1, "the path is named once: {text}");
            text
        }
    }
}

/// The offset of a tensor's data type in the file: after name, number of dimensions and sizes.
fn place_of_kind(bytes: &[u8], name: &str) -> usize {
    let at = bytes.windows(name.len()).position(|window| window == name.as_bytes()).expect("the tensor");
    at + name.len() + 4 + 16
}

#[test]
fn files_that_are_cut_anywhere_are_errors() {
    let bytes = Tiny::default().bytes();
    for length in [0, 3, 10, 100, 700, 2000, bytes.len() / 2, bytes.len() - 1] {
        let text = message(&bytes[..length]);
        assert!(text.contains("bad.gguf"), "{length}: {text}");
    }
}

#[test]
fn a_cut_file_is_one_line_with_both_sizes() {
    let bytes = Tiny::default().bytes();
    let text = message(&bytes[..bytes.len() / 2]);
    let (found, expected) = (bytes.len() / 2, bytes.len());
    assert!(text.contains(&format!("the file has {found} bytes, its header promises {expected}")), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn damaged_files_are_errors_or_other_models_and_never_panics() {
    let bytes = Tiny { layers: 1, vocab: 40, ..Tiny::default() }.bytes();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("damaged.gguf");
    let config = EngineConfig::new().with_threads(1).with_kv_blocks(1);
    let mut refused = 0;
    for seed in 0..300 {
        let mut damaged = bytes.clone();
        // Only the part before the weights can be wrong in interesting ways.
        let data = damaged.split_off(2000);
        mutate(&mut damaged, &mut TestRng::new(seed));
        damaged.extend(data);
        std::fs::write(&path, damaged).expect("writes");
        refused += usize::from(Engine::load(&path, &config).is_err());
    }
    assert!(refused > 150, "{refused} of 300 damaged files were refused");
}

#[test]
fn an_unknown_type_is_named() {
    let mut bytes = Tiny::default().bytes();
    let at = place_of_kind(&bytes, "blk.1.ffn_up.weight");
    bytes[at..at + 4].copy_from_slice(&19_u32.to_le_bytes());
    let text = message(&bytes);
    assert!(text.contains("found IQ1_S (type 19) in blk.1.ffn_up.weight, expected"), "{text}");
    let mut bytes = Tiny { encoding: Encoding::F32, ..Tiny::default() }.bytes();
    let at = place_of_kind(&bytes, "blk.1.ffn_up.weight");
    bytes[at..at + 4].copy_from_slice(&26_u32.to_le_bytes());
    let text = message(&bytes);
    assert!(text.contains("tensor blk.1.ffn_up.weight: found type I32, expected a float"), "{text}");
}

#[test]
fn scales_that_are_not_numbers_are_named() {
    for (encoding, bad) in [(Encoding::Q4_1, [0xff, 0x7f]), (Encoding::F16, [0x00, 0x7c])] {
        let mut bytes = Tiny { encoding, ..Tiny::default() }.bytes();
        // The last tensor is a norm of 256 floats, before it lies the last matrix.
        let at = bytes.len() - 5 * 1024 - encoding.byte_length(&[256, 512]).expect("blocks");
        bytes[at..at + 2].copy_from_slice(&bad);
        let text = message(&bytes);
        assert!(text.contains("ffn_down.weight") && text.contains("row 0"), "{text}");
    }
    let mut bytes = Tiny::default().bytes();
    let at = bytes.len() - 4;
    bytes[at..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(message(&bytes).contains("output_norm.weight: value 255: found NaN"));
}

#[test]
fn impossible_steps_are_refused_and_harm_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.gguf");
    Tiny { context: 64, ..Tiny::default() }.write(&path);
    let config = EngineConfig::new().with_kv_blocks(8).with_max_batched_tokens(80);
    let mut engine = Engine::load(&path, &config).expect("loads");
    let mut outputs = Outputs::default();
    let good = SeqStep::new(&[1], 0, &[0, 1]);
    let long = [7; 65];
    let table = [
        (SeqStep { tokens: &[], ..good }, "found no tokens"),
        (SeqStep { tokens: &[300], ..good }, "found token 300, expected ids below 300"),
        (SeqStep { tokens: &long, blocks: &[0, 1, 2], ..good }, "found 65 positions, expected at most"),
        (SeqStep { position: usize::MAX, ..good }, "expected at most the context's 64"),
        (SeqStep { position: 40, blocks: &[0], ..good }, "found 1 blocks, expected 2"),
        (SeqStep { blocks: &[8], ..good }, "found block 8, expected blocks below 8"),
    ];
    for (step, expected) in table {
        let error =
            engine.forward(&[good, step], LogitEntries::All, &mut outputs).expect_err("refused").to_string();
        assert!(error.contains("step 1") && error.contains(expected), "{error}");
    }
    let error =
        engine.forward(&[good; 81], LogitEntries::Top(1), &mut outputs).expect_err("refused").to_string();
    assert!(error.contains("found 81 tokens, expected at most 80"), "{error}");
    let error = engine.forward(&[good], LogitEntries::Top(0), &mut outputs).expect_err("refused").to_string();
    assert!(error.contains("best entries: found 0, expected 1 to 300"), "{error}");
    engine.forward(&[], LogitEntries::All, &mut outputs).expect("nothing to do");
    assert!(outputs.logits.is_empty());
    engine.forward(&[good], LogitEntries::All, &mut outputs).expect("still works");
    assert_eq!((outputs.logits.len(), outputs.non_finite.len()), (300, 0));
}

#[test]
fn settings_that_are_not_possible_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tiny.gguf");
    Tiny::default().write(&path);
    let config = EngineConfig::new().with_block_tokens(20);
    let error = Engine::load(&path, &config).expect_err("refused").to_string();
    assert!(error.contains("block_tokens: found 20, expected a multiple of 16"), "{error}");
    if let Some(isa) = Isa::ALL.into_iter().find(|isa| !isa.is_available()) {
        let config = EngineConfig::new().with_isa(isa);
        assert!(Engine::load(&path, &config).expect_err("refused").to_string().contains(isa.name()));
    }
}

/// Embeddings of 1e30 leave the range of floats in the norm of the first layer.
#[test]
fn numbers_beyond_floats_are_reported_for_their_sequence_only() {
    let tiny = Tiny { encoding: Encoding::F32, ..Tiny::default() };
    let mut bytes = tiny.bytes();
    let data = bytes.len() - tiny_data_length(&bytes, tiny);
    for value in bytes[data + 5 * 1024..data + 6 * 1024].as_chunks_mut::<4>().0 {
        *value = 1e30_f32.to_le_bytes();
    }
    let mut engine = load(&bytes).expect("loads");
    let mut outputs = Outputs::default();
    let step = |token: &'static [u32], blocks: &'static [u32]| SeqStep::new(token, 0, blocks);
    engine.forward(&[step(&[4], &[0])], LogitEntries::All, &mut outputs).expect("a pass");
    let alone = outputs.logits.clone();
    engine.forward(&[step(&[4], &[0]), step(&[5], &[1])], LogitEntries::All, &mut outputs).expect("a pass");
    assert_eq!(outputs.non_finite, [NonFinite { sequence: 1, layer: 0 }]);
    assert_eq!(outputs.logits[..300], alone);
    assert!(outputs.logits[300..].iter().all(|logit| logit.is_nan()));
    engine
        .forward(&[step(&[5], &[1]), step(&[4], &[0])], LogitEntries::Top(3), &mut outputs)
        .expect("a pass");
    assert_eq!(outputs.top.iter().map(Vec::len).collect::<Vec<_>>(), [0, 3], "NaN is not an entry");
    assert_eq!(outputs.non_finite, [NonFinite { sequence: 0, layer: 0 }]);
    let hidden = |token, blocks| step(token, blocks).with_logits(LogitRows::HiddenLast);
    engine
        .forward(&[hidden(&[4], &[0]), hidden(&[5], &[1])], LogitEntries::All, &mut outputs)
        .expect("a pass");
    assert_eq!(outputs.non_finite, [NonFinite { sequence: 1, layer: 0 }]);
    assert!(
        outputs.hidden[..256].iter().all(|value| value.is_finite()),
        "the other sequence is not affected"
    );
    assert!(outputs.hidden[256..].iter().all(|value| value.is_nan()));
}

/// Bytes of all tensors, each a multiple of 32.
fn tiny_data_length(bytes: &[u8], tiny: Tiny) -> usize {
    let (hidden, inter) = (tiny.hidden, tiny.inter);
    let layer = 3 * hidden * hidden + 3 * hidden * inter + 2 * hidden;
    let numbers = tiny.vocab * hidden + tiny.layers * layer + hidden;
    assert!(bytes.len() > 4 * numbers, "the file holds them");
    4 * numbers
}
