//! Circular forms of multiple-choice sets: `NAME@circular` asks every question once per rotation of its choices, and
//! `NAME@all_possible` once per permutation. Upstream needs a configuration of its own for each (`datasets/circular.py`).

use serde::Serialize;
use serde_json::{Value, json};

use super::{DatasetConfig, Named};
use crate::prompt::LabelTemplate;
use crate::{Error, Result};

/// The orders that can follow `@` in a name.
const ORDERS: [&str; 2] = ["circular", "all_possible"];

/// Separates a name from the order behind its `@`.
pub(super) fn order_of(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('@') {
        Some((base, order)) if ORDERS.contains(&order) => (base, Some(order)),
        _ => (name, None),
    }
}

/// Turns the choices of a set. Its name becomes `NAME-circular` or `NAME-all_possible`; the prompt stays the same.
///
/// # Errors
/// [`Error::Value`] when the set has no columns of choices, when its prompt does not show them as choices (two sentences
/// that are compared are not choices), or when it is not scored by the equality of letters.
pub(super) fn turned(set: DatasetConfig, order: &str) -> Result<DatasetConfig> {
    let fail = |place: &str, found: String, expected: &str| Error::Value {
        place: format!("{}@{order}: {place}", set.name),
        found,
        expected: expected.to_owned(),
    };
    let evaluator = set.score.evaluator.name();
    if evaluator != "acc" {
        return Err(fail("score.evaluator", evaluator.to_owned(), "acc"));
    }
    let (Some(keys), Some(answer)) = (choice_columns(&set.reader.input), set.reader.output.clone()) else {
        let found = set.reader.input.join(", ");
        return Err(fail("reader.input", found, "columns of choices, such as A, B, C, D, and an output"));
    };
    let template = json!(set.prompt);
    if let Some(key) = keys.iter().find(|key| !is_scored_alone(&set, &keys) && !enumerates(&template, key)) {
        let expected = "choices as in `A. {A}`, or one choice per label";
        return Err(fail("prompt", format!("no `{{{key}}}` behind a letter"), expected));
    }
    let labels: Vec<String> = set.prompt.labels.keys().cloned().collect();
    let letters = ('A'..='Z').map(String::from).take(keys.len()).collect();
    let answers: Vec<String> = if labels.is_empty() { letters } else { labels };
    if answers.len() != keys.len() {
        return Err(fail("prompt.labels", answers.len().to_string(), "one per column of choices"));
    }
    let circular = Named::new("circular").with("keys", keys).with("answers", answers).with("answer", answer);
    Ok(with_loader(set, circular.with("patterns", order), order))
}

/// Returns the columns of choices: `A`, `B`, ... or `0`, `1`, ... or `1`, `2`, ... behind one beginning.
fn choice_columns(input: &[String]) -> Option<Vec<String>> {
    let run = |marks: &[char]| -> Option<Vec<String>> {
        let column = input.iter().find(|column| column.ends_with(marks[0]))?;
        let stem = &column[..column.len() - 1];
        let columns = marks.iter().map(|mark| format!("{stem}{mark}"));
        let columns: Vec<String> = columns.take_while(|column| input.contains(column)).collect();
        (columns.len() > 1).then_some(columns)
    };
    let letters: Vec<char> = ('A'..='Z').collect();
    let digits: Vec<char> = ('0'..='9').collect();
    run(&letters).or_else(|| run(&digits)).or_else(|| run(&digits[1..]))
}

/// Says whether a template has the mark of a column.
fn shows(template: &impl Serialize, column: &str) -> bool {
    json!(template).to_string().contains(&format!("{{{column}}}"))
}

/// Says whether each label is scored with its own choice alone.
fn is_scored_alone(set: &DatasetConfig, keys: &[String]) -> bool {
    let labels = &set.prompt.labels;
    let own = |(place, template): (usize, &LabelTemplate)| {
        keys.iter().enumerate().all(|(other, key)| shows(template, key) == (other == place))
    };
    labels.len() == keys.len() && labels.values().enumerate().all(own)
}

/// Says whether a template writes a column as a choice, behind a letter or number of its own as in `A. {A}`.
fn enumerates(template: &Value, column: &str) -> bool {
    match template {
        Value::String(text) => {
            text.match_indices(&format!("{{{column}}}")).any(|(at, _)| ends_with_letter(&text[..at]))
        }
        Value::Array(items) => items.iter().any(|item| enumerates(item, column)),
        Value::Object(fields) => fields.values().any(|field| enumerates(field, column)),
        _ => false,
    }
}

/// Says whether a text ends with `A. `, `(A) `, `A: `, `1. ` or the like.
fn ends_with_letter(text: &str) -> bool {
    let mut back = text.trim_end_matches([' ', '"', '“']).chars().rev();
    let (Some(mark), Some(letter)) = (back.next(), back.next()) else { return false };
    let is_alone = back.next().is_none_or(|before| !before.is_alphanumeric());
    let is_numbered = letter.is_alphanumeric() && matches!(mark, '.' | ')' | '）' | '、');
    is_alone && (is_numbered || letter.is_alphabetic() && matches!(mark, ':' | '：'))
}

impl DatasetConfig {
    /// Says whether a turned set asks the same in every order of the choices, because each label is scored with its own
    /// choice alone. Its score is then that of the set itself, and a preference for a place cannot show.
    #[must_use]
    pub fn order_cannot_matter(&self) -> bool {
        let is_turned = self.score.evaluator.name() == "circular";
        let keys = choice_columns(&self.reader.input).filter(|_| is_turned);
        keys.is_some_and(|keys| is_scored_alone(self, &keys))
    }
}

/// Adds the loader behind everything that the reader computes, for the scored rows only.
fn with_loader(mut set: DatasetConfig, circular: Named, order: &str) -> DatasetConfig {
    let mut computed = Vec::new();
    if let Some(key) = set.reader.answer_key.take() {
        let named = Named::new("answer_key").with("column", key.column).with("labels", key.labels);
        computed.push(named.with("letters", key.letters));
    }
    if !set.reader.fields.is_empty() {
        let fields: Value = json!(std::mem::take(&mut set.reader.fields));
        computed.push(Named::new("take").with("columns", fields));
    }
    let mut train = set.source.train_loader.take().unwrap_or_else(|| set.source.loader.clone());
    train.extend(computed.iter().cloned());
    set.source.train_loader = (!set.source.train_files.is_empty()).then_some(train);
    set.source.loader.extend(computed);
    set.source.loader.push(circular);
    set.score.evaluator = Named::new("circular").with("circular_pattern", order);
    set.name = format!("{}-{order}", set.name);
    set.meta.count = None;
    set
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Catalog;

    #[test]
    fn choices_are_found_by_their_columns() {
        let columns = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            choice_columns(&names).map(|columns| columns.join(" "))
        };
        assert_eq!(columns(&["question", "A", "B", "C"]).as_deref(), Some("A B C"));
        assert_eq!(columns(&["q", "textA", "textB"]).as_deref(), Some("textA textB"));
        assert_eq!(columns(&["goal", "sol1", "sol2"]).as_deref(), Some("sol1 sol2"));
        assert_eq!(columns(&["choice0", "choice1", "content"]).as_deref(), Some("choice0 choice1"));
        assert_eq!(columns(&["question", "options"]), None);
    }

    #[test]
    fn a_choice_that_is_scored_alone_has_no_place() {
        let catalog = Catalog::embedded();
        for (name, expected) in [
            ("ARC-c@circular", true),
            ("piqa@all_possible", true),
            ("ARC-c_gen@circular", false),
            ("mmlu@circular", false),
            ("ARC-c", false),
        ] {
            let sets = catalog.find(&[name]).expect("turns");
            assert!(sets.iter().all(|set| set.order_cannot_matter() == expected), "{name}");
        }
    }

    #[test]
    fn choices_have_letters() {
        for (text, expected) in [
            ("A. ", true),
            ("Question\n(B) ", true),
            ("答\nC、", true),
            ("\nأ. ", true),
            ("D: \"", true),
            ("1) ", true),
            ("Sentence 1: ", false),
            ("Sentence one: ", false),
            ("语句一：“", false),
            ("\n", false),
            ("", false),
        ] {
            assert_eq!(ends_with_letter(text), expected, "{text}");
        }
    }

    #[test]
    fn every_set_with_columns_of_choices_can_be_turned() {
        let catalog = Catalog::embedded();
        for (name, count) in [("ceval@circular", 52), ("ARC-c@all_possible", 1), ("piqa@circular", 1)] {
            let sets = catalog.find(&[name]).expect("turns");
            assert_eq!(sets.len(), count, "{name}");
            assert!(sets[0].name.ends_with(name.split('@').next_back().unwrap_or_default()), "{name}");
            assert_eq!(sets[0].score.evaluator.name(), "circular");
        }
        // Two sentences that are compared are not choices, and upstream's prompt of the last set shows other columns.
        for (name, column) in [
            ("AX-b_gen", "sentence1"),
            ("QQP", "question1"),
            ("WiC_gen", "sentence1"),
            ("afqmc_ppl", "sentence1"),
            ("infinitebench_codedebug", "option_A"),
        ] {
            let error = catalog.find(&[format!("{name}@circular")]).expect_err("no choices").to_string();
            let found =
                format!("prompt: found no `{{{column}}}` behind a letter, expected choices as in `A. {{A}}`");
            assert!(error.contains(&found), "{name}: {error}");
        }
        let error = catalog.find(&["gsm8k@circular"]).expect_err("no choices").to_string();
        assert!(error.contains("gsm8k@circular: score.evaluator: found gsm8k, expected acc"), "{error}");
    }
}
