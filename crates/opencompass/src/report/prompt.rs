//! The prompt of an item as the viewer shows it, read from a record of any mode.

use serde_json::{Value, json};

use super::cut::cut;
use crate::prompt::python_str;

/// What a model was asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Prompt {
    /// One text.
    Text(String),
    /// Turns, each with its role.
    Turns(Vec<(String, String)>),
    /// Answers that were measured, behind the text that they have in common.
    Options { stem: String, options: Vec<Choice> },
}

/// One answer that was measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    label: String,
    /// Name and value of what was measured, such as `PPL 3.6451`.
    measure: String,
    /// What follows the common text.
    text: String,
}

impl Prompt {
    /// Reads the prompt of a record.
    pub(super) fn of(record: &Value) -> Self {
        match &record["origin_prompt"] {
            Value::Null => measured(record),
            Value::Array(turns) => Self::Turns(turns.iter().map(turn).collect()),
            other => Self::Text(python_str(other)),
        }
    }

    /// Writes the prompt as JSON: a string, pairs of role and text, or an object with `stem` and `options`. Texts are cut
    /// to `length` characters.
    pub(super) fn json(&self, length: usize) -> Value {
        match self {
            Self::Text(text) => json!(cut(text, length)),
            Self::Turns(turns) => {
                turns.iter().map(|(role, text)| json!([cut(role, length), cut(text, length)])).collect()
            }
            Self::Options { stem, options } => {
                let option = |option: &Choice| {
                    json!([cut(&option.label, length), option.measure, cut(&option.text, length)])
                };
                json!({ "stem": cut(stem, length), "options": options.iter().map(option).collect::<Value>() })
            }
        }
    }
}

fn turn(turn: &Value) -> (String, String) {
    match (turn["role"].as_str(), turn["prompt"].as_str()) {
        (Some(role), Some(prompt)) => (role.to_owned(), prompt.to_owned()),
        _ => (String::new(), python_str(turn)),
    }
}

/// Reads the answers that were measured: labels with a perplexity or likelihood, or choices with a probability. A record
/// without any has its prompt as text.
fn measured(record: &Value) -> Prompt {
    let labels = record.as_object().into_iter().flatten();
    let labels = labels.filter_map(|(name, entry)| Some((name.strip_prefix("label: ")?, entry)));
    let (names, entries): (Vec<&str>, Vec<&Value>) = labels.unzip();
    if names.is_empty() {
        return choices(record);
    }
    let texts: Vec<String> = entries.iter().map(|entry| asked(entry)).collect();
    let common = common_beginning(&texts);
    let option = |place: usize| {
        let value = |name: &&str| Some(format!("{name} {:.4}", entries[place][*name].as_f64()?));
        let measure = ["PPL", "Loglikelihood"].iter().find_map(value);
        Choice {
            label: names[place].to_owned(),
            measure: measure.unwrap_or_default(),
            text: texts[place][common..].to_owned(),
        }
    };
    let stem = texts.first().map_or("", |text| &text[..common]).to_owned();
    Prompt::Options { stem, options: (0..names.len()).map(option).collect() }
}

/// Returns the whole prompt of a label, or the part without examples where the prompt is not text.
fn asked(entry: &Value) -> String {
    let text = entry["prompt"].as_str().or_else(|| entry["testing input"].as_str());
    text.unwrap_or_default().to_owned()
}

/// Reads the probabilities of the choices of one prompt.
fn choices(record: &Value) -> Prompt {
    let stem = match &record["prompt"] {
        Value::Null => String::new(),
        prompt => python_str(prompt),
    };
    let Some(choices) = record["choices"].as_array() else { return Prompt::Text(stem) };
    let option = |(place, choice): (usize, &Value)| {
        let probability = record["prediction"][place].as_f64();
        let measure = probability.map_or_else(String::new, |probability| format!("p {probability:.4}"));
        Choice { label: python_str(choice), measure, text: String::new() }
    };
    Prompt::Options { stem, options: choices.iter().enumerate().map(option).collect() }
}

/// Returns the length in bytes of what all texts begin with, up to a space, so that no word is split.
fn common_beginning(texts: &[String]) -> usize {
    let Some((first, others)) = texts.split_first() else { return 0 };
    let same = |other: &String| {
        let pairs = first.chars().zip(other.chars()).take_while(|(one, two)| one == two);
        pairs.map(|(one, _)| one.len_utf8()).sum::<usize>()
    };
    let shared = others.iter().map(same).min().unwrap_or(first.len());
    if shared == first.len() && others.iter().all(|other| other.len() == shared) {
        return shared;
    }
    let spaces = first[..shared].char_indices().rev().find(|(_, character)| character.is_whitespace());
    spaces.map_or(0, |(place, space)| place + space.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_of_every_mode_are_shown() {
        let turns = json!({ "origin_prompt": [{ "role": "HUMAN", "prompt": "a?" }, "x"] });
        assert_eq!(Prompt::of(&turns).json(10), json!([["HUMAN", "a?"], ["", "x"]]));
        assert_eq!(Prompt::of(&json!({ "origin_prompt": "a?" })).json(10), json!("a?"));
        assert_eq!(Prompt::of(&json!({ "windows": 2 })).json(10), json!(""));
        let label = json!({ "prompt": ["x"], "testing input": "b?", "Loglikelihood": -2.0 });
        let likelihood = json!({ "label: A": label });
        let expected = json!({ "stem": "b?", "options": [["A", "Loglikelihood -2.0000", ""]] });
        assert_eq!(Prompt::of(&likelihood).json(10), expected);
        let choices = json!({ "prompt": "q?", "choices": ["yes", "no"], "prediction": [0.25, 0.75] });
        let expected = json!({ "stem": "q?", "options": [["yes", "p 0.2500", ""], ["no", "p 0.7500", ""]] });
        assert_eq!(Prompt::of(&choices).json(10), expected);
    }

    #[test]
    fn labels_share_their_beginning() {
        let record = json!({
            "label: A": { "prompt": "Q: é? A: fog", "PPL": 0.5 },
            "label: B": { "prompt": "Q: é? A: foggy", "PPL": 1.25 },
            "prediction": "A",
        });
        let options = json!([["A", "PPL 0.5000", "fog"], ["B", "PPL 1.2500", "foggy"]]);
        let expected = json!({ "stem": "Q: é? A: ", "options": options });
        assert_eq!(Prompt::of(&record).json(20), expected);
        for (texts, expected) in [
            (vec!["same", "same"], 4),
            (vec!["a b", "a c"], 2),
            (vec!["ab", "ac"], 0),
            (vec!["中 a", "中 b"], 4),
            (vec![], 0),
        ] {
            let texts: Vec<String> = texts.into_iter().map(str::to_owned).collect();
            assert_eq!(common_beginning(&texts), expected, "{texts:?}");
        }
    }
}
