//! Methods of strings, lists, dictionaries and open files.

use std::rc::Rc;

use super::machine::Arguments;
use super::value::{CHARACTERS, Heap, Key, Value};

impl Heap {
    /// Calls `value.name(arguments)`.
    pub(super) fn method(
        &mut self,
        value: &Value,
        name: &str,
        arguments: Arguments,
    ) -> Result<Value, String> {
        match value {
            Value::Text(text) => self.text_method(text, name, &arguments),
            Value::List(place) => self.list_method(*place, name, &arguments),
            Value::Tuple(place) if name == "index" => self.list_method(*place, name, &arguments),
            Value::Dict(place) => match name {
                "update" => self.update(*place, arguments),
                "deepcopy" => self.deep_copy(value, 0),
                _ => self.dict_method(*place, name, &arguments),
            },
            Value::File(text) if name == "read" => Ok(Value::Text(text.clone())),
            Value::File(text) if name == "readlines" => {
                let lines = text.split_inclusive('\n').map(Value::text).collect();
                self.list(lines)
            }
            other => Err(unknown(&other.kind(), name)),
        }
    }

    fn text_method(&mut self, text: &Rc<str>, name: &str, arguments: &Arguments) -> Result<Value, String> {
        if name == "format" {
            let formatted = self.format(text, arguments)?;
            return self.text(formatted);
        }
        if !arguments.named.is_empty() {
            return Err(unknown("a string with arguments by name", name));
        }
        let strings: Vec<&str> =
            arguments.positional.iter().filter_map(|argument| argument.as_text().ok()).collect();
        let result = match (name, strings.as_slice(), arguments.positional.as_slice()) {
            ("join", _, [parts]) => {
                let parts = self.items(parts)?;
                self.spend(text.len().saturating_mul(parts.len()) / CHARACTERS)?;
                let parts: Vec<&str> = parts.iter().map(Value::as_text).collect::<Result<_, _>>()?;
                parts.join(&**text)
            }
            ("strip", _, []) => text.trim_matches(is_space).to_owned(),
            ("lstrip", _, []) => text.trim_start_matches(is_space).to_owned(),
            ("rstrip", _, []) => text.trim_end_matches(is_space).to_owned(),
            ("strip", [set], [_]) => text.trim_matches(|part: char| set.contains(part)).to_owned(),
            ("lstrip", [set], [_]) => text.trim_start_matches(|part: char| set.contains(part)).to_owned(),
            ("rstrip", [set], [_]) => text.trim_end_matches(|part: char| set.contains(part)).to_owned(),
            ("replace", [from, to], [_, _]) if !from.is_empty() => {
                let added = text.matches(*from).count().saturating_mul(to.len());
                self.spend(added / CHARACTERS)?;
                text.replace(*from, to)
            }
            ("lower", _, []) => text.to_lowercase(),
            ("upper", _, []) => text.to_uppercase(),
            ("capitalize", _, []) => {
                let mut characters = text.chars();
                let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
                first + &characters.as_str().to_lowercase()
            }
            ("startswith", [start], [_]) => return Ok(Value::Bool(text.starts_with(*start))),
            ("endswith", [end], [_]) => return Ok(Value::Bool(text.ends_with(*end))),
            ("split" | "rsplit", ..) => {
                let parts = split(text, name, &strings, &arguments.positional)?;
                return self.list(parts);
            }
            _ => return Err(unknown("a string", name)),
        };
        self.text(result)
    }

    /// Replaces `{}`, `{0}` and `{name}` by arguments.
    fn format(&mut self, template: &str, arguments: &Arguments) -> Result<String, String> {
        let mut result = String::new();
        let mut positions = arguments.positional.iter();
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            result.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let brace = &rest[at..=at];
            if let Some(after) = after.strip_prefix(brace) {
                result.push_str(brace);
                rest = after;
                continue;
            }
            let Some((field, after)) = after.split_once('}').filter(|_| brace == "{") else {
                return Err("format: found a single brace".to_owned());
            };
            rest = after;
            let (name, spec) = field.split_once(':').unwrap_or((field, ""));
            let value = if name.is_empty() {
                positions.next()
            } else if let Ok(position) = name.parse::<usize>() {
                arguments.positional.get(position)
            } else {
                arguments.named.get(name)
            };
            let value = value.ok_or_else(|| format!("format: no value for `{{{name}}}`"))?;
            result.push_str(&self.print_as(value, spec)?);
        }
        result.push_str(rest);
        Ok(result)
    }

    fn list_method(&mut self, place: usize, name: &str, arguments: &Arguments) -> Result<Value, String> {
        match (name, arguments.positional.as_slice()) {
            ("append", [item]) => {
                self.spend(1)?;
                self.lists[place].push(item.clone());
                Ok(Value::None)
            }
            ("extend", [items]) => {
                let items = self.items(items)?;
                self.lists[place].extend(items);
                Ok(Value::None)
            }
            ("insert", [Value::Int(at), item]) => {
                let at = usize::try_from(*at).map_err(|_| "insert: an index below 0 is not supported")?;
                self.spend(1)?;
                let items = &mut self.lists[place];
                items.insert(at.min(items.len()), item.clone());
                Ok(Value::None)
            }
            ("pop", []) => self.lists[place].pop().ok_or_else(|| "pop: the list is empty".to_owned()),
            ("copy", []) => {
                let items = self.lists[place].clone();
                self.list(items)
            }
            ("index", [item]) => {
                for (index, other) in self.lists[place].clone().iter().enumerate() {
                    if self.equal(other, item, 0)? {
                        return i64::try_from(index).map(Value::Int).map_err(|error| error.to_string());
                    }
                }
                Err("index: the value is not in the list".to_owned())
            }
            _ => Err(unknown("a list", name)),
        }
    }

    fn dict_method(&mut self, place: usize, name: &str, arguments: &Arguments) -> Result<Value, String> {
        let entries = self.dicts[place].clone();
        self.spend(entries.len())?;
        match (name, arguments.positional.as_slice()) {
            ("keys", []) => self.list(entries.keys().map(Key::value).collect()),
            ("values", []) => self.list(entries.into_values().collect()),
            ("items", []) => {
                let mut pairs = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    pairs.push(self.tuple(vec![key.value(), value])?);
                }
                self.list(pairs)
            }
            ("copy", []) => self.dict(entries),
            ("get", [key]) => Ok(entries.get(&key.as_key()?).cloned().unwrap_or(Value::None)),
            ("get", [key, default]) => Ok(entries.get(&key.as_key()?).unwrap_or(default).clone()),
            ("pop", [key, fallback @ ..]) if fallback.len() <= 1 => {
                let found = self.dicts[place].shift_remove(&key.as_key()?);
                found.or_else(|| fallback.first().cloned()).ok_or_else(|| "pop: no such key".to_owned())
            }
            ("setdefault", [key, default]) => {
                Ok(self.dicts[place].entry(key.as_key()?).or_insert_with(|| default.clone()).clone())
            }
            _ => Err(unknown("a dictionary", name)),
        }
    }

    fn update(&mut self, place: usize, arguments: Arguments) -> Result<Value, String> {
        for argument in &arguments.positional {
            let Value::Dict(other) = argument else {
                return Err(format!("update: found {}, expected a dictionary", argument.kind()));
            };
            let entries = self.dicts[*other].clone();
            self.spend(entries.len())?;
            self.dicts[place].extend(entries);
        }
        for (name, value) in arguments.named {
            self.dicts[place].insert(Key::Text(name), value);
        }
        Ok(Value::None)
    }
}

/// White space as Python's `str.split` and `str.strip` take it.
fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// `text.split` and `text.rsplit`; `strings` are those of the arguments that are strings.
fn split(text: &str, name: &str, strings: &[&str], arguments: &[Value]) -> Result<Vec<Value>, String> {
    Ok(match (name, strings, arguments) {
        ("split", _, []) => text.split(is_space).filter(|word| !word.is_empty()).map(Value::text).collect(),
        ("split", [mark], [_]) if !mark.is_empty() => text.split(*mark).map(Value::text).collect(),
        ("split", [mark], [_, Value::Int(count)]) if !mark.is_empty() && *count >= 0 => {
            let count = usize::try_from(*count).unwrap_or(usize::MAX).saturating_add(1);
            text.splitn(count, *mark).map(Value::text).collect()
        }
        ("rsplit", [mark], [_, Value::Int(1)]) if !mark.is_empty() => match text.rsplit_once(*mark) {
            Some((before, after)) => vec![Value::text(before), Value::text(after)],
            None => vec![Value::text(text)],
        },
        _ => return Err(unknown("a string", name)),
    })
}

fn unknown(kind: &str, name: &str) -> String {
    format!("`.{name}()` of {kind} is not supported with these arguments")
}
