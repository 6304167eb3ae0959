//! [`Class`]: how much of an item is in a corpus.

use serde::{Deserialize, Serialize};

use super::{GRAM, ItemText, NgramIndex, grams, tokens};

/// How much of an item is in a corpus. Upstream's words.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Too little of the question is in the corpus.
    Clean,
    /// The question is in the corpus.
    Input,
    /// The question is in the corpus, directly followed by its answer.
    InputAndLabel,
    /// The question has fewer than [`GRAM`] tokens, so nothing can be said.
    Short,
}

impl Class {
    /// Returns the word for tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Input => "input contamination",
            Self::InputAndLabel => "input-and-label contamination",
            Self::Short => "too short",
        }
    }
}

/// The overlap of one item with a corpus.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Overlap {
    /// What the overlap means.
    pub class: Class,
    /// Share of the question's n-grams that are in the corpus, from 0 to 1.
    pub share: f64,
}

impl Overlap {
    /// Compares an item with the n-grams of a corpus. From the share `least` on, the question counts as known.
    #[must_use]
    pub fn of(item: &ItemText, corpus: &NgramIndex, least: f64) -> Self {
        let input = tokens(&item.input);
        if input.len() < GRAM {
            return Self { class: Class::Short, share: 0.0 };
        }
        let share = corpus.share(&item.input);
        if share < least || share == 0.0 {
            return Self { class: Class::Clean, share };
        }
        // The n-grams that end inside the answer.
        let mut both = input[input.len() + 1 - GRAM..].to_vec();
        both.extend(tokens(&item.label));
        let across = grams(&both);
        let known = !across.is_empty() && across.iter().all(|gram| corpus.contains(*gram));
        Self { class: if known { Class::InputAndLabel } else { Class::Input }, share }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_clean_or_known_with_or_without_their_answers() {
        let words =
            |from: usize, to: usize| (from..to).map(|word| format!("w{word}")).collect::<Vec<_>>().join(" ");
        let item = |input: String, label: &str| ItemText { input, label: label.to_owned() };
        let corpus = NgramIndex::of([words(0, 60)]);
        for (item, class, share) in [
            (item(words(0, 30), "w30 w31"), Class::InputAndLabel, 1.0),
            (item(words(0, 30), "w99"), Class::Input, 1.0),
            (item(words(0, 30), ""), Class::Input, 1.0),
            (item(words(100, 130), "w130"), Class::Clean, 0.0),
            (item(words(50, 74), "w74"), Class::Clean, 0.0),
            (item(words(40, 64), "w64"), Class::Input, 8.0 / 12.0),
            (item(words(0, 12), "w12"), Class::Short, 0.0),
        ] {
            let overlap = Overlap::of(&item, &corpus, 0.5);
            assert_eq!(overlap.class, class, "{item:?}");
            assert!((overlap.share - share).abs() < 1e-12, "{item:?}: {overlap:?}");
        }
    }
}
