//! Held-out text: whole documents up to a limit, and bits per byte that mean what they say.

use std::path::Path;

use burn::tensor::Device;
use internlm_model::decoder::Decoder;
use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
use internlm_model::{ModelConfig, ModelSize, TokenId, Tokenizer};
use internlm_train::{ValidationConfig, ValidationSet};
use wanjuan_data::shard::ShardWriter;

const VOCAB: usize = 300;

/// Text of several sizes; the umlaut is a character of two bytes.
const TEXTS: [&str; 3] = ["a short one", "äh, a longer one that is read in more than one piece", "the last"];

fn tokenizer() -> Tokenizer {
    let config = BpeTrainConfig::new(VOCAB);
    train_bpe(TEXTS.map(str::to_owned).into_iter(), &config).expect("trains")
}

/// The texts as shards, each between begin and end of a document.
fn write(folder: &Path, tokenizer: &Tokenizer) -> Vec<usize> {
    let mut writer = ShardWriter::create(folder.join("en"), "part").expect("creates");
    let mut lengths = Vec::new();
    for text in TEXTS {
        let ids = tokenizer.encode(text).into_iter().map(|TokenId(id)| id as i32);
        let document: Vec<i32> = [1].into_iter().chain(ids).chain([2]).collect();
        writer.push(&document).expect("writes");
        lengths.push(document.len());
    }
    writer.finish().expect("finishes");
    lengths
}

/// A small model for these texts.
fn model() -> ModelConfig {
    ModelConfig::new(ModelSize { hidden: 16, layers: 1, heads: 2, inter: 32, vocab: VOCAB })
}

/// A decoder that finds every id equally likely.
fn ignorant() -> Decoder {
    let model = model();
    let mut decoder = Decoder::init(&model, 1, &Device::flex());
    for (name, mut parameter) in decoder.parameters_mut() {
        if name == "output.weight" {
            parameter.set(vec![0.0; 16 * VOCAB]);
        }
    }
    decoder
}

#[test]
fn a_model_that_knows_nothing_needs_log2_of_the_vocabulary_for_each_token() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let tokenizer = tokenizer();
    let lengths = write(folder.path(), &tokenizer);
    let config = ValidationConfig::new(folder.path(), VOCAB).with_seq_len(7).with_pass_tokens(16);
    let set = ValidationSet::open(&config, Some(&tokenizer)).expect("opens");
    assert_eq!(set.documents(), 3);
    let measured = set.measure(&ignorant()).expect("measures");
    // Pieces do not cost labels: only the first token of a document is never predicted.
    let targets: usize = lengths.iter().map(|length| length - 1).sum();
    assert_eq!(measured.evaluation.targets, targets as u64);
    assert!((measured.evaluation.loss() - (VOCAB as f64).ln()).abs() < 1e-5);
    let bytes: usize = TEXTS.iter().map(|text| text.len()).sum();
    let expected = targets as f64 * (VOCAB as f64).log2() / bytes as f64;
    let bits = measured.bits_per_byte.expect("a tokenizer counts bytes");
    assert!((bits / expected - 1.0).abs() < 1e-5, "{bits} {expected}");
    let names: Vec<String> = measured.named().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["valid_loss", "valid_bits_per_byte"]);
}

#[test]
fn whole_documents_are_taken_up_to_the_limit_and_at_least_one() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let lengths = write(folder.path(), &tokenizer());
    let taken = |tokens| {
        let config = ValidationConfig::new(folder.path(), VOCAB).with_tokens(tokens);
        ValidationSet::open(&config, None).expect("opens").documents()
    };
    let two = lengths[0] + lengths[1];
    assert_eq!([1, lengths[0], two - 1, two, 10 * two].map(taken), [1, 1, 1, 2, 3]);
}

#[test]
fn the_size_of_a_pass_changes_only_rounding_and_no_tokenizer_means_no_bytes() {
    let folder = tempfile::tempdir().expect("temporary folder");
    write(folder.path(), &tokenizer());
    let model = model();
    let decoder = Decoder::init(&model, 1, &Device::flex());
    let loss = |pass_tokens| {
        let config =
            ValidationConfig::new(folder.path(), VOCAB).with_seq_len(5).with_pass_tokens(pass_tokens);
        let measured =
            ValidationSet::open(&config, None).expect("opens").measure(&decoder).expect("measures");
        assert_eq!((measured.bits_per_byte, measured.named().len()), (None, 1));
        measured.evaluation.loss()
    };
    assert!((loss(5) / loss(4096) - 1.0).abs() < 1e-6);
}
