//! Fuzzes the reader `Torch`.
#![no_main]

use internlm_model_fuzz::{readers::Reader, run};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| run(Reader::Torch, bytes));
