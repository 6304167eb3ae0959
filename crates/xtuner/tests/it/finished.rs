//! A finished run is never lost by accident: another config in its folder is refused until the user asks for it.

use std::fs;
use std::path::Path;

use internlm_kit::hash::sha256_file;

use crate::fixture::{prepare, xtuner};

fn results(folder: &Path) -> Vec<String> {
    let files = [
        "hf/model.safetensors",
        "hf/config.json",
        "adapter/adapter_model.safetensors",
        "summary.json",
        "metrics.jsonl",
        "config.toml",
    ];
    let mut found: Vec<String> =
        files.iter().map(|file| sha256_file(folder.join("run").join(file)).expect(file)).collect();
    found.push(fs::read_dir(folder.join("run/checkpoints")).expect("lists").count().to_string());
    found
}

#[test]
fn any_changed_key_is_refused_by_name_and_force_or_starting_over_replaces() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let config = prepare(folder, "lora", 3);
    let program = xtuner(folder);
    let train = |extra: &[&str]| program.run([&["train", config.as_str()][..], extra].concat());
    assert_eq!(train(&[]).code, Some(0));
    let before = results(folder);
    let changes = [
        ("schedule.steps=4", "schedule.steps"),
        ("optim.lr=1e-2", "optim.lr"),
        ("lora.alpha=4.0", "lora.alpha"),
        ("model.method=full", "model.method"),
        ("dataset.rows-per-step=2", "dataset.rows-per-step"),
        ("dataset.valid-conversations=2", "dataset.valid-conversations"),
    ];
    for _ in 0..2 {
        for (change, key) in changes {
            let ran = train(&["--set", change]);
            assert_eq!(ran.code, Some(2), "{change}: {ran:?}");
            for part in [key, "finished run", "run.out", "--resume none", "--force"] {
                assert!(ran.stderr.contains(part), "{change}: expected `{part}` in: {ran:?}");
            }
            assert_eq!(results(folder), before, "{change}");
        }
    }
    let ran = train(&["--seed", "6"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("run.seed"), "{ran:?}");

    // What belongs to other verbs is not a change, nor are equal settings; another folder is always free.
    assert_eq!(train(&["--set", "test.limit=1"]).code, Some(0));
    assert_eq!(train(&[]).code, Some(0));
    assert_eq!(results(folder)[..3], before[..3]);
    assert_eq!(train(&["--set", "optim.lr=1e-2", "--work-dir", "elsewhere"]).code, Some(0));
    for permission in [&["--force"][..], &["--resume", "none"]] {
        let before = results(folder);
        let lr = if permission.len() == 1 { "optim.lr=1e-2" } else { "optim.lr=2e-2" };
        let ran = train(&[&["--set", lr], permission].concat());
        assert_eq!(ran.code, Some(0), "{permission:?}: {ran:?}");
        assert_ne!(results(folder)[0], before[0], "{permission:?}");
    }
}

#[test]
fn changed_conversations_are_refused_too() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let config = prepare(folder, "lora", 2);
    let program = xtuner(folder);
    assert_eq!(program.run(["train", &config]).code, Some(0));
    let before = results(folder);
    let data = folder.join("conversations.jsonl");
    let text = fs::read_to_string(&data).expect("reads");
    let shorter: String = text.lines().skip(1).flat_map(|line| [line, "\n"]).collect();
    fs::write(&data, shorter).expect("writes");
    let ran = program.run(["train", &config]);
    assert!(ran.code == Some(2) && ran.stderr.contains("the data ("), "{ran:?}");
    assert_eq!(results(folder), before);
}
