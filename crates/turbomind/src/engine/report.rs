//! [`MemoryReport`]: where the bytes are.

/// Bytes in use by an engine.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct MemoryReport {
    /// Tiles of all matrices.
    pub repacked: usize,
    /// Room for a pass.
    pub scratch: usize,
    /// Pool of keys and values.
    pub kv: usize,
}

impl MemoryReport {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> usize {
        self.repacked + self.scratch + self.kv
    }
}
