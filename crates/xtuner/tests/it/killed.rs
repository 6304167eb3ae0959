//! kill -9 at random moments: every objective ends with the bits of a run that nobody disturbed.
//!
//! `INTERNLM_KILLS` is the number of kills for each objective, 2 by default.
#![cfg(unix)]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use internlm_kit::file::files_below;
use internlm_kit::hash::sha256_file;
use internlm_kit::rng::CounterRng;
use serde_json::json;
use xtuner::generator::generate;

use crate::fixture::generate_config;
use crate::rl::{GRPO, config_text, learned, ppo, prepare};

/// Number of steps of a run.
const STEPS: u64 = 14;

/// Number of kills for each objective.
fn kills() -> u64 {
    let set = std::env::var("INTERNLM_KILLS").ok();
    set.map_or(2, |text| text.parse().expect("INTERNLM_KILLS is a number"))
}

/// Comparisons of answers with a domain each.
fn write_comparisons(path: &Path) {
    let rng = CounterRng::new(3, "comparisons");
    let mut lines = String::new();
    for index in 0..24_u64 {
        let domain = ["sums", "words"][(index % 2) as usize];
        let answer =
            |counter: u64| json!([{"role": "assistant", "content": rng.below(counter, 100).to_string()}]);
        let row = json!({
            "prompt": [{"role": "user", "content": format!("{index} + {}", rng.below(1000 + index, 50))}],
            "chosen": answer(2 * index),
            "rejected": answer(2 * index + 1),
            "domain": domain,
        });
        writeln!(lines, "{row}").expect("a text");
    }
    fs::write(path, lines).expect("writes");
}

/// Name, method, table `[objective]` and data of every objective.
fn objectives(folder: &Path) -> Vec<(&'static str, &'static str, String, &'static str)> {
    let reward = "kind = 'reward'\n[objective.domains]\nsums = 'Judge sums.'\nwords = 'Judge words.'\n";
    vec![
        ("sft", "lora", "kind = 'sft'\n".to_owned(), "conversations.jsonl"),
        ("dpo", "lora", "kind = 'preference'\nloss = 'sigmoid'\n".to_owned(), "comparisons.jsonl"),
        ("reward", "full", reward.to_owned(), "comparisons.jsonl"),
        ("grpo", "lora", GRPO.to_owned(), "prompts.jsonl"),
        ("ppo", "full", ppo(folder, 3), "prompts.jsonl"),
    ]
}

/// A run in progress.
fn start(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_xtuner"))
        .args(["train", "config.toml"])
        .current_dir(folder)
        .env("INTERNLM_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("starts")
}

/// Hashes of everything that a run leaves and that does not hold times, and what its metrics say about learning.
fn results(run: &Path) -> (Vec<(PathBuf, String)>, Vec<String>) {
    // What a kill may leave behind: folders that were being replaced or removed, and those of runs that started over.
    let leftovers = [".tmp", ".replacing", ".old", ".superseded"];
    let is_result = |path: &PathBuf| {
        let inside = path.strip_prefix(run).unwrap_or(path);
        let part = |name: &str| inside.components().any(|component| component.as_os_str() == name);
        let is_leftover = leftovers.iter().any(|mark| inside.to_string_lossy().contains(mark));
        // Counters of checkpoints hold seconds, and `COMPLETE` holds the hash of the counters.
        let is_tensors = path.extension().is_some_and(|extension| extension == "safetensors");
        !is_leftover && (is_tensors || part("rounds") || part("hf") || part("adapter"))
    };
    let files = files_below(run).expect("lists");
    let hashes = files.into_iter().filter(is_result).map(|path| {
        let hash = sha256_file(&path).expect("reads");
        (path.strip_prefix(run).unwrap_or(&path).to_path_buf(), hash)
    });
    (hashes.collect(), learned(&run.join("metrics.jsonl")))
}

#[test]
fn every_objective_survives_kills_at_random_moments() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    prepare(folder);
    generate(&generate_config(folder)).expect("generates");
    write_comparisons(&folder.join("comparisons.jsonl"));
    for (number, (name, method, objective, data)) in (0..).zip(objectives(folder)) {
        let text = config_text(folder, method, &objective, (data, STEPS));
        fs::write(folder.join("config.toml"), text).expect("writes");
        let (run, began) = (folder.join("run"), Instant::now());
        assert!(start(folder).wait().expect("waits").success(), "{name}");
        let (expected, whole) = (results(&run), began.elapsed());
        assert!(expected.0.len() >= 3 && expected.1.len() >= STEPS as usize, "{name}: {expected:?}");
        let moments = CounterRng::new(17, "kills").split(number);
        for kill in 0..kills() {
            fs::remove_dir_all(&run).ok();
            // Several kills in one run: what a killed run leaves is killed again.
            for again in 0..2 {
                let share = moments.f64(2 * kill + again);
                let mut child = start(folder);
                std::thread::sleep(Duration::from_secs_f64(whole.as_secs_f64() * share));
                child.kill().expect("kills");
                child.wait().expect("waits");
            }
            assert!(start(folder).wait().expect("waits").success(), "{name}, kill {kill}");
            let found = results(&run);
            assert_eq!(found.1, expected.1, "{name}, kill {kill}: metrics");
            assert_eq!(found.0, expected.0, "{name}, kill {kill}: files");
        }
        fs::remove_dir_all(&run).expect("removes");
    }
}
