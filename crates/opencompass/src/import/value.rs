//! [`Value`]: what an expression of a configuration is worth, and [`Heap`]: the lists and dictionaries.
//!
//! Lists and dictionaries are places in the heap, so that names share them as in Python and cycles cannot leak.

use std::cmp::Ordering;
use std::rc::Rc;

use indexmap::IndexMap;

use super::ast::Definition;

/// Maximum amount of work: values that are computed or copied, and texts in units of [`CHARACTERS`].
const BUDGET: usize = 4_000_000;
/// Number of bytes of text that are as much work as one value.
pub(super) const CHARACTERS: usize = 16;
/// Maximum depth of values inside of values.
const DEEPEST: usize = 60;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    /// A place in [`Heap::lists`].
    List(usize),
    /// A place in [`Heap::lists`] that is not changed.
    Tuple(usize),
    /// A place in [`Heap::dicts`].
    Dict(usize),
    /// A name from outside of the configurations, with its module: a class, a function or a module.
    Type(Rc<str>),
    /// A function of a configuration, and the module whose names it sees.
    Function(Rc<Definition>, usize),
    /// A lambda or a class of a configuration, which nothing can be done with.
    Opaque(Rc<str>),
    /// The text of an open file.
    File(Rc<str>),
}

/// A key of a dictionary.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Key {
    None,
    Bool(bool),
    Int(i64),
    Text(Rc<str>),
    Type(Rc<str>),
}

/// The entries of a dictionary in their order.
pub(super) type Entries = IndexMap<Key, Value>;

/// The values that can change, and the bounds of work.
#[derive(Debug)]
pub(super) struct Heap {
    pub(super) lists: Vec<Vec<Value>>,
    pub(super) dicts: Vec<Entries>,
    left: usize,
}

impl Value {
    /// A text.
    pub(super) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// Names the kind of the value in messages.
    pub(super) fn kind(&self) -> String {
        let kind = match self {
            Self::None => "None",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Dict(_) => "a dictionary",
            Self::Type(name) | Self::Opaque(name) => return format!("`{name}`"),
            Self::Function(definition, _) => return format!("`{}`", definition.name),
            Self::File(_) => "a file",
        };
        kind.to_owned()
    }

    /// Returns the text of a string.
    pub(super) fn as_text(&self) -> Result<&str, String> {
        match self {
            Self::Text(text) => Ok(text),
            other => Err(format!("found {}, expected a string", other.kind())),
        }
    }

    /// Returns a whole number; truth values are 0 and 1.
    pub(super) fn as_int(&self) -> Result<i64, String> {
        match self {
            Self::Int(number) => Ok(*number),
            Self::Bool(truth) => Ok(i64::from(*truth)),
            other => Err(format!("found {}, expected a whole number", other.kind())),
        }
    }

    /// Returns a number as a float.
    #[expect(clippy::cast_precision_loss, reason = "Python rounds too")]
    pub(super) fn as_float(&self) -> Result<f64, String> {
        match self {
            Self::Float(number) => Ok(*number),
            other => other.as_int().map(|number| number as f64),
        }
    }

    /// Returns the value as a key.
    pub(super) fn as_key(&self) -> Result<Key, String> {
        match self {
            Self::None => Ok(Key::None),
            Self::Bool(truth) => Ok(Key::Bool(*truth)),
            Self::Int(number) => Ok(Key::Int(*number)),
            Self::Text(text) => Ok(Key::Text(text.clone())),
            Self::Type(name) => Ok(Key::Type(name.clone())),
            other => Err(format!("{} as a key is not supported", other.kind())),
        }
    }
}

impl Key {
    /// Returns the key as a value.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::None => Value::None,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Int(number) => Value::Int(*number),
            Self::Text(text) => Value::Text(text.clone()),
            Self::Type(name) => Value::Type(name.clone()),
        }
    }
}

impl Heap {
    /// An empty heap with the whole budget.
    pub(super) fn new() -> Self {
        Self { lists: Vec::new(), dicts: Vec::new(), left: BUDGET }
    }

    /// Takes work from the budget.
    pub(super) fn spend(&mut self, amount: usize) -> Result<(), String> {
        match self.left.checked_sub(amount) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err("the configuration computes too much".to_owned()),
        }
    }

    /// Takes the work of a text from the budget, and makes it a value.
    pub(super) fn text(&mut self, text: String) -> Result<Value, String> {
        self.spend(text.len() / CHARACTERS)?;
        Ok(Value::text(text))
    }

    /// Makes a list.
    pub(super) fn list(&mut self, items: Vec<Value>) -> Result<Value, String> {
        self.spend(items.len())?;
        self.lists.push(items);
        Ok(Value::List(self.lists.len() - 1))
    }

    /// Makes a tuple.
    pub(super) fn tuple(&mut self, items: Vec<Value>) -> Result<Value, String> {
        self.spend(items.len())?;
        self.lists.push(items);
        Ok(Value::Tuple(self.lists.len() - 1))
    }

    /// Makes a dictionary.
    pub(super) fn dict(&mut self, entries: Entries) -> Result<Value, String> {
        self.spend(entries.len())?;
        self.dicts.push(entries);
        Ok(Value::Dict(self.dicts.len() - 1))
    }

    /// Returns what a loop over the value goes through.
    pub(super) fn items(&mut self, value: &Value) -> Result<Vec<Value>, String> {
        let items: Vec<Value> = match value {
            Value::List(place) | Value::Tuple(place) => self.lists[*place].clone(),
            Value::Dict(place) => self.dicts[*place].keys().map(Key::value).collect(),
            Value::Text(text) => text.chars().map(|character| Value::text(character.to_string())).collect(),
            other => return Err(format!("a loop over {} is not supported", other.kind())),
        };
        self.spend(items.len())?;
        Ok(items)
    }

    /// Says whether Python takes the value for true.
    pub(super) fn truth(&self, value: &Value) -> bool {
        match value {
            Value::None => false,
            Value::Bool(truth) => *truth,
            Value::Int(number) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::List(place) | Value::Tuple(place) => !self.lists[*place].is_empty(),
            Value::Dict(place) => !self.dicts[*place].is_empty(),
            Value::Type(_) | Value::Function(..) | Value::Opaque(_) | Value::File(_) => true,
        }
    }

    /// Says whether two values are equal.
    pub(super) fn equal(&mut self, left: &Value, right: &Value, depth: usize) -> Result<bool, String> {
        self.spend(1)?;
        if depth > DEEPEST {
            return Err("values are nested too deeply".to_owned());
        }
        match (left, right) {
            (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
                let (a, b) = (self.lists[*a].clone(), self.lists[*b].clone());
                self.spend(a.len())?;
                let mut same = a.len() == b.len();
                for (a, b) in a.iter().zip(&b) {
                    same = same && self.equal(a, b, depth + 1)?;
                }
                Ok(same)
            }
            (Value::Dict(a), Value::Dict(b)) => {
                let (a, b) = (self.dicts[*a].clone(), self.dicts[*b].clone());
                self.spend(a.len())?;
                let mut same = a.len() == b.len();
                for (key, value) in &a {
                    same = same && b.contains_key(key);
                    if let (true, Some(other)) = (same, b.get(key)) {
                        same = self.equal(value, other, depth + 1)?;
                    }
                }
                Ok(same)
            }
            (Value::Text(a), Value::Text(b)) | (Value::Type(a), Value::Type(b)) => Ok(a == b),
            (Value::None, Value::None) => Ok(true),
            (left, right) => Ok(match (left.as_int(), right.as_int()) {
                (Ok(left), Ok(right)) => left == right,
                _ => match (left.as_float(), right.as_float()) {
                    (Ok(left), Ok(right)) => left.partial_cmp(&right) == Some(Ordering::Equal),
                    _ => false,
                },
            }),
        }
    }

    /// Copies a value with everything in it.
    pub(super) fn deep_copy(&mut self, value: &Value, depth: usize) -> Result<Value, String> {
        if depth > DEEPEST {
            return Err("values are nested too deeply".to_owned());
        }
        match value {
            Value::List(place) | Value::Tuple(place) => {
                let mut items = self.lists[*place].clone();
                self.spend(items.len())?;
                for item in &mut items {
                    *item = self.deep_copy(item, depth + 1)?;
                }
                if matches!(value, Value::List(_)) { self.list(items) } else { self.tuple(items) }
            }
            Value::Dict(place) => {
                let mut entries = self.dicts[*place].clone();
                self.spend(entries.len())?;
                for item in entries.values_mut() {
                    *item = self.deep_copy(item, depth + 1)?;
                }
                self.dict(entries)
            }
            other => Ok(other.clone()),
        }
    }
}
