//! Checks on the shared page archives, when they are there: nothing is copied from them.
#![allow(clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::Command;

use wanjuan_data::extract::{ExtractConfig, extract_html};

/// The folder of shared data; skips with a visible line when it is absent, fails when `CI=true`.
pub(crate) fn shared_data() -> Option<PathBuf> {
    internlm_kit::testing::shared_data("")
}

/// Unpacks an archive into a temporary folder with the system's tar; `None` when it cannot.
pub(crate) fn unpack(archive: &Path) -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let status =
        Command::new("tar").arg("--zstd").arg("-xf").arg(archive).arg("-C").arg(folder.path()).status();
    if !status.is_ok_and(|status| status.success()) {
        eprintln!("skipped: tar cannot unpack {}", archive.display());
        return None;
    }
    Some(folder)
}

#[test]
fn chinese_pages_give_their_gold_text() {
    let Some(folder) = shared_data().and_then(|data| unpack(&data.join("web/zh.tar.zst"))) else { return };
    let set = folder.path().join("zh");
    let gold = std::fs::read_to_string(set.join("gold.json")).expect("reads");
    let gold: serde_json::Value = serde_json::from_str(&gold).expect("is JSON");
    let list = std::fs::read_to_string(set.join("list.tsv")).expect("reads");
    let mut recalls = Vec::new();
    for line in list.lines() {
        let (key, path) = line.split_once('\t').expect("key and path");
        let page = std::fs::read(set.join(path)).expect("reads");
        let text = extract_html(&page, None, &ExtractConfig::default()).text;
        let wanted: Vec<char> =
            gold[key]["text"].as_str().unwrap_or_default().chars().filter(is_han).collect();
        let text: String = text.chars().filter(is_han).collect();
        let found =
            wanted.windows(4).filter(|window| text.contains(&window.iter().collect::<String>())).count();
        recalls.push(found as f64 / wanted.len().saturating_sub(3).max(1) as f64);
    }
    let mean = recalls.iter().sum::<f64>() / recalls.len() as f64;
    assert!(mean > 0.8, "mean recall of four-character runs {mean:.3}: {recalls:.2?}");
}

fn is_han(c: &char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}')
}
