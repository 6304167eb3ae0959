//! Fuzzes the reader of fastText's models.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wanjuan_data::fasttext::FastText;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = FastText::parse(std::path::Path::new("fuzz.ftz"), bytes) {
        let _ = model.predict("a few words of text");
    }
});
