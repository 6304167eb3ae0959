//! Finds the corpus that a config names: here, and not in the library, a process is started and the environment read.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::executor::Corpus;
use crate::{Error, ImportConfig, ImportSource, Result};

/// The corpus of `import`.
pub(super) fn resolve(import: &ImportConfig) -> Result<Corpus> {
    match import.source {
        ImportSource::Warc => Ok(Corpus::Archives(import.files.clone())),
        ImportSource::Folder => Ok(pages(import, import.dir.clone().unwrap_or_default())),
        ImportSource::RustDocs => rust_docs(import),
    }
}

fn pages(import: &ImportConfig, root: PathBuf) -> Corpus {
    Corpus::Pages { root, select: import.select.clone(), exclude: import.exclude.clone() }
}

/// The documentation of the active toolchain, else the sources in Cargo's registry.
fn rust_docs(import: &ImportConfig) -> Result<Corpus> {
    let docs = sysroot()?.join("share/doc/rust/html");
    if docs.is_dir() {
        return Ok(pages(import, docs));
    }
    let Some(fallback) = &import.fallback else {
        return Err(Error::Missing {
            path: docs,
            expected: "the toolchain's documentation (rustup component rust-docs)",
        });
    };
    let root = cargo_home().join("registry/src");
    tracing::warn!("{}: no documentation, using {}", docs.display(), root.display());
    Ok(Corpus::Pages { root, select: fallback.select.clone(), exclude: fallback.exclude.clone() })
}

fn sysroot() -> Result<PathBuf> {
    let fail = |message: String| Error::Command { command: "rustc --print sysroot".to_owned(), message };
    let output = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .map_err(|error| fail(error.to_string()))?;
    if !output.status.success() {
        return Err(fail(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// `$CARGO_HOME`, else `~/.cargo`.
fn cargo_home() -> PathBuf {
    let home = || Path::new(&std::env::var_os("HOME").unwrap_or_default()).join(".cargo");
    std::env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}
