//! Pairs of answers for people to label, and their labels as preference data.
//!
//! Between rounds of reinforcement learning the reward model is repaired (InternLM2's report): answers of early and late
//! models to the same prompts are compared, and what people say is added to the data that it is trained on. A fast repair
//! needs 20 to 100 pairs for one reward hack: those whose reward rose most.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use internlm_kit::file;
use internlm_kit::hash;
use internlm_model::chat::openai::{ChatMessage, MessageRole};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::json_rows::json_rows;
use crate::{Error, Result};

/// One answer of a model, as `xtuner rollout` writes it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AnswerRecord {
    /// The conversation up to the answer.
    pub prompt: Vec<ChatMessage>,
    /// The answer without the mark that ended it.
    pub answer: String,
    /// Weighted sum of what the sources said.
    pub reward: f64,
    /// What each source of rewards said, by its name.
    #[serde(default)]
    pub parts: BTreeMap<String, f64>,
    /// Number of generated tokens.
    #[serde(default)]
    pub length: usize,
    /// The kind of question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

/// Two answers to one prompt; whoever labels it sets `label`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Pair {
    /// Identity of prompt and answers: a pair that was labeled is not merged twice.
    pub id: String,
    /// The conversation up to the answers.
    pub prompt: Vec<ChatMessage>,
    /// The answer of the earlier model.
    pub first: String,
    /// The answer of the later model.
    pub second: String,
    /// Reward of the first answer, which labelers need not see.
    pub first_reward: f64,
    /// Reward of the second answer.
    pub second_reward: f64,
    /// The kind of question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Which answer is better: `first`, `second`, `tie`; null until somebody said so.
    #[serde(default)]
    pub label: Option<String>,
}

impl AnswerRecord {
    /// An answer with its reward.
    #[must_use]
    pub fn new(prompt: Vec<ChatMessage>, answer: impl Into<String>, reward: f64) -> Self {
        Self { prompt, answer: answer.into(), reward, parts: BTreeMap::new(), length: 0, domain: None }
    }

    /// What answers to one prompt have in common.
    fn key(&self) -> String {
        json!([self.domain, self.prompt]).to_string()
    }
}

/// At most `limit` pairs of answers to the same prompts: of each prompt the late answer with the highest reward against
/// the early one with the lowest, largest rises of the reward first. Equal answers make no pair.
#[must_use]
pub fn pairs(early: &[AnswerRecord], late: &[AnswerRecord], limit: usize) -> Vec<Pair> {
    let mut lowest: BTreeMap<String, &AnswerRecord> = BTreeMap::new();
    for answer in early {
        let kept = lowest.entry(answer.key()).or_insert(answer);
        if answer.reward < kept.reward {
            *kept = answer;
        }
    }
    let mut highest: BTreeMap<String, &AnswerRecord> = BTreeMap::new();
    for answer in late {
        let kept = highest.entry(answer.key()).or_insert(answer);
        if answer.reward > kept.reward {
            *kept = answer;
        }
    }
    let both = highest.into_iter().filter_map(|(key, late)| Some((*lowest.get(&key)?, late)));
    let mut pairs: Vec<Pair> = both.filter(|(early, late)| early.answer != late.answer).map(pair).collect();
    // The order of equal rises is that of the keys.
    pairs.sort_by(|a, b| rise(b).total_cmp(&rise(a)));
    pairs.truncate(limit);
    pairs
}

fn rise(pair: &Pair) -> f64 {
    pair.second_reward - pair.first_reward
}

fn pair((early, late): (&AnswerRecord, &AnswerRecord)) -> Pair {
    let text = json!([early.domain, early.prompt, early.answer, late.answer]).to_string();
    Pair {
        id: hash::sha256(text)[..16].to_owned(),
        prompt: early.prompt.clone(),
        first: early.answer.clone(),
        second: late.answer.clone(),
        first_reward: early.reward,
        second_reward: late.reward,
        domain: early.domain.clone(),
        label: None,
    }
}

/// Reads answers that `xtuner rollout` wrote.
///
/// # Errors
/// A file that cannot be read, and lines that are not answers.
pub fn read_answers(path: impl AsRef<Path>) -> Result<Vec<AnswerRecord>> {
    read_lines(path.as_ref(), "an answer with `prompt`, `answer` and `reward`")
}

fn read_lines<T: DeserializeOwned>(path: &Path, expected: &str) -> Result<Vec<T>> {
    let text = file::read_to_string(path)?;
    let rows = json_rows(&text, path)?;
    let read = rows.iter().map(|row| {
        serde_json::from_str(row.text).map_err(|error| row.error(path, &error.to_string(), expected))
    });
    read.collect()
}

/// Writes values as JSON lines.
///
/// # Errors
/// A file that cannot be written.
pub fn write_lines<T: Serialize>(path: impl AsRef<Path>, values: &[T]) -> Result<()> {
    let path = path.as_ref();
    let line = |value: &T| serde_json::to_string(value).map(|line| line + "\n");
    let lines = values.iter().map(line).collect::<Result<String, _>>().map_err(|error| {
        Error::mismatch(path.display().to_string(), error.to_string(), "values that are plain data")
    })?;
    Ok(file::write(path, lines)?)
}

/// One line of preference data.
#[derive(Deserialize, Serialize)]
struct Preference {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    prompt: Vec<ChatMessage>,
    chosen: Vec<ChatMessage>,
    rejected: Vec<ChatMessage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
}

/// Adds what people said about the pairs in `labeled` to the preference data in `data`, which need not exist, and gives
/// the number of new lines. Ties and pairs without a label are left out; so are those that were merged before.
///
/// # Errors
/// Files that cannot be read or written, and labels that are not one of the three words.
pub fn merge_labels(labeled: impl AsRef<Path>, data: impl AsRef<Path>) -> Result<usize> {
    let (labeled, data) = (labeled.as_ref(), data.as_ref());
    let mut text = if data.exists() { file::read_to_string(data)? } else { String::new() };
    let mut known: BTreeSet<String> = BTreeSet::new();
    for row in json_rows(&text, data)? {
        let id = serde_json::from_str::<serde_json::Value>(row.text).ok();
        known.extend(id.and_then(|row| Some(row.get("id")?.as_str()?.to_owned())));
    }
    if text.trim_start().starts_with('[') {
        let place = data.display().to_string();
        return Err(Error::mismatch(
            place,
            "one JSON list",
            "one object per line, to which lines can be added",
        ));
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let mut count = 0;
    for (index, pair) in
        read_lines::<Pair>(labeled, "a pair that `xtuner rollout` wrote")?.into_iter().enumerate()
    {
        let Some(preference) = preference(pair).map_err(|found| Error::Line {
            path: labeled.to_path_buf(),
            line: index + 1,
            found,
            expected: "the label first, second, tie or null".to_owned(),
        })?
        else {
            continue;
        };
        if preference.id.as_ref().is_some_and(|id| !known.insert(id.clone())) {
            continue;
        }
        text += &(json!(preference).to_string() + "\n");
        count += 1;
    }
    if count > 0 {
        file::write(data, text)?;
    }
    Ok(count)
}

/// A labeled pair as preference data; `None` for ties and pairs without a label.
fn preference(pair: Pair) -> Result<Option<Preference>, String> {
    let (chosen, rejected) = match pair.label.as_deref() {
        None | Some("tie") => return Ok(None),
        Some("first") => (pair.first, pair.second),
        Some("second") => (pair.second, pair.first),
        Some(other) => return Err(format!("the label `{other}`")),
    };
    let answer = |text: String| vec![ChatMessage::new(MessageRole::Assistant, text)];
    Ok(Some(Preference {
        id: Some(pair.id),
        prompt: pair.prompt,
        chosen: answer(chosen),
        rejected: answer(rejected),
        domain: pair.domain,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(question: &str, answer: &str, reward: f64) -> AnswerRecord {
        AnswerRecord::new(vec![ChatMessage::user(question)], answer, reward)
    }

    #[test]
    fn pairs_are_those_whose_reward_rose_most() {
        let early =
            [answer("a", "a1", 0.5), answer("a", "a0", 0.1), answer("b", "b0", 0.0), answer("c", "c0", 1.0)];
        let late =
            [answer("a", "a2", 0.9), answer("b", "b2", 3.0), answer("c", "c0", 1.0), answer("d", "d2", 9.0)];
        let found = pairs(&early, &late, 5);
        let texts: Vec<(&str, &str)> =
            found.iter().map(|pair| (pair.first.as_str(), pair.second.as_str())).collect();
        assert_eq!(texts, [("b0", "b2"), ("a0", "a2")]);
        assert_eq!(pairs(&early, &late, 1).len(), 1);
        assert_eq!(found, pairs(&early, &late, 5));
    }

    #[test]
    fn labels_become_preferences_once() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = |name: &str| folder.path().join(name);
        let early = [answer("a", "a0", 0.0), answer("b", "b0", 0.0), answer("c", "c0", 0.0)];
        let late = [answer("a", "a1", 3.0), answer("b", "b1", 2.0), answer("c", "c1", 1.0)];
        write_lines(path("answers.jsonl"), &early).expect("writes");
        assert_eq!(read_answers(path("answers.jsonl")).expect("reads"), early);
        let mut found = pairs(&early, &late, 9);
        found[0].label = Some("first".to_owned());
        found[1].label = Some("tie".to_owned());
        write_lines(path("pairs.jsonl"), &found).expect("writes");
        assert_eq!(merge_labels(path("pairs.jsonl"), path("data.jsonl")).expect("merges"), 1);
        found[2].label = Some("second".to_owned());
        write_lines(path("pairs.jsonl"), &found).expect("writes");
        assert_eq!(merge_labels(path("pairs.jsonl"), path("data.jsonl")).expect("merges"), 1);
        assert_eq!(merge_labels(path("pairs.jsonl"), path("data.jsonl")).expect("merges"), 0);
        let text = std::fs::read_to_string(path("data.jsonl")).expect("reads");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(
            (&lines[0]["chosen"][0]["content"], &lines[0]["rejected"][0]["role"]),
            (&json!("a0"), &json!("assistant"))
        );
        assert_eq!(lines[1]["chosen"][0]["content"], "c1");
        found[0].label = Some("both".to_owned());
        write_lines(path("pairs.jsonl"), &found).expect("writes");
        let text =
            merge_labels(path("pairs.jsonl"), path("data.jsonl")).expect_err("not a label").to_string();
        assert!(text.contains("line 1: found the label `both`"), "{text}");
    }
}
