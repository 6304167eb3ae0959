//! Ten thousand damaged files: every one ends in an error or in success, soon, and in little memory.

use std::fs;
use std::time::{Duration, Instant};

use internlm_kit::rng::CounterRng;

use crate::readers::Reader;
use crate::seeds::seed;
use crate::{peak, turn};

/// Inputs altogether.
const INPUTS: u64 = 10_000;

/// One to eight changes: bits, bytes, numbers at their limits, cuts, repeats, swaps of digits.
fn mutate(bytes: &mut Vec<u8>, rng: CounterRng, case: u64) {
    let mut counter = case << 16;
    let mut below = |limit: usize| {
        counter += 1;
        rng.below(counter, limit.max(1) as u64) as usize
    };
    for _ in 0..=below(8) {
        let at = below(bytes.len());
        match below(8) {
            0 => bytes.truncate(at),
            1 => bytes.extend_from_within(at..at + below(bytes.len() - at)),
            2 if at < bytes.len() => drop(bytes.drain(at..at + below(64.min(bytes.len() - at)))),
            3 => {
                let number =
                    [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX][below(8)].to_le_bytes();
                let width = [1, 2, 4, 8][below(4)];
                let end = bytes.len().min(at + width);
                bytes[at..end].copy_from_slice(&number[..end - at]);
            }
            4 => {
                if let Some(digit) = bytes[at..].iter().position(u8::is_ascii_digit) {
                    let number = [&b"-1"[..], b"9999999999", b"0", b"1e999"][below(4)];
                    bytes.splice(at + digit..=at + digit, number.iter().copied());
                }
            }
            5 if at < bytes.len() => bytes[at] = below(256) as u8,
            _ if at < bytes.len() => bytes[at] ^= 1 << below(8),
            _ => {}
        }
    }
}

#[test]
fn damaged_files_end_in_an_error_or_in_success() {
    let _turn = turn();
    let folder = tempfile::tempdir().expect("temporary folder");
    let rng = CounterRng::new(11, "mutations");
    println!("{:<14} {:>7} {:>7} {:>9} {:>12}", "reader", "errors", "fine", "slowest", "most memory");
    for (index, reader) in Reader::ALL.into_iter().enumerate() {
        let seed = seed(reader, folder.path());
        let path = folder.path().join(reader.file_name());
        fs::write(&path, &seed).expect("writes");
        reader.read(&path).unwrap_or_else(|error| panic!("the undamaged {reader:?} file: {error}"));
        let (mut errors, mut fine, mut slowest, mut most) = (0, 0, Duration::ZERO, 0.0_f64);
        let share = INPUTS / Reader::ALL.len() as u64 + 1;
        for case in index as u64 * share..(index as u64 + 1) * share {
            let mut bytes = seed.clone();
            mutate(&mut bytes, rng, case);
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
            "{:<14} {errors:>7} {fine:>7} {slowest:>9.1?} {:>11.0} % of the limit",
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
