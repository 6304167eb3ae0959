//! A finished run is never lost by accident: another config in its folder is refused until the user asks for it.

use std::fs;
use std::path::Path;

use internlm_kit::context::RunContext;
use internlm_kit::hash::sha256_file;
use internlm_kit::stop::Stop;
use internlm_model::decoder::Decoder;
use internlm_model::device;
use internlm_train::End;
use xtuner::{FinetuneConfig, Resume, finetune};

use crate::fixture::{model_config, prepare, xtuner};

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

/// A run that ends with a checkpoint after its first step.
fn stopped() -> RunContext {
    let stop = Stop::new();
    stop.request();
    RunContext::default().with_stop(stop)
}

#[test]
fn other_weights_at_the_same_path_are_refused_until_the_user_starts_over() {
    for (context, end) in [(RunContext::default(), End::Finished), (stopped(), End::Stopped)] {
        let temporary = tempfile::tempdir().expect("temporary folder");
        let folder = temporary.path();
        let config = prepare(folder, "lora", 3);
        let loaded = FinetuneConfig::load(&config).expect("a valid config");
        assert_eq!(finetune(&loaded, Resume::Auto, &context).expect("trains").run.end, end);

        let other = Decoder::init(&model_config(), 4, &device::parse("cpu").expect("the CPU"));
        other.save(folder.join("base")).expect("saves");
        let program = xtuner(folder);
        let ran = program.run(["train", &config]);
        assert_eq!(ran.code, Some(2), "{end:?}: {ran:?}");
        for part in ["finished run that differs in the weights of model.path (", "--resume none"] {
            assert!(ran.stderr.contains(part), "{end:?}: expected `{part}` in: {ran:?}");
        }
        let ran = program.run(["train", &config, "--resume", "none"]);
        assert_eq!(ran.code, Some(0), "{end:?}: {ran:?}");
    }
}

#[test]
fn a_run_that_starts_over_is_not_called_finished_before_it_is() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let loaded = FinetuneConfig::load(prepare(folder, "lora", 3)).expect("a valid config");
    finetune(&loaded, Resume::Auto, &RunContext::default()).expect("trains");
    assert!(folder.join("run/summary.json").exists());
    finetune(&loaded, Resume::None, &stopped()).expect("stops");
    assert!(!folder.join("run/summary.json").exists());
    let resumed = finetune(&loaded, Resume::Auto, &RunContext::default()).expect("resumes");
    assert!(resumed.run.resumed_from == Some(1) && folder.join("run/summary.json").exists());
}

#[test]
fn a_new_adapter_takes_the_place_of_the_whole_old_folder() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let loaded = FinetuneConfig::load(prepare(folder, "lora", 2)).expect("a valid config");
    let names = || -> Vec<String> {
        let entries = fs::read_dir(folder.join("run/adapter")).expect("lists");
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = entries.map(|entry| name(entry.expect("an entry"))).collect();
        names.sort();
        names
    };
    finetune(&loaded, Resume::Auto, &RunContext::default()).expect("trains");
    let expected = ["adapter_config.json", "adapter_model.safetensors"];
    assert_eq!(names(), expected);
    fs::write(folder.join("run/adapter/other.json"), "{}").expect("writes");
    finetune(&loaded, Resume::None, &RunContext::default()).expect("trains again");
    assert_eq!(names(), expected, "the folder is replaced, its files are not written one by one");
}
