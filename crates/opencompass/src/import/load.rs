//! Files of configurations that import each other.

use std::fs;
use std::mem;
use std::path::{Path, PathBuf};

use super::ast::{Alias, FromImport};
use super::fault::Fault;
use super::machine::{Machine, Module, Names};
use super::parser::parse;
use super::value::{CHARACTERS, Key, Value};

/// The package of upstream's configurations, which absolute imports begin with.
const PACKAGE: &str = "opencompass.configs";

impl Machine {
    /// Reads and executes a file, unless that was done before, and returns its place among the modules.
    fn load(&mut self, path: &Path) -> Result<usize, Fault> {
        if let Some(place) = self.finished.get(path) {
            return Ok(*place);
        }
        if self.modules.iter().any(|module| module.path == path) {
            return Err(Fault::new(1, "the file imports itself").in_file(path));
        }
        let source = fs::read_to_string(path)
            .map_err(|error| Fault::new(1, format!("cannot read: {error}")).in_file(path))?;
        let place = self.load_source(path, &source)?;
        self.finished.insert(path.to_path_buf(), place);
        Ok(place)
    }

    /// Executes the text of a file, and returns its place among the modules.
    pub(super) fn load_source(&mut self, path: &Path, source: &str) -> Result<usize, Fault> {
        let in_file = |fault: Fault| fault.in_file(path);
        let spent = self.heap.spend(source.len() / CHARACTERS);
        spent.map_err(|message| in_file(Fault::new(1, message)))?;
        let statements = parse(source).map_err(in_file)?;
        self.modules.push(Module { path: path.to_path_buf(), names: Names::new() });
        let place = self.modules.len() - 1;
        let frames = mem::take(&mut self.frames);
        let importer = mem::replace(&mut self.module, place);
        let result = self.run_file(&statements);
        self.frames = frames;
        self.module = importer;
        result.map_err(in_file)?;
        Ok(place)
    }

    /// Executes `from module import names`. What is not a configuration becomes dotted names.
    pub(super) fn import(&mut self, import: &FromImport, line: usize) -> Result<(), Fault> {
        let inner =
            import.module.strip_prefix(PACKAGE).filter(|rest| rest.is_empty() || rest.starts_with('.'));
        let folder = match (import.level, inner) {
            (0, None) => return self.import_outside(import, line),
            (0, Some(_)) => self.root.clone(),
            (level, _) => {
                let mut folder = self.modules[self.module].path.as_path();
                for _ in 0..level {
                    folder = folder.parent().ok_or_else(|| Fault::new(line, "an import of too many dots"))?;
                }
                folder.to_path_buf()
            }
        };
        let names = if import.level == 0 { inner.unwrap_or_default() } else { import.module.as_str() };
        let base =
            names.split('.').filter(|name| !name.is_empty()).fold(folder, |folder, name| folder.join(name));
        for alias in &import.names {
            self.import_name(&base, alias, line)?;
        }
        Ok(())
    }

    fn import_outside(&mut self, import: &FromImport, line: usize) -> Result<(), Fault> {
        let module = &import.module;
        for Alias { name, alias } in &import.names {
            if &**name == "*" {
                let message = format!("`from {module} import *` is supported only for configurations");
                return Err(Fault::new(line, message));
            }
            self.assign(alias.as_ref().unwrap_or(name), Value::Type(format!("{module}.{name}").into()));
        }
        Ok(())
    }

    /// Copies a name from the file at `base`, or takes the file of that name in the folder `base`.
    fn import_name(&mut self, base: &Path, imported: &Alias, line: usize) -> Result<(), Fault> {
        let Alias { name, alias } = imported;
        let at = |message: String| Fault::new(line, message);
        let alias = alias.as_ref().unwrap_or(name);
        let file = with_py(base);
        if !file.is_file() {
            let inner = with_py(&base.join(&**name));
            if !inner.is_file() {
                return Err(at(format!(
                    "import of `{name}`: neither {} nor {}",
                    file.display(),
                    inner.display()
                )));
            }
            let place = self.load(&inner)?;
            let names = self.modules[place].names.clone();
            let entries = names.into_iter().map(|(name, value)| (Key::Text(name), value)).collect();
            let module = self.heap.dict(entries).map_err(at)?;
            self.assign(alias, module);
            return Ok(());
        }
        let place = self.load(&file)?;
        if &**name == "*" {
            let all = self.modules[place].names.clone();
            for (name, value) in all.iter().filter(|(name, _)| !name.starts_with('_')) {
                let value = self.heap.deep_copy(value, 0).map_err(at)?;
                self.assign(name, value);
            }
            return Ok(());
        }
        let found = self.modules[place].names.get(name).cloned();
        let value = found.ok_or_else(|| at(format!("`{name}` is not in {}", file.display())))?;
        let value = self.heap.deep_copy(&value, 0).map_err(at)?;
        self.assign(alias, value);
        Ok(())
    }
}

/// The path of a module's file. Names of modules may have dots of versions, so nothing is cut off.
fn with_py(base: &Path) -> PathBuf {
    let mut file = base.as_os_str().to_owned();
    file.push(".py");
    file.into()
}
