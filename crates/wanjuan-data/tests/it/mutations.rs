//! Damaged inputs: every one is read to its end, soon, and gives the same in parts.
#![allow(clippy::print_stdout)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use internlm_kit::testing::{TestRng, mutate};

use crate::readers::{Reader, trace};
use crate::seeds::seed;

/// Inputs altogether, unless `MUTATIONS` says otherwise.
const INPUTS: u64 = 3_000;

#[test]
fn damaged_inputs_are_read_to_their_end() {
    let inputs = std::env::var("MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(INPUTS);
    println!("{:<8} {:>7} {:>9}", "reader", "inputs", "slowest");
    for (index, reader) in Reader::ALL.into_iter().enumerate() {
        let seed = seed(reader);
        let mut slowest = Duration::ZERO;
        let share = inputs / Reader::ALL.len() as u64 + 1;
        let mut rng = TestRng::new(index as u64);
        for _ in 0..share {
            let mut bytes = seed.clone();
            mutate(&mut bytes, &mut rng);
            let started = Instant::now();
            reader.read(&bytes);
            slowest = slowest.max(started.elapsed());
        }
        println!("{:<8} {share:>7} {slowest:>9.2?}", format!("{reader:?}"));
    }
}

/// A record whose content is far larger than what may be held: it is cut, and the next one is read.
#[test]
fn bombs_are_cut() {
    let zeros = vec![b'0'; 1 << 20];
    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let head = format!("WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: {}\r\n\r\n", 300_u64 << 20);
    std::io::Write::write_all(&mut member, head.as_bytes()).expect("writes to memory");
    for _ in 0..300 {
        std::io::Write::write_all(&mut member, &zeros).expect("writes to memory");
    }
    let mut file = member.finish().expect("finishes");
    let bomb = file.len() as u64;
    file.extend(crate::seeds::gzip(&crate::seeds::record("resource", "a", b"next"), 6));
    let trace = trace(&file, None).expect("is an archive");
    let places: Vec<_> = trace.iter().map(|(offset, inner, state, _)| (*offset, *inner, *state)).collect();
    let rest = (Some(0), bomb, "damage");
    assert_eq!(places, [(Some(0), 0, "truncated"), rest, (Some(bomb), 0, "ok")]);
}

#[test]
#[ignore = "writes the inputs that fuzzing starts from"]
fn write_fuzz_seeds() {
    for reader in Reader::ALL {
        let name = format!("{reader:?}").to_lowercase();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        fs::create_dir_all(&folder).expect("creates");
        fs::write(folder.join("seed"), seed(reader)).expect("writes");
    }
}
