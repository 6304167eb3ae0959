//! [`SourceFiles`]: the files of a long set, each as one row, and [`Number`]: a number that a subset may write as text.

use serde::Deserialize;
use serde_json::Value;

use super::generate::NeedleRow;
use super::tokens::Tokens;

/// The contents of a set's files, and what counts their tokens.
#[derive(Debug)]
pub(crate) struct SourceFiles {
    /// One text per file, in the order of the dataset file, the vocabulary excluded.
    pub(crate) texts: Vec<String>,
    /// The vocabulary of the last file, or the tokenizer that the dataset file names.
    pub(crate) tokens: Tokens,
}

impl SourceFiles {
    /// Takes the rows of files of format `whole`. `names` says what the files before the vocabulary are. `tokenizer` is
    /// the path of a tokenizer in place of the vocabulary; it may be the last file too, since a set needs a file.
    pub(crate) fn read(
        rows: Vec<NeedleRow>,
        names: &[&str],
        tokenizer: Option<&str>,
    ) -> Result<Self, String> {
        let mut texts = whole_texts(rows)?;
        let mut names: Vec<&str> = names.to_vec();
        if tokenizer.is_some() && texts.len() == names.len() + 1 {
            texts.pop();
        }
        if tokenizer.is_none() {
            names.push("the vocabulary of GPT-4 (cl100k_base.tiktoken), or the argument `tokenizer`");
        }
        if texts.len() != names.len() {
            return Err(format!(
                "found {} file(s), expected {} of format `whole`: {}",
                texts.len(),
                names.len(),
                names.join(", ")
            ));
        }
        let tokens = match tokenizer {
            Some(path) => Tokens::of_model(path)?,
            None => Tokens::of_ranks(&texts.pop().unwrap_or_default())?,
        };
        Ok(Self { texts, tokens })
    }
}

/// Returns the texts of rows that are whole files.
pub(super) fn whole_texts(rows: Vec<NeedleRow>) -> Result<Vec<String>, String> {
    let text = |mut row: NeedleRow| match row.remove("text") {
        Some(Value::String(text)) => Ok(text),
        _ => Err("found a row without `text`, expected files of format `whole`".to_owned()),
    };
    rows.into_iter().map(text).collect()
}

/// A number that is not negative. Subsets of a dataset file write it as text.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(try_from = "Form")]
pub(crate) struct Number(pub(crate) usize);

/// Several such numbers, as a list or as a text with spaces between them.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(try_from = "Form")]
pub(crate) struct Numbers(pub(crate) Vec<usize>);

/// The ways to write one or more numbers.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number, or several in a list or a text")]
enum Form {
    Number(usize),
    List(Vec<usize>),
    Text(String),
}

impl TryFrom<Form> for Numbers {
    type Error = String;

    fn try_from(form: Form) -> Result<Self, String> {
        match form {
            Form::Number(number) => Ok(Self(vec![number])),
            Form::List(numbers) => Ok(Self(numbers)),
            Form::Text(text) => {
                let number = |word: &str| {
                    word.parse().map_err(|_| format!("found `{word}` in `{text}`, expected whole numbers"))
                };
                text.split_whitespace().map(number).collect::<Result<_, _>>().map(Self)
            }
        }
    }
}

impl TryFrom<Form> for Number {
    type Error = String;

    fn try_from(form: Form) -> Result<Self, String> {
        let Numbers(numbers) = form.try_into()?;
        match numbers[..] {
            [number] => Ok(Self(number)),
            _ => Err(format!("found {} numbers, expected one", numbers.len())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_may_be_texts() {
        let numbers = |value| serde_json::from_value::<Numbers>(value).map(|numbers| numbers.0);
        assert_eq!(numbers(json!("1000 2000")).expect("numbers"), [1000, 2000]);
        assert_eq!(numbers(json!([3, 4])).expect("numbers"), [3, 4]);
        assert_eq!(serde_json::from_value::<Number>(json!("7")).expect("a number"), Number(7));
        assert!(serde_json::from_value::<Number>(json!("7 8")).is_err());
        assert!(numbers(json!("1k")).expect_err("a word").to_string().contains("1k"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let row = |text: &str| NeedleRow::from_iter([("text".to_owned(), Value::from(text))]);
        let error = SourceFiles::read(vec![row("a")], &["essays"], None).expect_err("no vocabulary");
        assert!(error.contains("found 1 file(s), expected 2"), "{error}");
        assert!(error.contains("essays, the vocabulary"), "{error}");
        let error = SourceFiles::read(vec![NeedleRow::new()], &[], None).expect_err("no text");
        assert!(error.contains("`whole`"), "{error}");
    }
}
