//! Circular evaluation: every multiple-choice question is asked with its choices in several orders.
//!
//! `item[pattern[i]] = original[keys[i]]` and `answer -> pattern[keys.index(answer)]`, as in upstream's
//! `datasets/circular.py`; the older form of MathBench and WikiBench puts number, answer and order into the reference.

use serde::Deserialize;
use serde_json::Value;

use super::cell::{arguments, expand, list, text, value};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "circular", upstream: &["CircularDatasetMeta"], load: circular },
    LoaderEntry {
        name: "circular_list",
        upstream: &["MathBenchDataset", "WikiBenchDataset"],
        load: circular_list,
    },
];

/// The orders in which the choices are asked.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Patterns {
    /// The rotations.
    #[default]
    Circular,
    /// All permutations.
    AllPossible,
}

/// Maximum number of choices for all permutations: 6! is 720 questions for each.
const MAX_PERMUTED: usize = 6;

impl Patterns {
    /// Returns the orders of `count` choices as lists of places.
    fn of(self, count: usize) -> Vec<Vec<usize>> {
        match self {
            Self::Circular => {
                let turned = |turn: usize| (0..count).map(|place| (turn + place) % count).collect();
                (0..count).map(turned).collect()
            }
            Self::AllPossible => permutations(count),
        }
    }
}

/// Returns all permutations in lexicographic order, as `itertools.permutations` does.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..count {
        let mut longer = Vec::new();
        for order in &all {
            for place in (0..count).filter(|place| !order.contains(place)) {
                longer.push([order.as_slice(), &[place]].concat());
            }
        }
        all = longer;
    }
    all
}

/// `circular`: columns of choices change places. The evaluator `circular` reads the new columns `qid`, the number of the
/// question, and `circular_pattern`, the keys in their order.
fn circular(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        /// Columns of the choices.
        keys: Vec<String>,
        /// What the answer column says for each choice. Default: the keys.
        #[serde(default)]
        answers: Vec<String>,
        answer: String,
        #[serde(default)]
        patterns: Patterns,
    }
    let Arguments { keys, answers, answer, patterns } = arguments(named)?;
    let answers = if answers.is_empty() { keys.clone() } else { answers };
    if keys.len() < 2 || answers.len() != keys.len() {
        let (found, expected) = (answers.len(), keys.len());
        return Err(format!(
            "answers: found {found} for {expected} keys, expected two or more keys with one each"
        ));
    }
    if matches!(patterns, Patterns::AllPossible) && keys.len() > MAX_PERMUTED {
        return Err(format!("keys: found {}, expected at most {MAX_PERMUTED} for all_possible", keys.len()));
    }
    let orders = patterns.of(keys.len());
    expand(rows, |qid, columns| {
        let right = crate::prompt::python_str(value(&columns, &answer)?);
        let right = answers
            .iter()
            .position(|known| *known == right)
            .ok_or_else(|| format!("{answer}: found `{right}`, expected one of {}", answers.join(", ")))?;
        let originals: Vec<Value> =
            keys.iter().map(|key| value(&columns, key).cloned()).collect::<Result<_, _>>()?;
        let turned = |order: &Vec<usize>| {
            let mut row = columns.clone();
            for (original, place) in originals.iter().zip(order) {
                row.insert(keys[*place].clone(), original.clone());
            }
            row.insert(answer.clone(), Value::from(answers[order[right]].as_str()));
            row.insert("qid".to_owned(), Value::from(qid));
            let pattern: Vec<&str> = order.iter().map(|place| keys[*place].as_str()).collect();
            row.insert("circular_pattern".to_owned(), Value::from(pattern));
            row
        };
        Ok(orders.iter().map(turned).collect())
    })
}

/// `circular_list`: four choices in a list rotate, the question gets them as lines, and the answer becomes
/// `number--answer--order`, which the evaluator `circular_icl` reads.
fn circular_list(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        question: String,
        options: String,
        answer: String,
    }
    const LETTERS: [&str; 4] = ["A", "B", "C", "D"];
    let Arguments { question, options, answer } = arguments(named)?;
    expand(rows, |id, columns| {
        let choices = list(&columns, &options)?.to_vec();
        if choices.len() != LETTERS.len() {
            return Err(format!("{options}: found {} choices, expected {}", choices.len(), LETTERS.len()));
        }
        let right = text(&columns, &answer)?.to_owned();
        let stem = text(&columns, &question)?.trim().to_owned();
        let turned = |order: Vec<usize>| {
            // The letter at place i of the pattern says which original choice is now choice i.
            let pattern: String = order.iter().map(|place| LETTERS[*place]).collect();
            let shown: Vec<Value> = order.iter().map(|place| choices[*place].clone()).collect();
            let now = order.iter().position(|place| LETTERS[*place] == right);
            let now = now.ok_or_else(|| format!("{answer}: found `{right}`, expected A to D"))?;
            let lines: String = LETTERS
                .iter()
                .zip(&shown)
                .map(|(letter, choice)| format!("{letter}. {}\n", crate::prompt::python_str(choice)))
                .collect();
            let mut row = columns.clone();
            row.insert(options.clone(), Value::Array(shown));
            row.insert(question.clone(), Value::from(format!("{stem}\n{lines}")));
            row.insert(answer.clone(), Value::from(format!("{id}--{}--{pattern}", LETTERS[now])));
            Ok::<Columns, String>(row)
        };
        Patterns::Circular.of(LETTERS.len()).into_iter().map(turned).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn load(named: &Named, rows: Value) -> Result<Value, String> {
        let rows: Vec<Columns> = serde_json::from_value(rows).expect("objects");
        let load = ENTRIES.iter().find(|entry| entry.name == named.name()).expect("an entry").load;
        load(named, rows).map(|rows| json!(rows))
    }

    #[test]
    fn the_right_choice_keeps_its_text_in_every_order() {
        for (patterns, count) in [("circular", 3), ("all_possible", 6)] {
            let named = Named::new("circular").with("keys", json!(["textA", "textB", "textC"]));
            let named = named
                .with("answers", json!(["A", "B", "C"]))
                .with("answer", "key")
                .with("patterns", patterns);
            let rows = json!([{"textA": "x", "textB": "y", "textC": "z", "key": "B"}]);
            let rows = load(&named, rows).expect("turns");
            let rows = rows.as_array().expect("rows");
            assert_eq!(rows.len(), count);
            let mut seen = std::collections::BTreeSet::new();
            for row in rows {
                let key = row["key"].as_str().expect("a letter");
                assert_eq!(row[format!("text{key}")], "y", "{row}");
                assert_eq!(row["qid"], 0);
                seen.insert(row["circular_pattern"].to_string());
            }
            assert_eq!(seen.len(), count);
            assert_eq!(rows[0]["circular_pattern"], json!(["textA", "textB", "textC"]));
            let second = if count == 3 { ["textB", "textC", "textA"] } else { ["textA", "textC", "textB"] };
            assert_eq!(rows[1]["circular_pattern"], json!(second));
        }
    }

    #[test]
    fn the_older_form_writes_the_order_into_the_answer() {
        let named =
            Named::new("circular_list").with("question", "q").with("options", "o").with("answer", "a");
        let rows = load(&named, json!([{"q": " q ", "o": ["w", "x", "y", "z"], "a": "A"}])).expect("turns");
        assert_eq!(rows[1]["q"], "q\nA. x\nB. y\nC. z\nD. w\n");
        assert_eq!(rows[1]["a"], "0--D--BCDA");
        assert!(load(&named, json!([{"q": "q", "o": ["w"], "a": "A"}])).is_err());
    }
}
