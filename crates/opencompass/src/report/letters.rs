//! Position bias: how often a model chooses each letter, against how often the letter is right.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Result;
use crate::run_folder::RunFolder;

/// The choices of a letter.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Letter {
    /// Number of items whose answer was this letter.
    pub(super) chosen: usize,
    /// Number of items for which this letter is right.
    pub(super) expected: usize,
    /// Number of items for which this letter was chosen and is right.
    pub(super) correct: usize,
}

/// The letters of one cell.
pub(super) struct LetterBias {
    pub(super) model: String,
    pub(super) dataset: String,
    pub(super) letters: BTreeMap<char, Letter>,
}

/// Counts the letters of a multiple-choice cell. Empty if it is of another kind.
pub(super) fn letters(folder: &RunFolder, model: &str, dataset: &str) -> Result<BTreeMap<char, Letter>> {
    let results = folder.read_if_present("results", model, dataset)?.unwrap_or_default();
    Ok(count(results["details"].as_object().into_iter().flatten().map(|(_, detail)| detail)))
}

fn count<'a>(details: impl Iterator<Item = &'a Value>) -> BTreeMap<char, Letter> {
    let mut letters: BTreeMap<char, Letter> = BTreeMap::new();
    for detail in details {
        let (chosen, expected) = (letter(&detail["pred"]), letter(&detail["answer"]));
        // Anything but a letter as the right answer means that the letters are not choices.
        let Some(expected) = expected else { return BTreeMap::new() };
        letters.entry(expected).or_default().expected += 1;
        if let Some(chosen) = chosen {
            let letter = letters.entry(chosen).or_default();
            letter.chosen += 1;
            letter.correct += usize::from(chosen == expected);
        }
    }
    if letters.len() < 2 { BTreeMap::new() } else { letters }
}

/// Returns the value if it is one capital letter.
fn letter(value: &Value) -> Option<char> {
    let mut characters = value.as_str()?.chars();
    let letter = characters.next().filter(char::is_ascii_uppercase)?;
    characters.next().is_none().then_some(letter)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn choices_are_counted_by_letter() {
        let details = [
            json!({ "pred": "A", "answer": "A" }),
            json!({ "pred": "A", "answer": "B" }),
            json!({ "pred": "", "answer": "B" }),
        ];
        let letters = count(details.iter());
        assert_eq!(letters[&'A'], Letter { chosen: 2, expected: 1, correct: 1 });
        assert_eq!(letters[&'B'], Letter { chosen: 0, expected: 2, correct: 0 });
        assert!(count([json!({ "pred": "A", "answer": "12" })].iter()).is_empty());
    }
}
