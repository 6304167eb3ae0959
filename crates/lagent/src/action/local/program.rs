//! Programs that local tools run: whether they are installed, and their runs in the sandbox.

use std::path::Path;

use internlm_kit::sandbox::{Outcome, Sandbox, Task};

use super::failure::Failure;

/// Debian's Python, which finds Debian's modules.
pub(in crate::action) const PYTHON: &str = "/usr/bin/python3";
/// Number of characters of a program's own error message that the model reads.
const MESSAGE: usize = 600;

/// A program of a Debian package, or a file that it needs.
#[derive(Clone, Copy, Debug)]
pub(in crate::action) struct Program {
    /// Name of the program, or the absolute path of a program or file.
    pub(in crate::action) name: &'static str,
    /// The package that contains it.
    pub(in crate::action) package: &'static str,
}

impl Program {
    /// A program whose package has its name.
    pub(in crate::action) const fn named(name: &'static str) -> Self {
        Self { name, package: name }
    }

    /// A program, or a file by its absolute path, of a package with another name.
    pub(in crate::action) const fn of(name: &'static str, package: &'static str) -> Self {
        Self { name, package }
    }

    /// Whether a sandboxed program would find it.
    pub(in crate::action) fn is_installed(&self, sandbox: &Sandbox) -> bool {
        if self.name.starts_with('/') {
            Path::new(self.name).exists() || is_module(Path::new(self.name))
        } else {
            sandbox.find(self.name).is_ok()
        }
    }
}

/// Whether `path` is a compiled Python module: `cv2` may be the file `cv2.cpython-311-x86_64-linux-gnu.so` as well as a
/// folder.
fn is_module(path: &Path) -> bool {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return false;
    };
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    let prefix = format!("{name}.");
    let mut names = entries.flatten().map(|entry| entry.file_name());
    names.any(|file| file.to_str().is_some_and(|file| file.starts_with(&prefix) && file.ends_with(".so")))
}

/// The packages of those programs that are missing, each once.
pub(in crate::action) fn missing(programs: &[Program], sandbox: &Sandbox) -> Vec<&'static str> {
    let mut packages = Vec::new();
    for program in programs.iter().filter(|program| !program.is_installed(sandbox)) {
        if !packages.contains(&program.package) {
            packages.push(program.package);
        }
    }
    packages
}

/// Runs a program; its end with anything but success is a failure with its own words.
pub(in crate::action) fn run(sandbox: &Sandbox, name: &str, task: &Task) -> Result<Outcome, Failure> {
    let outcome = sandbox.run(task).map_err(|error| Failure::tool(error.to_string()))?;
    if outcome.status.is_success() {
        return Ok(outcome);
    }
    let said = if outcome.stderr.trim().is_empty() { &outcome.stdout } else { &outcome.stderr };
    Err(Failure::tool(format!("{name} ended with {}: {}", outcome.status, last_characters(said.trim()))))
}

/// The end of a long message, where programs say what went wrong.
fn last_characters(text: &str) -> &str {
    let start = text.char_indices().rev().nth(MESSAGE - 1).map_or(0, |(index, _)| index);
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_keeps_its_end() {
        let long = format!("{}ä{}", "a".repeat(10), "b".repeat(MESSAGE - 1));
        assert_eq!(last_characters(&long), format!("ä{}", "b".repeat(MESSAGE - 1)));
        assert_eq!(last_characters("short"), "short");
    }
}
