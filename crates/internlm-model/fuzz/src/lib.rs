//! What the fuzz targets share: the file, the reader, and the limit of memory.

#[path = "../../tests/memory/readers.rs"]
pub mod readers;

use std::path::PathBuf;
use std::sync::LazyLock;

use peak_alloc::PeakAlloc;
use readers::Reader;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// A folder of this process in memory.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let base = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let folder = base.join(format!("internlm-model-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder for the input");
    folder
});

/// Reads `bytes` as a file of the reader's kind.
///
/// # Panics
/// When reading takes more memory than [`Reader::memory_limit`] allows.
pub fn run(reader: Reader, bytes: &[u8]) {
    let path = FOLDER.join(reader.file_name());
    std::fs::write(&path, bytes).expect("writes the input");
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let _ = reader.read(&path);
    let used = ALLOCATOR.peak_usage().saturating_sub(before);
    assert!(used <= reader.memory_limit(bytes.len()), "{used} bytes of memory for a file of {}", bytes.len());
}
