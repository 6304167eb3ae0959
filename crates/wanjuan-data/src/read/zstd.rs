//! [`Zstd`]: the frames of a zstd file (RFC 8878), also with a dictionary in a leading skippable frame, as in
//! the zstd WARC format 1.0.

use memchr::memmem;
use ruzstd::decoding::{BlockDecodingStrategy, Dictionary, FrameDecoder};

use super::step::{Damage, Step};

/// Magic number of a frame.
const MAGIC: [u8; 4] = 0xfd2f_b528_u32.to_le_bytes();
/// Magic number of a dictionary, and of the skippable frame that holds one.
const DICTIONARY: [u8; 4] = 0xec30_a437_u32.to_le_bytes();
const DICTIONARY_FRAME: u32 = 0x184d_2a5d;
/// Maximum window: 128 MiB, which is also the limit of `zstd -d`.
const WINDOW_LIMIT: u64 = 1 << 27;
/// Maximum size of a dictionary after decompression, in bytes.
const DICTIONARY_LIMIT: usize = 1 << 24;

/// Decodes frames one after the other; all of them are one stream.
pub(super) struct Zstd {
    decoder: FrameDecoder,
    /// Where the next block or frame starts.
    pub(super) position: usize,
    /// Where the frame that is being decoded starts.
    frame: Option<usize>,
    /// Id of the dictionary, for frames that do not name it.
    dictionary: Option<u32>,
}

impl std::fmt::Debug for Zstd {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Zstd").field("position", &self.position).finish_non_exhaustive()
    }
}

/// Whether a file starts as a zstd file does.
pub(super) fn is_zstd(file: &[u8]) -> bool {
    file.starts_with(&MAGIC) || skippable_length(file).is_some()
}

impl Zstd {
    pub(super) fn new() -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW_LIMIT);
        Self { decoder, position: 0, frame: None, dictionary: None }
    }

    /// Appends about `want` bytes, or the rest of a frame.
    pub(super) fn step(&mut self, file: &[u8], out: &mut Vec<u8>, want: usize) -> Step {
        let before = out.len();
        let start = match self.frame {
            Some(start) => start,
            None => {
                while let Some(length) = skippable_length(&file[self.position.min(file.len())..]) {
                    self.take_dictionary(&file[self.position..], length);
                    self.position += length;
                }
                if self.position >= file.len() {
                    return Step::End;
                }
                let start = self.position;
                if !file[start..].starts_with(&MAGIC) {
                    return self.damaged(file, start, "junk");
                }
                if self.begin(file, start).is_none() {
                    return self.damaged(file, start, "corrupt");
                }
                start
            }
        };
        let first = self.frame.replace(start).is_none();
        if self.blocks(file, out, want).is_some() {
            return Step::More;
        }
        // A frame that does not name its dictionary may still need the one of the file.
        if let Some(id) = self.dictionary.filter(|_| first) {
            out.truncate(before);
            let begun = self.begin(file, start).and_then(|()| self.decoder.force_dict(id).ok());
            if begun.and_then(|()| self.blocks(file, out, want)).is_some() {
                return Step::More;
            }
        }
        let ended = self.position >= file.len();
        let damaged = self.damaged(file, start, if ended { "truncated" } else { "corrupt" });
        if !ended || self.position < file.len() {
            out.truncate(before);
        }
        damaged
    }

    /// Reads the header of the frame at `start`.
    fn begin(&mut self, file: &[u8], start: usize) -> Option<()> {
        let mut rest = &file[start..];
        self.decoder.reset(&mut rest).ok()?;
        self.position = file.len() - rest.len();
        Some(())
    }

    /// Decodes about `want` bytes of the frame; `None` when it is damaged.
    fn blocks(&mut self, file: &[u8], out: &mut Vec<u8>, want: usize) -> Option<()> {
        let mut rest = &file[self.position..];
        let decoded = self.decoder.decode_blocks(&mut rest, BlockDecodingStrategy::UptoBytes(want));
        self.position = file.len() - rest.len();
        self.decoder.collect_to_writer(&mut *out).ok()?;
        decoded.ok()?;
        if self.decoder.is_finished() {
            self.frame = None;
            let stored = self.decoder.get_checksum_from_data();
            if stored.is_some() && stored != self.decoder.get_calculated_checksum() {
                return None;
            }
        }
        Some(())
    }

    /// Gives up the frame at `start` and moves to the next one.
    fn damaged(&mut self, file: &[u8], start: usize, why: &str) -> Step {
        self.frame = None;
        let from = (start + 1).min(file.len());
        self.position = memmem::find(&file[from..], &MAGIC).map_or(file.len(), |skip| from + skip);
        Step::Damaged(Damage::new(start, self.position, why))
    }

    /// Takes the dictionary out of a skippable frame of `length` bytes, when it holds one.
    fn take_dictionary(&mut self, frame: &[u8], length: usize) {
        if self.dictionary.is_some() || magic(frame) != Some(DICTIONARY_FRAME) {
            return;
        }
        let content = &frame[8..length];
        let mut inflated = Vec::new();
        let raw = if content.starts_with(&MAGIC) {
            let mut decoder = FrameDecoder::new();
            let mut rest = content;
            let all = BlockDecodingStrategy::UptoBytes(DICTIONARY_LIMIT);
            let read = decoder.reset(&mut rest).is_ok() && decoder.decode_blocks(&mut rest, all).is_ok();
            if !read || decoder.collect_to_writer(&mut inflated).is_err() {
                return;
            }
            inflated.as_slice()
        } else {
            content
        };
        if raw.len() < 16 || !raw.starts_with(&DICTIONARY) {
            return;
        }
        if let Ok(dictionary) = Dictionary::decode_dict(raw) {
            let id = dictionary.id;
            if self.decoder.add_dict(dictionary).is_ok() {
                self.dictionary = Some(id);
            }
        }
    }
}

fn magic(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|raw| u32::from_le_bytes(*raw))
}

/// Length of the skippable frame at the start of `bytes`; `None` without a complete one. The lz4
/// format has the same frames.
pub(super) fn skippable_length(bytes: &[u8]) -> Option<usize> {
    if magic(bytes)? & 0xffff_fff0 != 0x184d_2a50 {
        return None;
    }
    let length = 8 + magic(bytes.get(4..)?)? as usize;
    (length <= bytes.len()).then_some(length)
}
