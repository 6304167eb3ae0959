//! What a scorer of LawBench says about one answer.

/// The grade of one answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grade {
    /// Usually from 0 to 1.
    pub(super) score: f64,
    /// Whether the answer has nothing that could be graded.
    pub(super) abstained: bool,
    /// Whether the answer is right, where it is either right or wrong.
    pub(super) correct: Option<bool>,
}

/// The outcome of grading. `None` for items that LawBench leaves out; the error is about the expected answer.
pub(super) type Graded = Result<Option<Grade>, String>;

impl Grade {
    /// An answer between wrong and right.
    pub(super) fn share(score: f64) -> Self {
        Self { score, abstained: false, correct: None }
    }

    /// An answer that is right or wrong.
    pub(super) fn verdict(correct: bool) -> Self {
        Self { score: f64::from(u8::from(correct)), abstained: false, correct: Some(correct) }
    }

    /// The same grade with a note whether the answer abstained.
    pub(super) fn abstained(self, abstained: bool) -> Self {
        Self { abstained, ..self }
    }
}

/// Takes the expected answer apart; the error names what was expected.
pub(super) fn between<'a>(reference: &'a str, begin: &str, end: &str) -> Result<&'a str, String> {
    let inner = reference.strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
    inner.ok_or_else(|| unexpected(reference, &format!("a text of the form `{begin}...{end}`")))
}

/// The message about an expected answer that does not fit the task.
pub(super) fn unexpected(reference: &str, expected: &str) -> String {
    format!("expected answer: found `{reference}`, expected {expected}")
}
