//! Writes the blocks and features of a list of pages as jsonl, for `training/train_blocks.py`.
use std::io::Write;
use std::path::{Path, PathBuf};

fn main() -> anyhow::Result<()> {
    let list = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "pages/list.tsv".to_owned()));
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(out, "{}", serde_json::to_string(&wanjuan_data::extract::feature_names())?)?;
    for line in std::fs::read_to_string(&list)?.lines() {
        let Some((key, path)) = line.split_once('\t') else { continue };
        let bytes = std::fs::read(list.parent().unwrap_or(Path::new("")).join(path))?;
        let page = wanjuan_data::extract::training_data(&bytes);
        writeln!(out, "{}", serde_json::json!({"key": key, "page": page}))?;
    }
    Ok(())
}
