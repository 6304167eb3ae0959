//! The help of every verb, as a snapshot: a changed option is seen in review.

use std::process::Command;

#[test]
fn the_help_of_every_verb_is_reviewed() {
    for verb in [
        "",
        "run",
        "import",
        "import html-dir",
        "warc",
        "warc ls",
        "warc cat",
        "warc check",
        "extract",
        "lid",
        "inspect",
        "filter",
        "report",
        "why",
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wanjuan-data"));
        let output = command.args(verb.split_whitespace()).arg("--help").output().expect("starts");
        assert!(output.status.success() && output.stderr.is_empty(), "{verb}");
        let text = String::from_utf8(output.stdout).expect("is UTF-8");
        assert!(text.contains("Examples:") || ["import", "warc"].contains(&verb), "{verb}:\n{text}");
        insta::assert_snapshot!(format!("help_{}", verb.replace([' ', '-'], "_")), text);
    }
}
