//! Text of pre-training in every step: the share that was asked for, loss on all of it, and the same bits after a stop.

use std::fs;

use internlm_kit::config;
use internlm_kit::context::RunContext;
use internlm_kit::stop::Stop;
use internlm_model::TokenId;
use internlm_train::{End, Row, RowSource};
use serde_json::Value;
use xtuner::dataset::{MixedRows, PretrainTextConfig, RowsConfig, Sample, SampleSet, SftRows};
use xtuner::{FinetuneConfig, Resume, finetune};

use crate::fixture::{config_text, prepare, pretrain_text, shards, xtuner};

/// Forty samples of 20 ids, every id 299 so that they can be told from text; half of the ids carry loss.
fn conversations() -> SftRows {
    let sample = Sample {
        ids: vec![TokenId(299); 20],
        weights: (0..20).map(|place| if place < 10 { 0.0 } else { 1.0 }).collect(),
    };
    let set = SampleSet::new(vec![sample; 40]);
    SftRows::new(&[set], &RowsConfig::new(100, 2).with_seed(7)).expect("samples to learn from")
}

fn text(folder: &std::path::Path, share: f64, seq_len: usize) -> PretrainTextConfig {
    PretrainTextConfig::new(folder.join("train"), share).with_seq_len(seq_len)
}

fn is_text(row: &Row) -> bool {
    row.ids.iter().all(|id| id.0 != 299)
}

#[test]
fn every_step_has_the_share_of_text_with_loss_on_all_of_it() {
    let folder = tempfile::tempdir().expect("temporary folder");
    shards(folder.path(), "train", 40);
    for (share, seq_len, rows) in [(0.2, 64, 1), (0.5, 64, 4), (0.5, 200, 1), (0.75, 150, 4), (0.01, 64, 1)] {
        let config = text(folder.path(), share, seq_len);
        let mut mixed =
            MixedRows::conversations(conversations()).with_text(&config, 200, 300, 7).expect("opens");
        let mut tokens = [0, 0];
        for step in 0..6 {
            let batch = mixed.batch(step).expect("reads");
            let (prose, talk): (Vec<&Row>, Vec<&Row>) = batch.iter().partition(|row| is_text(row));
            assert_eq!((talk.len(), prose.len()), (2, rows), "share {share}");
            assert!(prose.iter().all(|row| row.tokens() <= seq_len), "share {share}");
            for row in &prose {
                row.check(300, "text").expect("a valid row");
                // Only the last token of a document has no label.
                let ends = row.ids.iter().filter(|id| id.0 == 2).count();
                assert_eq!(row.tokens() - row.targets(), ends, "share {share}");
            }
            tokens[0] += talk.iter().map(|row| row.tokens()).sum::<usize>();
            tokens[1] += prose.iter().map(|row| row.tokens()).sum::<usize>();
        }
        let found = tokens[1] as f64 / (tokens[0] + tokens[1]) as f64;
        assert!((found - share).abs() < 0.01, "asked for {share}, got {found}");
    }
}

#[test]
fn a_step_is_pure_and_the_fingerprint_knows_the_text() {
    let folder = tempfile::tempdir().expect("temporary folder");
    shards(folder.path(), "train", 40);
    let open = |share, seed| {
        let config = text(folder.path(), share, 64);
        MixedRows::conversations(conversations()).with_text(&config, 200, 300, seed).expect("opens")
    };
    let mut first = open(0.3, 7);
    let stream: Vec<Vec<Row>> = (0..8).map(|step| first.batch(step).expect("reads")).collect();
    let mut again = open(0.3, 7);
    for step in (0..8).rev() {
        assert_eq!(again.batch(step).expect("reads"), stream[step as usize], "step {step}");
    }
    assert_eq!(first.fingerprint(), again.fingerprint());
    let plain = MixedRows::conversations(conversations());
    let others = [plain.fingerprint(), open(0.4, 7).fingerprint(), open(0.3, 8).fingerprint()];
    assert!(others.iter().all(|other| *other != first.fingerprint()), "{others:?}");
    assert_eq!(first.epoch(5), plain.epoch(5), "the conversations decide the length of a run");
}

#[test]
fn a_mixed_run_learns_the_text_measures_it_and_resumes_to_the_same_bits() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder, "lora", 6);
    let load = |share: Option<f64>| -> FinetuneConfig {
        let text = share.map_or(String::new(), |share| pretrain_text(folder, share));
        config::parse(&(config_text(folder, "full", 6) + &text), "test.toml").expect("a valid config")
    };
    let model = || fs::read(folder.join("run/hf/model.safetensors")).expect("reads");
    let config = load(Some(0.5));
    let whole = finetune(&config, Resume::None, &RunContext::default()).expect("trains");
    let expected = model();
    let summary: Value =
        serde_json::from_slice(&fs::read(folder.join("run/summary.json")).expect("reads")).expect("JSON");
    let bits = summary["valid_bits_per_byte"].as_f64().expect("measured");
    assert!(bits.is_finite() && bits > 0.0, "{summary}");
    let tokens = |report: &xtuner::FinetuneReport| {
        let rows = report.summary.as_ref().expect("finished").rows();
        rows.iter().find(|(name, _)| name == "tokens").expect("tokens").1
    };

    fs::remove_dir_all(folder.join("run")).expect("removes");
    let stop = Stop::new();
    stop.request();
    let stopped = finetune(&config, Resume::Auto, &RunContext::default().with_stop(stop)).expect("stops");
    assert_eq!(stopped.run.end, End::Stopped);
    let refused = finetune(&load(Some(0.4)), Resume::Auto, &RunContext::default()).expect_err("other data");
    assert!(refused.to_string().contains("the data ("), "{refused}");
    let resumed = finetune(&config, Resume::Auto, &RunContext::default()).expect("resumes");
    assert_eq!(resumed.run.resumed_from, Some(1));
    assert!(model() == expected, "the bits differ");

    let plain = finetune(&load(None), Resume::None, &RunContext::default()).expect("trains");
    assert!(
        model() != expected && tokens(&whole) > 1.5 * tokens(&plain),
        "{} {}",
        tokens(&whole),
        tokens(&plain)
    );
    let without = plain.summary.expect("finished");
    assert!(without.rows().iter().all(|(name, _)| name != "valid_bits_per_byte"));
}

#[test]
fn check_dataset_says_how_much_text_a_step_has() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let config = prepare(folder.path(), "lora", 2);
    let mixed = fs::read_to_string(&config).expect("reads") + &pretrain_text(folder.path(), 0.25);
    fs::write(&config, mixed).expect("writes");
    let ran = xtuner(folder.path()).run(["check-dataset", &config, "--rows", "0"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("171 tokens of each step (25.0 %)"), "{}", ran.stdout);
}
