//! A finished run is never lost by accident: another config in its folder is refused until the user asks for it.

use std::fs;

use internlm_train::FitOptions;

use crate::fixture::{Fixture, stderr};

const SHORT: [&str; 4] = ["train", "train.toml", "--set", "schedule.steps=6"];

/// Everything that a finished run leaves and a user would miss.
fn results(fixture: &Fixture) -> Vec<String> {
    let files = ["hf/model.safetensors", "hf/config.json", "summary.json", "metrics.jsonl", "config.toml"];
    let folder = |name| fs::read_dir(fixture.path(name)).map_or(0, Iterator::count);
    let hashes = files.iter().map(|file| fixture.hash(&format!("run/{file}")));
    hashes
        .chain([folder("run/checkpoints"), folder("run/checkpoints.old")].map(|count| count.to_string()))
        .collect()
}

fn finished() -> Fixture {
    let fixture = Fixture::new();
    let output = fixture.run(&SHORT);
    assert!(output.status.success(), "{}", stderr(&output));
    fixture
}

#[test]
fn any_changed_key_is_refused_by_name_any_number_of_times() {
    let fixture = finished();
    let before = results(&fixture);
    let changes = [
        ("schedule.steps=9", "schedule.steps"),
        ("optim.lr=5e-4", "optim.lr"),
        ("run.seed=7", "run.seed"),
        ("model.inter=96", "model.inter"),
        ("data.seq-len=16", "data.seq-len"),
        ("data.valid-tokens=50", "data.valid-tokens"),
        ("checkpoint.every=3", "checkpoint.every"),
    ];
    for _ in 0..2 {
        for (change, key) in changes {
            let output = fixture.run(&[&SHORT[..], &["--set", change]].concat());
            let text = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{change}: {text}");
            for part in [key, "finished run", "run.out", "--resume none", "--force"] {
                assert!(text.contains(part), "{change}: expected `{part}` in: {text}");
            }
            assert_eq!(results(&fixture), before, "{change}");
        }
    }
}

#[test]
fn all_changed_keys_are_named_at_once() {
    let fixture = finished();
    let output = fixture.run(&["train", "train.toml", "--set", "schedule.steps=9", "--set", "optim.lr=5e-4"]);
    assert!(stderr(&output).contains("optim.lr, schedule.steps"), "{}", stderr(&output));
}

#[test]
fn a_checkpoint_to_resume_from_is_no_permission() {
    let fixture = finished();
    let before = results(&fixture);
    let longer = ["train", "train.toml", "--set", "schedule.steps=9", "--resume", "run/checkpoints/step-6"];
    assert_eq!(fixture.run(&longer).status.code(), Some(2));
    assert_eq!(results(&fixture), before);
    let output = fixture.run(&[&longer[..], &["--force"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("resumes although it differs in schedule.steps"), "{}", stderr(&output));
    let metrics = fs::read_to_string(fixture.path("run/metrics.jsonl")).expect("reads");
    assert_eq!(metrics.lines().filter(|line| line.contains("\"loss\"")).count(), 9);
}

#[test]
fn changed_data_are_refused_too() {
    let fixture = finished();
    let before = results(&fixture);
    crate::fixture::write_shards(&fixture.path("shards/train"), 41, crate::fixture::VOCAB);
    let output = fixture.run(&SHORT);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("the data ("), "{}", stderr(&output));
    assert_eq!(results(&fixture), before);
}

#[test]
fn other_weights_to_start_from_are_refused_too() {
    let fixture = finished();
    let config = fs::read_to_string(fixture.path("train.toml")).expect("reads");
    let (head, tail) = config.split_once("[model]").expect("a model");
    let (_, rest) = tail.split_once("[data]").expect("data");
    let head = head.replace("\"run\"", "\"second\"\ninit-from = \"run/hf\"");
    fs::write(fixture.path("second.toml"), format!("{head}[data]{rest}")).expect("writes");
    let second = ["train", "second.toml", "--set", "schedule.steps=3"];
    let output = fixture.run(&second);
    assert!(output.status.success(), "{}", stderr(&output));
    let output = fixture.run(&[&SHORT[..], &["--set", "run.seed=7", "--force"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let before = fixture.hash("second/hf/model.safetensors");
    let output = fixture.run(&second);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("differs in the weights of run.init-from"), "{}", stderr(&output));
    assert_eq!(fixture.hash("second/hf/model.safetensors"), before);
}

#[test]
fn force_or_starting_over_replaces_it() {
    for permission in [&["--force"][..], &["--resume", "none"]] {
        let fixture = finished();
        let before = fixture.hash("run/hf/model.safetensors");
        let changed = [&SHORT[..], &["--set", "optim.lr=5e-4"], permission].concat();
        let output = fixture.run(&changed);
        assert!(output.status.success(), "{permission:?}: {}", stderr(&output));
        assert_ne!(fixture.hash("run/hf/model.safetensors"), before, "{permission:?}");
        assert!(fixture.path("run/checkpoints.old/step-6").exists(), "{permission:?}");
        let config = fs::read_to_string(fixture.path("run/config.toml")).expect("reads");
        assert!(config.contains("lr = 0.0005"), "{permission:?}: {config}");
    }
}

#[test]
fn a_run_that_is_being_replaced_is_not_called_finished() {
    let fixture = finished();
    let longer = ["train", "train.toml", "--set", "schedule.steps=100000", "--force"];
    let mut child = fixture.command(&longer).spawn().expect("starts");
    while fixture.path("run/summary.json").exists() {
        assert!(child.try_wait().expect("waits").is_none(), "the run ended early");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().expect("kills");
    child.wait().expect("waits");
    assert!(fixture.path("run/hf").exists(), "the old model stays until there is a new one");
}

#[test]
fn a_folder_is_locked_from_before_the_first_step_until_the_last_file() {
    let fixture = finished();
    let before = results(&fixture);
    let options = FitOptions::new(fixture.path("run")).with_lock().expect("nobody trains");
    let again = [&SHORT[..], &["--resume", "none"]].concat();
    let output = fixture.run(&again);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("another process"), "{}", stderr(&output));
    assert_eq!(results(&fixture), before);
    drop(options);
    let output = fixture.run(&again);
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn the_same_settings_only_measure_and_export_again() {
    let fixture = finished();
    let (model, metrics) =
        (fixture.hash("run/hf/model.safetensors"), fixture.hash("run/checkpoints/step-6/COMPLETE"));
    fs::remove_dir_all(fixture.path("run/hf")).expect("removes");
    let output = fixture.run(&SHORT);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(fixture.hash("run/hf/model.safetensors"), model);
    assert_eq!(fixture.hash("run/checkpoints/step-6/COMPLETE"), metrics);
    let output = fixture
        .run(&[&SHORT[..], &["--set", &format!("run.out={}", fixture.path("run").display())]].concat());
    assert!(output.status.success(), "another name of the same folder: {}", stderr(&output));
}

#[test]
fn a_refused_unfinished_run_stays_as_it_was() {
    let fixture = finished();
    // Without a summary the checkpoints of a longer schedule are those of an unfinished run.
    let output = fixture.run(&["train", "train.toml", "--set", "schedule.steps=4", "--resume", "none"]);
    assert!(output.status.success(), "{}", stderr(&output));
    fs::remove_file(fixture.path("run/summary.json")).expect("removes");
    let state = fixture.path("run/checkpoints/step-4/state.json");
    assert!(state.exists());
    let config = fixture.hash("run/config.toml");
    let output = fixture.run(&["train", "train.toml", "--set", "schedule.steps=9"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("schedule.steps (9 here, 4 there)"), "{}", stderr(&output));
    assert_eq!(fixture.hash("run/config.toml"), config, "a refused run writes nothing");
}
