//! [`decode`]: content codings of HTTP payloads, with a limit on what they may grow to.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// Maximum size of a decoded payload, 64 MiB: more is a mistake or an attack.
pub(super) const PAYLOAD_LIMIT: usize = 1 << 26;
/// Maximum window of zstd payloads: 8 MiB, as RFC 9659 requires.
const WINDOW_LIMIT: u64 = 1 << 23;

/// The result of decoding.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Decoded {
    /// All bytes were decoded.
    Whole(Vec<u8>),
    /// Decoding failed after these bytes.
    Cut(Vec<u8>),
    /// The decoded bytes exceed the limit.
    TooLarge,
    /// The coding does not change bytes: `identity`, or a word that is not a content coding.
    NotEncoded,
}

/// Removes one content coding: `gzip`, `deflate` (zlib or bare), `br`, `zstd`; gives at most `limit` bytes.
pub(super) fn decode(coding: &str, bytes: &[u8], limit: usize) -> Decoded {
    match coding.trim().to_ascii_lowercase().as_str() {
        "gzip" | "x-gzip" => read(MultiGzDecoder::new(bytes), limit),
        "deflate" | "x-deflate" if is_zlib(bytes) => read(ZlibDecoder::new(bytes), limit),
        "deflate" | "x-deflate" => read(DeflateDecoder::new(bytes), limit),
        "br" => read(brotli_decompressor::Decompressor::new(bytes, 1 << 12), limit),
        "zstd" => zstd(bytes, limit),
        _ => Decoded::NotEncoded,
    }
}

/// RFC 1950: method 8, and a check that makes the first two bytes divisible by 31.
fn is_zlib(bytes: &[u8]) -> bool {
    bytes
        .first_chunk()
        .is_some_and(|head: &[u8; 2]| head[0] & 0x0f == 8 && u16::from_be_bytes(*head).is_multiple_of(31))
}

fn read(decoder: impl Read, limit: usize) -> Decoded {
    let mut out = Vec::new();
    match decoder.take(limit as u64 + 1).read_to_end(&mut out) {
        _ if out.len() > limit => Decoded::TooLarge,
        Ok(_) => Decoded::Whole(out),
        Err(_) => Decoded::Cut(out),
    }
}

fn zstd(bytes: &[u8], limit: usize) -> Decoded {
    let mut decoder = FrameDecoder::new();
    decoder.set_max_window_size(WINDOW_LIMIT);
    let mut rest = bytes;
    let mut out = Vec::new();
    while !rest.is_empty() {
        if decoder.reset(&mut rest).is_err() {
            return Decoded::Cut(out);
        }
        while !decoder.is_finished() {
            let read = decoder.decode_blocks(&mut rest, BlockDecodingStrategy::UptoBytes(1 << 20)).is_ok();
            let drained = decoder.collect_to_writer(&mut out).is_ok();
            if out.len() > limit {
                return Decoded::TooLarge;
            }
            if !read || !drained {
                return Decoded::Cut(out);
            }
        }
    }
    Decoded::Whole(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
        writer.write_all(bytes).expect("writes to memory");
        writer.finish().expect("finishes")
    }

    #[test]
    fn deflate_comes_in_two_forms() {
        let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
        bare.write_all(b"hello").expect("writes to memory");
        let bare = bare.finish().expect("finishes");
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"hello").expect("writes to memory");
        let zlib = zlib.finish().expect("finishes");
        for bytes in [bare, zlib] {
            assert_eq!(decode("Deflate", &bytes, 100), Decoded::Whole(b"hello".to_vec()));
        }
    }

    #[test]
    fn brotli_and_zstd_are_decoded() {
        // An uncompressed brotli block and a raw zstd block, by hand.
        let brotli = [0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03];
        assert_eq!(decode("br", &brotli, 100), Decoded::Whole(b"hello".to_vec()));
        let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, 0x29, 0, 0, b'h', b'e', b'l', b'l', b'o'];
        assert_eq!(decode("zstd", &zstd, 100), Decoded::Whole(b"hello".to_vec()));
        assert_eq!(decode("zstd", &zstd[..12], 100), Decoded::Cut(Vec::new()));
    }

    #[test]
    fn bombs_stop_at_the_limit_and_cut_payloads_keep_their_beginning() {
        let bomb = gzip(&vec![b'a'; 1 << 20]);
        assert_eq!(decode("gzip", &bomb, 1000), Decoded::TooLarge);
        let text: Vec<u8> = (0..5000_u32).flat_map(|number| number.to_le_bytes()).collect();
        let whole = gzip(&text);
        let Decoded::Cut(part) = decode("gzip", &whole[..whole.len() / 2], 1 << 20) else {
            panic!("half a stream is not whole");
        };
        assert!(part.len() > 1000 && text.starts_with(&part));
        assert_eq!(decode("utf-8", b"x", 10), Decoded::NotEncoded);
    }
}
