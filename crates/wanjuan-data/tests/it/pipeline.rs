//! Whole runs as a library: numbers, determinism, resume.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use internlm_kit::context::RunContext;
use wanjuan_data::PipelineConfig;
use wanjuan_data::executor::{Corpus, Outcome, RunOptions, run};
use wanjuan_data::report::why;
use wanjuan_data::shard::{Shard, ShardFolder};

use crate::site::{pipeline_toml, write_site};

/// Runs the test pipeline over `site`.
pub(crate) fn run_site(site: &Path, output: &Path, threads: usize) -> Outcome {
    let toml = pipeline_toml(site, output);
    let config: PipelineConfig = internlm_kit::config::parse(&toml, "test.toml").expect("parses");
    run(&config, &Corpus::pages(site), RunOptions::default().with_threads(threads), &RunContext::default())
        .expect("runs")
}

/// `manifest.json` lists the hash of every output; the config itself names the output folder.
pub(crate) fn manifest(output: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(output.join("manifest.json")).expect("a finished run");
    let entries: Vec<serde_json::Value> = serde_json::from_str(&text).expect("is JSON");
    let entries = entries.into_iter().filter(|entry| entry["path"] != "config.toml");
    entries.map(|entry| (entry["path"].to_string(), entry["sha256"].to_string())).collect()
}

#[test]
fn every_document_is_accounted_for() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 60);
    let output = folder.path().join("out");
    let funnel = run_site(&site, &output, 2).funnel;
    assert_eq!(funnel.problems(), Vec::<String>::new());
    assert_eq!(funnel.documents_in(), 60 + 6 + 6 + 4);
    let dropped = |stage: &str, rule: &str| {
        let stage = funnel.stages.iter().find(|one| one.stage == stage).expect("the stage ran");
        stage.dropped.get(rule).map_or(0, |count| count.documents)
    };
    assert_eq!(dropped("extract", "empty"), 1);
    assert_eq!(dropped("language", "language"), 2, "one German, one too short to tell");
    assert_eq!(dropped("exact-dedup", "same-content"), 6);
    assert_eq!(dropped("near-dedup", "near-duplicate"), 6);
    assert_eq!(funnel.tokens.train.documents + funnel.tokens.valid.documents, 61);
    assert!(funnel.tokens.valid.documents > 0);
    // Lines of rejected/ are as many as the funnel says.
    let rejected: u64 = funnel.stages.iter().map(|stage| stage.dropped_documents()).sum();
    assert_eq!(count_lines(&output.join("rejected")), rejected);
    // The line that all articles share is gone.
    let held_out = fs::read_to_string(output.join("heldout.jsonl")).expect("was written");
    assert!(!held_out.contains("editors of this collection"));
    assert!(!held_out.contains("All pages"));
}

pub(crate) fn count_lines(folder: &Path) -> u64 {
    let mut lines = 0;
    for stage in fs::read_dir(folder).expect("lists") {
        for file in fs::read_dir(stage.expect("lists").path()).expect("lists") {
            let text = fs::read_to_string(file.expect("lists").path()).expect("reads");
            lines += text.lines().count() as u64;
        }
    }
    lines
}

#[test]
fn one_and_two_threads_write_the_same_bytes() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 40);
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    run_site(&site, &one, 1);
    run_site(&site, &two, 2);
    assert_eq!(manifest(&one), manifest(&two));
    assert!(manifest(&one).keys().any(|path| path.contains(".bin.meta")));
}

#[test]
fn shards_hold_what_the_index_says() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 30);
    let output = folder.path().join("out");
    let funnel = run_site(&site, &output, 2).funnel;
    let shards = ShardFolder::open(output.join("shards/train")).expect("opens");
    assert_eq!(shards.types()[0].name, "en");
    let shard = Shard::open(&shards.types()[0].files[0]).expect("opens");
    assert_eq!(shard.documents() as u64, funnel.tokens.train.documents);
    assert_eq!(shard.tokens(), funnel.tokens.train.tokens);
    let tokenizer = internlm_model::Tokenizer::load(output.join("tokenizer")).expect("loads");
    let ids = shard.read(0).expect("reads");
    assert_eq!((ids[0], *ids.last().expect("not empty")), (1, 2), "begin and end of document");
    let ids: Vec<_> = ids.iter().map(|id| internlm_model::TokenId(*id as u32)).collect();
    let text = tokenizer.decode(&ids, internlm_model::tokenizer::Special::Skip);
    assert!(text.contains(" the ") && !text.contains('<'), "{text}");
}

#[test]
fn a_document_tells_its_life() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 20);
    let output = folder.path().join("out");
    run_site(&site, &output, 2);
    let lines = fs::read_to_string(output.join("rejected/near-dedup/00000.jsonl"))
        .or_else(|_| fs::read_to_string(output.join("rejected/near-dedup/00002.jsonl")))
        .expect("a near duplicate was dropped");
    let line: serde_json::Value =
        serde_json::from_str(lines.lines().next().expect("a line")).expect("is JSON");
    let id = line["id"].as_str().expect("has an id");
    let trace = why(&output, id).expect("reads").expect("is known").to_text();
    assert!(trace.contains("near-dedup: near-duplicate"), "{trace}");
    assert!(trace.contains(line["duplicate"]["keeper"].as_str().expect("has a keeper")), "{trace}");
    assert!(trace.contains("work/00-import/"), "{trace}");
    assert!(why(&output, "00000000000000000000").expect("reads").is_none());
}

/// A tokenizer that is given instead of trained: the same one gives the same shards.
#[test]
fn a_given_tokenizer_is_used_as_it_is() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 30);
    let (trained, given) = (folder.path().join("trained"), folder.path().join("given"));
    run_site(&site, &trained, 2);
    let toml = pipeline_toml(&site, &given);
    let set = format!("tokenize.tokenizer={}", trained.join("tokenizer").display());
    let mut config: PipelineConfig =
        internlm_kit::config::parse_with(&toml, "test.toml", &[set]).expect("parses");
    config.write_rejected = false;
    run(&config, &Corpus::pages(&site), RunOptions::default(), &RunContext::default()).expect("runs");
    let shards = |output: &Path| {
        let mut files = manifest(output);
        files.retain(|path, _| path.contains("shards/") || path.contains("heldout"));
        files
    };
    assert_eq!(shards(&given), shards(&trained));
    assert!(shards(&given).len() >= 5);
    assert!(trained.join("rejected").is_dir() && !given.join("rejected").exists());
}

/// A run with other settings in the same folder leaves nothing of the earlier one behind.
#[test]
fn files_of_an_earlier_run_are_removed() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let site = write_site(folder.path(), 30);
    let output = folder.path().join("out");
    run_site(&site, &output, 2);
    let toml = pipeline_toml(&site, &output).replace("[[stages]]\nstage = \"c4\"\n", "");
    let config: PipelineConfig = internlm_kit::config::parse(&toml, "test.toml").expect("parses");
    run(&config, &Corpus::pages(&site), RunOptions::default(), &RunContext::default()).expect("runs");
    let listed: Vec<String> = manifest(&output).into_keys().collect();
    let mut pending = vec![output.clone()];
    let mut found = 0;
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).expect("lists") {
            let path = entry.expect("lists").path();
            let name = path.strip_prefix(&output).expect("is below").display().to_string();
            if path.is_dir() {
                pending.push(path);
            } else if !["config.toml", "manifest.json", "work/manifest.jsonl", "work/finished.json"]
                .contains(&name.as_str())
            {
                assert!(listed.contains(&format!("{name:?}")), "{name} is in no manifest");
                found += 1;
            }
        }
    }
    assert_eq!(found, listed.len());
}
