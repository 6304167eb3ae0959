//! Functions from outside of the configurations, by their dotted names. What is not here cannot be called.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::machine::{Arguments, Machine};
use super::value::{Entries, Key, Value};

/// Names of Python itself that configurations use.
const NAMES: &[&str] = &[
    "all",
    "any",
    "bool",
    "chr",
    "dict",
    "enumerate",
    "float",
    "globals",
    "int",
    "isinstance",
    "len",
    "list",
    "locals",
    "max",
    "min",
    "open",
    "ord",
    "print",
    "range",
    "repr",
    "reversed",
    "round",
    "sorted",
    "str",
    "sum",
    "tuple",
    "zip",
];

/// Says whether a name is one of Python's own.
pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

impl Machine {
    /// Calls the function with the dotted name `name`.
    pub(super) fn call_named(&mut self, name: &str, arguments: Arguments) -> Result<Value, String> {
        if name == "dict" {
            return self.make_dict(arguments);
        }
        if name == "print" {
            return Ok(Value::None);
        }
        if !arguments.named.is_empty() && !matches!(name, "open" | "enumerate" | "sum" | "copy.deepcopy") {
            return Err(format!("`{name}` with arguments by name is not supported"));
        }
        let positional = arguments.positional.as_slice();
        match (name, positional) {
            ("locals" | "globals", []) => self.namespace(name),
            ("copy.deepcopy", [value]) => self.heap.deep_copy(value, 0),
            ("copy.copy", [Value::Dict(place)]) => {
                let entries = self.heap.dicts[*place].clone();
                self.heap.dict(entries)
            }
            ("list" | "copy.copy", [value]) => {
                let items = self.heap.items(value)?;
                self.heap.list(items)
            }
            ("list", []) => self.heap.list(Vec::new()),
            ("tuple", [value]) => {
                let items = self.heap.items(value)?;
                self.heap.tuple(items)
            }
            ("open", [path, ..]) => self.open(path.as_text()?),
            ("os.getenv" | "os.environ.get", [_]) => Ok(Value::None),
            // The environment is not read: a configuration means the same everywhere.
            ("os.getenv" | "os.environ.get", [_, default]) => Ok(default.clone()),
            ("os.path.join", [_, ..]) => join(positional),
            ("os.path.dirname", [path]) => {
                let path = path.as_text()?;
                Ok(Value::text(path.rsplit_once('/').map_or("", |(folder, _)| folder)))
            }
            ("os.path.abspath" | "os.path.realpath", [path]) => Ok(path.clone()),
            ("isinstance", [value, kind]) => is_instance(value, kind),
            ("sum" | "zip" | "range" | "enumerate" | "sorted" | "reversed" | "itertools.product", _) => {
                let start = arguments.named.get("start").cloned();
                self.sequence(name, positional, start)
            }
            _ => self.scalar(name, positional),
        }
    }

    fn make_dict(&mut self, arguments: Arguments) -> Result<Value, String> {
        let mut entries = Entries::new();
        for argument in &arguments.positional {
            match argument {
                Value::Dict(place) => entries.extend(self.heap.dicts[*place].clone()),
                pairs => {
                    for pair in self.heap.items(pairs)? {
                        let pair = self.heap.items(&pair)?;
                        let [key, value] = pair.as_slice() else {
                            return Err("dict: expected pairs of key and value".to_owned());
                        };
                        entries.insert(key.as_key()?, value.clone());
                    }
                }
            }
        }
        entries.extend(arguments.named.into_iter().map(|(name, value)| (Key::Text(name), value)));
        self.heap.dict(entries)
    }

    /// The names of the function (`locals`), or those of the file.
    fn namespace(&mut self, function: &str) -> Result<Value, String> {
        let frame = self.frames.first().filter(|_| function == "locals");
        let names = frame.unwrap_or(&self.modules[self.module].names);
        let entries = names.iter().map(|(name, value)| (Key::Text(name.clone()), value.clone())).collect();
        self.heap.dict(entries)
    }

    /// Reads a text file of the configurations.
    fn open(&mut self, path: &str) -> Result<Value, String> {
        let path = Path::new(path);
        let is_inside = !self.root.as_os_str().is_empty()
            && path.starts_with(&self.root)
            && !path.components().any(|part| part == Component::ParentDir);
        if !is_inside {
            return Err(format!(
                "open: found {}, expected a file in {}",
                path.display(),
                self.root.display()
            ));
        }
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        self.heap.spend(text.len())?;
        Ok(Value::File(text.replace("\r\n", "\n").into()))
    }
}

fn join(parts: &[Value]) -> Result<Value, String> {
    let parts: Vec<&str> = parts.iter().map(Value::as_text).collect::<Result<_, _>>()?;
    let path: PathBuf = parts.iter().collect();
    Ok(Value::text(path.to_string_lossy().into_owned()))
}

fn is_instance(value: &Value, kind: &Value) -> Result<Value, String> {
    let Value::Type(kind) = kind else {
        return Err(format!("isinstance with {} is not supported", kind.kind()));
    };
    let fits = match &**kind {
        "bool" => matches!(value, Value::Bool(_)),
        "int" => matches!(value, Value::Int(_) | Value::Bool(_)),
        "float" => matches!(value, Value::Float(_)),
        "str" => matches!(value, Value::Text(_)),
        "list" => matches!(value, Value::List(_)),
        "tuple" => matches!(value, Value::Tuple(_)),
        "dict" => matches!(value, Value::Dict(_)),
        other => return Err(format!("isinstance with `{other}` is not supported")),
    };
    Ok(Value::Bool(fits))
}
