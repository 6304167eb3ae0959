//! [`Part`]: the parts into which a segment's input is cut: whole files, and byte ranges of large archives.
//!
//! A range starts at its first byte that looks like a member with a record. That byte may be inside of another record
//! (an archive in an archive): then the part before ends elsewhere, and [`Seams`] says where to begin instead, so
//! that the documents are those of one reader in any case.

use crate::artifact::Artifact;
use crate::part_report::ReadRange;
use crate::read::{ArchiveRange, RangeStart, WarcReader};
use crate::run_folder::RunFolder;

/// One part before it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    /// Number in the segment, from 0.
    pub(super) index: usize,
    pub(super) input: &'a Artifact,
    /// How documents name the archive; `None` when the input holds documents.
    pub(super) archive: Option<&'a str>,
    /// The bytes of the archive; `None` for all of it.
    pub(super) range: Option<ArchiveRange>,
}

/// Cuts inputs into parts: archives of more than `split_bytes` that can be split become ranges of that size.
/// `archives` has a name per input, or none when the inputs hold documents. A file that is not an archive is one part,
/// which counts it as lost.
pub(super) fn parts<'a>(
    folder: &RunFolder,
    inputs: &'a [Artifact],
    archives: &'a [String],
    split_bytes: u64,
) -> Vec<Part<'a>> {
    let mut parts: Vec<Part> = Vec::new();
    for (place, input) in inputs.iter().enumerate() {
        let archive = archives.get(place).map(String::as_str);
        let splits = archive.is_some()
            && input.bytes > split_bytes
            && WarcReader::open(folder.file(&input.path)).is_ok_and(|reader| reader.is_splittable());
        if !splits {
            parts.push(Part { index: parts.len(), input, archive, range: None });
            continue;
        }
        for start in (0..input.bytes).step_by(usize::try_from(split_bytes).unwrap_or(usize::MAX)) {
            let end = start.saturating_add(split_bytes).min(input.bytes);
            let range = Some(ArchiveRange { start: RangeStart::Search(start), end });
            parts.push(Part { index: parts.len(), input, archive, range });
        }
    }
    parts
}

/// Follows the ranges of archives in order and checks that each begins where the one before ended.
#[derive(Debug, Default)]
pub(super) struct Seams {
    /// Where the next range has to begin.
    expected: u64,
}

impl Seams {
    /// The range to read instead when `range`, of which `read` was read, does not begin at the seam; `None` when
    /// it does.
    pub(super) fn correction(
        &mut self,
        range: ArchiveRange,
        read: Option<ReadRange>,
    ) -> Option<ArchiveRange> {
        if range.start == RangeStart::Search(0) {
            self.expected = 0;
        }
        let fits = match read.and_then(|read| read.start) {
            Some(start) => start == self.expected,
            None => self.expected >= range.end,
        };
        (!fits).then_some(ArchiveRange { start: RangeStart::At(self.expected), ..range })
    }

    /// Moves the seam to the end of what was finally read.
    pub(super) fn advance(&mut self, read: Option<ReadRange>) {
        if let Some(read) = read.filter(|read| read.start.is_some()) {
            self.expected = read.end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, end: u64) -> ArchiveRange {
        ArchiveRange { start: RangeStart::Search(start), end }
    }

    fn read(start: u64, end: u64) -> Option<ReadRange> {
        Some(ReadRange { start: Some(start), end })
    }

    #[test]
    fn ranges_that_fit_need_no_correction() {
        let mut seams = Seams::default();
        for (range, read) in [(range(0, 100), read(0, 130)), (range(100, 200), read(130, 200))] {
            assert_eq!(seams.correction(range, read), None);
            seams.advance(read);
        }
        // A second archive starts at its own byte 0.
        assert_eq!(seams.correction(range(0, 100), read(0, 100)), None);
    }

    #[test]
    fn a_range_inside_of_a_long_record_is_empty_and_one_that_found_a_false_start_is_read_again() {
        let mut seams = Seams::default();
        seams.advance(read(0, 250));
        let nothing = Some(ReadRange { start: None, end: 200 });
        assert_eq!(seams.correction(range(100, 200), nothing), None);
        seams.advance(nothing);
        let again = ArchiveRange { start: RangeStart::At(250), end: 300 };
        assert_eq!(seams.correction(range(200, 300), read(210, 300)), Some(again));
        // A range in which nothing was found although the one before ended inside of it.
        assert_eq!(seams.correction(range(200, 300), Some(ReadRange { start: None, end: 300 })), Some(again));
    }
}
