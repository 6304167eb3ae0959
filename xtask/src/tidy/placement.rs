//! Rules about words and places: first lines, file names, who may use anyhow, clap, unsafe, `B: Backend`.

use super::finding::Finding;

/// File names that say nothing.
const EMPTY_NAMES: [&str; 6] = ["base.rs", "utils.rs", "common.rs", "helpers.rs", "types.rs", "misc.rs"];

/// Checks one Rust file.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |line: usize, rule, message: String| {
        findings.push(Finding { path: path.to_owned(), line, rule, message });
    };
    if !text.starts_with("//! ") {
        report(1, "first line", "expected `//!` and one sentence that says what is in it".to_owned());
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    if EMPTY_NAMES.contains(&name) {
        report(0, "file name", format!("`{name}` names nothing of the field"));
    }
    for (index, line) in text.lines().enumerate() {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        for (rule, message) in misplaced(path, code) {
            report(index + 1, rule, message);
        }
    }
    findings
}

/// Is the file at the edge, where errors become text and flags become configs?
fn is_edge(path: &str) -> bool {
    path.contains("/cli/") || path.ends_with("main.rs") || path.starts_with("xtask/") || is_test(path)
}

/// Tests, benches and examples.
fn is_test(path: &str) -> bool {
    ["/tests/", "/benches/", "/examples/"].iter().any(|folder| path.contains(folder))
        || path.ends_with("/tests.rs")
}

/// May the file hold `unsafe` blocks?
fn may_be_unsafe(path: &str) -> bool {
    let folders = ["/simd/", "/kernels/", "/turbomind/src/pool/"];
    folders.iter().any(|folder| path.contains(folder)) || path.ends_with("/mmap.rs")
}

/// What of `code`, one line without comments, is in the wrong file.
fn misplaced(path: &str, code: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let own = path.starts_with("xtask/src/tidy/");
    if !is_edge(path) {
        for name in ["anyhow", "clap"] {
            if code.contains(&format!("{name}::")) || code.contains(&format!("use {name};")) {
                found.push(("placement", format!("`{name}` belongs to cli/ and main.rs")));
            }
        }
    }
    let unsafe_code = code.contains("unsafe {") || code.contains("unsafe fn") || code.contains("unsafe impl");
    if unsafe_code && !own && !may_be_unsafe(path) {
        found.push((
            "unsafe",
            "`unsafe` belongs to simd/, kernels/, turbomind's pool/ and mmap.rs".to_owned(),
        ));
    }
    if code.contains("B: Backend") && !own && !path.contains("/kernels/") {
        found.push(("backend generic", "`B: Backend` belongs to kernels/".to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<&'static str> {
        check(path, text).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn each_rule_fires_in_the_wrong_place_only() {
        let head = "//! Words.\n";
        assert_eq!(rules("crates/a/src/b.rs", "fn main() {}"), ["first line"]);
        assert_eq!(rules("crates/a/src/utils.rs", head), ["file name"]);
        let anyhow = format!("{head}use anyhow::Result;");
        assert_eq!(rules("crates/a/src/b.rs", &anyhow), ["placement"]);
        assert!(rules("crates/a/src/cli/b.rs", &anyhow).is_empty());
        let block = format!("{head}let x = unsafe {{ y }};");
        assert_eq!(rules("crates/a/src/b.rs", &block), ["unsafe"]);
        assert!(rules("crates/a/src/kernels/b.rs", &block).is_empty());
        assert!(rules("crates/turbomind/src/pool/b.rs", &block).is_empty());
        assert_eq!(rules("crates/a/src/pool/b.rs", &block), ["unsafe"]);
        let generic = format!("{head}fn f<B: Backend>() {{}}");
        assert_eq!(rules("crates/a/src/b.rs", &generic), ["backend generic"]);
    }
}
