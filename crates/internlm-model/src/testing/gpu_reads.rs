//! [`GpuReads`]: how often the host waits for the GPU.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use log::{LevelFilter, Log, Metadata, Record};

static READS: AtomicUsize = AtomicUsize::new(0);
static SUBMITTED: AtomicBool = AtomicBool::new(false);

/// Counts what the host reads of the GPU while it exists. wgpu tells in its log what it reads; CUDA does not.
///
/// Buffers that are mapped for reading after one submission are one wait. One value exists at a time, and no other
/// thread of the process uses the GPU.
#[derive(Debug)]
pub struct GpuReads(());

impl GpuReads {
    /// Listens to the log of the process until it is dropped.
    ///
    /// # Panics
    /// When something else listens to the log, or did before.
    #[must_use]
    pub fn listen() -> Self {
        log::set_logger(&WgpuLog).expect("nothing else listens to the log");
        log::set_max_level(LevelFilter::Trace);
        Self(())
    }

    /// Reads of the GPU while `work` runs.
    pub fn of(&self, work: impl FnOnce()) -> usize {
        let before = READS.load(Ordering::Relaxed);
        work();
        READS.load(Ordering::Relaxed) - before
    }
}

impl Drop for GpuReads {
    fn drop(&mut self) {
        log::set_max_level(LevelFilter::Off);
    }
}

/// The log of wgpu, of which only submissions and reads count.
struct WgpuLog;

impl Log for WgpuLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("wgpu_core::device")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let text = record.args().to_string();
        if text == "Queue::submit" {
            SUBMITTED.store(true, Ordering::Relaxed);
        } else if text.starts_with("Buffer::map_async") && text.contains("host: Read") {
            let first = SUBMITTED.swap(false, Ordering::Relaxed);
            READS.fetch_add(usize::from(first), Ordering::Relaxed);
        }
    }

    fn flush(&self) {}
}
