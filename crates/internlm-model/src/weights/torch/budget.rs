//! How much a pickle may ask for, in proportion to its length: a damaged or hostile one of a few bytes could otherwise
//! stand for gigabytes of values.
//!
//! State dicts make about one object in 25 bytes and one value in 40, and copy next to nothing, so that the shares
//! below leave real checkpoints a factor of two and more.

/// Items that any pickle may stand for, however short.
const FREE: usize = 1 << 14;
/// Bytes of the pickle per item copied or byte of text re-encoded.
const BYTES_PER_COPY: usize = 4;
/// Bytes of the pickle per object, memo entry and waiting item.
const BYTES_PER_OBJECT: usize = 12;
/// Bytes of the pickle per value of the finished tree.
const BYTES_PER_VALUE: usize = 8;

/// Maximum number of copies for a pickle of `length` bytes.
pub(super) fn copies(length: usize) -> usize {
    FREE + length / BYTES_PER_COPY
}

/// Maximum number of objects, of memo entries and of items on the stack.
pub(super) fn objects(length: usize) -> usize {
    FREE + length / BYTES_PER_OBJECT
}

/// Maximum number of values of the tree, where a shared object counts every time it is reached.
pub(super) fn values(length: usize) -> usize {
    FREE + length / BYTES_PER_VALUE
}
