//! The peak of a GPU's memory while somebody asks for it, looked at whenever a kernel has got memory for its output.
//!
//! The allocator counts what tensors hold at the moment and what it took from the driver, but keeps no maximum of the
//! first.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cubecl::MemoryScope;
use cubecl::prelude::Client;

/// Bytes in use and bytes reserved, the largest of both so far; `None` while nobody traces.
static PEAK: Mutex<Option<[u64; 2]>> = Mutex::new(None);

fn peak() -> MutexGuard<'static, Option<[u64; 2]>> {
    PEAK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that tensors hold, and bytes that the allocator has taken from the driver; all streams together.
fn usage(client: &Client) -> [u64; 2] {
    let usage = client.memory_report(MemoryScope::Device).usage();
    [usage.bytes_in_use, usage.bytes_reserved]
}

/// Begins a trace. Memory that nobody uses goes back to the driver first.
pub(in crate::kernels) fn begin(client: &Client) {
    // Refused only while launches are recorded: the trace then begins with more reserved memory.
    let _ = client.memory_cleanup();
    *peak() = Some(usage(client));
}

/// Ends the trace.
pub(in crate::kernels) fn end(client: &Client) -> [u64; 2] {
    sample(client);
    peak().take().unwrap_or_default()
}

/// Counts the memory of this moment, while somebody traces.
pub(super) fn sample(client: &Client) {
    if let Some(largest) = peak().as_mut() {
        let now = usage(client);
        *largest = [largest[0].max(now[0]), largest[1].max(now[1])];
    }
}
