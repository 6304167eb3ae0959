//! Values as Python prints them: `str`, `repr` and formats.

use serde_json::Value as Json;

use super::value::{CHARACTERS, Heap, Value};
use crate::prompt::python_str;

/// Maximum depth of printed values.
const DEEPEST: usize = 60;
/// Maximum width and precision of a format.
const WIDEST: usize = 1000;

impl Heap {
    /// Prints a value as `str` does.
    pub(super) fn print(&mut self, value: &Value) -> Result<String, String> {
        let text = match value {
            Value::Text(text) | Value::Type(text) => text.to_string(),
            other => self.represent(other, 0)?,
        };
        self.spend(text.len() / CHARACTERS + 1)?;
        Ok(text)
    }

    /// Prints a value as `repr` does.
    pub(super) fn represent(&mut self, value: &Value, depth: usize) -> Result<String, String> {
        self.spend(1)?;
        if depth > DEEPEST {
            return Err("values are nested too deeply".to_owned());
        }
        Ok(match value {
            Value::None => "None".to_owned(),
            Value::Bool(truth) => python_str(&Json::from(*truth)),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => python_str(&Json::from(*number)),
            Value::Text(text) => quoted(text),
            Value::List(place) => {
                let items = self.lists[*place].clone();
                format!("[{}]", self.represent_all(&items, depth)?.join(", "))
            }
            Value::Tuple(place) => {
                let items = self.lists[*place].clone();
                let comma = if items.len() == 1 { "," } else { "" };
                format!("({}{comma})", self.represent_all(&items, depth)?.join(", "))
            }
            Value::Dict(place) => {
                let entries = self.dicts[*place].clone();
                let mut parts = Vec::with_capacity(entries.len());
                for (key, value) in &entries {
                    let key = self.represent(&key.value(), depth + 1)?;
                    parts.push(format!("{key}: {}", self.represent(value, depth + 1)?));
                }
                format!("{{{}}}", parts.join(", "))
            }
            other => return Err(format!("printing {} is not supported", other.kind())),
        })
    }

    fn represent_all(&mut self, items: &[Value], depth: usize) -> Result<Vec<String>, String> {
        items.iter().map(|item| self.represent(item, depth + 1)).collect()
    }

    /// Prints a value under a format such as `.2f`, `03d` or `>8`.
    pub(super) fn print_as(&mut self, value: &Value, spec: &str) -> Result<String, String> {
        if spec.is_empty() {
            return self.print(value);
        }
        let format = Format::parse(spec)?;
        let text = match (format.kind, format.precision) {
            (Some('d'), None) => value.as_int()?.to_string(),
            (Some('f'), precision) => format!("{:.*}", precision.unwrap_or(6), value.as_float()?),
            (None | Some('s'), None) => self.print(value)?,
            (None | Some('s'), Some(precision)) if matches!(value, Value::Text(_)) => {
                value.as_text()?.chars().take(precision).collect()
            }
            _ => return Err(format!("the format `{spec}` of {} is not supported", value.kind())),
        };
        let is_number = matches!(value, Value::Int(_) | Value::Float(_) | Value::Bool(_));
        Ok(format.pad(text, if is_number { '>' } else { '<' }))
    }

    /// Formats a template with `%`.
    pub(super) fn percent(&mut self, template: &str, value: &Value) -> Result<Value, String> {
        let mut values = match value {
            Value::Tuple(place) => self.lists[*place].clone(),
            other => vec![other.clone()],
        }
        .into_iter();
        let mut result = String::new();
        let mut rest = template;
        while let Some(start) = rest.find('%') {
            result.push_str(&rest[..start]);
            rest = &rest[start + 1..];
            let mut chosen = None;
            if let Some((name, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
                chosen = Some(self.member(value, name)?);
                rest = after;
            }
            let Some(end) = rest.find(|character: char| !matches!(character, '0'..='9' | '.')) else {
                return Err("`%` without a conversion".to_owned());
            };
            let (width, after) = rest.split_at(end);
            let kind = after.chars().next().unwrap_or_default();
            rest = &after[kind.len_utf8()..];
            if kind == '%' {
                result.push('%');
                continue;
            }
            let value = chosen.or_else(|| values.next()).ok_or("not enough values for `%`")?;
            result.push_str(&match kind {
                's' if width.is_empty() => self.print(&value)?,
                'd' | 'f' => self.print_as(&value, &format!("{width}{kind}"))?,
                'r' if width.is_empty() => self.represent(&value, 0)?,
                other => return Err(format!("`%{width}{other}` is not supported")),
            });
        }
        if values.next().is_some() && !matches!(value, Value::Dict(_)) {
            return Err("more values than `%` conversions".to_owned());
        }
        result.push_str(rest);
        self.text(result)
    }

    fn member(&mut self, value: &Value, name: &str) -> Result<Value, String> {
        let Value::Dict(place) = value else {
            return Err(format!("found {}, expected a dictionary for `%({name})`", value.kind()));
        };
        let key = Value::text(name).as_key()?;
        self.dicts[*place].get(&key).cloned().ok_or_else(|| format!("key `{name}` not found"))
    }
}

/// A string as `repr` prints it.
fn quoted(text: &str) -> String {
    let list = python_str(&Json::from(vec![text]));
    list[1..list.len() - 1].to_owned()
}

/// A parsed format.
struct Format {
    fill: char,
    /// `<`, `>` or `^`.
    align: Option<char>,
    width: usize,
    precision: Option<usize>,
    kind: Option<char>,
}

impl Format {
    fn parse(spec: &str) -> Result<Self, String> {
        let unknown = || format!("the format `{spec}` is not supported");
        let mut characters: Vec<char> = spec.chars().collect();
        let is_align = |character: Option<&char>| matches!(character, Some('<' | '>' | '^'));
        let mut format = Self { fill: ' ', align: None, width: 0, precision: None, kind: None };
        if is_align(characters.get(1)) {
            format.fill = characters.remove(0);
        }
        if is_align(characters.first()) {
            format.align = Some(characters.remove(0));
        }
        if characters.first() == Some(&'0') {
            format.fill = '0';
            format.align.get_or_insert('>');
        }
        if characters.last().is_some_and(char::is_ascii_alphabetic) {
            format.kind = characters.pop();
        }
        let rest: String = characters.into_iter().collect();
        let (width, precision) = match rest.split_once('.') {
            Some((width, precision)) => (width, Some(precision)),
            None => (rest.as_str(), None),
        };
        let number = |digits: &str| match digits.parse::<usize>() {
            Ok(number) if number <= WIDEST => Ok(number),
            _ => Err(unknown()),
        };
        format.width = if width.is_empty() { 0 } else { number(width)? };
        format.precision = precision.map(number).transpose()?;
        Ok(format)
    }

    fn pad(&self, text: String, align: char) -> String {
        let missing = self.width.saturating_sub(text.chars().count());
        let fill = |count: usize| self.fill.to_string().repeat(count);
        match self.align.unwrap_or(align) {
            _ if missing == 0 => text,
            '<' => text + &fill(missing),
            '^' => fill(missing / 2) + &text + &fill(missing - missing / 2),
            _ => match text.strip_prefix('-').filter(|_| self.fill == '0') {
                Some(digits) => format!("-{}{digits}", fill(missing)),
                None => fill(missing) + &text,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_those_of_python() {
        let mut heap = Heap::new();
        let cases = [
            (Value::Int(7), "03d", "007"),
            (Value::Int(-7), "03", "-07"),
            (Value::Float(2.5), ".0f", "2"),
            (Value::Float(1.0), "", "1.0"),
            (Value::text("ab"), ">4", "  ab"),
            (Value::text("ab"), "*^5", "*ab**"),
        ];
        for (value, spec, text) in cases {
            assert_eq!(heap.print_as(&value, spec).as_deref(), Ok(text), "{spec}");
        }
        assert!(heap.print_as(&Value::Int(7), "x").is_err());
    }

    #[test]
    fn percent_takes_its_values_in_order() {
        let mut heap = Heap::new();
        let values = heap.tuple(vec![Value::text("a"), Value::Int(5)]).expect("a tuple");
        let text = heap.percent("%s-%03d%%", &values).expect("formatted");
        assert_eq!(text.as_text(), Ok("a-005%"));
        assert!(heap.percent("%s", &values).is_err() && heap.percent("%s %s %s", &values).is_err());
        let one = heap.represent(&values, 0);
        assert_eq!(one.as_deref(), Ok("('a', 5)"));
    }
}
