//! The exit codes of the binary on the inputs that every binary of the workspace is tried on.

use internlm_kit::testing::Program;

/// Verbs that read a file which the user names.
const READS: [&str; 5] = [
    "run {in}",
    "replay {in}",
    "transcript import {in}",
    "transcript diff {in} {in}",
    "transcript export {in}",
];

#[test]
fn the_same_inputs_have_the_same_exit_codes_as_everywhere() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let program = Program::new(env!("CARGO_BIN_EXE_lagent"), folder.path());
    program.check_exit_codes(&READS, &[]);
}
