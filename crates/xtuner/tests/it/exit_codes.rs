//! The exit codes of the binary on the inputs that every binary of the workspace is tried on.

use internlm_kit::testing::Program;

/// Verbs that read a file which the user names.
const READS: [&str; 8] = [
    "train {in}",
    "test {in}",
    "plan {in}",
    "check-dataset {in}",
    "log-dataset {in}",
    "rollout {in}",
    "preprocess {in}",
    "generate {in}",
];

#[test]
fn the_same_inputs_have_the_same_exit_codes_as_everywhere() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let program = Program::new(env!("CARGO_BIN_EXE_xtuner"), folder.path());
    program.check_exit_codes(&READS, &[]);
}
