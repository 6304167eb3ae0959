//! Bad input: one clear message, exit code 2, nothing written that was there before is lost.

use std::fs;

use wanjuan_data::shard::ShardWriter;

use crate::fixture::{Fixture, VOCAB, stderr, write_shards};

/// Name of a case, how it spoils the fixture, arguments, words of the message.
type Case = (&'static str, fn(&Fixture), &'static [&'static str], &'static [&'static str]);

const TRAIN: &[&str] = &["train", "train.toml"];

#[test]
fn bad_input_is_named_and_exits_with_2() {
    let cases: &[Case] = &[
        ("no config", |_| {}, &["train", "absent.toml"], &["absent.toml", "cannot read"]),
        ("unknown key", |f| f.write_config("sequence-length = 3"), TRAIN, &["train.toml", "sequence-length"]),
        (
            "wrong type",
            |f| f.write_config("min-length = \"x\""),
            TRAIN,
            &["min-length", "found \"x\", expected a whole number"],
        ),
        ("zero", |f| f.write_config("micro-num = 0"), TRAIN, &["data.micro-num: found 0"]),
        ("unknown override", |_| {}, &["train", "train.toml", "--set", "optim.rate=1"], &["rate"]),
        (
            "all problems at once",
            |_| {},
            &["train", "train.toml", "--set", "optim.beta1=2", "--set", "schedule.steps=0"],
            &["2 problems", "optim.beta1", "schedule.steps"],
        ),
        (
            "no shard folder",
            |f| fs::remove_dir_all(f.path("shards/train")).expect("removes"),
            TRAIN,
            &["shards/train", "cannot list"],
        ),
        (
            "no shards in it",
            |f| fs::remove_dir_all(f.path("shards/train/en")).expect("removes"),
            TRAIN,
            &["shards/train", "no shards", ".bin"],
        ),
        (
            "too few tokens",
            |_| {},
            &["train", "train.toml", "--set", "data.min-length=1000"],
            &["shards/train", "found 0 tokens", "at least one row of 32 tokens"],
        ),
        (
            "no held-out documents",
            |f| fs::remove_dir_all(f.path("shards/valid/en")).expect("removes"),
            TRAIN,
            &["shards/valid", "no shards"],
        ),
        (
            "id outside the vocabulary",
            large_id,
            TRAIN,
            &["part-00000.bin", "document 0", "found token id 64", "vocab 64"],
        ),
        ("damaged shard", damage_shard, TRAIN, &["part-00000.bin", "expected"]),
        ("no tokenizer", |f| f.write_config("tokenizer = \"nowhere\""), TRAIN, &["nowhere"]),
        ("unknown device", |_| {}, &["train", "train.toml", "--device", "tpu"], &["tpu", "cpu"]),
        (
            "no such checkpoint",
            |_| {},
            &["train", "train.toml", "--resume", "nowhere"],
            &["nowhere", "COMPLETE", "not a usable checkpoint"],
        ),
        (
            "checkpoint of another shape",
            |f| assert!(f.run(&["train", "train.toml", "--set", "schedule.steps=2"]).status.success()),
            &[
                "train",
                "train.toml",
                "--set",
                "model.inter=96",
                "--resume",
                "run/checkpoints/step-2",
                "--force",
            ],
            &["step-2", "feed_forward.w1", "[64, 32]", "[96, 32]"],
        ),
        ("no model to evaluate", |_| {}, &["eval", "nowhere", "shards/valid"], &["nowhere"]),
        ("export over a folder", |_| {}, &["export", "nowhere", "--out", "shards"], &["shards", "existing"]),
        ("unknown shape", |_| {}, &["bench", "--shape", "9m"], &["9m", "4m, 19m, 135m"]),
        ("unknown device to measure", |_| {}, &["bench", "--device", "tpu"], &["tpu", "cpu"]),
        ("sizes of a product", |_| {}, &["bench", "--product", "8x8"], &["8x8", "3 positive numbers"]),
    ];
    for (name, spoil, arguments, words) in cases {
        let fixture = Fixture::new();
        spoil(&fixture);
        let output = fixture.run(arguments);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{name}: {text}");
        assert!(text.starts_with("error: ") || text.contains("\nerror: "), "{name}: {text}");
        assert!(words.iter().all(|word| text.contains(word)), "{name}: {words:?} in: {text}");
        assert!(!text.contains("panicked"), "{name}: {text}");
    }
}

fn large_id(fixture: &Fixture) {
    fs::remove_dir_all(fixture.path("shards/train")).expect("removes");
    let mut writer = ShardWriter::create(fixture.path("shards/train/en"), "part").expect("creates");
    writer.push(&[VOCAB as i32; 200]).expect("writes");
    writer.finish().expect("finishes");
}

fn damage_shard(fixture: &Fixture) {
    write_shards(&fixture.path("shards/train"), 40, VOCAB);
    let path = fixture.path("shards/train/en/part-00000.bin");
    let text = fs::read_to_string(&path).expect("reads").replace(", 2]", ", x]");
    fs::write(&path, text).expect("writes");
}
