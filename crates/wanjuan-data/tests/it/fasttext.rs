//! Models of fastText: answers of the reference, and files that are not models.

use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;
use wanjuan_data::Error;
use wanjuan_data::fasttext::FastText;

/// Small models and the answers of fastText 0.9.2 to some lines; made by `fasttext_models.py`.
fn golden() -> Value {
    serde_json::from_str(include_str!("../golden/fasttext_models.json")).expect("is JSON")
}

fn model_bytes(golden: &Value, name: &str) -> Vec<u8> {
    let text = golden["models"][name]["model"].as_str().expect("is text").as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("is hexadecimal") as u8;
    text.chunks_exact(2).map(|pair| digit(pair[0]) * 16 + digit(pair[1])).collect()
}

#[test]
fn answers_are_those_of_the_reference() {
    let golden = golden();
    let lines: Vec<&str> =
        golden["lines"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    for (name, entry) in golden["models"].as_object().expect("an object") {
        let model = FastText::parse(Path::new(name), &model_bytes(&golden, name)).expect("reads");
        assert_eq!(model.labels(), ["aa", "bb", "cc", "dd", "ee", "ff"], "{name}");
        let answers = entry["answers"].as_array().expect("a list");
        assert_eq!(answers.len(), lines.len());
        for (line, answer) in lines.iter().zip(answers) {
            let found = model.predict(line).expect("the end of a line is a feature");
            let wanted = answer[1].as_f64().expect("a number").min(1.0);
            assert_eq!(found.label, answer[0].as_str().expect("a label"), "{name}: {line:?}");
            let difference = (f64::from(found.probability) - wanted).abs();
            assert!(difference < 1e-4, "{name}: {line:?}: {} is not {wanted}", found.probability);
        }
    }
}

#[test]
fn every_truncation_is_an_error_at_its_place() {
    let golden = golden();
    for name in ["hierarchical-cutoff.ftz", "hierarchical.bin"] {
        let bytes = model_bytes(&golden, name);
        for size in 0..bytes.len() {
            match FastText::parse(Path::new(name), &bytes[..size]) {
                Err(Error::Format { path, offset, .. }) => {
                    assert!(path == Path::new(name) && offset <= size as u64, "{offset} of {size}");
                }
                other => panic!("{name} cut to {size} bytes: {other:?}"),
            }
        }
        let longer = [&bytes[..], b"x"].concat();
        let error = FastText::parse(Path::new(name), &longer).expect_err("is longer").to_string();
        assert!(error.contains("found 1 more bytes, expected the end of the model"), "{error}");
    }
}

#[test]
fn errors_name_what_was_found_and_expected() {
    let golden = golden();
    let bytes = model_bytes(&golden, "hierarchical-cutoff.ftz");
    let with = |at: usize, value: i32| {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        FastText::parse(Path::new("m.ftz"), &bytes).expect_err("is damaged").to_string()
    };
    assert_eq!(with(0, 7), "m.ftz: byte 0: found 0x7, expected 0x2f4f16ba, the start of a fastText model");
    assert_eq!(with(4, 13), "m.ftz: byte 4: found format version 13, expected 11 to 12");
    assert_eq!(with(8, -1), "m.ftz: byte 8: found dimension -1, expected 1 to 65536");
    assert_eq!(with(36, 1), "m.ftz: byte 36: found kind of model 1, expected 3 to 3");
    // The number of entries, larger than the file.
    assert!(with(64, i32::MAX).starts_with("m.ftz: byte "), "{}", with(64, i32::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// Damage anywhere, most often in header and tables: an error or a model that answers, never a panic.
    #[test]
    fn damaged_models_do_not_panic(
        model in 0..4_usize,
        flips in prop::collection::vec((0.0..1.0_f64, any::<u8>(), any::<bool>()), 1..4),
    ) {
        let golden = golden();
        let name = golden["models"].as_object().expect("an object").keys().nth(model).expect("four models");
        let mut bytes = model_bytes(&golden, name);
        for (place, value, in_header) in flips {
            let range = if in_header { 400.0 } else { bytes.len() as f64 };
            bytes[(place * range) as usize] = value;
        }
        match FastText::parse(Path::new("damaged"), &bytes) {
            Ok(model) => {
                for text in ["ba re\tда 漢字 the", "", "\0 \u{fffd}"] {
                    if let Some(found) = model.predict(text) {
                        prop_assert!((0.0..=1.0).contains(&found.probability));
                    }
                }
            }
            Err(error) => prop_assert!(error.to_string().starts_with("damaged: byte "), "{}", error),
        }
    }
}
