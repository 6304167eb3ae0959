//! What `--help` says about every verb, as a user reads it.

use internlm_kit::testing::Program;

#[test]
fn every_verb_explains_itself() {
    let program = Program::new(env!("CARGO_BIN_EXE_internlm-train"), ".").with_environment("COLUMNS", "120");
    let mut text = String::new();
    for verb in [&[][..], &["train"], &["eval"], &["export"], &["plan"], &["bench"], &["memory"]] {
        let ran = program.run([verb, &["--help"]].concat());
        assert_eq!(ran.code, Some(0), "{verb:?}");
        text.push_str(&format!(
            "$ internlm-train {}\n{}\n",
            [verb, &["--help"]].concat().join(" "),
            ran.stdout
        ));
    }
    insta::assert_snapshot!(text);
}
