//! What the fuzz targets share: the reader and the limit of memory.

#[path = "../../tests/it/readers.rs"]
pub mod readers;

use peak_alloc::PeakAlloc;
use readers::{MEMORY_LIMIT, Reader};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Reads `bytes` as a file of the reader's kind.
///
/// # Panics
/// When reading takes more memory than [`MEMORY_LIMIT`], or parts of an archive give other records than the
/// whole.
pub fn run(reader: Reader, bytes: &[u8]) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    reader.read(bytes);
    let used = ALLOCATOR.peak_usage().saturating_sub(before);
    assert!(used <= MEMORY_LIMIT, "{used} bytes of memory for an input of {}", bytes.len());
}
