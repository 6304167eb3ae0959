//! Output and exit codes of the verbs that need no build.

use std::fs;

use internlm_kit::testing::BadInputCase;

use crate::xtask;

/// A workspace of one crate, whose only source file is `text`.
fn workspace(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    let crate_folder = folder.path().join("crates/a");
    fs::create_dir_all(crate_folder.join("src")).expect("a folder");
    fs::write(folder.path().join("Cargo.toml"), "[workspace]\nresolver = \"3\"\nmembers = [\"crates/a\"]\n")
        .expect("writes");
    let manifest = "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    fs::write(crate_folder.join("Cargo.toml"), manifest).expect("writes");
    fs::write(crate_folder.join("src/lib.rs"), text).expect("writes");
    folder
}

#[test]
fn a_tidy_workspace_is_told_so_and_findings_end_with_code_1() {
    let clean =
        workspace("//! A crate.\n\n/// Adds one to the number.\npub fn add(n: u8) -> u8 {\n    n + 1\n}\n");
    let root = clean.path().display().to_string();
    let ran = xtask(".").run(["tidy", "--root", root.as_str()]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.starts_with("tidy: no findings"), "{ran:?}");

    let messy = workspace("//! A crate.\n\n/// The number.\npub fn number(fast: bool) {}\n");
    let root = messy.path().display().to_string();
    let ran = xtask(".").run(["tidy", "--root", root.as_str()]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let rules: Vec<&str> = ran.stdout.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(rules, ["bool parameter", "doc words"]);
    let elsewhere = xtask(".").run(["tidy", "--root", root.as_str(), "--only", "crates/b"]);
    assert_eq!(elsewhere.code, Some(0), "{elsewhere:?}");
}

#[test]
fn sizes_are_a_markdown_table() {
    let folder = workspace("//! A crate.\n\nfn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n");
    let root = folder.path().display().to_string();
    let ran = xtask(".").run(["loc", "--root", root.as_str()]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.stdout.lines().nth(2),
        Some("| a | 1 | 1 | 4/4/4 | 1/1/1 | 50.0 % | 0 % | 4.00 | 0.0 |"),
        "{}",
        ran.stdout
    );
}

#[test]
fn the_results_of_the_readme_are_checked_from_any_folder() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let ran = xtask(folder.path()).run(["docs", "results", "--check"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn bad_input_ends_with_code_2() {
    xtask(".").check_bad_input(&[
        BadInputCase { arguments: &["fly"], code: 2, parts: &["fly"] },
        BadInputCase { arguments: &["pipeline", "big"], code: 2, parts: &["`big`", "tiny"] },
        BadInputCase {
            arguments: &["pipeline", "--only", "data", "--from", "agent"],
            code: 2,
            parts: &["--from"],
        },
        BadInputCase {
            arguments: &["data", "verify", "--folder", "/nowhere"],
            code: 2,
            parts: &["/nowhere", "--folder"],
        },
        BadInputCase {
            arguments: &["docs", "results", "--check", "--record"],
            code: 2,
            parts: &["--record"],
        },
    ]);
}

#[test]
fn a_reader_that_leaves_ends_a_verb_quietly() {
    let messy = workspace("//! A crate.\n\n/// The number.\npub fn number(fast: bool) {}\n");
    let root = messy.path().display().to_string();
    let program = xtask(".");
    program.check_closed_output(&["tidy", "--root", root.as_str()]);
    program.check_closed_output(&["loc", "--root", root.as_str()]);
    program.check_closed_output(&["--help"]);
}
