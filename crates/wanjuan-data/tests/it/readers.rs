//! The readers as the fuzz targets and the mutation test call them: everything in an input is read, whole and in
//! parts.

use std::path::Path;
use std::sync::LazyLock;

use wanjuan_data::read::{
    ArchiveRange, Digest, RangeStart, RecordState, WarcHeaders, WarcItem, WarcReader, WarcWriter,
    parse_response,
};

#[allow(dead_code)]
/// Reading an input of 64 KiB takes less memory than this: a record that is inflated in pieces may take 256 MiB,
/// and a buffer twice that while it grows.
pub const MEMORY_LIMIT: usize = 640 << 20;

/// One reader.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reader {
    /// Plain WARC.
    Warc,
    /// Plain ARC.
    Arc,
    /// One HTTP response.
    Http,
    /// WARC in gzip members.
    Gzip,
    /// WARC in zstd frames.
    Zstd,
    /// WARC in lz4 frames.
    Lz4,
}

/// What was read: place, state and hash of the content of each record, or a damage.
pub type Trace = Vec<(Option<u64>, u64, &'static str, usize)>;

/// A whole member, so that whatever follows is taken for gzip.
static MEMBER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut writer = WarcWriter::new(Vec::new());
    let headers =
        WarcHeaders { kind: "warcinfo", uri: None, date: "2024-05-01T00:00:00Z", content_type: "text/plain" };
    writer.write(&headers, b"x").expect("writes to memory");
    writer.into_inner()
});
/// Empty frames, for the same reason.
const ZSTD_FRAME: [u8; 9] = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0];
const LZ4_FRAME: [u8; 11] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 0, 0, 0, 0];
const ARC_HEADER: &[u8] = b"filedesc://x 0.0.0.0 20240501000000 text/plain 0\n\n";

impl Reader {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Warc, Self::Arc, Self::Http, Self::Gzip, Self::Zstd, Self::Lz4];

    /// Reads everything in `bytes`; an input that does not begin like a file of this kind gets a beginning.
    ///
    /// # Panics
    /// When the parts of an archive give other records than the whole.
    pub fn read(self, bytes: &[u8]) {
        let (start, magic): (&[u8], &[u8]) = match self {
            Self::Http => return response(bytes),
            Self::Warc => (b"WARC/1.0\r\n", b"WARC/1"),
            Self::Arc => (ARC_HEADER, b"filedesc://"),
            Self::Gzip => (&MEMBER, b"\x1f\x8b\x08"),
            Self::Zstd => (&ZSTD_FRAME, &ZSTD_FRAME[..4]),
            Self::Lz4 => (&LZ4_FRAME, &LZ4_FRAME[..4]),
        };
        let mut file = if bytes.starts_with(magic) { Vec::new() } else { start.to_vec() };
        file.extend_from_slice(bytes);
        let Some(whole) = trace(&file, None) else { return };
        for parts in [2, 5] {
            assert_eq!(in_parts(&file, parts), whole, "{parts} parts");
        }
    }
}

fn response(bytes: &[u8]) {
    if let Some(response) = parse_response(bytes) {
        assert!((0..=999).contains(&response.status));
        assert!(response.body.len() <= bytes.len());
    }
}

/// What a reader of `range` gives, and where the range begins and ends; `None` when `file` is not an archive.
fn read_range(file: &[u8], range: Option<ArchiveRange>) -> Option<(Trace, Option<u64>, u64)> {
    let mut reader = WarcReader::from_bytes(Path::new("input"), file.to_vec()).ok()?;
    if let Some(range) = range {
        reader.restrict(range);
    }
    let mut trace = Trace::new();
    while let Some(item) = reader.next_item() {
        match item {
            WarcItem::Damage(damage) => {
                assert!(damage.start < damage.end && damage.end <= file.len() as u64, "{damage:?}");
                trace.push((Some(damage.start), damage.end, "damage", 0));
            }
            WarcItem::Record(record) => {
                let _ = (record.uri(), record.type_name());
                if let Some(digest) = record.header("WARC-Block-Digest") {
                    let _ = Digest::parse(&digest);
                }
                if range.is_none() {
                    response(record.block);
                }
                let promised = record.promised.and_then(|length| usize::try_from(length).ok());
                let whole = record.state == RecordState::Whole;
                assert!(!whole || promised == Some(record.block.len()), "{record:?}");
                let sum = record.block.iter().fold(record.block.len(), |sum, byte| {
                    sum.wrapping_mul(31).wrapping_add(usize::from(*byte))
                });
                trace.push((record.offset, record.inner, record.state.name(), sum));
            }
        }
    }
    Some((trace, reader.start(), reader.position()))
}

/// Everything that a reader of `range` gives; `None` when `file` is not an archive.
pub fn trace(file: &[u8], range: Option<ArchiveRange>) -> Option<Trace> {
    read_range(file, range).map(|(trace, _, _)| trace)
}

/// The same from `count` parts of equal size that are joined as the executor joins them.
pub fn in_parts(file: &[u8], count: usize) -> Trace {
    let size = file.len().div_ceil(count).max(1);
    let (mut all, mut expected) = (Trace::new(), 0);
    for start in (0..file.len()).step_by(size) {
        let end = (start + size).min(file.len()) as u64;
        let mut range = ArchiveRange { start: RangeStart::Search(start as u64), end };
        let read = |range| read_range(file, Some(range)).expect("was an archive before");
        let (mut trace, mut begin, mut next) = read(range);
        let fits = begin.map_or(expected >= end, |begin| begin == expected);
        let splittable = WarcReader::from_bytes(Path::new("input"), file.to_vec())
            .is_ok_and(|reader| reader.is_splittable());
        if splittable && !fits {
            range.start = RangeStart::At(expected);
            (trace, begin, next) = read(range);
        }
        all.extend(trace);
        expected = if begin.is_some() { next } else { expected };
    }
    all
}
