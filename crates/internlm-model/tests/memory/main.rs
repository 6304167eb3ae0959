//! Behavior that is measured in bytes: a test binary of its own, because it needs its own allocator.
#![allow(clippy::print_stdout, reason = "the figures are what a reader of the test wants")]

mod attention;
#[allow(dead_code, reason = "shared with the other test binary, which uses all of it")]
#[path = "../it/models.rs"]
mod models;
mod mutations;
#[allow(unreachable_pub, reason = "the fuzz targets are the other user")]
mod readers;
mod seeds;

use std::sync::{Mutex, MutexGuard};

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Held by the one test that measures.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The result of `work`, and the most bytes that were allocated during it beyond those before.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = work();
    (result, ALLOCATOR.peak_usage().saturating_sub(before))
}
