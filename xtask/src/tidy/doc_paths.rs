//! The files, folders and tests that docs/parity.md and docs/architecture.md name exist.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use super::finding::Finding;
use crate::rust::RustFile;

const PARITY: &str = "docs/parity.md";
const ARCHITECTURE: &str = "docs/architecture.md";

/// What is between backticks.
static CODE: LazyLock<Regex> = LazyLock::new(|| Regex::new("`([^`]+)`").expect("a regular expression"));

/// Checks both pages of the workspace at `root`; a page that does not exist names nothing.
pub(super) fn check(root: &Path, files: &[RustFile]) -> Vec<Finding> {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    let mut findings = parity(root, files, &read(PARITY));
    findings.extend(code_map(root, &read(ARCHITECTURE)));
    findings
}

/// Rows `| feature | our file | test | state |` below headings `## CRATE (...)`.
fn parity(root: &Path, files: &[RustFile], text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut folder = String::new();
    for (index, line) in text.lines().enumerate() {
        if let Some(heading) = line.strip_prefix("## ") {
            folder = crate_folder(heading.split_whitespace().next().unwrap_or_default());
            continue;
        }
        let cells: Vec<&str> = line.split(" | ").collect();
        let [_, ours, tests, ..] = cells[..] else { continue };
        let paths = code(ours).filter(|path| path.ends_with(".rs") || path.ends_with('/'));
        let missing = paths.filter(|path| !root.join(&folder).join("src").join(path).exists());
        let absent = code(tests).filter(|name| !has_test(files, &folder, name));
        for (what, name) in missing.map(|name| ("file", name)).chain(absent.map(|name| ("test", name))) {
            let message = format!("`{name}`: no such {what} in {folder}");
            findings.push(Finding { path: PARITY.to_owned(), line: index + 1, rule: "doc path", message });
        }
    }
    findings
}

/// Rows `| crate | folders | files |` of the code map.
fn code_map(root: &Path, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let map = text.lines().enumerate().skip_while(|(_, line)| !line.starts_with("| crate | folders"));
    for (index, line) in map.skip(2).take_while(|(_, line)| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches(['|', ' ']).split(" | ").collect();
        let [name, folders, files] = cells[..] else { continue };
        let source = root.join(crate_folder(name.trim_matches('`'))).join("src");
        let names = code(folders)
            .flat_map(str::split_whitespace)
            .chain(code(files).filter(|path| path.ends_with(".rs")));
        for name in names.filter(|name| !source.join(name).exists()) {
            let message = format!("`{name}`: no such file or folder in {}", cells[0]);
            findings.push(Finding {
                path: ARCHITECTURE.to_owned(),
                line: index + 1,
                rule: "doc path",
                message,
            });
        }
    }
    findings
}

fn crate_folder(name: &str) -> String {
    if name == "xtask" { name.to_owned() } else { format!("crates/{name}") }
}

fn code(cell: &str) -> impl Iterator<Item = &str> {
    CODE.captures_iter(cell).filter_map(|found| found.get(1)).map(|found| found.as_str())
}

/// Does `place.rs::name` (a unit test) or `place::name` (below `tests/`) exist? Words of another form name no test.
fn has_test(files: &[RustFile], folder: &str, name: &str) -> bool {
    let Some((place, function)) = name.rsplit_once("::") else { return true };
    if function == "*" {
        return true;
    }
    let definition = format!("fn {function}(");
    let holds = |file: &RustFile| file.text.contains(&definition);
    match place.strip_suffix(".rs") {
        Some(stem) => {
            let unit = format!("{folder}/src/{stem}");
            files.iter().any(|file| {
                file.path.strip_suffix(".rs").is_some_and(|path| is_place(path, &unit)) && holds(file)
            })
        }
        None => {
            let tests = format!("{folder}/tests/");
            let part = place.replace("::", "/");
            let below = |path: &str| {
                path.strip_prefix(&tests)
                    .is_some_and(|path| path.split_once('/').is_some_and(|(_, path)| path.starts_with(&part)))
            };
            files.iter().any(|file| below(&file.path) && holds(file))
        }
    }
}

/// The file itself, its `tests.rs`, or the file whose tests those are.
fn is_place(path: &str, unit: &str) -> bool {
    path == unit || path.strip_suffix("/tests") == Some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> (tempfile::TempDir, Vec<RustFile>) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let texts = [
            ("crates/a/src/room/door.rs", "mod tests { fn opens() {} }"),
            ("crates/a/src/room/window/tests.rs", "fn lets_light_in() {}"),
            ("crates/a/tests/it/house.rs", "fn stands() {}"),
            ("crates/a/src/room/window.rs", ""),
        ];
        let files = texts.map(|(path, text)| {
            let whole = folder.path().join(path);
            std::fs::create_dir_all(whole.parent().expect("a parent")).expect("a folder");
            std::fs::write(whole, text).expect("writes");
            RustFile::parse(path, text).expect("parses")
        });
        (folder, files.into())
    }

    fn messages(findings: Vec<Finding>) -> Vec<String> {
        findings.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn rows_of_parity_name_what_exists() {
        let (folder, files) = workspace();
        let good = "## a (upstream)\n\n| f | our file | test | state |\n| x | `room/door.rs`, `room/` | `room/door.rs::opens`, \
                    `room/window.rs::lets_light_in`, `house::stands`* | `done` |\n| y | – | – | `planned` |\n";
        assert!(messages(parity(folder.path(), &files, good)).is_empty());
        let bad =
            "## a (upstream)\n| x | `room/gate.rs` | `house::falls`, `room/door.rs::stands` | `done` |\n";
        assert_eq!(
            messages(parity(folder.path(), &files, bad)),
            [
                "`room/gate.rs`: no such file in crates/a",
                "`house::falls`: no such test in crates/a",
                "`room/door.rs::stands`: no such test in crates/a"
            ]
        );
    }

    #[test]
    fn the_code_map_names_what_exists() {
        let (folder, _) = workspace();
        let head = "# A\n\n| crate | folders of `src/` | start reading at |\n|---|---|---|\n";
        let good = format!("{head}| `a` | `room` | `room/door.rs`: the way in |\n\nText `other.rs`.\n");
        assert!(messages(code_map(folder.path(), &good)).is_empty());
        let bad = format!("{head}| `a` | `room cellar` | `attic.rs` |\n");
        assert_eq!(messages(code_map(folder.path(), &bad)).len(), 2);
    }
}
