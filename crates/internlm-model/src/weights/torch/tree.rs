//! From the flat objects of the pickle machine to a [`Value`], under a budget of size and depth.

use super::budget;
use super::globals::Global;
use super::object::{Item, Object, Pickle};
use super::tensor::Storages;
use super::value::{MAX_DEPTH, Value};
use crate::cursor::Fault;

/// Bytes of text that count as much as one value.
const BYTES_PER_VALUE: usize = 32;
/// Characters of one key shown in the name of a tensor.
const MAX_KEY: usize = 200;

/// The tree, with a line for every tensor that does not fit the archive.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) root: Value,
    pub(super) problems: Vec<String>,
}

/// Builds the tree of `pickle`, which was `length` bytes long; tensors are checked against `storages`.
pub(super) fn build(
    pickle: &Pickle<'_>,
    length: usize,
    storages: &Storages,
    file_length: usize,
) -> Result<Tree, Fault> {
    let mut builder = Builder {
        pickle,
        storages,
        file_length,
        budget: budget::values(length),
        open: vec![false; pickle.objects.len()],
        at: 0,
        path: String::new(),
        problems: Vec::new(),
    };
    let root = builder.value(pickle.root, 0)?;
    Ok(Tree { root, problems: builder.problems })
}

struct Builder<'p, 'a> {
    pickle: &'p Pickle<'a>,
    storages: &'p Storages,
    file_length: usize,
    /// Values that may still be made.
    budget: usize,
    /// Objects that contain the one being built.
    open: Vec<bool>,
    /// Byte of the pickle that made the object being built.
    at: usize,
    /// Keys down to the value being built, joined by dots.
    path: String,
    problems: Vec<String>,
}

impl<'a> Builder<'_, 'a> {
    fn fail<T>(&self, message: impl Into<String>) -> Result<T, Fault> {
        Err(Fault { offset: self.at as u64, message: message.into() })
    }

    /// Counts one value that carries `bytes` of its own.
    fn charge(&mut self, bytes: usize) -> Result<(), Fault> {
        match self.budget.checked_sub(1 + bytes / BYTES_PER_VALUE) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => self.fail("the pickle stands for too many values for its length: not a checkpoint"),
        }
    }

    fn value(&mut self, item: Item<'a>, depth: usize) -> Result<Value, Fault> {
        self.charge(match item {
            Item::Text(text) => text.len(),
            Item::Bytes(bytes) | Item::BigInt(bytes) => bytes.len(),
            _ => 0,
        })?;
        Ok(match item {
            Item::None => Value::None,
            Item::Bool(value) => Value::Bool(value),
            Item::Int(value) => Value::Int(value),
            Item::BigInt(bytes) => Value::BigInt(bytes.to_vec()),
            Item::Float(value) => Value::Float(value),
            Item::Text(text) => Value::Text(text.to_owned()),
            Item::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Item::Global(Global::DType(encoding)) => Value::DType(encoding),
            Item::Global(global) => return self.fail(format!("found {global} itself as a value")),
            Item::Object(index) => {
                let outside = self.at;
                self.at = self.pickle.objects[index].0;
                if self.open[index] {
                    return self.fail("an object contains itself");
                }
                if depth == MAX_DEPTH {
                    return self.fail(format!("nesting: found more than {MAX_DEPTH} levels"));
                }
                self.open[index] = true;
                let value = self.object(index, depth + 1)?;
                self.open[index] = false;
                self.at = outside;
                value
            }
        })
    }

    /// Object `index`, whose items are `depth` levels down.
    fn object(&mut self, index: usize, depth: usize) -> Result<Value, Fault> {
        let pickle = self.pickle;
        Ok(match &pickle.objects[index].1 {
            Object::List(items) => Value::List(self.items(items, depth)?),
            Object::Tuple(items) => Value::Tuple(self.items(items, depth)?),
            Object::Set(items) => Value::Set(self.items(items, depth)?),
            Object::Dict(pairs) => {
                let mut values = Vec::new();
                for &(key, value) in pairs {
                    let made = self.value(key, depth)?;
                    let parent = self.enter(&label(key));
                    values.push((made, self.value(value, depth)?));
                    self.path.truncate(parent);
                }
                Value::Dict(values)
            }
            Object::Bytes(bytes) => {
                self.charge(bytes.len())?;
                Value::Bytes(bytes.clone())
            }
            Object::Device(name) => {
                self.charge(name.len())?;
                Value::Device(name.clone())
            }
            Object::Storage(storage) => {
                return self.fail(format!("found storage {} itself as a value", storage.key));
            }
            Object::Tensor(declared) => {
                self.charge(size_of_val(&declared.shape[..]) + size_of_val(&declared.strides[..]))?;
                match declared.place(self.storages, self.file_length) {
                    Ok(tensor) => Value::Tensor(Box::new(tensor)),
                    Err(problem) => {
                        let problem = format!("tensor {}: {problem}", self.path);
                        self.charge(problem.len())?;
                        self.problems.push(problem);
                        Value::None
                    }
                }
            }
        })
    }

    fn items(&mut self, items: &[Item<'a>], depth: usize) -> Result<Vec<Value>, Fault> {
        let mut values = Vec::new();
        for (index, &item) in items.iter().enumerate() {
            let parent = self.enter(&index.to_string());
            values.push(self.value(item, depth)?);
            self.path.truncate(parent);
        }
        Ok(values)
    }

    /// Appends a key to the path; gives the length to cut it back to.
    fn enter(&mut self, key: &str) -> usize {
        let parent = self.path.len();
        if parent > 0 {
            self.path.push('.');
        }
        self.path.extend(key.chars().take(MAX_KEY));
        parent
    }
}

/// A key as part of a tensor's name.
fn label(key: Item<'_>) -> String {
    match key {
        Item::Text(text) => text.chars().take(MAX_KEY).collect(),
        Item::Int(number) => number.to_string(),
        _ => "?".to_owned(),
    }
}
