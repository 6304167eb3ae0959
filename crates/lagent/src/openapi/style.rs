//! Styles of parameters: how lists and objects become the text of a path, a query, a header or a cookie
//! (OpenAPI's `style` and `explode`, after RFC 6570).

use serde_json::{Map, Value};

use super::percent::{Keep, encoded};

/// The `style` of a parameter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Style {
    /// `;name=value` in a path.
    Matrix,
    /// `.value` in a path.
    Label,
    /// `value`, separated by commas, in a path or a header.
    Simple,
    /// `name=value` in a query or a cookie.
    Form,
    /// A list in a query, separated by spaces.
    SpaceDelimited,
    /// A list in a query, separated by `|`.
    PipeDelimited,
    /// `name[field]=value` in a query.
    DeepObject,
}

/// What `explode` says about the items of a list and the fields of an object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Explode {
    /// Each item or field is written with its own name.
    Separate,
    /// All are written as one value.
    Joined,
}

/// A parameter's way into text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Styled {
    pub(super) style: Style,
    pub(super) explode: Explode,
    pub(super) keep: Keep,
}

impl Style {
    /// The style of a description's word.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "matrix" => Self::Matrix,
            "label" => Self::Label,
            "simple" => Self::Simple,
            "form" => Self::Form,
            "spaceDelimited" => Self::SpaceDelimited,
            "pipeDelimited" => Self::PipeDelimited,
            "deepObject" => Self::DeepObject,
            _ => return None,
        })
    }
}

impl Styled {
    /// A style with its own default of `explode`.
    pub(super) fn new(style: Style) -> Self {
        let explode = if style == Style::Form { Explode::Separate } else { Explode::Joined };
        Self { style, explode, keep: Keep::Unreserved }
    }

    /// The text that replaces `{name}` in a path.
    ///
    /// # Errors
    /// A value whose text would name another path, or that is too deep.
    pub(super) fn in_path(self, name: &str, value: &Value) -> Result<String, String> {
        let separate = self.explode == Explode::Separate;
        let text: String = match (self.style, value) {
            (Style::Matrix, Value::Array(items)) if separate => {
                let items = scalars(name, items)?;
                items.iter().map(|item| format!(";{name}={}", self.code(item))).collect()
            }
            (Style::Matrix, Value::Object(fields)) if separate => {
                let pairs = fields_of(name, fields)?;
                pairs.iter().map(|(key, item)| format!(";{}={}", self.code(key), self.code(item))).collect()
            }
            (Style::Matrix, value) => format!(";{name}={}", self.joined(name, value, ",")?),
            (Style::Label, value) => {
                format!(".{}", self.joined(name, value, if separate { "." } else { "," })?)
            }
            (_, value) => self.joined(name, value, ",")?,
        };
        match text.as_str() {
            "" | "." | ".." => {
                Err(format!("{name}: found `{text}`, expected a text that is not empty or dots"))
            }
            _ => Ok(text),
        }
    }

    /// The fields of a query, each as `name=value` in percent notation.
    ///
    /// # Errors
    /// A value that is deeper than the style allows.
    pub(super) fn in_query(self, name: &str, value: &Value) -> Result<Vec<String>, String> {
        let key = encoded(name, Keep::Unreserved);
        let pair = |text: String| format!("{key}={text}");
        Ok(match (self.style, value) {
            (Style::DeepObject, value) => {
                let mut pairs = Vec::new();
                self.deep(name, value, &mut pairs);
                pairs
            }
            (_, Value::Array(items)) if items.is_empty() => Vec::new(),
            (_, Value::Array(items)) if self.explode == Explode::Separate => {
                scalars(name, items)?.iter().map(|item| pair(self.code(item))).collect()
            }
            (_, Value::Object(fields)) if self.explode == Explode::Separate => {
                let pairs = fields_of(name, fields)?;
                let code = |text: &str| encoded(text, Keep::Unreserved);
                pairs.iter().map(|(field, item)| format!("{}={}", code(field), self.code(item))).collect()
            }
            (Style::SpaceDelimited, value) => vec![pair(self.joined(name, value, "%20")?)],
            (Style::PipeDelimited, value) => vec![pair(self.joined(name, value, "%7C")?)],
            (_, value) => vec![pair(self.joined(name, value, ",")?)],
        })
    }

    /// The value of a header, without percent notation.
    ///
    /// # Errors
    /// A value that is too deep, or a text that a header cannot have.
    pub(super) fn in_header(self, name: &str, value: &Value) -> Result<String, String> {
        let text = match value {
            Value::Array(items) => scalars(name, items)?.join(","),
            Value::Object(fields) => {
                let mark = if self.explode == Explode::Separate { "=" } else { "," };
                let pairs = fields_of(name, fields)?;
                let pairs: Vec<String> =
                    pairs.iter().map(|(key, item)| format!("{key}{mark}{item}")).collect();
                pairs.join(",")
            }
            value => scalar(name, value)?,
        };
        if text.chars().any(char::is_control) {
            return Err(format!("{name}: found a control character, expected text for a header"));
        }
        Ok(text)
    }

    fn code(self, text: &str) -> String {
        encoded(text, self.keep)
    }

    /// A value as one text; fields of an object are `key,value`, or `key=value` when they are separate.
    fn joined(self, name: &str, value: &Value, mark: &str) -> Result<String, String> {
        let parts: Vec<String> = match value {
            Value::Array(items) => scalars(name, items)?.iter().map(|item| self.code(item)).collect(),
            Value::Object(fields) => {
                let equals = if self.explode == Explode::Separate { "=" } else { mark };
                let pairs = fields_of(name, fields)?;
                pairs
                    .iter()
                    .map(|(key, item)| format!("{}{equals}{}", self.code(key), self.code(item)))
                    .collect()
            }
            value => vec![self.code(&scalar(name, value)?)],
        };
        Ok(parts.join(mark))
    }

    /// Fields inside fields; lists inside of them are `name[]`, as most servers read them.
    fn deep(self, name: &str, value: &Value, pairs: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (field, value) in fields {
                    self.deep(&format!("{name}[{field}]"), value, pairs);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let is_scalar = !item.is_array() && !item.is_object();
                    let index = if is_scalar { String::new() } else { index.to_string() };
                    self.deep(&format!("{name}[{index}]"), item, pairs);
                }
            }
            value => {
                let text = scalar(name, value).unwrap_or_default();
                pairs.push(format!("{}={}", encoded(name, Keep::Unreserved), self.code(&text)));
            }
        }
    }
}

/// A text, number or truth value as text; null is empty.
pub(super) fn scalar(name: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => {
            Err(format!("{name}: found {value}, expected a text, a number, true or false"))
        }
    }
}

fn scalars(name: &str, items: &[Value]) -> Result<Vec<String>, String> {
    items.iter().map(|item| scalar(name, item)).collect()
}

fn fields_of<'a>(name: &str, fields: &'a Map<String, Value>) -> Result<Vec<(&'a str, String)>, String> {
    let pair = |(field, value): (&'a String, &Value)| Ok((field.as_str(), scalar(name, value)?));
    fields.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn styled(style: Style, explode: Explode) -> Styled {
        Styled { explode, ..Styled::new(style) }
    }

    #[test]
    fn paths_follow_the_table_of_the_standard() {
        let (list, object) = (json!(["blue", "black"]), json!({"R": 100, "G": 200}));
        for (style, explode, of_text, of_list, of_object) in [
            (Style::Matrix, Explode::Joined, ";color=blue", ";color=blue,black", ";color=R,100,G,200"),
            (Style::Matrix, Explode::Separate, ";color=blue", ";color=blue;color=black", ";R=100;G=200"),
            (Style::Label, Explode::Joined, ".blue", ".blue,black", ".R,100,G,200"),
            (Style::Label, Explode::Separate, ".blue", ".blue.black", ".R=100.G=200"),
            (Style::Simple, Explode::Joined, "blue", "blue,black", "R,100,G,200"),
            (Style::Simple, Explode::Separate, "blue", "blue,black", "R=100,G=200"),
        ] {
            let style = styled(style, explode);
            assert_eq!(style.in_path("color", &json!("blue")).as_deref(), Ok(of_text));
            assert_eq!(style.in_path("color", &list).as_deref(), Ok(of_list));
            assert_eq!(style.in_path("color", &object).as_deref(), Ok(of_object));
        }
        let simple = Styled::new(Style::Simple);
        assert_eq!(simple.in_path("id", &json!("a/b c")).as_deref(), Ok("a%2Fb%20c"));
        for bad in [json!(""), json!(".."), json!([[1]])] {
            assert!(simple.in_path("id", &bad).is_err());
        }
    }

    #[test]
    fn queries_follow_the_table_of_the_standard() {
        let (list, object) = (json!(["blue", "black"]), json!({"R": 100, "G": 200}));
        for (style, explode, of_list, of_object) in [
            (Style::Form, Explode::Joined, "color=blue,black", "color=R,100,G,200"),
            (Style::Form, Explode::Separate, "color=blue&color=black", "R=100&G=200"),
            (Style::SpaceDelimited, Explode::Joined, "color=blue%20black", "color=R%20100%20G%20200"),
            (Style::PipeDelimited, Explode::Joined, "color=blue%7Cblack", "color=R%7C100%7CG%7C200"),
            (
                Style::DeepObject,
                Explode::Joined,
                "color%5B%5D=blue&color%5B%5D=black",
                "color%5BR%5D=100&color%5BG%5D=200",
            ),
        ] {
            let style = styled(style, explode);
            assert_eq!(style.in_query("color", &list).expect("is flat").join("&"), of_list);
            assert_eq!(style.in_query("color", &object).expect("is flat").join("&"), of_object);
        }
        let form = Styled::new(Style::Form);
        assert_eq!(form.in_query("q", &json!("a&b=c")), Ok(vec!["q=a%26b%3Dc".to_owned()]));
        assert_eq!(form.in_query("q", &json!([])), Ok(Vec::new()));
        let error = form.in_query("q", &json!([{"a": 1}])).expect_err("too deep");
        assert_eq!(error, "q: found {\"a\":1}, expected a text, a number, true or false");
        let deep = Styled::new(Style::DeepObject).in_query("f", &json!({"a": [{"b": 1}]}));
        assert_eq!(deep, Ok(vec!["f%5Ba%5D%5B0%5D%5Bb%5D=1".to_owned()]));
    }

    #[test]
    fn headers_cannot_be_broken() {
        let simple = Styled::new(Style::Simple);
        assert_eq!(simple.in_header("X", &json!(["a", 1])).as_deref(), Ok("a,1"));
        assert!(simple.in_header("X", &json!("a\r\nY: b")).is_err());
    }
}
