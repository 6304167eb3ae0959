//! [`Round`]: the answers of one round with their rewards, on disk before anything is learned from them.
//!
//! `rounds/000007.json` is written whole and then read back: what is trained on is what a resumed run reads, whatever
//! generated it. The files stay, because pairs of early and late answers are what people label.

use std::path::{Path, PathBuf};

use internlm_kit::file;
use internlm_model::TokenId;
use serde::{Deserialize, Serialize};

use super::rollout::Finish;
use crate::{Error, Result};

/// What the answers of a round are for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// They are learned from.
    Train,
    /// They measure the model.
    Valid,
}

/// One answer with its reward.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredAnswer {
    /// Number of the prompt in the files of the run.
    pub(super) prompt: usize,
    pub(super) text: String,
    pub(super) ids: Vec<TokenId>,
    pub(super) finish: Finish,
    /// Log-probabilities of the engine.
    pub(super) log_probs: Option<Vec<f32>>,
    pub(super) reward: f64,
    /// What each source said.
    pub(super) parts: Vec<f64>,
}

/// All answers of one round; those to one prompt follow each other.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Round {
    /// Number of the round, from 0.
    pub(super) number: u64,
    /// Identity of the run that asked.
    pub(super) run: String,
    pub(super) answers: Vec<StoredAnswer>,
}

impl Round {
    /// Mean reward of the answers.
    pub(super) fn reward(&self) -> f64 {
        mean(self.answers.iter().map(|answer| answer.reward))
    }

    /// What `metrics.jsonl` says about the answers; `names` are those of the sources.
    pub(super) fn measured(&self, names: &[String]) -> Vec<(String, f64)> {
        let cut = |answer: &StoredAnswer| if answer.finish == Finish::Length { 1.0 } else { 0.0 };
        let mut measured = vec![
            ("reward".to_owned(), self.reward()),
            ("length".to_owned(), mean(self.answers.iter().map(|answer| answer.ids.len() as f64))),
            ("cut_answers".to_owned(), mean(self.answers.iter().map(cut))),
        ];
        if names.len() > 1 {
            let part = |index: usize| mean(self.answers.iter().map(|answer| answer.parts[index]));
            measured.extend(names.iter().enumerate().map(|(index, name)| (name.clone(), part(index))));
        }
        measured
    }

    /// Writes the round whole and reads it back.
    pub(super) fn store(&self, path: &Path) -> Result<Self> {
        let text = serde_json::to_string(self).expect("finite numbers and texts are valid JSON");
        file::write(path, text + "\n")?;
        Self::read(path)
    }

    /// The stored round of this run and number; `None` when there is no such file, or one of another run.
    pub(super) fn find(path: &Path, number: u64, run: &str) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let round = Self::read(path)?;
        Ok(Some(round).filter(|round| round.number == number && round.run == run))
    }

    fn read(path: &Path) -> Result<Self> {
        let text = file::read_to_string(path)?;
        serde_json::from_str(&text).map_err(|error| {
            let expected = "the answers of a round; remove the file to generate them again";
            Error::mismatch(path.display().to_string(), error.to_string(), expected)
        })
    }
}

/// The file of a round in the run folder `out`.
pub(super) fn round_file(out: &Path, purpose: Purpose, number: u64) -> PathBuf {
    let suffix = match purpose {
        Purpose::Train => "",
        Purpose::Valid => "-valid",
    };
    out.join("rounds").join(format!("{number:06}{suffix}.json"))
}

/// Mean of some numbers, 0 of none.
pub(super) fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), number| (sum + number, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round() -> Round {
        let answer = |reward: f64, finish| StoredAnswer {
            prompt: 3,
            text: "a".to_owned(),
            ids: vec![TokenId(7), TokenId(2)],
            finish,
            log_probs: Some(vec![-0.1, -1.234_567_9]),
            reward,
            parts: vec![reward, 0.5],
        };
        let answers = vec![answer(0.1 + 0.2, Finish::Stop), answer(1.0, Finish::Length)];
        Round { number: 4, run: "abc".to_owned(), answers }
    }

    #[test]
    fn what_is_stored_is_found_again_by_its_run_and_number_only() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = round_file(folder.path(), Purpose::Train, 4);
        assert!(path.ends_with("rounds/000004.json"));
        assert_eq!(Round::find(&path, 4, "abc").expect("nothing there"), None);
        let stored = round().store(&path).expect("writes");
        assert_eq!(stored.answers[0].log_probs, round().answers[0].log_probs);
        assert_eq!(Round::find(&path, 4, "abc").expect("reads"), Some(stored));
        assert_eq!(Round::find(&path, 5, "abc").expect("reads"), None);
        assert_eq!(Round::find(&path, 4, "xyz").expect("reads"), None);
        std::fs::write(&path, "{\"number\": 4").expect("writes");
        let text = Round::find(&path, 4, "abc").expect_err("half a file").to_string();
        assert!(text.contains("000004.json") && text.contains("remove the file"), "{text}");
    }

    #[test]
    fn parts_are_measured_when_there_are_several() {
        let names = ["reward_a", "reward_b"].map(str::to_owned);
        let measured = round().measured(&names);
        let of = |name: &str| measured.iter().find(|(other, _)| other == name).map(|(_, value)| *value);
        assert!((of("reward").expect("there") - 0.65).abs() < 1e-12);
        assert_eq!((of("length"), of("cut_answers"), of("reward_b")), (Some(2.0), Some(0.5), Some(0.5)));
        assert_eq!(round().measured(&names[..1]).len(), 3);
    }
}
