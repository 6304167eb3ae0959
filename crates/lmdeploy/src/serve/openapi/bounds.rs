//! [`Bounds`]: the bounds of fields that are those of the served model, for which the files have placeholders.
//!
//! `x-maximum` becomes a `maximum`, `x-max-items` becomes `maxItems`, and `x-keys` the `pattern` of names that are ids. Each
//! of them names the bound.

use serde_json::{Value, json};

use crate::respond::Responder;

/// Maximum number of choices of a prompt and of prompts in a request, on a server whose queue has room for as many.
const MAX_CHOICES: usize = 128;
const MAX_PROMPTS: usize = 1024;

/// The numbers that placeholders stand for.
#[derive(Clone, Copy, Debug)]
pub(in crate::serve) struct Bounds {
    /// The last id that the model can read.
    pub(super) model_id: usize,
    /// The last id that the tokenizer knows.
    pub(super) token_id: usize,
    /// Maximum number of choices of a prompt.
    pub(super) choices: usize,
    /// Maximum number of prompts in a request.
    pub(super) prompts: usize,
    /// Number of values of a hidden state; none when the executor gives none, so that no number is right.
    pub(super) hidden: Option<usize>,
}

impl Bounds {
    /// The bounds of what `responder` serves.
    pub(in crate::serve) fn of(responder: &Responder) -> Self {
        let requests = responder.engine().limits().max_requests();
        Self {
            model_id: responder.engine().capacity().vocab.saturating_sub(1),
            token_id: responder.model().tokenizer.vocab_size().saturating_sub(1),
            choices: requests.min(MAX_CHOICES),
            prompts: requests.min(MAX_PROMPTS),
            hidden: responder.engine().hidden_size(),
        }
    }

    /// Puts the bounds in for the placeholders of a schema and of all schemas in it.
    pub(super) fn complete(&self, schema: &mut Value) {
        match schema {
            Value::Object(fields) => {
                for (placeholder, keyword) in
                    [("x-maximum", "maximum"), ("x-max-items", "maxItems"), ("x-keys", "pattern")]
                {
                    let Some(bound) = fields.remove(placeholder).and_then(|name| self.bound(&name)) else {
                        continue;
                    };
                    let value = if keyword == "pattern" { json!(up_to(bound)) } else { json!(bound) };
                    fields.insert(keyword.to_owned(), value);
                }
                fields.values_mut().for_each(|value| self.complete(value));
            }
            Value::Array(entries) => entries.iter_mut().for_each(|value| self.complete(value)),
            _ => {}
        }
    }

    /// The bound of a name; none for one that is not known.
    fn bound(&self, name: &Value) -> Option<usize> {
        match name.as_str()? {
            "model-id" => Some(self.model_id),
            "token-id" => Some(self.token_id),
            "choices" => Some(self.choices),
            "prompts" => Some(self.prompts),
            "hidden" => Some(self.hidden.unwrap_or(0)),
            _ => None,
        }
    }
}

/// A regular expression for the whole numbers from 0 to `bound`, as they are usually written.
fn up_to(bound: usize) -> String {
    let digits = bound.to_string();
    let any = |count: usize| match count {
        0 => String::new(),
        count => format!("[0-9]{{{count}}}"),
    };
    // Zero and all shorter numbers, then those whose first different digit is smaller, then the bound itself.
    let mut forms = vec!["0".to_owned()];
    forms.extend((1..digits.len()).map(|length| format!("[1-9]{}", any(length - 1))));
    for (place, digit) in digits.bytes().enumerate() {
        let smallest = if place == 0 { b'1' } else { b'0' };
        if smallest < digit {
            let (before, rest) = (&digits[..place], any(digits.len() - place - 1));
            let (smallest, largest) = (char::from(smallest), char::from(digit - 1));
            forms.push(format!("{before}[{smallest}-{largest}]{rest}"));
        }
    }
    forms.push(digits);
    format!("^({})$", forms.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_bounds() {
        let bounds = Bounds { model_id: 319, token_id: 314, choices: 8, prompts: 9, hidden: None };
        let mut schema = json!({
            "a": {"items": [{"x-maximum": "model-id"}, {"x-max-items": "prompts"}]},
            "b": {"x-maximum": "hidden", "minimum": 1},
            "c": {"x-keys": "token-id", "d": {"x-maximum": "choices"}},
        });
        bounds.complete(&mut schema);
        let expected = json!({
            "a": {"items": [{"maximum": 319}, {"maxItems": 9}]},
            "b": {"minimum": 1, "maximum": 0},
            "c": {"pattern": "^(0|[1-9]|[1-9][0-9]{1}|[1-2][0-9]{2}|3[0-0][0-9]{1}|31[0-3]|314)$", "d": {"maximum": 8}},
        });
        assert_eq!(schema, expected);
    }

    #[test]
    fn the_expression_has_the_numbers_up_to_the_bound() {
        for bound in [0, 1, 9, 10, 100, 314, 999, 1000, 2047] {
            let expression = regex::Regex::new(&up_to(bound)).expect("an expression");
            for number in 0..3000 {
                assert_eq!(expression.is_match(&number.to_string()), number <= bound, "{number} of {bound}");
            }
            assert!(!expression.is_match("01") && !expression.is_match("") && !expression.is_match("1 "));
        }
    }
}
