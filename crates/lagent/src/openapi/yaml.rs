//! YAML 1.2 with the core schema as JSON values, the subset that OpenAPI allows: names of fields are texts.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

/// Maximum depth of values inside each other, that of JSON here.
const DEPTH: usize = 128;
/// Maximum number of bytes that aliases may add, so that a short text cannot become a huge value.
const COPIED: usize = 16 << 20;
/// The key whose value is merged into the mapping around it.
const MERGE: &str = "<<";

/// Reads a text with one document.
///
/// # Errors
/// What was found and what was expected, with the number of the line.
pub(super) fn read_yaml(text: &str) -> Result<Value, String> {
    let mut loader = Loader::default();
    for item in Parser::new_from_str(text) {
        let (event, span) = item.map_err(|error| error.to_string())?;
        loader.event(event).map_err(|message| format!("line {}: {message}", span.start.line()))?;
    }
    Ok(loader.whole.unwrap_or_default())
}

/// A collection that has not ended.
enum Open {
    List(Vec<Value>),
    /// A mapping, and the key whose value comes next.
    Mapping(Map<String, Value>, Option<String>),
}

#[derive(Default)]
struct Loader {
    open: Vec<(Open, usize)>,
    /// Finished values that aliases may name; a value that contains itself cannot be written.
    anchored: BTreeMap<usize, Value>,
    copied: usize,
    whole: Option<Value>,
}

impl Loader {
    fn event(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if self.expects_key() {
                    if anchor > 0 {
                        self.anchored.insert(anchor, Value::String(text.to_string()));
                    }
                    return self.key(text.into_owned());
                }
                let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
                let is_plain = style == ScalarStyle::Plain && !is_text;
                let value = if is_plain { plain(&text) } else { Value::String(text.into_owned()) };
                self.complete(value, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(Open::List(Vec::new()), anchor),
            Event::MappingStart(anchor, _) => self.begin(Open::Mapping(Map::new(), None), anchor),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor),
            Event::DocumentStart(_) if self.whole.is_some() => {
                Err("found a second document, expected one".to_owned())
            }
            Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::StreamStart
            | Event::StreamEnd
            | Event::Nothing => Ok(()),
        }
    }

    /// Whether the next value is the key of a mapping.
    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some((Open::Mapping(_, None), _)))
    }

    fn begin(&mut self, open: Open, anchor: usize) -> Result<(), String> {
        if self.expects_key() {
            return Err("found a collection as a key, expected a text".to_owned());
        }
        if self.open.len() >= DEPTH {
            return Err(format!("found more than {DEPTH} values inside each other"));
        }
        self.open.push((open, anchor));
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        match self.open.pop() {
            Some((Open::List(items), anchor)) => self.complete(Value::Array(items), anchor),
            Some((Open::Mapping(map, _), anchor)) => self.complete(Value::Object(merged(map)?), anchor),
            None => Err("found the end of a collection that did not begin".to_owned()),
        }
    }

    fn alias(&mut self, anchor: usize) -> Result<(), String> {
        let Some(value) = self.anchored.get(&anchor).cloned() else {
            return Err("found an alias inside of the value that it names".to_owned());
        };
        self.copied += size(&value);
        if self.copied > COPIED {
            return Err(format!("found aliases of more than {COPIED} bytes"));
        }
        match value {
            Value::String(text) if self.expects_key() => self.key(text),
            _ if self.expects_key() => {
                Err("found an alias of a collection as a key, expected a text".to_owned())
            }
            value => self.complete(value, 0),
        }
    }

    fn key(&mut self, text: String) -> Result<(), String> {
        if let Some((Open::Mapping(map, key), _)) = self.open.last_mut() {
            if map.contains_key(&text) {
                return Err(format!("found the key `{text}` twice in one mapping"));
            }
            *key = Some(text);
        }
        Ok(())
    }

    fn complete(&mut self, value: Value, anchor: usize) -> Result<(), String> {
        if anchor > 0 {
            self.anchored.insert(anchor, value.clone());
        }
        match self.open.last_mut() {
            None => self.whole = Some(value),
            Some((Open::List(items), _)) => items.push(value),
            Some((Open::Mapping(map, key), _)) => {
                let name = key.take().ok_or("found a value without a key")?;
                map.insert(name, value);
            }
        }
        Ok(())
    }
}

/// A mapping with the mappings that it merges; its own keys win, then the first that has a key.
fn merged(mut map: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let Some(sources) = map.shift_remove(MERGE) else { return Ok(map) };
    let sources = match sources {
        Value::Array(sources) => sources,
        source => vec![source],
    };
    for source in sources {
        let Value::Object(source) = source else {
            return Err(format!("found {source} below `{MERGE}`, expected a mapping"));
        };
        for (name, value) in source {
            map.entry(name).or_insert(value);
        }
    }
    Ok(map)
}

/// About the number of bytes that a value needs.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 16 + items.iter().map(size).sum::<usize>(),
        Value::Object(map) => 16 + map.iter().map(|(name, value)| name.len() + size(value)).sum::<usize>(),
        Value::String(text) => 16 + text.len(),
        _ => 16,
    }
}

/// A scalar without quotes, by the core schema. JSON has no infinities, so these stay texts.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn number(text: &str) -> Option<Number> {
    for (mark, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(mark).filter(|digits| !digits.starts_with(['+', '-'])) {
            return u64::from_str_radix(digits, radix).ok().map(Number::from);
        }
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let allowed = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    if !allowed || !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = unsigned.parse::<i64>() {
        return Some(Number::from(whole));
    }
    if let Ok(whole) = unsigned.parse::<u64>() {
        return Some(Number::from(whole));
    }
    unsigned.parse::<f64>().ok().and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_follow_the_core_schema() {
        let text = "a: no\nb: 1.5\nc: '200'\n200: {x: ~}\nd: 2020-01-01\ne: !!str 7\nf: [0x10, 1e3, -4, true, .inf, 1.2.3]\n";
        let expected = json!({
            "a": "no", "b": 1.5, "c": "200", "200": {"x": null}, "d": "2020-01-01", "e": "7",
            "f": [16, 1000.0, -4, true, ".inf", "1.2.3"],
        });
        assert_eq!(read_yaml(text), Ok(expected));
        assert_eq!(read_yaml(""), Ok(Value::Null));
        assert_eq!(read_yaml("{\"a\": [1]}"), Ok(json!({"a": [1]})));
    }

    #[test]
    fn anchors_aliases_and_merges() {
        let text = "base: &b {a: 1, b: 2}\nother:\n  <<: *b\n  b: 3\nlist: [*b]\n";
        let expected =
            json!({"base": {"a": 1, "b": 2}, "other": {"b": 3, "a": 1}, "list": [{"a": 1, "b": 2}]});
        assert_eq!(read_yaml(text), Ok(expected));
    }

    #[test]
    fn bad_texts_are_named_with_their_line() {
        assert_eq!(
            read_yaml("a: 1\na: 2\n"),
            Err("line 2: found the key `a` twice in one mapping".to_owned())
        );
        assert!(
            read_yaml("a: [1").is_err() && read_yaml("a: *b").is_err() && read_yaml("? [1]\n: 2").is_err()
        );
        assert!(read_yaml(&"[".repeat(1000)).is_err());
        assert!(read_yaml("a: &x [*x]").is_err());
        let bomb = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, number| {
            let before = number - 1;
            format!("{text}a{number}: &a{number} [*a{before}, *a{before}]\n")
        });
        assert!(read_yaml(&bomb).expect_err("a bomb").contains("aliases"));
    }
}
