//! Each phrase is found where it is wrong, and its plain neighbors are left alone.

use super::*;

fn rust(text: &str) -> Vec<(usize, String)> {
    let file = RustFile::parse("crates/a/src/b.rs", text).expect("parses");
    let found = check_rust(&file).into_iter();
    found
        .map(|finding| (finding.line, finding.message.split('"').nth(1).unwrap_or_default().to_owned()))
        .collect()
}

/// The phrases found in a doc comment.
fn doc(words: &str) -> Vec<String> {
    rust(&format!("/// {words}\nfn f() {{}}")).into_iter().map(|found| found.1).collect()
}

#[test]
fn limits_are_maximum_and_minimum() {
    for words in ["Most requests that wait.", "Fewest words.", "Longest silence of the server."] {
        assert!(!doc(words).is_empty(), "{words}");
    }
    for words in ["Maximum number of words.", "Most of the pages.", "Keeps the longest match."] {
        assert!(doc(words).is_empty(), "{words}");
    }
    assert!(rust("// Most pages have no date.\nfn f() {}").is_empty());
}

#[test]
fn is_no_and_is_none() {
    for words in ["a number that is none", "This is no channel.", "Files are no folders.", "is no file"] {
        assert_eq!(doc(words).len(), 1, "{words}");
    }
    for words in
        ["there is no channel", "There are no files", "is no longer read", "is none of these", "where is no"]
    {
        assert!(doc(words).is_empty(), "{words}: {:?}", doc(words));
    }
}

#[test]
fn idioms_that_do_not_exist() {
    for words in [
        "in an own process group",
        "the likeliest token",
        "Binaries lie in target/",
        "it stands behind the text",
        "goes on where a killed run stopped",
        "read by turns",
        "used in earnest",
        "by whichever name it has",
        "Where queries meet keys.",
        "two digits behind the point",
        "Holds the tensor against the archive.",
        "Of a file the size is read.",
        "Size. Of a file, read.",
        "the file beside it",
        "requests that bring none",
    ] {
        assert_eq!(doc(words).len(), 1, "{words}: {:?}", doc(words));
    }
    for words in
        ["headers that lie", "stands for the mean", "goes on the wire", "checked against", "Most of a file"]
    {
        assert!(doc(words).is_empty(), "{words}");
    }
}

#[test]
fn phrases_are_found_across_lines_and_named_at_their_line() {
    assert_eq!(rust("//! Words.\n\n/// One\n/// an\n/// own group.\nfn f() {}"), [(4, "an own".to_owned())]);
}

#[test]
fn code_and_strings_of_tests_are_free() {
    assert!(doc("The value `is none`.").is_empty());
    assert_eq!(rust("fn f() { g(\"value is none\") }").len(), 1);
    assert!(rust("#[cfg(test)]\nmod tests { fn f() { g(\"value is none\") } }").is_empty());
}

#[test]
fn markdown_cells_are_definitions() {
    let lines = |text: &str| -> Vec<usize> {
        check_markdown("docs/a.md", text).into_iter().map(|finding| finding.line).collect()
    };
    assert_eq!(lines("| key | is |\n|---|---|\n| `n` | Most tokens per request |"), [3]);
    assert!(lines("Most users start here.\n\n```sh\n# an own group\n```").is_empty());
    assert_eq!(lines("A\n\nBinaries\nlie in b.").len(), 1);
}

#[test]
fn comments_of_toml_are_read() {
    let found = check_hash_comments("a.toml", "a = 1\n# an own group\nb = \"an own\"\n");
    assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2]);
}

#[test]
fn docstrings_and_comments_of_python_are_read() {
    let text = "#!/bin/sh\n\"\"\"Speed.\n\nRun by turns.\n\"\"\"\n# an own group\nprint(\"an own\")\nT = r\"\"\"\nan own\n\"\"\"\n";
    let found = check_python("a.py", text);
    let mut lines: Vec<usize> = found.iter().map(|finding| finding.line).collect();
    lines.sort_unstable();
    assert_eq!(lines, [4, 6]);
}
