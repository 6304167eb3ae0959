//! The items of a cell in a short form for the viewer of the report.

use serde_json::{Value, json};

use super::cut::{cut, repeats};
use super::html::script_json;
use super::prompt::Prompt;
use crate::evidence::Evidence;
use crate::model::Answer;
use crate::run_folder::RunFolder;
use crate::{Result, prompt::python_str};

/// Maximum lengths of texts in characters that are tried, longest first.
const LENGTHS: [usize; 6] = [6000, 2000, 800, 300, 120, 60];
/// Flag of an item whose output ends with repetitions.
const REPEATED: u8 = 1;
/// Flag of an item whose output ends at the maximum number of tokens.
const ENDED: u8 = 2;
/// Fields of a verdict that have a place of their own in the viewer.
const OWN_FIELDS: [&str; 5] = ["pred", "answer", "correct", "score", "reason"];

/// One item as the viewer shows it.
struct Shown {
    key: String,
    prompt: Prompt,
    output: String,
    verdict: Verdict,
    /// The verdict of the reading that is not the headline, where it differs.
    other: Option<Verdict>,
    flags: u8,
    /// What else the evaluator, its judges or the inferencer say about the item.
    more: Vec<String>,
}

/// What was made of an output.
struct Verdict {
    extracted: String,
    expected: String,
    /// Right, wrong or only measured.
    correct: Option<bool>,
    score: Option<f64>,
    reason: String,
}

/// The items of a cell.
pub(super) struct Items {
    items: Vec<Shown>,
    /// Name of the reading that is not the headline, where it differs.
    reading: Option<String>,
}

impl Items {
    /// Reads the items of a cell; none for a cell without predictions.
    pub(super) fn read(folder: &RunFolder, model: &str, dataset: &str) -> Result<Self> {
        let file = |kind: &str| -> Result<Value> {
            Ok(folder.read_if_present(kind, model, dataset)?.unwrap_or_default())
        };
        let (predictions, results) = (file("predictions")?, file("results")?);
        let (readings, evidence) = (file("readings")?, file("evidence")?);
        let item = |(key, record): (&String, &Value)| {
            let mut item = shown(key, record, &results["details"][key]);
            item.other = readings["items"][key].get("other").map(|detail| verdict(detail, record));
            item.more.extend(answers_of_helpers(&evidence[key]));
            item
        };
        let items = predictions.as_object().into_iter().flatten().map(item).collect();
        Ok(Self { items, reading: readings["reading"].as_str().map(str::to_owned) })
    }

    /// Returns the number of items.
    pub(super) fn count(&self) -> usize {
        self.items.len()
    }

    /// Writes the items as JSON of at most `room` bytes: texts are cut first, then the last items are left out.
    pub(super) fn json(&self, room: usize) -> String {
        let mut text = String::new();
        for length in LENGTHS {
            text = self.json_of(length, self.count());
            if text.len() <= room {
                return text;
            }
        }
        let mut count = self.count();
        while count > 0 && text.len() > room {
            count = (count * room / text.len()).min(count - 1);
            text = self.json_of(LENGTHS[LENGTHS.len() - 1], count);
        }
        text
    }

    fn json_of(&self, length: usize, count: usize) -> String {
        let rows: Vec<Value> = self.items[..count].iter().map(|item| item.json(length)).collect();
        script_json(&json!({ "all": self.count(), "length": length, "reading": self.reading, "rows": rows }))
    }
}

impl Shown {
    /// Writes the item as a row of the viewer, whose script names the columns.
    fn json(&self, length: usize) -> Value {
        let Verdict { extracted, expected, correct, score, reason } = &self.verdict;
        let other = |other: &Verdict| json!([cut(&other.extracted, length), other.correct, other.score]);
        json!([
            self.key,
            self.prompt.json(length),
            cut(&self.output, length),
            cut(extracted, length),
            cut(expected, length),
            correct,
            score,
            self.flags,
            cut(reason, length),
            self.other.as_ref().map(other),
            cut(&self.more.join("\n"), length),
        ])
    }
}

/// Puts an item together from its record and its verdict, without the other reading.
fn shown(key: &str, record: &Value, detail: &Value) -> Shown {
    let output = output(record);
    let repeated = if repeats(&output) { REPEATED } else { 0 };
    let ended = if record["finish_reason"] == "length" { ENDED } else { 0 };
    Shown {
        key: key.to_owned(),
        prompt: Prompt::of(record),
        output,
        verdict: verdict(detail, record),
        other: None,
        flags: repeated | ended,
        more: more(record, detail),
    }
}

fn text(value: &Value) -> String {
    if value.is_null() { String::new() } else { python_str(value) }
}

/// Returns the answer of a record, with the calls and steps that belong to it.
fn output(record: &Value) -> String {
    let mut output = text(&record["prediction"]);
    for name in ["tool_calls", "steps"] {
        if let Some(value) = record.get(name) {
            let separator = if output.is_empty() { "" } else { "\n\n" };
            output.push_str(&format!("{separator}{name}: {value:#}"));
        }
    }
    output
}

/// Reads a verdict; an item without one has what its record says.
fn verdict(detail: &Value, record: &Value) -> Verdict {
    let reason = detail["reason"].as_str().or_else(|| record["error"].as_str());
    Verdict {
        extracted: text(&detail["pred"]),
        expected: text(if detail.is_null() { &record["gold"] } else { &detail["answer"] }),
        correct: detail["correct"].as_bool(),
        score: detail["score"].as_f64(),
        reason: reason.unwrap_or_default().to_owned(),
    }
}

/// Returns what else is known about an item, as `name: value`.
fn more(record: &Value, detail: &Value) -> Vec<String> {
    let extra = detail.as_object().into_iter().flatten();
    let extra = extra.filter(|(name, _)| !OWN_FIELDS.contains(&name.as_str()));
    let mut facts: Vec<String> = extra.map(|(name, value)| format!("{name}: {}", text(value))).collect();
    if let Some(dropped) = record["dropped_shots"].as_u64() {
        facts.push(format!("examples left out of the prompt, which was too long: {dropped}"));
    }
    facts
}

/// Returns what judges and the sandbox answered about an item. What another version wrote is left out.
fn answers_of_helpers(evidence: &Value) -> Vec<String> {
    let pieces: Vec<Evidence> = serde_json::from_value(evidence.clone()).unwrap_or_default();
    let line = |Evidence { to, answer, error, .. }: &Evidence| match (answer, error) {
        (Some(Answer::Reply { text, .. } | Answer::Agent { text, .. }), _) => {
            format!("{to} answered: {text}")
        }
        (Some(answer), _) => format!("{to} answered: {}", json!(answer)),
        (None, Some(error)) => format!("{to} failed: {error}"),
        (None, None) => format!("{to} was not asked yet"),
    };
    pieces.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Ending, Program, Request};

    fn items(count: usize) -> Items {
        let item = |place: usize| {
            let (prompt, output) = ("p".repeat(900), "äö ".repeat(300));
            let record = json!({ "origin_prompt": prompt, "prediction": output, "gold": "B" });
            let detail = json!({ "pred": "", "answer": "A", "correct": place.is_multiple_of(2) });
            shown(&place.to_string(), &record, &detail)
        };
        Items { items: (0..count).map(item).collect(), reading: None }
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
    fn a_row_has_everything_that_is_known() {
        let record = json!({
            "origin_prompt": "a?",
            "prediction": "4 ",
            "tool_calls": [{ "name": "add" }],
            "finish_reason": "length",
            "gold": "5",
            "dropped_shots": 2,
        });
        let detail = json!({
            "pred": "4",
            "answer": "5",
            "correct": false,
            "score": 0.25,
            "qid": "7",
            "reason": "r",
        });
        let mut item = shown("3", &record, &detail);
        item.other = Some(verdict(&json!({ "pred": "5", "correct": true }), &record));
        let row = item.json(100);
        assert_eq!((&row[0], &row[1]), (&json!("3"), &json!("a?")));
        assert!(row[2].as_str().expect("text").starts_with("4 \n\ntool_calls: ["), "{row}");
        assert_eq!(
            row.as_array().expect("a row")[3..10],
            [
                json!("4"),
                json!("5"),
                json!(false),
                json!(0.25),
                json!(ENDED),
                json!("r"),
                json!(["5", true, null]),
            ]
        );
        let more = row[10].as_str().expect("text");
        assert_eq!(more, "qid: 7\nexamples left out of the prompt, which was too long: 2");
    }

    #[test]
    fn judges_and_programs_are_heard() {
        let piece = |to: &str, answer: Option<Answer>, error: Option<&str>| Evidence {
            to: to.to_owned(),
            request: Request::Run { program: Program::default() },
            answer,
            error: error.map(str::to_owned),
        };
        let ran = Answer::Ran { ending: Ending::Exit(1), stdout: "7".to_owned(), stderr: String::new() };
        let pieces = [
            piece("judge j", Some(Answer::text("[[A]]")), None),
            piece("sandbox", Some(ran), None),
            piece("judge k", None, Some("no server")),
            piece("judge l", None, None),
        ];
        let lines = answers_of_helpers(&json!(pieces));
        assert_eq!(lines[0], "judge j answered: [[A]]");
        assert!(lines[1].starts_with("sandbox answered: {") && lines[1].contains("\"7\""), "{}", lines[1]);
        assert_eq!(lines[2..], ["judge k failed: no server", "judge l was not asked yet"]);
        assert!(answers_of_helpers(&Value::Null).is_empty());
    }

    #[test]
    fn an_item_that_failed_says_why() {
        let record = json!({ "origin_prompt": "a?", "prediction": null, "gold": "5", "error": "no memory" });
        let row = shown("0", &record, &Value::Null).json(100);
        assert_eq!((&row[4], &row[5], &row[8]), (&json!("5"), &Value::Null, &json!("no memory")));
    }
}
