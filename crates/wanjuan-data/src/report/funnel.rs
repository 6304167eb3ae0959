//! [`Funnel`]: per stage what came in, what was kept and why the rest was not, as in WanJuan-CC's figure.

use serde::{Deserialize, Serialize};

use crate::executor::{DamagedRange, PartReport, StageReport};
use crate::tokenize::TokenizeReport;

/// The whole way from files to tokens. Documents add up exactly: each stage gets what the one before kept,
/// and `input = kept + dropped`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Funnel {
    /// Files of the source that were looked at.
    pub files_seen: u64,
    /// The stages in order.
    pub stages: Vec<StageReport>,
    /// Damaged byte ranges of archives.
    pub damaged: Vec<DamagedRange>,
    /// Tokens, held-out text, baselines.
    pub tokens: TokenizeReport,
}

impl Funnel {
    /// Adds up the parts of a run.
    pub(crate) fn new(files_seen: u64, reports: &[PartReport], tokens: &TokenizeReport) -> Self {
        let mut stages: Vec<StageReport> = Vec::new();
        for report in reports.iter().flat_map(|report| &report.stages) {
            match stages.iter_mut().find(|known| known.stage == report.stage) {
                Some(known) => known.merge(report),
                None => stages.push(report.clone()),
            }
        }
        let damaged = reports.iter().flat_map(|report| report.damaged.clone()).collect();
        Self { files_seen, stages, damaged, tokens: tokens.clone() }
    }

    /// Every way in which the funnel does not add up; empty when it does.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for stage in &self.stages {
            let (input, kept, dropped) =
                (stage.input.documents, stage.kept.documents, stage.dropped_documents());
            if input != kept + dropped {
                problems.push(format!("{}: {input} in, {kept} kept, {dropped} dropped", stage.stage));
            }
        }
        for pair in self.stages.windows(2) {
            if pair[0].kept != pair[1].input {
                problems.push(format!("{} keeps what {} does not get", pair[0].stage, pair[1].stage));
            }
        }
        let kept = self.stages.last().map_or(0, |stage| stage.kept.documents);
        let tokenized = self.tokens.train.documents + self.tokens.valid.documents;
        if kept != tokenized {
            problems.push(format!("tokenize: {kept} documents in, {tokenized} out"));
        }
        problems
    }

    /// Documents that entered.
    #[must_use]
    pub fn documents_in(&self) -> u64 {
        self.stages.first().map_or(0, |stage| stage.input.documents)
    }

    /// The table for people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let total = self.documents_in().max(1) as f64;
        let mut text = format!(
            "{:<18} {:>9} {:>9} {:>8} {:>9} {:>10} {:>10}\n",
            "stage", "in", "kept", "removed", "retained", "MB in", "MB kept"
        );
        for stage in &self.stages {
            let (input, kept) = (stage.input.documents, stage.kept.documents);
            let removed = 100.0 * (input - kept) as f64 / input.max(1) as f64;
            let retained = 100.0 * kept as f64 / total;
            text.push_str(&format!(
                "{:<18} {input:>9} {kept:>9} {removed:>7.1}% {retained:>8.1}% {:>10.2} {:>10.2}\n",
                stage.stage,
                megabytes(stage.input.bytes),
                megabytes(stage.kept.bytes)
            ));
            let mut reasons: Vec<_> = stage.dropped.iter().collect();
            reasons.sort_by_key(|(rule, count)| (std::cmp::Reverse(count.documents), rule.as_str()));
            for (rule, count) in reasons {
                text.push_str(&format!("    {:<34} {:>9}\n", rule, count.documents));
            }
        }
        for (name, side) in [("train", self.tokens.train), ("held out", self.tokens.valid)] {
            text.push_str(&format!(
                "{name:<18} {:>9} documents {:>9.2} MB {:>10} tokens\n",
                side.documents,
                megabytes(side.bytes),
                side.tokens
            ));
        }
        text.push_str(&format!(
            "held-out bits per byte: unigram {:.4}, gzip -9 {:.4}\n",
            self.tokens.unigram_bits_per_byte, self.tokens.gzip_bits_per_byte
        ));
        for DamagedRange { file, damage } in &self.damaged {
            text.push_str(&format!("damaged {file} {} {} {}\n", damage.start, damage.end, damage.why));
        }
        text
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
