//! The binary's verbs, one file each.

mod convert;
#[cfg(feature = "burn")]
mod generate;
mod inspect;
mod json;
#[cfg(feature = "burn")]
mod logits;
mod model;
mod run;
mod template;
mod tokenize;

pub use run::{is_bad_input, run, run_from};

/// Writes a verb's data to stdout. A reader that has seen enough (`| head`) is not an error.
fn print(text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
