//! Reading the repository, applying every rule, printing what does not hold.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use internlm_kit::outln;

use super::exemptions::{EXEMPTIONS, MAX_EXEMPTIONS};
use super::finding::Finding;
use super::{
    arrows, budgets, circles, dependencies, doc_paths, doc_words, facades, help, phrases, placement,
};
use crate::rust::{RustFile, files};
use crate::workspace;

/// Options of `cargo xtask tidy`.
#[derive(Args, Debug, Default)]
#[command(after_help = "Examples:
  cargo xtask tidy
  cargo xtask tidy --only crates/lmdeploy")]
pub(crate) struct TidyArguments {
    /// Check the workspace in this folder instead of the one this program was built from.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Print only findings whose path starts with this prefix, for instance `crates/lmdeploy`.
    #[arg(long, value_name = "PREFIX")]
    only: Option<String>,
}

/// Checks everything; prints findings and fails when there are any.
pub(crate) fn run(arguments: &TidyArguments) -> Result<()> {
    let root = arguments.root.clone().unwrap_or_else(workspace::root);
    let mut findings = check(&root)?;
    if let Some(prefix) = &arguments.only {
        findings.retain(|finding| finding.path.starts_with(prefix.as_str()));
    }
    for finding in &findings {
        outln!("{finding}")?;
    }
    if !findings.is_empty() {
        bail!("tidy: {} finding(s)", findings.len());
    }
    outln!("tidy: no findings, {} of at most {MAX_EXEMPTIONS} exemption(s)", EXEMPTIONS.len())?;
    for exemption in EXEMPTIONS {
        outln!("  {}: {}: {}", exemption.path, exemption.rule, exemption.reason)?;
    }
    Ok(())
}

/// Every finding that is not exempt, sorted by place.
pub(crate) fn check(root: &Path) -> Result<Vec<Finding>> {
    let rust = files(root, &[".rs"])?
        .iter()
        .map(|path| RustFile::read(root, path))
        .collect::<Result<Vec<RustFile>>>()?;
    let mut findings = arrows::check(root)?;
    findings.extend(dependencies::check(root, &rust)?);
    findings.extend(circles::check(&rust));
    findings.extend(doc_paths::check(root, &rust));
    findings.extend(help::check(&rust));
    for file in &rust {
        findings.extend(placement::check(&file.path, &file.text));
        findings.extend(budgets::check(file));
        findings.extend(facades::check(file));
        findings.extend(doc_words::check(file));
        findings.extend(phrases::check_rust(file));
    }
    for path in files(root, &[".toml", ".md", ".py"])? {
        let relative = path.strip_prefix(root).expect("the walk starts at the root");
        let relative = relative.to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(&path).with_context(|| format!("{relative}: cannot read"))?;
        if relative.ends_with(".md") {
            findings.extend(phrases::check_markdown(&relative, &text));
            continue;
        }
        if relative.ends_with(".py") {
            findings.extend(phrases::check_python(&relative, &text));
            continue;
        }
        findings.extend(phrases::check_hash_comments(&relative, &text));
        if let Err(error) = toml::from_str::<toml::Table>(&text) {
            findings.push(Finding { path: relative, line: 0, rule: "toml", message: error.to_string() });
        }
    }
    findings.retain(|finding| {
        !EXEMPTIONS.iter().any(|exempt| exempt.path == finding.path && exempt.rule == finding.rule)
    });
    findings.sort();
    Ok(findings)
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
