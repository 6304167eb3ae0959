//! Thousands of damaged files: every one ends in an error or in success, soon, and in little memory.

use std::fs;
use std::time::{Duration, Instant};

use internlm_kit::testing::{TestRng, mutate};

use crate::readers::Reader;
use crate::seeds::seed;
use crate::{peak, turn};

/// Inputs of each reader, unless `MUTATIONS` says otherwise.
const INPUTS: u64 = 1_500;

/// Damage of any kind, and in half of the cases a binary number at its limit: counts, lengths and offsets of the
/// formats are such numbers.
fn damage(bytes: &mut Vec<u8>, rng: &mut TestRng) {
    mutate(bytes, rng);
    if rng.below(2) == 0 && !bytes.is_empty() {
        let limits = [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX];
        let (at, number) = (rng.below(bytes.len()), rng.pick(&limits).to_le_bytes());
        let end = bytes.len().min(at + rng.pick(&[1, 2, 4, 8]));
        bytes[at..end].copy_from_slice(&number[..end - at]);
    }
}

#[test]
fn damaged_files_end_in_an_error_or_in_success() {
    let _turn = turn();
    let share = std::env::var("MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(INPUTS);
    println!("{:<15} {:>7} {:>7} {:>9} {:>12}", "reader", "errors", "fine", "slowest", "most memory");
    for (index, reader) in Reader::ALL.into_iter().enumerate() {
        // Of its own, because readers look at the files next to theirs.
        let folder = tempfile::tempdir().expect("temporary folder");
        let seed = seed(reader, folder.path());
        let path = folder.path().join(reader.file_name());
        fs::write(&path, &seed).expect("writes");
        reader.read(&path).unwrap_or_else(|error| panic!("the undamaged {reader:?} file: {error}"));
        let (mut errors, mut fine, mut slowest, mut most) = (0, 0, Duration::ZERO, 0.0_f64);
        for case in index as u64 * share..(index as u64 + 1) * share {
            let mut bytes = seed.clone();
            damage(&mut bytes, &mut TestRng::new(case));
            fs::write(&path, &bytes).expect("writes");
            let start = Instant::now();
            let (result, memory) = peak(|| reader.read(&path));
            slowest = slowest.max(start.elapsed());
            let limit = reader.memory_limit(bytes.len());
            assert!(memory <= limit, "{reader:?} case {case}: {memory} bytes for a file of {}", bytes.len());
            most = most.max(memory as f64 / limit as f64);
            match result {
                Ok(()) => fine += 1,
                Err(error) => {
                    errors += 1;
                    assert!(!error.to_string().is_empty());
                }
            }
        }
        assert!(slowest < Duration::from_secs(5), "{reader:?}: {slowest:?} for one file");
        println!(
            "{:<15} {errors:>7} {fine:>7} {slowest:>9.1?} {:>11.0} % of the limit",
            format!("{reader:?}"),
            100.0 * most
        );
    }
}

/// Writes the undamaged files where cargo-fuzz looks for its corpus: run it before fuzzing.
#[test]
#[ignore = "writes into fuzz/corpus"]
fn write_fuzz_seeds() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (reader, target) in Reader::ALL.into_iter().zip([
        "config",
        "safetensors",
        "gguf",
        "torch",
        "sentencepiece",
        "tokenizer_json",
    ]) {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder).expect("a folder");
        let seed = seed(reader, &folder);
        fs::write(folder.join("seed"), seed).expect("writes");
    }
}
