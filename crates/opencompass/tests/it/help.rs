//! The help texts, which are the first thing a user reads.

use crate::runs::Bench;

/// Runs the binary with `arguments` and returns its stdout.
fn help(arguments: &[&str]) -> String {
    let output = Bench::new(1).run(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn every_verb_explains_itself() {
    let texts: Vec<String> =
        [&["--help"][..], &["run", "--help"], &["why", "--help"], &["list-configs", "--help"]]
            .iter()
            .map(|arguments| format!("$ opencompass {}\n{}", arguments.join(" "), help(arguments)))
            .collect();
    for text in &texts {
        assert!(text.contains("Examples:\n"), "{text}");
    }
    insta::assert_snapshot!(texts.join("\n"));
}
