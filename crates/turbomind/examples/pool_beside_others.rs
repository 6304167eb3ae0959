//! Throughput of the thread pool alone and beside two busy processes: `cargo run --release --example pool_beside_others`.

use std::hint::black_box;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use turbomind::internals::{Pool, default_threads};

/// Phases of a job and chunks of a phase, as in a decoded token.
const PHASES: usize = 150;
const CHUNKS: usize = 16;

/// A busy process that ends with this value.
struct Busy(Child);

impl Busy {
    fn start() -> anyhow::Result<Self> {
        let child = Command::new("yes").stdout(Stdio::null()).spawn().context("starting yes")?;
        Ok(Self(child))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Arithmetic of some microseconds.
fn chunk(rounds: u32) -> f32 {
    let mut x = black_box(1.0_f32);
    for _ in 0..rounds {
        x = x.mul_add(0.999, 0.001);
    }
    black_box(x)
}

/// Jobs per second over `time`.
fn rate(pool: &mut Pool, rounds: u32, time: Duration) -> anyhow::Result<f64> {
    let start = Instant::now();
    let mut jobs = 0;
    while start.elapsed() < time {
        pool.run(&|member| {
            (0..PHASES).try_for_each(|_| {
                member.phase(CHUNKS, |_| {
                    black_box(chunk(rounds));
                })
            })
        })?;
        jobs += 1;
    }
    Ok(f64::from(jobs) / start.elapsed().as_secs_f64())
}

fn main() -> anyhow::Result<()> {
    let threads = default_threads();
    let mut pool = Pool::new(threads)?;
    // Chunks of 20 us * threads / 16.
    let start = Instant::now();
    chunk(10_000_000);
    let rounds = (10e6 / start.elapsed().as_secs_f64() * 20e-6 * threads as f64 / CHUNKS as f64) as u32;
    let time = Duration::from_secs(2);
    for round in 0..3 {
        let alone = rate(&mut pool, rounds, time)?;
        let busy = [Busy::start()?, Busy::start()?];
        let beside = rate(&mut pool, rounds, time)?;
        drop(busy);
        writeln!(
            std::io::stdout(),
            "round {round}: {threads} threads, alone {alone:.0} jobs/s ({:.1} us per phase), beside others {beside:.0} \
             jobs/s = {:.0} %",
            1e6 / alone / PHASES as f64,
            100.0 * beside / alone
        )?;
    }
    Ok(())
}
