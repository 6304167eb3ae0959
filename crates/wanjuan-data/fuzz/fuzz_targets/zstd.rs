//! Fuzzes the reader `Zstd`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wanjuan_data_fuzz::{readers::Reader, run};

fuzz_target!(|bytes: &[u8]| run(Reader::Zstd, bytes));
