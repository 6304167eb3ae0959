//! Measures reading of gzip archives against bare inflation by zlib-rs, interleaved in one process.
//!
//! `cargo run --release -p wanjuan-data --example warc_speed -- crawl.warc.gz ...`: CPU time of this thread, the
//! median of five rounds.
#![allow(clippy::print_stdout)]

use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use flate2::{Crc, Decompress, FlushDecompress, Status};
use wanjuan_data::read::{WarcItem, WarcReader};

const ROUNDS: usize = 5;

fn main() -> anyhow::Result<()> {
    for file in std::env::args().skip(1) {
        measure(Path::new(&file))?;
    }
    Ok(())
}

fn measure(file: &Path) -> anyhow::Result<()> {
    let bytes = fs::read(file)?;
    let (mut reader, mut bare, mut stream) = (Vec::new(), Vec::new(), Vec::new());
    let (mut inflated, mut records) = (0, 0);
    for _ in 0..ROUNDS {
        reader.push(timed(|| records = read(file))?);
        bare.push(timed(|| inflated = inflate(&bytes))?);
        stream.push(timed(|| {
            let mut piece = vec![0; 1 << 16];
            let mut decoder = flate2::bufread::MultiGzDecoder::new(bytes.as_slice());
            while decoder.read(&mut piece).is_ok_and(|read| read > 0) {}
        })?);
    }
    let (reader, bare, stream) = (median(reader), median(bare), median(stream));
    let speed = |seconds: f64| inflated as f64 / 1e6 / seconds;
    println!("{}: {} bytes, {inflated} inflated, {records} records", file.display(), bytes.len());
    println!(
        "  WarcReader             {:8.1} MB/s  {:9.0} records/s",
        speed(reader),
        records as f64 / reader
    );
    println!("  zlib-rs, one buffer    {:8.1} MB/s  ratio {:.3}", speed(bare), bare / reader);
    println!("  flate2 MultiGzDecoder  {:8.1} MB/s  ratio {:.3}", speed(stream), stream / reader);
    Ok(())
}

/// CPU seconds of this thread; wall-clock seconds where the system does not report them.
fn timed(mut work: impl FnMut()) -> anyhow::Result<f64> {
    let started = Instant::now();
    let before = cpu();
    work();
    let cpu = before.zip(cpu()).map(|(before, after)| after - before);
    Ok(cpu.unwrap_or_else(|| started.elapsed()).as_secs_f64())
}

fn cpu() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn read(file: &Path) -> usize {
    let mut records = 0;
    let Ok(mut reader) = WarcReader::open(file) else { return 0 };
    while let Some(item) = reader.next_item() {
        records += usize::from(matches!(item, WarcItem::Record(_)));
    }
    records
}

/// Inflates members with a bare header into one buffer that is used again; returns the bytes in all.
fn inflate(bytes: &[u8]) -> usize {
    let mut state = Decompress::new(false);
    let mut out = Vec::with_capacity(1 << 16);
    let (mut at, mut total) = (0, 0);
    while bytes.len() > at + 18 && bytes[at + 3] == 0 {
        at += 10;
        out.clear();
        state.reset(false);
        loop {
            let input = &bytes[at + state.total_in() as usize..];
            match state.decompress_vec(input, &mut out, FlushDecompress::Finish) {
                Ok(Status::StreamEnd) => break,
                Ok(_) if out.len() == out.capacity() => out.reserve(out.capacity()),
                _ => return total,
            }
        }
        at += state.total_in() as usize;
        let mut crc = Crc::new();
        crc.update(&out);
        if bytes.get(at..at + 4) != Some(&crc.sum().to_le_bytes()[..]) {
            return total;
        }
        at += 8;
        total += out.len();
    }
    total
}
