//! The public samples: every record that two other readers agree on, and a whole run over all files.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use sha1::{Digest, Sha1};
use wanjuan_data::read::{RecordKind, WarcItem, WarcReader, parse_response};

use crate::pipeline::{count_lines, manifest};
use crate::web_sets::{shared_data, unpack};

/// Unpacked samples; `None`, with a line that says so, where they are absent.
fn samples() -> Option<tempfile::TempDir> {
    shared_data().and_then(|data| unpack(&data.join("web/warc.tar.zst")))
}

fn expected(folder: &Path) -> serde_json::Map<String, Value> {
    let text = fs::read_to_string(folder.join("expected.json")).expect("reads");
    serde_json::from_str(&text).expect("is JSON")
}

fn sha1(bytes: &[u8]) -> String {
    Sha1::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As the list of expected records spells an address.
fn address(uri: Option<&str>) -> Option<String> {
    uri.map(|uri| uri.trim_matches(['<', '>']).replace(' ', "%20"))
}

#[test]
fn every_sample_gives_its_records_damages_and_payloads() {
    let Some(folder) = samples() else { return };
    let folder = folder.path().join("warc");
    let (mut files, mut payloads) = (0, 0);
    for (name, wanted) in &expected(&folder) {
        let mut reader = WarcReader::open(folder.join(name)).expect("opens");
        let (mut records, mut http, mut damages) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(item) = reader.next_item() {
            let record = match item {
                WarcItem::Damage(damage) => {
                    damages.push((damage.start, damage.end));
                    continue;
                }
                WarcItem::Record(record) => record,
            };
            let uri = address(record.uri().as_deref());
            let length = record.block.len() as u64;
            let state = record.state.name();
            let sum = sha1(record.block);
            records.push((
                record.offset,
                record.inner,
                record.type_name().into_owned(),
                uri.clone(),
                length,
                sum,
                state,
            ));
            let response = parse_response(record.block).filter(|_| record.kind == RecordKind::Response);
            if let Some(response) = response {
                let body = response.payload.bytes().unwrap_or_default();
                http.push((uri, u64::from(response.status), sha1(body)));
            }
        }
        let intact: Vec<_> = records.iter().filter(|record| record.6 == "ok").collect();
        let wanted_records = wanted["records"].as_array().expect("a list");
        let wanted_intact: Vec<_> = wanted_records.iter().filter(|record| record[6] == "ok").collect();
        assert_eq!(intact.len(), wanted_intact.len(), "{name}");
        for (found, want) in intact.iter().zip(wanted_intact) {
            let (offset, inner, kind, uri, length, sum, _) = found;
            assert_eq!(*offset, want[0].as_u64(), "{name}: {want}");
            assert_eq!(Some(*inner), want[1].as_u64(), "{name}: {want}");
            let have = (Some(kind.as_str()), uri.clone(), Some(*length), Some(sum.as_str()));
            let want_uri = address(want[3].as_str());
            assert_eq!(have, (want[2].as_str(), want_uri, want[4].as_u64(), want[5].as_str()), "{name}");
        }
        for want in wanted["damaged"].as_array().into_iter().flatten() {
            let (start, end) = (want[0].as_u64().expect("a byte"), want[1].as_u64().expect("a byte"));
            assert!(
                damages.iter().any(|(a, b)| *a < end && start < *b),
                "{name}: {want} is not in {damages:?}"
            );
        }
        for want in wanted["http"].as_array().into_iter().flatten() {
            let uri = address(want[0].as_str());
            let sum = want[2].as_str().expect("a hash");
            let status = want[1].as_u64().expect("a status");
            assert!(http.contains(&(uri, status, sum.to_owned())), "{name}: no payload {want}");
            payloads += 1;
        }
        files += 1;
    }
    println!("{files} files, {payloads} payloads");
    assert!(files >= 39 && payloads > 200);
}

/// A pipeline over all samples, in small parts so that there are many units.
fn pipeline(folder: &Path, output: &str) -> std::path::PathBuf {
    let names: Vec<String> =
        expected(&folder.join("warc")).keys().map(|name| format!("warc/{name}")).collect();
    let toml = format!(
        r#"
output = "{output}"
[import]
source = "warc"
files = {names:?}
dump = "samples"
split-bytes = 60000
[[stages]]
stage = "extract"
[[stages]]
stage = "normalize"
[[stages]]
stage = "gopher-repetition"
[[stages]]
stage = "exact-dedup"
[[stages]]
stage = "near-dedup"
[tokenize]
vocab-size = 300
held-out-per-mille = 100
"#
    );
    let path = folder.join(format!("{output}.toml"));
    fs::write(&path, toml).expect("writes");
    path
}

fn command(folder: &Path, config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wanjuan-data"));
    command.arg("run").arg(config).args(["--threads", "2"]).current_dir(folder);
    command
}

fn finish(folder: &Path, config: &Path) -> Output {
    let done = command(folder, config).output().expect("starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done
}

fn units(output: &Path) -> usize {
    fs::read(output.join("work/manifest.jsonl"))
        .map_or(0, |text| text.iter().filter(|byte| **byte == b'\n').count())
}

/// Starts a run and kills it as soon as `wanted` units are done; whether the kill was in time.
fn kill_at(folder: &Path, config: &Path, output: &Path, wanted: usize) -> bool {
    let mut child =
        command(folder, config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    while units(output) < wanted && child.try_wait().expect("waits").is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("kills");
    child.wait().expect("waits").code().is_none()
}

#[test]
fn a_run_over_all_samples_is_killed_ten_times_and_ends_with_the_same_bytes() {
    let Some(folder) = samples() else { return };
    let folder = folder.path();
    let whole = pipeline(folder, "whole");
    let table = String::from_utf8(finish(folder, &whole).stdout).expect("is text");
    println!("{table}");
    let reference = manifest(&folder.join("whole"));
    let all = units(&folder.join("whole"));
    let config = pipeline(folder, "killed");
    let output = folder.join("killed");
    let mut killed = 0;
    for point in 0..10 {
        // The same folder: each run resumes where the one before was killed.
        let before = units(&output);
        killed += usize::from(kill_at(
            folder,
            &config,
            &output,
            (all * point / 10).max(before + usize::from(point > 0)),
        ));
    }
    finish(folder, &config);
    println!("{all} units, killed {killed} times");
    assert!(killed >= 8, "killed {killed} times");
    assert_eq!(manifest(&output), reference);
    let lines = |output: &Path| {
        let text = fs::read_to_string(output.join("work/manifest.jsonl")).expect("reads");
        text.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count()
    };
    assert_eq!(lines(&output), lines(&folder.join("whole")), "no finished unit was done again");
    for point in 0..10 {
        let name = format!("fresh-{point}");
        let config = pipeline(folder, &name);
        kill_at(folder, &config, &folder.join(&name), all * point / 10 + 1);
        finish(folder, &config);
        assert_eq!(manifest(&folder.join(&name)), reference, "killed after {} units", all * point / 10 + 1);
    }
}

#[test]
fn every_dropped_sample_is_in_the_rejected_files() {
    let Some(folder) = samples() else { return };
    let folder = folder.path();
    let config = pipeline(folder, "out");
    let table = String::from_utf8(finish(folder, &config).stdout).expect("is text");
    let output = folder.join("out");
    let funnel: Value =
        serde_json::from_slice(&fs::read(output.join("funnel.json")).expect("reads")).expect("is JSON");
    let mut counted: BTreeMap<(String, String), u64> = BTreeMap::new();
    for stage in funnel["stages"].as_array().expect("a list") {
        for (rule, count) in stage["dropped"].as_object().expect("a map") {
            let key = (stage["stage"].as_str().expect("a name").to_owned(), rule.clone());
            counted.insert(key, count["documents"].as_u64().expect("a number"));
        }
    }
    let mut written: BTreeMap<(String, String), u64> = BTreeMap::new();
    // These rules do not look at a number.
    let wordless = ["empty", "media-type", "not-a-page", "not-http", "content-encoding", "no-capture"];
    for folder in fs::read_dir(output.join("rejected")).expect("lists") {
        for file in fs::read_dir(folder.expect("lists").path()).expect("lists") {
            let text = fs::read_to_string(file.expect("lists").path()).expect("reads");
            for line in text.lines() {
                let line: Value = serde_json::from_str(line).expect("is JSON");
                let rule = line["reason"].as_str().expect("a reason");
                let key = (line["stage"].as_str().expect("a stage").to_owned(), rule.to_owned());
                *written.entry(key).or_default() += 1;
                let told = line["value"].is_number() || line["duplicate"].is_object();
                assert!(told || wordless.contains(&rule), "{line}");
                assert_eq!(line["id"].as_str().map(str::len), Some(20), "{line}");
            }
        }
    }
    assert_eq!(written, counted);
    assert_eq!(count_lines(&output.join("rejected")), counted.values().sum::<u64>());
    for (file, why) in [
        ("a-crc.warc.gz", "15477 15904 corrupt"),
        ("a-flip.warc.gz", "15477 15904 corrupt"),
        ("a-cut.warc.gz", "85788 86012 truncated"),
        ("a-junk.warc.gz", "15477 16254 junk"),
        ("a-magic.warc.gz", "15477 15904 junk"),
    ] {
        assert!(table.contains(&format!("damaged warc/made/{file} {why}\n")), "{table}");
    }
    // 512 zeros behind a member are padding: nothing is lost.
    assert!(!table.contains("16681 17193"), "{table}");
}
