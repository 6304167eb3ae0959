//! [`Funnel`]: what each stage got, what it kept and why it dropped the rest, as in WanJuan-CC's figure.

use serde::{Deserialize, Serialize};

use crate::part_report::{DamagedRange, PartReport, StageReport};
use crate::tokenize::TokenizeReport;

/// What happened to every document between the files and the tokens. The numbers add up exactly: each stage gets what
/// the one before kept, and `input = kept + dropped`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Funnel {
    /// Files of the source that were looked at.
    pub files_seen: u64,
    /// The stages in pipeline order.
    pub stages: Vec<StageReport>,
    /// Damaged byte ranges of archives, in corpus order.
    pub damaged: Vec<DamagedRange>,
    /// Tokens, held-out text and baselines.
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

    /// Documents that entered the first stage.
    #[must_use]
    pub fn documents_in(&self) -> u64 {
        self.stages.first().map_or(0, |stage| stage.input.documents)
    }

    /// The funnel as a table for people, one line per stage and reason.
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
        // Without held-out text there is nothing to code.
        if self.tokens.valid.bytes > 0 {
            text.push_str(&format!(
                "held-out bits per byte: unigram {:.4}, gzip -9 {:.4}\n",
                self.tokens.unigram_bits_per_byte, self.tokens.gzip_bits_per_byte
            ));
        }
        for DamagedRange { file, damage } in &self.damaged {
            text.push_str(&format!("damaged {file} {} {} {}\n", damage.start, damage.end, damage.why));
        }
        text
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::part_report::Count;
    use crate::read::Damage;
    use crate::tokenize::SplitTotals;

    fn count(documents: u64) -> Count {
        Count { documents, bytes: documents * 1_000_000 }
    }

    fn stage(name: &str, input: u64, kept: u64, dropped: &[(&str, u64)]) -> StageReport {
        let mut report = StageReport::new(name);
        (report.input, report.kept) = (count(input), count(kept));
        report.dropped =
            dropped.iter().map(|(rule, dropped)| ((*rule).to_owned(), count(*dropped))).collect();
        report
    }

    fn part(stages: Vec<StageReport>) -> PartReport {
        PartReport { stages, ..PartReport::default() }
    }

    fn funnel() -> Funnel {
        let damage = Damage { start: 10, end: 25, why: "corrupt".to_owned() };
        let damaged = vec![DamagedRange { file: "x.warc.gz".to_owned(), damage }];
        let first =
            vec![stage("read", 6, 5, &[("http-status", 1)]), stage("c4", 5, 3, &[("lorem-ipsum", 2)])];
        let second =
            vec![stage("read", 4, 4, &[]), stage("c4", 4, 2, &[("lorem-ipsum", 1), ("curly-bracket", 1)])];
        let pass = part(vec![stage("exact-dedup", 5, 4, &[("same-url", 1)])]);
        let side = |documents, tokens| SplitTotals { documents, bytes: documents * 500_000, tokens };
        let tokens = TokenizeReport {
            train: side(3, 1234),
            valid: side(1, 56),
            vocab_size: 300,
            unigram_bits_per_byte: 3.25,
            gzip_bits_per_byte: 2.5,
        };
        Funnel::new(2, &[PartReport { damaged, ..part(first) }, part(second), pass], &tokens)
    }

    #[test]
    fn parts_add_up_to_a_table() {
        let funnel = funnel();
        assert_eq!(funnel.problems(), Vec::<String>::new());
        assert_eq!(funnel.documents_in(), 10);
        insta::assert_snapshot!(funnel.to_text());
    }

    #[test]
    fn nothing_held_out_has_no_bits() {
        let mut funnel = funnel();
        funnel.tokens.valid = SplitTotals::default();
        assert!(!funnel.to_text().contains("bits per byte"), "{}", funnel.to_text());
    }

    #[test]
    fn a_lost_document_is_a_problem_at_the_place_of_the_loss() {
        let problems = |change: fn(&mut Funnel)| {
            let mut funnel = funnel();
            change(&mut funnel);
            funnel.problems()
        };
        assert_eq!(
            problems(|funnel| funnel.stages[0].input.documents = 11),
            ["read: 11 in, 9 kept, 1 dropped"]
        );
        assert_eq!(
            problems(|funnel| funnel.stages[2].input.bytes += 1),
            ["c4 keeps what exact-dedup does not get"]
        );
        assert_eq!(problems(|funnel| funnel.tokens.train.documents = 2), ["tokenize: 4 documents in, 3 out"]);
    }
}
