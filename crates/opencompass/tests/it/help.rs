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
    let verbs = [
        "run",
        "why",
        "list-configs",
        "prompt-viewer",
        "case-analyzer",
        "diff",
        "viz-multi-model",
        "prediction-merger",
        "test-api-model",
        "data",
        "import",
        "contamination",
        "needle",
        "serve-report",
    ];
    let mut texts = vec![format!("$ opencompass --help\n{}", help(&["--help"]))];
    texts.extend(verbs.map(|verb| format!("$ opencompass {verb} --help\n{}", help(&[verb, "--help"]))));
    for text in &texts {
        assert!(text.contains("Examples:\n"), "{text}");
    }
    insta::assert_snapshot!(texts.join("\n"));
}
