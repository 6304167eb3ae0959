//! What `--help` says about every verb, as a user reads it.

use crate::fixture::xtuner;

#[test]
fn every_verb_explains_itself() {
    let program = xtuner(".".as_ref()).with_environment("COLUMNS", "120");
    let verbs = [
        &[][..],
        &["list-cfg"],
        &["copy-cfg"],
        &["train"],
        &["test"],
        &["chat"],
        &["convert"],
        &["convert", "merge"],
        &["plan"],
        &["check-dataset"],
        &["log-dataset"],
        &["list-dataset-format"],
        &["preprocess"],
        &["eval-rm"],
        &["rollout"],
        &["generate"],
    ];
    let mut text = String::new();
    for verb in verbs {
        let words = [verb, &["--help"]].concat();
        let ran = program.run(&words);
        assert_eq!(ran.code, Some(0), "{verb:?}");
        text.push_str(&format!("$ xtuner {}\n{}\n", words.join(" "), ran.stdout));
    }
    insta::assert_snapshot!(text);
}
