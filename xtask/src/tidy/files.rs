//! Walking the repository, applying every rule, printing what does not hold.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::exemptions::{EXEMPTIONS, MOST};
use super::{arrows, budgets, placement};
use crate::workspace;

/// One place where a rule does not hold.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Finding {
    /// Path below the workspace root.
    pub(crate) path: String,
    /// Line, 1-based; 0 for the file as a whole.
    pub(crate) line: usize,
    /// Name of the rule.
    pub(crate) rule: &'static str,
    /// What was found and what was expected.
    pub(crate) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}: {}", self.path, self.line, self.rule, self.message)
    }
}

/// Checks everything; prints findings and fails when there are any.
#[allow(clippy::print_stdout)] // The findings are the command's output.
pub(crate) fn run() -> Result<()> {
    let findings = check(&workspace::root())?;
    for finding in &findings {
        println!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy: {} finding(s)", findings.len());
    }
    println!("tidy: no findings, {} of at most {MOST} exemption(s)", EXEMPTIONS.len());
    for exemption in EXEMPTIONS {
        println!("  {}: {}: {}", exemption.path, exemption.rule, exemption.reason);
    }
    Ok(())
}

/// Every finding that is not exempt, sorted by place.
pub(crate) fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = arrows::check(root)?;
    for path in sources(root)? {
        let relative = path.strip_prefix(root).expect("the walk starts at the root");
        let relative = relative.to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(&path).with_context(|| format!("{relative}: cannot read"))?;
        if relative.ends_with(".rs") {
            findings.extend(placement::check(&relative, &text));
            findings.extend(budgets::check(&relative, &text)?);
        } else if let Err(error) = toml::from_str::<toml::Table>(&text) {
            findings.push(Finding { path: relative, line: 0, rule: "toml", message: error.to_string() });
        }
    }
    findings.retain(|finding| {
        !EXEMPTIONS.iter().any(|exempt| exempt.path == finding.path && exempt.rule == finding.rule)
    });
    findings.sort();
    Ok(findings)
}

/// Every `.rs` and `.toml` file of the repository, outside build and run folders.
fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let mut pending = vec![root.to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = pending.pop() {
        let entries =
            std::fs::read_dir(&folder).with_context(|| format!("{}: cannot list", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                let skip = ["target", "runs", ".git", "node_modules"].contains(&name.as_str());
                if !skip {
                    pending.push(path);
                }
            } else if name.ends_with(".rs") || name.ends_with(".toml") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        let findings = check(&workspace::root()).expect("the repository can be read");
        let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }
}
