//! `cargo xtask device-report`: the report of a bundle's run as tables.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use internlm_kit::outln;
use serde::Deserialize;

/// Options of `cargo xtask device-report`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  cargo xtask device-report runs/rehearsal/report.json")]
pub(crate) struct DeviceReportArguments {
    /// Read this report.json.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// What `xtask/device/stages.py` writes.
#[derive(Debug, Deserialize)]
struct Report {
    /// Version of this form.
    schema: u32,
    commit: String,
    device: String,
    card: Option<String>,
    driver: Option<String>,
    cuda: Option<String>,
    torch: Option<String>,
    stages: Vec<Stage>,
    goldens: Vec<Golden>,
    benches: Vec<Bench>,
    skipped: Vec<Skipped>,
}

#[derive(Debug, Deserialize)]
struct Stage {
    name: String,
    seconds: f64,
    exit: i32,
}

#[derive(Debug, Deserialize)]
struct Golden {
    name: String,
    precision: String,
    passed: bool,
}

/// One figure: ours, the least that is asked for, what is aimed at, and PyTorch's on the same card with what ours is
/// of it; bytes reserved on the card, and the share of its best bf16 product that model FLOPs reach.
#[derive(Debug, Deserialize)]
struct Bench {
    name: String,
    shape: String,
    value: f64,
    unit: String,
    floor: Option<f64>,
    aim: Option<f64>,
    torch: Option<f64>,
    ratio: Option<f64>,
    peak_bytes: Option<f64>,
    mfu: Option<f64>,
    /// Unknown when a goal is a share of PyTorch's figure and that was not measured.
    passed: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Skipped {
    name: String,
    why: String,
}

/// Columns of the figures.
const BENCHES: [&str; 10] =
    ["benchmark", "shape", "ours", "floor", "aim", "PyTorch", "ratio", "GB", "MFU %", "outcome"];

impl Bench {
    fn cells(&self) -> Vec<String> {
        let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), significant);
        let Self { name, shape, unit, value, .. } = self;
        let ours = format!("{} {unit}", significant(*value));
        let rest = [
            self.floor,
            self.aim,
            self.torch,
            self.ratio,
            self.peak_bytes.map(|bytes| bytes / 1e9),
            self.mfu.map(|share| 100.0 * share),
        ];
        let mut cells = vec![name.clone(), shape.clone(), ours];
        cells.extend(rest.map(number));
        cells.push(self.passed.map_or_else(|| "not known".to_owned(), outcome));
        cells
    }
}

/// At least three digits that count, no more than one decimal above 10.
fn significant(value: f64) -> String {
    match value.abs() {
        size if size >= 10.0 || size == 0.0 => format!("{value:.1}"),
        size if size >= 0.01 => format!("{value:.3}"),
        _ => format!("{value:.1e}"),
    }
}

fn outcome(passed: bool) -> String {
    if passed { "passed" } else { "failed" }.to_owned()
}

/// The form that this program reads.
const SCHEMA: u32 = 1;

/// Prints the report as Markdown.
pub(crate) fn run(arguments: &DeviceReportArguments) -> Result<()> {
    for line in lines(&read(&arguments.file)?) {
        outln!("{line}")?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Report> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot read", path.display()))?;
    let report: Report =
        serde_json::from_str(&text).with_context(|| format!("{}: not a report", path.display()))?;
    anyhow::ensure!(
        report.schema == SCHEMA,
        "{}: found schema {}, expected {SCHEMA}",
        path.display(),
        report.schema
    );
    Ok(report)
}

fn lines(report: &Report) -> Vec<String> {
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let mut lines = vec![format!(
        "{} on {}: card {}, driver {}, CUDA {}, PyTorch {}",
        report.commit,
        report.device,
        known(&report.card),
        known(&report.driver),
        known(&report.cuda),
        known(&report.torch)
    )];
    let mut table = |head: &[&str], rows: Vec<Vec<String>>| {
        if rows.is_empty() {
            return;
        }
        lines.push(String::new());
        lines.push(format!("| {} |", head.join(" | ")));
        lines.push(format!("|{}", "---|".repeat(head.len())));
        lines.extend(rows.iter().map(|row| format!("| {} |", row.join(" | "))));
    };
    let stages = report
        .stages
        .iter()
        .map(|stage| vec![stage.name.clone(), format!("{:.1}", stage.seconds), stage.exit.to_string()]);
    table(&["stage", "seconds", "exit code"], stages.collect());
    let goldens = report
        .goldens
        .iter()
        .map(|golden| vec![golden.name.clone(), golden.precision.clone(), outcome(golden.passed)]);
    table(&["golden", "precision", "outcome"], goldens.collect());
    table(&BENCHES, report.benches.iter().map(Bench::cells).collect());
    let skipped = report.skipped.iter().map(|skipped| vec![skipped.name.clone(), skipped.why.clone()]);
    table(&["not measured", "why"], skipped.collect());
    lines
}

#[cfg(all(test, unix))]
mod stages_tests;

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"{"schema": 1, "commit": "abc", "device": "cuda:0", "card": "H200", "driver": "580.95",
        "cuda": "13.0", "torch": null, "ceilings": {}, "stages": [{"name": "goldens", "seconds": 4.25, "exit": 0}],
        "goldens": [{"name": "gpu::logits", "precision": "f32-exact", "error": null, "limit": null, "passed": true}],
        "benches": [{"name": "train", "shape": "7B", "value": 6500.04, "unit": "tokens/s", "floor": 3600, "aim": null,
                     "torch": 8125, "ratio": 0.80001, "peak_bytes": 70500000000, "mfu": 0.301, "passed": true}],
        "skipped": [{"name": "server", "why": "no time was left"}]}"#;

    #[test]
    fn every_part_has_its_table() {
        let report: Report = serde_json::from_str(REPORT).expect("parses");
        let text = lines(&report).join("\n");
        for line in [
            "abc on cuda:0: card H200, driver 580.95, CUDA 13.0, PyTorch none",
            "| goldens | 4.2 | 0 |",
            "| gpu::logits | f32-exact | passed |",
            "| train | 7B | 6500.0 tokens/s | 3600.0 | - | 8125.0 | 0.800 | 70.5 | 30.1 | passed |",
            "| server | no time was left |",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }

    #[test]
    fn reports_of_another_form_are_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("report.json");
        std::fs::write(&path, REPORT.replace("\"schema\": 1", "\"schema\": 2")).expect("writes");
        let error = read(&path).expect_err("another schema").to_string();
        assert!(error.ends_with("found schema 2, expected 1"), "{error}");
    }
}
