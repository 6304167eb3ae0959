//! [`Machine`]: the names of the configurations that are being read, and who sees them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;

use indexmap::IndexMap;

use super::fault::Fault;
use super::value::{Heap, Value};

/// Maximum depth of expressions inside of expressions, over all calls.
const DEEPEST: usize = 150;

/// Names with their values, in the order in which they were given.
pub(super) type Names = IndexMap<Rc<str>, Value>;

/// One file of a configuration.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) path: PathBuf,
    pub(super) names: Names,
}

/// The arguments of a call.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    pub(super) positional: Vec<Value>,
    pub(super) named: Names,
}

/// What is known while configurations are read.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) heap: Heap,
    /// All files, finished ones and those that still wait for what they import.
    pub(super) modules: Vec<Module>,
    /// The file whose statements are executed.
    pub(super) module: usize,
    /// Names inside of a function or a comprehension, the innermost last.
    pub(super) frames: Vec<Names>,
    /// The finished files by path.
    pub(super) finished: HashMap<PathBuf, usize>,
    /// The folder that configurations may read text files from.
    pub(super) root: PathBuf,
    depth: usize,
}

impl Machine {
    /// A machine that has read nothing.
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            heap: Heap::new(),
            modules: Vec::new(),
            module: 0,
            frames: Vec::new(),
            finished: HashMap::new(),
            root,
            depth: 0,
        }
    }

    /// Gives a name a value, in the innermost frame or in the file.
    pub(super) fn assign(&mut self, name: &Rc<str>, value: Value) {
        let names = match self.frames.last_mut() {
            Some(frame) => frame,
            None => &mut self.modules[self.module].names,
        };
        names.insert(name.clone(), value);
    }

    /// Returns the value of a name.
    pub(super) fn find(&self, name: &str) -> Option<&Value> {
        let frames = self.frames.iter().rev();
        frames.chain([&self.modules[self.module].names]).find_map(|names| names.get(name))
    }

    /// Takes a name away.
    pub(super) fn forget(&mut self, name: &str) -> Result<(), String> {
        let names = match self.frames.last_mut() {
            Some(frame) => frame,
            None => &mut self.modules[self.module].names,
        };
        names.shift_remove(name).map(drop).ok_or_else(|| format!("name `{name}` is not defined"))
    }

    /// Runs a step one level deeper.
    pub(super) fn deeper<T>(
        &mut self,
        line: usize,
        step: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.depth >= DEEPEST {
            return Err(Fault::new(line, "expressions and calls are nested too deeply"));
        }
        self.heap.spend(1).map_err(|message| Fault::new(line, message))?;
        self.depth += 1;
        let result = step(self);
        self.depth -= 1;
        result
    }
}
