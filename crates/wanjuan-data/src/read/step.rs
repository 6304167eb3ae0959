//! [`Step`] and [`Damage`]: what the decoders of all compressions answer.

/// A byte range of an archive that was lost.
#[derive(Clone, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Damage {
    /// First lost byte in the file.
    pub start: u64,
    /// Byte after the last lost one.
    pub end: u64,
    /// `junk` (not a record), `corrupt` (wrong checksum or stream), `truncated` (the file ends) or `padding` (zeros
    /// around gzip members, see [`Damage::is_padding`]).
    pub why: String,
}

impl Damage {
    pub(super) fn new(start: usize, end: usize, why: &str) -> Self {
        Self { start: start as u64, end: end as u64, why: why.to_owned() }
    }

    /// Whether nothing was lost: zeros between or behind gzip members, as tapes and block devices leave them. `gzip`
    /// itself ignores them.
    #[must_use]
    pub fn is_padding(&self) -> bool {
        self.why == PADDING
    }
}

/// Reason of a range of zeros around gzip members.
pub(super) const PADDING: &str = "padding";

/// What a decoder did. A unit is what damage cannot cross: a gzip member, else all frames up to a damage.
#[derive(Debug)]
pub(super) enum Step {
    /// More of a unit was appended.
    More,
    /// The rest of a unit was appended.
    Whole,
    /// The unit ends here; what could be saved of it was appended.
    Damaged(Damage),
    /// There is nothing left.
    End,
}
