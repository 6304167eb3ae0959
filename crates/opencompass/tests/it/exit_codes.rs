//! The exit codes of the binary on the inputs that every binary of the workspace is tried on.

use internlm_kit::testing::Program;

/// Verbs that read a file which the user names.
const READS: [&str; 11] = [
    "run {in}",
    "{in}",
    "why {in} model dataset",
    "prompt-viewer {in}",
    "case-analyzer {in}",
    "diff {in} {in}",
    "viz-multi-model {in}",
    "prediction-merger {in}",
    "test-api-model {in}",
    "contamination index {in} --out index",
    "serve-report {in} --requests 0",
];

#[test]
fn the_same_inputs_have_the_same_exit_codes_as_everywhere() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let program = Program::new(env!("CARGO_BIN_EXE_opencompass"), folder.path());
    program.check_exit_codes(&READS, &[]);
}
