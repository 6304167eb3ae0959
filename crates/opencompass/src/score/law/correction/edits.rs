//! The edits of a correction, and how many of them are right.

use indexmap::{IndexMap, IndexSet};

use super::align::{Change, Kind, alignments};
use super::letters::Letters;
use super::merge::{Pair, merged};

/// The text that says that there is nothing to correct.
const NO_ERROR: &str = "没有错误";
/// The text that says that a sentence cannot be judged.
const NOT_ANNOTATED: &str = "无法标注";
/// What stands for a correction that cannot be compared.
const NOTHING: &str = "无";

/// The edits of a correction.
#[derive(Debug, PartialEq)]
pub(super) enum Edits {
    /// The sentence cannot be judged.
    NotAnnotated,
    /// Begin and end in the source with the new text -> number of alignments that have the edit.
    Found(IndexMap<(usize, usize, String), usize>),
}

impl Edits {
    /// Compares a correction with its source. White space does not count.
    pub(super) fn new(letters: &Letters, source: &str, target: &str) -> Self {
        let source: Vec<char> = source.chars().filter(|letter| !letter.is_whitespace()).collect();
        let mut target: Vec<char> = target.chars().filter(|letter| !letter.is_whitespace()).collect();
        if target.is_empty() {
            target = NOTHING.chars().collect();
        }
        let text: String = target.iter().collect();
        if text == NOT_ANNOTATED {
            return Self::NotAnnotated;
        }
        if text == NO_ERROR || source == target {
            return Self::Found(IndexMap::new());
        }
        let ways = match alignments(letters, &source, &target) {
            Some(ways) => ways,
            None => {
                target = NOTHING.chars().collect();
                alignments(letters, &source, &target).unwrap_or_default()
            }
        };
        let pair = Pair { source: &source, target: &target };
        let different: IndexSet<Vec<Change>> = ways.iter().map(|way| merged(way, pair)).collect();
        let mut found = IndexMap::new();
        for edit in different.iter().flatten() {
            let text = match edit.kind {
                Kind::Delete => "-NONE-".to_owned(),
                _ => target[edit.target.0..edit.target.1].iter().collect(),
            };
            *found.entry((edit.source.0, edit.source.1, text)).or_insert(0) += 1;
        }
        Self::Found(found)
    }
}

/// Numbers of right, wrong and missing edits.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Counts {
    /// Edits that both have.
    pub(super) right: usize,
    /// Edits that only the answer has.
    pub(super) wrong: usize,
    /// Edits that only the reference has.
    pub(super) missing: usize,
}

impl Counts {
    /// Compares the edits of an answer with those of the reference. A sentence that cannot be judged does not count.
    pub(super) fn new(found: &Edits, expected: &Edits) -> Self {
        let Edits::Found(expected) = expected else { return Self::default() };
        let Edits::Found(found) = found else {
            // Upstream takes it for an edit, which a reference without errors has too.
            let (right, wrong) = if expected.is_empty() { (1, 0) } else { (0, 1) };
            return Self { right, wrong, missing: expected.values().sum() };
        };
        let mut counts = Self::default();
        for (edit, number) in found {
            match expected.get(edit) {
                Some(number) => counts.right += number,
                None => counts.wrong += number,
            }
        }
        let missing = expected.iter().filter(|(edit, _)| !found.contains_key(*edit));
        counts.missing = missing.map(|(_, number)| number).sum();
        counts
    }

    /// Adds the numbers of another sentence.
    pub(super) fn add(&mut self, other: Self) {
        self.right += other.right;
        self.wrong += other.wrong;
        self.missing += other.missing;
    }

    /// F with beta 0.5, which weighs precision twice, to four decimals.
    pub(super) fn f_half(self) -> f64 {
        let share = |others: usize| {
            if others == 0 { 1.0 } else { self.right as f64 / (self.right + others) as f64 }
        };
        let (precision, recall) = (share(self.wrong), share(self.missing));
        if precision + recall == 0.0 {
            return 0.0;
        }
        let f = 1.25 * precision * recall / (0.25 * precision + recall);
        format!("{f:.4}").parse().unwrap_or(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(source: &str, answer: &str, reference: &str) -> Counts {
        let letters = Letters::default();
        Counts::new(&Edits::new(&letters, source, answer), &Edits::new(&letters, source, reference))
    }

    #[test]
    fn edits_are_right_wrong_or_missing() {
        let source = "上诉证据合法，足以认定指控实施。";
        let reference = "上述证据合法，足以认定指控事实。";
        for (answer, [right, wrong, missing]) in [
            // Without dictionaries the two letters are inserted and deleted, not replaced.
            (reference, [3, 0, 0]),
            (source, [0, 0, 3]),
            ("没有错误", [0, 0, 3]),
            ("上述证据合法，足以认定指控实施！", [1, 1, 2]),
            ("无法标注", [0, 1, 3]),
        ] {
            assert_eq!(counts(source, answer, reference), Counts { right, wrong, missing }, "{answer}");
        }
        assert_eq!(counts(source, "甲", "无法标注"), Counts::default());
    }

    #[test]
    fn f_weighs_precision_twice() {
        let f = |right, wrong, missing| Counts { right, wrong, missing }.f_half();
        assert!((f(265, 2228, 337) - 0.1253).abs() < 1e-12, "LawBench's number for GPT4");
        assert_eq!([f(0, 0, 0), f(0, 3, 0), f(1, 0, 0)], [1.0, 0.0, 1.0]);
    }
}
