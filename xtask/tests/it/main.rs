//! `cargo xtask` as a user runs it.

mod help;
mod verbs;

use internlm_kit::testing::Program;

/// The program, started in `folder`.
fn xtask(folder: impl AsRef<std::path::Path>) -> Program {
    Program::new(env!("CARGO_BIN_EXE_xtask"), folder)
}
