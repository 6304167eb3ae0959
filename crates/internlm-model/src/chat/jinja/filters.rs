//! Filters and tests of Jinja2 that minijinja lacks or has with other results (`jinja2/filters.py`, `jinja2/tests.py`).

use minijinja::value::{Kwargs, Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::super::python_json::{Characters, JsonStyle, Keys};
use super::super::python_text::{python_float, text};
use super::arguments::{
    bind, check_widths, integer, is_on, items, optional_text, refused, required_text, width_of,
};
use super::text_methods::{LineEnds, centered, lines, trimmed};

/// What a filter gets behind its value.
type Arguments = Rest<ValueOrKwargs>;

/// Filters that minijinja adds to Jinja2's, and `pprint`, which breaks lines in other places than Python.
const FOREIGN: [&str; 6] = ["bool", "chain", "lines", "pprint", "split", "zip"];

/// Makes the filters and tests of `environment` those of Jinja2.
pub(super) fn add_to(environment: &mut Environment) {
    for name in FOREIGN {
        environment.remove_filter(name);
    }
    for name in ["d", "default"] {
        environment.add_filter(name, default);
    }
    for name in ["e", "escape", "forceescape"] {
        environment.add_filter(name, escape);
    }
    environment.add_filter("center", center);
    environment.add_filter("dictsort", dictsort);
    environment.add_filter("filesizeformat", minijinja_contrib::filters::filesizeformat);
    environment.add_filter("float", float);
    environment.add_filter("format", format);
    environment.add_filter("indent", indent);
    environment.add_filter("int", int);
    environment.add_filter("join", join);
    environment.add_filter("list", list);
    environment.add_filter("string", text);
    environment.add_filter("striptags", minijinja_contrib::filters::striptags);
    environment.add_filter("tojson", tojson);
    environment.add_filter("trim", trim);
    environment.add_filter("truncate", truncate);
    environment.add_filter("wordcount", wordcount);
    environment.add_test("callable", is_callable);
    environment.add_test("iterable", is_iterable);
    environment.add_test("sequence", is_sequence);
}

fn is_callable(value: &Value) -> bool {
    value.kind() == ValueKind::Plain
}

fn is_iterable(value: &Value) -> bool {
    !value.is_none() && value.try_iter().is_ok()
}

/// Whether a value has a length and items: dicts and texts are sequences to Jinja2.
fn is_sequence(value: &Value) -> bool {
    let kind = value.kind();
    kind == ValueKind::Undefined || kind == ValueKind::Map || kind == ValueKind::String || is_list(kind)
}

fn is_list(kind: ValueKind) -> bool {
    matches!(kind, ValueKind::Seq | ValueKind::Iterable)
}

fn default(value: &Value, arguments: Arguments) -> Result<Value, Error> {
    let [other, boolean] = bind(&arguments.into_values(), ["default_value", "boolean"])?;
    let is_replaced = value.is_undefined() || (is_on(boolean) && !value.is_true());
    Ok(if is_replaced { other.unwrap_or_else(|| Value::from("")) } else { value.clone() })
}

fn escape(value: &Value) -> Value {
    Value::from_safe_string(escaped(value))
}

/// The text with HTML's characters escaped, unless it is safe already.
pub(super) fn escaped(value: &Value) -> String {
    let text = text(value);
    if value.is_safe() {
        return text;
    }
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// minijinja's filter for forms whose widths it can bear.
fn format(state: &mut State, form: &Value, arguments: Arguments) -> Result<Value, Error> {
    check_widths(form.as_str().unwrap_or_default(), &[])?;
    minijinja::filters::format(state, form, arguments)
}

fn center(value: &Value, arguments: Arguments) -> Result<String, Error> {
    let [width] = bind(&arguments.into_values(), ["width"])?;
    Ok(centered(&text(value), width_of(width, 80)?, ' '))
}

/// minijinja's, which takes its arguments by name alone.
fn dictsort(value: &Value, arguments: Arguments) -> Result<Value, Error> {
    let names = ["case_sensitive", "by", "reverse"];
    let given = bind(&arguments.into_values(), names)?;
    let named = names.into_iter().zip(given).filter_map(|(name, value)| Some((name, value?)));
    minijinja::filters::dictsort(value, named.collect::<Kwargs>())
}

fn float(value: &Value, arguments: Arguments) -> Result<Value, Error> {
    let [default] = bind(&arguments.into_values(), ["default"])?;
    defined(value)?;
    let float = match value.as_str() {
        Some(text) => read_float(text),
        None if value.kind() == ValueKind::Bool => Some(f64::from(u8::from(value.is_true()))),
        None => f64::try_from(value.clone()).ok(),
    };
    Ok(float.map(Value::from).or(default).unwrap_or_else(|| Value::from(0.0)))
}

/// Refuses undefined values, which have no number.
fn defined(value: &Value) -> Result<(), Error> {
    if value.is_undefined() { Err(ErrorKind::UndefinedError.into()) } else { Ok(()) }
}

/// A float as Python's `float` reads it.
fn read_float(text: &str) -> Option<f64> {
    without_underscores(trimmed(text))?.parse().ok()
}

/// The digits of a number without the underscores that Python allows between them.
fn without_underscores(text: &str) -> Option<String> {
    let byte = |at: Option<usize>| text.as_bytes().get(at?);
    let is_digit = |at: Option<usize>| byte(at).is_some_and(u8::is_ascii_alphanumeric);
    let is_between = |at: usize| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
    text.match_indices('_').all(|(at, _)| is_between(at)).then(|| text.replace('_', ""))
}

fn int(value: &Value, arguments: Arguments) -> Result<Value, Error> {
    let [default, base] = bind(&arguments.into_values(), ["default", "base"])?;
    let base = integer(base, 10)?;
    defined(value)?;
    let default = default.unwrap_or_else(|| Value::from(0));
    let float = match value.kind() {
        ValueKind::Bool => return Ok(Value::from(i64::from(value.is_true()))),
        ValueKind::Number if value.is_integer() => return Ok(value.clone()),
        ValueKind::Number => f64::try_from(value.clone()).ok().filter(|float| !float.is_nan()),
        _ => match value.as_str() {
            None => None,
            Some(text) => match read_integer(text, base) {
                Some(integer) => return Ok(Value::from(integer)),
                // For infinity and for text without a number Jinja2 gives the default.
                None => read_float(text).filter(|float| float.is_finite()),
            },
        },
    };
    match float {
        None => Ok(default),
        Some(float) if float.abs() < 1e38 => Ok(Value::from(float as i128)),
        Some(float) => Err(refused(format!("cannot convert {} to a whole number", python_float(float)))),
    }
}

/// A whole number as Python's `int(text, base)` reads it.
fn read_integer(text: &str, base: i64) -> Option<i128> {
    let text = without_underscores(trimmed(text))?;
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let prefix = match base {
        2 => "0b",
        8 => "0o",
        16 => "0x",
        _ => "",
    };
    let lower = digits.to_ascii_lowercase();
    let digits = lower.strip_prefix(prefix).unwrap_or(&lower);
    let base = u32::try_from(base).ok().filter(|base| (2..=36).contains(base))?;
    if !digits.chars().all(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let number = i128::from_str_radix(digits, base).ok()?;
    Some(if is_negative { -number } else { number })
}

fn indent(value: &Value, arguments: Arguments) -> Result<String, Error> {
    let [width, first, blank] = bind(&arguments.into_values(), ["width", "first", "blank"])?;
    let indent = match width.as_ref().and_then(Value::as_str) {
        Some(indent) => indent.to_owned(),
        None => " ".repeat(width_of(width, 4)?),
    };
    let is_blank_indented = is_on(blank);
    // With a line end more, so that one at the end of the text is kept.
    let text = required_text(Some(value.clone()), "text")? + "\n";
    let mut indented = String::new();
    for (index, line) in lines(&text, LineEnds::Drop).enumerate() {
        let is_indented = index > 0 && (is_blank_indented || !line.is_empty());
        indented.push_str(if index == 0 { "" } else { "\n" });
        indented.push_str(if is_indented { &indent } else { "" });
        indented.push_str(line);
    }
    Ok(if is_on(first) { indent + &indented } else { indented })
}

fn join(value: &Value, arguments: Arguments) -> Result<String, Error> {
    let [separator, attribute] = bind(&arguments.into_values(), ["d", "attribute"])?;
    let separator = separator.map(|separator| text(&separator)).unwrap_or_default();
    let mut texts = Vec::new();
    for item in items(value)? {
        texts.push(text(&match &attribute {
            Some(path) if !path.is_none() => attribute_of(item, path)?,
            _ => item,
        }));
    }
    Ok(texts.join(&separator))
}

/// What `path` leads to: the names of attributes and the indices of items with dots between them.
fn attribute_of(item: Value, path: &Value) -> Result<Value, Error> {
    let mut found = item;
    for part in text(path).split('.') {
        let key = part.parse::<usize>().map_or_else(|_| Value::from(part), Value::from);
        found = found.get_item(&key)?;
    }
    Ok(found)
}

fn list(value: &Value) -> Result<Value, Error> {
    items(value).map(Value::from)
}

/// `json.dumps` with the arguments that transformers passes on.
fn tojson(value: &Value, arguments: Arguments) -> Result<String, Error> {
    let names = ["ensure_ascii", "indent", "separators", "sort_keys"];
    let [ascii, indent, separators, sorted] = bind(&arguments.into_values(), names)?;
    let mut style = JsonStyle::default();
    if let Some(indent) = indent.filter(|indent| !indent.is_none()) {
        style.separators.0 = ",".to_owned();
        style.indent = Some(match indent.as_str() {
            Some(indent) => indent.to_owned(),
            None if indent.kind() == ValueKind::Bool => " ".repeat(usize::from(indent.is_true())),
            None => " ".repeat(width_of(Some(indent), 0)?),
        });
    }
    if let Some(separators) = separators.filter(|separators| !separators.is_none()) {
        let pair = items(&separators)?;
        let [item, key] = pair.as_slice() else {
            return Err(refused(format!("separators: found {} items, expected two", pair.len())));
        };
        let part = |value: &Value| optional_text(Some(value.clone())).map(Option::unwrap_or_default);
        style.separators = (part(item)?, part(key)?);
    }
    if is_on(ascii) {
        style.characters = Characters::Escaped;
    }
    if is_on(sorted) {
        style.keys = Keys::Sorted;
    }
    style.write(value).map_err(|kind| refused(format!("a value of kind {kind} has no JSON form")))
}

fn trim(value: &Value, arguments: Arguments) -> Result<String, Error> {
    let [characters] = bind(&arguments.into_values(), ["chars"])?;
    let text = text(value);
    Ok(match optional_text(characters)? {
        None => trimmed(&text).to_owned(),
        Some(characters) => text.trim_matches(|c: char| characters.contains(c)).to_owned(),
    })
}

fn truncate(value: &Value, arguments: Arguments) -> Result<String, Error> {
    let [length, killwords, end, leeway] =
        bind(&arguments.into_values(), ["length", "killwords", "end", "leeway"])?;
    let (length, leeway) = (width_of(length, 255)?, width_of(leeway, 5)?);
    let end = end.map_or_else(|| "...".to_owned(), |end| text(&end));
    let text = text(value);
    let Some(kept) = length.checked_sub(end.chars().count()) else {
        return Err(refused(format!("truncate: found length {length}, expected at least that of `{end}`")));
    };
    if text.chars().count() <= length + leeway {
        return Ok(text);
    }
    let kept: String = text.chars().take(kept).collect();
    let words = kept.rsplit_once(' ').map_or(kept.as_str(), |(words, _)| words);
    Ok(if is_on(killwords) { kept + &end } else { words.to_owned() + &end })
}

/// The number of runs of letters, digits and underscores.
fn wordcount(value: &Value) -> usize {
    let text = text(value);
    text.split(|c: char| c != '_' && !c.is_alphanumeric()).filter(|word| !word.is_empty()).count()
}
