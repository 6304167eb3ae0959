//! A JSON schema -> the schema that llguidance compiles: checked keyword by keyword, so that nothing is ignored.

use serde_json::{Map, Value, json};

use super::GrammarError;
use super::closing::close;
use super::disjoint::disjoint;
use super::keywords::{
    FORMAT_PATTERNS, FORMATS, NUMBERS, SCHEMA, SCHEMA_MAP, SCHEMAS, UNSUPPORTED, UNSUPPORTED_FORMATS,
};

/// White space between parts of JSON: without a limit, small models write nothing else any more.
const WHITESPACE: &str = r" |\n[ ]{0,8}";
/// llguidance's key of the settings of a schema.
const SETTINGS: &str = "x-guidance";
/// Maximum number of properties of one object; the library cannot look at more at once.
const MAX_PROPERTIES: usize = 400;
/// Larger integers are rounded by the library.
const MAX_INTEGER: u64 = 1 << 53;
/// Maximum depth of a schema.
const MAX_DEPTH: usize = 120;

/// The schema as it is compiled, with its objects closed where that is safe. Of llguidance's own settings only
/// `{"x-guidance": {"whitespace_flexible": false}}` is taken, which allows no white space between parts.
///
/// # Errors
/// The first keyword or value that is not supported, with the place.
pub(super) fn lower(schema: &Value) -> Result<Value, GrammarError> {
    let settings = settings(schema);
    let mut lowered = Lowering { root: schema }.schema(schema, &mut Vec::new())?;
    close(&mut lowered);
    if let Value::Object(fields) = &mut lowered {
        fields.insert(SETTINGS.to_owned(), settings);
        return Ok(lowered);
    }
    // Settings need an object: `true` means the same as an empty one.
    match lowered {
        Value::Bool(true) => Ok(json!({SETTINGS: settings})),
        _ => Err(GrammarError::new("", "found false, expected a schema that allows something")),
    }
}

/// The schema, with no white space between the parts of its JSON.
pub(crate) fn compact(schema: Value) -> Value {
    match schema {
        Value::Object(mut fields) => {
            fields.entry(SETTINGS).or_insert_with(without_whitespace);
            Value::Object(fields)
        }
        Value::Bool(true) => json!({SETTINGS: without_whitespace()}),
        other => other,
    }
}

/// The settings by which there is no white space.
fn without_whitespace() -> Value {
    json!({"whitespace_flexible": false})
}

/// The settings of a schema for the library.
fn settings(schema: &Value) -> Value {
    match schema.get(SETTINGS) {
        Some(asked) if *asked == without_whitespace() => without_whitespace(),
        _ => json!({"whitespace_pattern": WHITESPACE}),
    }
}

/// The schemas directly inside of a schema, each with the way to it.
pub(super) fn children(schema: &Value) -> Vec<(Vec<String>, &Value)> {
    let Value::Object(fields) = schema else { return Vec::new() };
    let mut children = Vec::new();
    for (key, value) in fields {
        match value {
            Value::Array(list) if SCHEMAS.contains(&key.as_str()) => {
                let named = list.iter().enumerate();
                children.extend(named.map(|(index, child)| (vec![key.clone(), index.to_string()], child)));
            }
            Value::Object(map) if SCHEMA_MAP.contains(&key.as_str()) => {
                children.extend(map.iter().map(|(name, child)| (vec![key.clone(), name.clone()], child)));
            }
            _ if SCHEMA.contains(&key.as_str()) => children.push((vec![key.clone()], value)),
            _ => {}
        }
    }
    children
}

/// A name in a JSON pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

struct Lowering<'a> {
    root: &'a Value,
}

impl Lowering<'_> {
    fn schema(&self, schema: &Value, path: &mut Vec<String>) -> Result<Value, GrammarError> {
        let fields = match schema {
            Value::Bool(_) => return Ok(schema.clone()),
            Value::Object(fields) => fields,
            other => return Err(wrong(path, &format!("found {}, expected a schema", short(other)))),
        };
        if path.len() > MAX_DEPTH {
            return Err(wrong(path, &format!("expected at most {MAX_DEPTH} levels")));
        }
        let mut lowered = Map::new();
        for (key, value) in fields {
            if self.is_kept(key, value, path)? {
                let value = self.value(key, value, path)?;
                let exclusive = key == "oneOf" && self.is_exclusive(&value);
                lowered.insert(if exclusive { merged_key(fields) } else { key.clone() }, value);
            }
        }
        check_counts(fields, path)?;
        narrow_format(&mut lowered);
        Ok(Value::Object(lowered))
    }

    /// The value of a keyword with the schemas inside of it lowered.
    fn value(&self, key: &str, value: &Value, path: &mut Vec<String>) -> Result<Value, GrammarError> {
        path.push(key.to_owned());
        let lowered = match value {
            Value::Array(list) if SCHEMAS.contains(&key) => {
                let each = list.iter().enumerate();
                let each = each.map(|(index, child)| self.child(&index.to_string(), child, path));
                Value::Array(each.collect::<Result<_, _>>()?)
            }
            Value::Object(map) if SCHEMA_MAP.contains(&key) => {
                let each = map.iter().map(|(name, child)| Ok((name.clone(), self.child(name, child, path)?)));
                Value::Object(each.collect::<Result<_, GrammarError>>()?)
            }
            _ if SCHEMA.contains(&key) => self.schema(value, path)?,
            _ if key == "$ref" => self.reference(value, path)?,
            _ => value.clone(),
        };
        path.pop();
        Ok(lowered)
    }

    fn child(&self, name: &str, child: &Value, path: &mut Vec<String>) -> Result<Value, GrammarError> {
        path.push(name.to_owned());
        let lowered = self.schema(child, path)?;
        path.pop();
        Ok(lowered)
    }

    /// Whether a keyword is passed on; one that says nothing is left out.
    fn is_kept(&self, key: &str, value: &Value, path: &mut [String]) -> Result<bool, GrammarError> {
        let trivial = match key {
            "uniqueItems" => value == &Value::Bool(false),
            "propertyNames" => is_any_string(value),
            "unevaluatedItems" | "unevaluatedProperties" => value == &Value::Bool(true),
            "$dynamicAnchor" => true,
            SETTINGS => path.is_empty() && *value == without_whitespace(),
            _ => false,
        };
        if UNSUPPORTED.contains(&key) && !trivial {
            return Err(wrong(path, &format!("found `{key}`, which is not supported")));
        }
        if key == "format" {
            let format = value.as_str().unwrap_or_default();
            if UNSUPPORTED_FORMATS.contains(&format) {
                let message = format!("found `{format}`, which is not supported");
                return Err(wrong_at(path, key, &message));
            }
            return Ok(FORMATS.contains(&format));
        }
        if NUMBERS.contains(&key) && has_large_integer(value) {
            return Err(wrong_at(path, key, "found an integer beyond 2^53, which would be rounded"));
        }
        Ok(!trivial)
    }

    /// A reference to a place in the schema, as the library reads it: without any escapes.
    fn reference(&self, value: &Value, path: &[String]) -> Result<Value, GrammarError> {
        let expected = "expected a reference to a place in this schema, such as `#/$defs/name`";
        let refused = || wrong(path, &format!("found {}, {expected}", short(value)));
        let reference = value.as_str().ok_or_else(refused)?;
        if reference == "#" {
            return Ok(value.clone());
        }
        let pointer = reference.strip_prefix('#').filter(|pointer| pointer.starts_with('/'));
        let pointer = pointer.and_then(percent_decoded).ok_or_else(refused)?;
        let names: Vec<String> =
            pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
        let first = names.first().map(String::as_str).unwrap_or_default();
        let is_schema = SCHEMA.contains(&first) || SCHEMAS.contains(&first) || SCHEMA_MAP.contains(&first);
        if !is_schema || names.iter().any(|name| name.contains('/')) {
            return Err(refused());
        }
        match self.root.pointer(&pointer) {
            Some(_) => Ok(Value::String(format!("#/{}", names.join("/")))),
            None => Err(wrong(path, &format!("found {}, which leads nowhere", short(value)))),
        }
    }

    /// Whether no two options fit the same value, so that "one of" is the same as "any of".
    fn is_exclusive(&self, options: &Value) -> bool {
        let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
        options.iter().enumerate().all(|(index, option)| {
            options[index + 1..].iter().all(|other| disjoint(option, other, self.root))
        })
    }
}

/// `oneOf` whose options exclude each other becomes `anyOf`, unless there is one.
fn merged_key(fields: &Map<String, Value>) -> String {
    if fields.contains_key("anyOf") { "oneOf" } else { "anyOf" }.to_owned()
}

/// Adds the pattern that the library's idea of a format lacks.
fn narrow_format(fields: &mut Map<String, Value>) {
    let format = fields.get("format").and_then(Value::as_str).unwrap_or_default();
    let Some((_, pattern)) = FORMAT_PATTERNS.iter().find(|(name, _)| *name == format) else { return };
    let all = fields.entry("allOf").or_insert_with(|| json!([]));
    if let Some(all) = all.as_array_mut() {
        all.push(json!({"pattern": pattern}));
    }
}

/// Checks the limits of numbers of properties. Names that the schema does not list may repeat in the text, and then
/// count once.
fn check_counts(fields: &Map<String, Value>, path: &[String]) -> Result<(), GrammarError> {
    let count = |key: &str| fields.get(key).and_then(Value::as_object).map_or(0, Map::len);
    if count("properties") > MAX_PROPERTIES {
        let message = format!("found {}, expected at most {MAX_PROPERTIES}", count("properties"));
        return Err(wrong_at(path, "properties", &message));
    }
    let required = fields.get("required").and_then(Value::as_array).map_or(0, Vec::len);
    match fields.get("minProperties").and_then(Value::as_u64) {
        Some(least) if least > required as u64 + 1 => {
            let expected = "expected at most one more than the number of required properties";
            Err(wrong_at(path, "minProperties", &format!("found {least}, {expected} ({required})")))
        }
        _ => Ok(()),
    }
}

/// Whether a schema of names fits every name.
fn is_any_string(schema: &Value) -> bool {
    let Value::Object(fields) = schema else { return schema == &Value::Bool(true) };
    fields.iter().all(|(key, value)| key == "type" && value == "string")
}

fn has_large_integer(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(has_large_integer),
        Value::Object(values) => values.values().any(has_large_integer),
        Value::Number(number) => number
            .as_u64()
            .or_else(|| number.as_i64().map(i64::unsigned_abs))
            .is_some_and(|n| n > MAX_INTEGER),
        _ => false,
    }
}

/// The text of a URI fragment without `%` escapes; none when they are wrong.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
            let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
            decoded.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

fn wrong(path: &[String], message: &str) -> GrammarError {
    let pointer: String = path.iter().map(|name| format!("/{}", escaped(name))).collect();
    GrammarError::new(pointer, message)
}

fn wrong_at(path: &[String], key: &str, message: &str) -> GrammarError {
    let error = wrong(path, message);
    GrammarError { pointer: format!("{}/{}", error.pointer, escaped(key)), ..error }
}

/// A value in a message, at most so long.
fn short(value: &Value) -> String {
    let text = format!("`{value}`");
    if text.chars().count() <= 60 { text } else { text.chars().take(57).chain("..`".chars()).collect() }
}
