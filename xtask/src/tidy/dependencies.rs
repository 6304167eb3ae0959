//! Every declared dependency is used: by a crate's sources, and by a crate of the workspace.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use regex::Regex;
use toml::{Table, Value};

use super::finding::Finding;
use crate::rust::{Place, RustFile, code_only};

/// Dependencies that no source names: `(crate, dependency, why it is declared)`.
const UNNAMED: &[(&str, &str, &str)] = &[];

/// Checks the workspace's table and every member's.
pub(super) fn check(root: &Path, files: &[RustFile]) -> Result<Vec<Finding>> {
    let workspace = manifest(root, "Cargo.toml")?;
    let mut used = BTreeSet::new();
    let mut findings = Vec::new();
    for member in members(&workspace) {
        let path = format!("{member}/Cargo.toml");
        let manifest = manifest(root, &path)?;
        let own = files.iter().filter(|file| file.path.starts_with(&format!("{member}/")));
        let code: Vec<(Place, String)> = own.map(|file| (file.place(), code_only(&file.text))).collect();
        for (section, dependency) in dependencies(&manifest) {
            used.insert(dependency.clone());
            let name = member.rsplit('/').next().unwrap_or(member);
            let excused =
                UNNAMED.iter().any(|entry| entry.0 == name && entry.1 == dependency) || dependency == name;
            let named = named(&dependency);
            let in_section = |place: Place| section != "dependencies" || place == Place::Source;
            if !excused && !code.iter().any(|(place, code)| in_section(*place) && named.is_match(code)) {
                let message = format!("`{dependency}` of [{section}] is named by no source");
                findings.push(Finding { path: path.clone(), line: 0, rule: "dependency", message });
            }
        }
    }
    for dependency in table(&workspace, &["workspace", "dependencies"]).map(Table::keys).into_iter().flatten()
    {
        if !used.contains(dependency) {
            let message = format!("`{dependency}` of [workspace.dependencies] is used by no crate");
            findings.push(Finding { path: "Cargo.toml".to_owned(), line: 0, rule: "dependency", message });
        }
    }
    Ok(findings)
}

fn manifest(root: &Path, path: &str) -> Result<Table> {
    let text = std::fs::read_to_string(root.join(path)).with_context(|| format!("{path}: cannot read"))?;
    toml::from_str(&text).with_context(|| format!("{path}: not TOML"))
}

fn table<'a>(manifest: &'a Table, keys: &[&str]) -> Option<&'a Table> {
    keys.iter().try_fold(manifest, |table, key| table.get(*key)?.as_table())
}

fn members(workspace: &Table) -> Vec<&str> {
    let list = table(workspace, &["workspace"]).and_then(|table| table.get("members"));
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// `(section, name)` of everything a manifest depends on, those for one platform included.
fn dependencies(manifest: &Table) -> Vec<(String, String)> {
    let platforms =
        table(manifest, &["target"]).into_iter().flat_map(Table::values).filter_map(Value::as_table);
    let mut found = Vec::new();
    for owner in std::iter::once(manifest).chain(platforms) {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let names = table(owner, &[section]).map(Table::keys).into_iter().flatten();
            found.extend(names.map(|name| (section.to_owned(), name.clone())));
        }
    }
    found
}

/// `name::` or `use name`, the two ways in which code can reach a crate.
fn named(dependency: &str) -> Regex {
    let name = dependency.replace('-', "_");
    let pattern =
        format!(r"(?:^|[^\w:.])(?:(?:::)?{name}\s*::|use\s+(?:::)?{name}\b|extern\s+crate\s+{name}\b)");
    Regex::new(&pattern).expect("a crate's name has no special characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A workspace with one crate `a`, whose manifest and library are given.
    fn found(workspace: &str, manifest: &str, source: &str) -> Vec<String> {
        let folder = tempfile::tempdir().expect("temporary folder");
        std::fs::create_dir(folder.path().join("a")).expect("a folder");
        let head = "[workspace]\nmembers = [\"a\"]\n[workspace.dependencies]\n";
        std::fs::write(folder.path().join("Cargo.toml"), format!("{head}{workspace}")).expect("writes");
        std::fs::write(folder.path().join("a/Cargo.toml"), manifest).expect("writes");
        let file = RustFile::parse("a/src/lib.rs", source).expect("parses");
        let findings = check(folder.path(), &[file]).expect("reads");
        findings.into_iter().map(|finding| format!("{}: {}", finding.path, finding.message)).collect()
    }

    #[test]
    fn unused_entries_are_found_in_both_tables() {
        let workspace = "serde = \"1\"\ninsta = \"1\"\nserde-json = \"1\"\n";
        let manifest = "[dependencies]\nserde = \"1\"\nserde-json = \"1\"\n[target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n";
        let source = "use serde::Serialize; // serde_json::to_string\nfn f() { g(\"libc::read\"); }";
        assert_eq!(
            found(workspace, manifest, source),
            [
                "a/Cargo.toml: `serde-json` of [dependencies] is named by no source",
                "a/Cargo.toml: `libc` of [dependencies] is named by no source",
                "Cargo.toml: `insta` of [workspace.dependencies] is used by no crate",
            ]
        );
    }

    #[test]
    fn every_way_to_name_a_crate_counts() {
        let manifest = "[dependencies]\nserde-json = \"1\"\n";
        for source in
            ["use serde_json as json;", "fn f() { ::serde_json::to_string(); }", "extern crate serde_json;"]
        {
            assert!(found("", manifest, source).is_empty(), "{source}");
        }
        assert_eq!(found("", manifest, "fn f() { my::serde_json::f(); }").len(), 1);
    }
}
