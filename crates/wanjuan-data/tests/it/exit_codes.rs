//! The exit codes of the binary on the inputs that every binary of the workspace is tried on.

use internlm_kit::testing::Program;

/// Verbs that read a file which the user names.
const READS: [&str; 2] = ["run {in}", "report {in}"];
/// Verbs that write a file which the user names.
const WRITES: [&str; 1] = ["extract --list pages.tsv --out {out}"];

#[test]
fn the_same_inputs_have_the_same_exit_codes_as_everywhere() {
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("a.html"), "<p>A page with a sentence.</p>").expect("writes");
    std::fs::write(folder.path().join("pages.tsv"), "a\ta.html\n").expect("writes");
    let program = Program::new(env!("CARGO_BIN_EXE_wanjuan-data"), folder.path());
    program.check_exit_codes(&READS, &WRITES);
}
