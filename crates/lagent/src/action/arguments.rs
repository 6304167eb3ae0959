//! [`Arguments`]: the arguments of one call, read by type; null counts as absent.

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::action::local::Failure;

/// The arguments of one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arguments<'a>(pub(super) &'a Value);

impl<'a> Arguments<'a> {
    fn given(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text that the call must have.
    pub(super) fn text(self, name: &str) -> Result<&'a str, Failure> {
        self.optional_text(name)?
            .ok_or_else(|| Failure::arguments(format!("{name}: missing, expected a text")))
    }

    /// A text that the call may have.
    pub(super) fn optional_text(self, name: &str) -> Result<Option<&'a str>, Failure> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(found) => Err(wrong(name, found, "a text")),
        }
    }

    /// A whole number within a range, or the same as text, which models write too.
    pub(super) fn integer(self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, Failure> {
        let Some(found) = self.given(name) else { return Ok(None) };
        let number = whole(found).filter(|number| range.contains(number));
        let expected = || format!("a whole number from {} to {}", range.start(), range.end());
        number.map(Some).ok_or_else(|| wrong(name, found, &expected()))
    }

    /// A finite number, or the same as text.
    pub(super) fn number(self, name: &str) -> Result<Option<f64>, Failure> {
        let Some(found) = self.given(name) else { return Ok(None) };
        let number = match found {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        number
            .filter(|number: &f64| number.is_finite())
            .map(Some)
            .ok_or_else(|| wrong(name, found, "a number"))
    }

    /// True or false, or the same as text.
    pub(super) fn boolean(self, name: &str) -> Result<Option<bool>, Failure> {
        let Some(found) = self.given(name) else { return Ok(None) };
        match found {
            Value::Bool(value) => Ok(Some(*value)),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            other => Err(wrong(name, other, "true or false")),
        }
    }

    /// Whole numbers from 0, as a list; one number counts as a list of one.
    pub(super) fn indexes(self, name: &str) -> Result<Vec<usize>, Failure> {
        let index = |found: &Value| {
            let number = whole(found).and_then(|number| usize::try_from(number).ok());
            number.ok_or_else(|| wrong(name, found, "whole numbers from 0"))
        };
        match self.given(name) {
            None => Err(Failure::arguments(format!("{name}: missing, expected a list of whole numbers"))),
            Some(Value::Array(values)) => values.iter().map(index).collect(),
            Some(other) => Ok(vec![index(other)?]),
        }
    }

    /// Texts that the call must have, as a list; one text counts as a list of one.
    pub(super) fn texts(self, name: &str) -> Result<Vec<&'a str>, Failure> {
        let missing = || Failure::arguments(format!("{name}: missing, expected a list of texts"));
        self.optional_texts(name)?.ok_or_else(missing)
    }

    /// Texts that the call may have, as a list; one text counts as a list of one.
    pub(super) fn optional_texts(self, name: &str) -> Result<Option<Vec<&'a str>>, Failure> {
        let Some(found) = self.given(name) else { return Ok(None) };
        let text = |found: &'a Value| found.as_str().ok_or_else(|| wrong(name, found, "a list of texts"));
        match found {
            Value::Array(values) => values.iter().map(text).collect::<Result<_, _>>().map(Some),
            other => Ok(Some(vec![text(other)?])),
        }
    }

    /// One of a few texts; the first is the default.
    pub(super) fn choice<'c>(self, name: &str, choices: &[&'c str]) -> Result<&'c str, Failure> {
        let given = self.optional_text(name)?;
        let found = match given {
            None => choices.first(),
            Some(given) => choices.iter().find(|choice| **choice == given),
        };
        found.copied().ok_or_else(|| {
            let given = given.unwrap_or_default();
            Failure::arguments(format!("{name}: found `{given}`, expected one of {}", choices.join(", ")))
        })
    }
}

/// A whole number, also when it is written as text or with a decimal that is zero.
fn whole(found: &Value) -> Option<i64> {
    match found {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_i64().or_else(|| {
            let number = number.as_f64()?;
            let is_whole = number.fract() == 0.0 && number.abs() < 9e15;
            is_whole.then_some(number as i64)
        }),
        _ => None,
    }
}

fn wrong(name: &str, found: &Value, expected: &str) -> Failure {
    Failure::arguments(format!("{name}: found {found}, expected {expected}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_another_type_are_named() {
        let value = json!({"t": 1, "n": "7", "f": "1.5", "b": "True", "l": [0, "2"], "s": "x", "z": null});
        let arguments = Arguments(&value);
        assert_eq!(arguments.text("t").expect_err("a number").message, "t: found 1, expected a text");
        assert_eq!(arguments.text("z").expect_err("null").message, "z: missing, expected a text");
        assert_eq!(arguments.integer("n", 0..=9), Ok(Some(7)));
        let message = "n: found \"7\", expected a whole number from 0 to 5";
        assert_eq!(arguments.integer("n", 0..=5).expect_err("too large").message, message);
        assert_eq!(arguments.number("f"), Ok(Some(1.5)));
        assert_eq!(arguments.boolean("b"), Ok(Some(true)));
        assert_eq!(arguments.indexes("l"), Ok(vec![0, 2]));
        assert_eq!(arguments.texts("s"), Ok(vec!["x"]));
        assert_eq!(arguments.optional_texts("z"), Ok(None));
        assert!(arguments.texts("z").is_err() && arguments.indexes("s").is_err());
        let message = "l: found 0, expected a list of texts";
        assert_eq!(arguments.texts("l").expect_err("numbers").message, message);
        assert_eq!((arguments.choice("z", &["x"]), arguments.choice("s", &["y", "x"])), (Ok("x"), Ok("x")));
        let message = "s: found `x`, expected one of y, z";
        assert_eq!(arguments.choice("s", &["y", "z"]).expect_err("another text").message, message);
    }
}
