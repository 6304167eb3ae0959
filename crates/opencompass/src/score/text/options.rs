//! `option_similarity`: which option an answer means, by its letter, its text, or the nearest text.

use serde::Deserialize;
use serde_json::Value;

use super::edit::text_distance;
use super::words::is_space;
use crate::dataset::Named;
use crate::prompt::python_str;
use crate::score::entry::Setup;
use crate::score::post::Post;
use crate::score::verdict::{accuracy_scores, answered, detail};
use crate::score::{Detail, Evaluate, ScoredItem, Scores};
use crate::{Error, Result};

/// Arguments of `option_similarity`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// The letters of the options, which are columns of the row.
    options: Vec<String>,
}

/// `OptionSimAccEvaluator`: accuracy of the option that the answer means.
pub(super) struct OptionSimilarity {
    options: Vec<String>,
    first_option: Post,
}

impl OptionSimilarity {
    pub(super) fn make(setup: &Setup<'_>) -> Result<Box<dyn Evaluate>> {
        let Arguments { options } = setup.named.arguments()?;
        let is_letter =
            |option: &String| option.chars().count() == 1 && option.chars().all(char::is_uppercase);
        if options.is_empty() || !options.iter().all(is_letter) {
            return Err(Error::Value {
                place: format!("{}.options", setup.named.name()),
                found: format!("{options:?}"),
                expected: "upper-case letters, one per option".to_owned(),
            });
        }
        let named =
            Named::new("first_option_postprocess").with("options", options.concat()).with("cushion", false);
        Ok(Box::new(Self { options, first_option: Post::new(&named, setup.reading)? }))
    }

    /// The letter that an answer means; empty if there is no option to compare with.
    fn meant(&self, item: &ScoredItem<'_>) -> String {
        let text = item.pred_text();
        let text = text.trim_matches(is_space);
        if self.options.iter().any(|option| option == text) {
            return text.to_owned();
        }
        let letter = python_str(&self.first_option.apply(text));
        if !letter.is_empty() {
            return letter;
        }
        let column =
            |option: &String| item.columns.get(option).filter(|value| !value.is_null()).map(python_str);
        let texts: Vec<(&String, String)> =
            self.options.iter().filter_map(|option| Some((option, column(option)?))).collect();
        let lower = text.to_lowercase();
        let mut named = texts.iter().filter(|(_, option)| lower.contains(&option.to_lowercase()));
        if let (Some((letter, _)), None) = (named.next(), named.next()) {
            return (*letter).clone();
        }
        let distance = |(letter, option): &(&String, String)| {
            let forms = [(*letter).clone(), option.clone(), format!("{letter}. {option}")];
            let nearest = forms.iter().map(|form| text_distance(text, form)).min().unwrap_or(usize::MAX);
            (nearest, (*letter).clone())
        };
        texts.iter().map(distance).min().map(|(_, letter)| letter).unwrap_or_default()
    }
}

impl Evaluate for OptionSimilarity {
    fn evaluate(&self, items: &[ScoredItem<'_>]) -> Scores {
        let judge = |item: &ScoredItem<'_>| {
            let mut detail = Detail { correct: Some(false), ..detail(item) };
            if item.is_answered() {
                let meant = self.meant(item);
                detail.correct = Some(meant == python_str(&item.answer));
                detail.extra.insert("parsed".to_owned(), Value::from(meant));
            }
            detail
        };
        accuracy_scores("accuracy", items.iter().map(judge).collect(), answered(items))
    }
}
