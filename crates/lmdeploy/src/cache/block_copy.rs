//! [`BlockCopy`]: how a sequence begins like another one whose last block it cannot share.

use super::BlockId;

/// A copy of the first keys and values of a block, in all layers, for a sequence that begins like another one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BlockCopy {
    /// The block to copy from; it is not written to in this step at the places that are copied.
    pub from: BlockId,
    /// The block to copy to, which belongs to one sequence of the step alone.
    pub to: BlockId,
    /// Number of tokens to copy; less than a block. What follows them in `to` does not matter.
    pub tokens: usize,
}
