//! The items of a cell in a short form for the viewer of the report.

use serde_json::{Value, json};

use super::html::script_json;
use crate::run_folder::RunFolder;
use crate::{Result, prompt::python_str};

/// Maximum lengths of texts in characters that are tried, longest first.
const LENGTHS: [usize; 6] = [6000, 2000, 800, 300, 120, 60];
/// Number of times in a row after which a part of a text counts as a repetition.
const REPEATS: usize = 4;
/// Maximum length of a repeated part in characters.
const LONGEST_REPEATED: usize = 200;
/// Minimum length of all repetitions together in characters.
const SHORTEST_REPETITION: usize = 40;

/// One item as the viewer shows it.
struct Shown {
    key: String,
    prompt: String,
    output: String,
    extracted: String,
    expected: String,
    /// Right, wrong or only measured.
    correct: Option<bool>,
    score: Option<f64>,
    reason: String,
}

/// The items of a cell.
pub(super) struct Items(Vec<Shown>);

impl Items {
    /// Reads the items of a cell; none for a cell without predictions.
    pub(super) fn read(folder: &RunFolder, model: &str, dataset: &str) -> Result<Self> {
        let predictions = folder.read_if_present("predictions", model, dataset)?.unwrap_or_default();
        let results = folder.read_if_present("results", model, dataset)?.unwrap_or_default();
        let shown = |(key, record): (&String, &Value)| {
            let detail = &results["details"][key];
            let text = |value: &Value| if value.is_null() { String::new() } else { python_str(value) };
            Shown {
                key: key.clone(),
                prompt: prompt(record),
                output: text(&record["prediction"]),
                extracted: text(&detail["pred"]),
                expected: text(if detail.is_null() { &record["gold"] } else { &detail["answer"] }),
                correct: detail["correct"].as_bool(),
                score: detail["score"].as_f64(),
                reason: detail["reason"].as_str().unwrap_or_default().to_owned(),
            }
        };
        Ok(Self(predictions.as_object().into_iter().flatten().map(shown).collect()))
    }

    /// Writes the items as JSON of at most `room` bytes: texts are cut first, then the last items are left out.
    pub(super) fn json(&self, room: usize) -> String {
        let mut text = String::new();
        for length in LENGTHS {
            text = self.json_of(length, self.0.len());
            if text.len() <= room {
                return text;
            }
        }
        let mut count = self.0.len();
        while count > 0 && text.len() > room {
            count = (count * room / text.len()).min(count - 1);
            text = self.json_of(LENGTHS[LENGTHS.len() - 1], count);
        }
        text
    }

    fn json_of(&self, length: usize, count: usize) -> String {
        let rows: Vec<Value> = self.0[..count]
            .iter()
            .map(|item| {
                json!([
                    item.key,
                    cut(&item.prompt, length),
                    cut(&item.output, length),
                    cut(&item.extracted, length),
                    cut(&item.expected, length),
                    item.correct,
                    item.score,
                    u8::from(repeats(&item.output)),
                    cut(&item.reason, length),
                ])
            })
            .collect();
        script_json(&json!({ "all": self.0.len(), "rows": rows }))
    }
}

/// Returns the prompt of a record: one text, messages, or the text before the labels.
fn prompt(record: &Value) -> String {
    match &record["origin_prompt"] {
        Value::Null => {}
        Value::Array(turns) => {
            let turn = |turn: &Value| match (turn["role"].as_str(), turn["prompt"].as_str()) {
                (Some(role), Some(prompt)) => format!("{role}: {prompt}"),
                _ => python_str(turn),
            };
            return turns.iter().map(turn).collect::<Vec<_>>().join("\n");
        }
        other => return python_str(other),
    }
    let labels = record.as_object().into_iter().flatten().filter(|(name, _)| name.starts_with("label: "));
    let label = |(name, label): (&String, &Value)| {
        format!("{name}, PPL {}\n{}", label["PPL"], label["testing input"].as_str().unwrap_or_default())
    };
    labels.map(label).collect::<Vec<_>>().join("\n\n")
}

/// Cuts the middle out of a text that is too long; beginning and end say most.
fn cut(text: &str, length: usize) -> String {
    // A character has at least one byte, so short texts need no count.
    if text.len() <= length {
        return text.to_owned();
    }
    let count = text.chars().count();
    if count <= length {
        return text.to_owned();
    }
    let half = length / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(count - half).collect();
    format!("{head} […{} characters…] {tail}", count - 2 * half)
}

/// Says whether a text ends with a part that is repeated over and over, the usual failure of a small model.
fn repeats(text: &str) -> bool {
    let tail: Vec<char> = text.trim_end().chars().rev().take(LONGEST_REPEATED * REPEATS).collect();
    (1..=LONGEST_REPEATED).any(|length| {
        let whole = length * REPEATS.max(SHORTEST_REPETITION.div_ceil(length));
        tail.len() >= whole && (length..whole).all(|place| tail[place] == tail[place - length])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(count: usize) -> Items {
        let item = |place: usize| Shown {
            key: place.to_string(),
            prompt: "p".repeat(900),
            output: "äö ".repeat(300),
            extracted: String::new(),
            expected: "A".to_owned(),
            correct: Some(place.is_multiple_of(2)),
            score: None,
            reason: String::new(),
        };
        Items((0..count).map(item).collect())
    }

    #[test]
    fn items_fit_into_their_room() {
        for (count, room) in [(3, 1_000_000), (50, 40_000), (50, 9_000), (200, 9_000), (5, 100), (0, 10)] {
            let json = items(count).json(room);
            let value: Value = serde_json::from_str(&json).expect("JSON");
            let rows = value["rows"].as_array().expect("rows").len();
            assert_eq!(value["all"], count);
            assert!(json.len() <= room || rows == 0, "{count} in {room}: {}", json.len());
            assert!(rows == count || room < 10_000, "{count} in {room}: {rows}");
        }
    }

    #[test]
    fn cut_texts_keep_both_ends() {
        assert_eq!(cut("kurz", 10), "kurz");
        assert_eq!(cut("aaaaäääbbbb", 8), "aaaa […3 characters…] bbbb");
    }

    #[test]
    fn repetitions_at_the_end_are_found() {
        for (text, expected) in [
            ("Well. ".to_owned() + &"I do not know. ".repeat(6), true),
            ("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17".to_owned(), false),
            ("hm".repeat(3), false),
            ("!".repeat(60), true),
            (String::new(), false),
        ] {
            assert_eq!(repeats(&text), expected, "{text}");
        }
    }

    #[test]
    fn prompts_of_every_mode_are_text() {
        let turns = json!({ "origin_prompt": [{ "role": "HUMAN", "prompt": "a?" }, "x"] });
        assert_eq!(prompt(&turns), "HUMAN: a?\nx");
        assert_eq!(prompt(&json!({ "origin_prompt": "a?" })), "a?");
        let labels = json!({ "label: A": { "testing input": "a? A", "PPL": 0.5 }, "prediction": "A" });
        assert_eq!(prompt(&labels), "label: A, PPL 0.5\na? A");
    }
}
