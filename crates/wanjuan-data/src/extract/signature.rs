//! [`other_type`]: what the first bytes of a page say that it is, when it is not a page: the signatures of the MIME
//! Sniffing Standard (sections 6 and 7) and those of other common files, and the beginnings of scripts, style sheets
//! and JSON.

use encoding_rs::Encoding;

use super::charset::utf16_by_zeros;
use super::script::script_type;

/// Number of bytes that are searched for control characters; the standard looks at 1445.
const HEAD_BYTES: usize = 4096;
/// Minimum number of control characters in the head of a binary file; a damaged page may have a few.
const MIN_CONTROLS: usize = 8;
/// One byte of a text in this many may be a control character. Noise has one in ten.
const BYTES_PER_CONTROL: usize = 32;

/// Signatures at the first byte, with the type of file.
static SIGNATURES: [(&[u8], &str); 55] = [
    (b"%PDF-", "application/pdf"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\0\0\x01\0", "image/x-icon"),
    (b"\0\0\x02\0", "image/x-icon"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"\0\0\0\x0cJXL ", "image/jxl"),
    (b"\0\0\0\x0cjP  ", "image/jp2"),
    (b"8BPS\0", "image/vnd.adobe.photoshop"),
    (b"AT&TFORM", "image/vnd.djvu"),
    (b"OggS\0", "application/ogg"),
    (b"MThd\0\0\0\x06", "audio/midi"),
    (b"fLaC\0", "audio/flac"),
    (b".snd\0", "audio/basic"),
    (b"#!AMR\n", "audio/amr"),
    (b"ID3\x02", "audio/mpeg"),
    (b"ID3\x03", "audio/mpeg"),
    (b"ID3\x04", "audio/mpeg"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"FLV\x01", "video/x-flv"),
    (b"\0\0\x01\xba", "video/mpeg"),
    (b"\0\0\x01\xb3", "video/mpeg"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (b"\0\x01\0\0", "font/ttf"),
    (b"OTTO\0", "font/otf"),
    (b"ttcf\0", "font/collection"),
    (b"wOFF\0\x01\0\0", "font/woff"),
    (b"wOFFOTTO", "font/woff"),
    (b"wOF2\0\x01\0\0", "font/woff2"),
    (b"wOF2OTTO", "font/woff2"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"PK\x07\x08", "application/zip"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"BZh91AY&SY", "application/x-bzip2"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
    (b"!<arch>\n", "application/x-archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"{\\rtf", "application/rtf"),
    (b"\x7fELF", "application/x-elf"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xca\xfe\xba\xbe", "application/java-vm"),
    (b"\0asm", "application/wasm"),
    (b"dex\n03", "application/x-dex"),
    (b"FWS\x06", "application/x-shockwave-flash"),
    (b"CWS\x06", "application/x-shockwave-flash"),
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
];

/// Signatures that are not at the first byte: their place, and what is at the first byte.
static INNER_SIGNATURES: [(&[u8], usize, &[u8], &str); 8] = [
    (b"RIFF", 8, b"WEBPVP", "image/webp"),
    (b"RIFF", 8, b"WAVE", "audio/wave"),
    (b"RIFF", 8, b"AVI ", "video/avi"),
    (b"FORM", 8, b"AIFF", "audio/aiff"),
    (b"BM", 6, b"\0\0\0\0", "image/bmp"),
    (b"\0\0\0", 4, b"ftyp", "video/mp4"),
    (b"MZ", 3, b"\0", "application/x-msdownload"),
    (b"", 257, b"ustar", "application/x-tar"),
];

/// What the transport says about a page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Declared {
    /// HTML, or nothing: a script is not a page.
    Html,
    /// Plain text, which may be the source of a script.
    Text,
}

/// The media type of bytes that are not text at all or, where HTML is declared, not HTML; `None` for a page. `charset`
/// is the label given by the transport.
pub(super) fn other_type(bytes: &[u8], charset: Option<&str>, declared: Declared) -> Option<&'static str> {
    let start = bytes.trim_ascii_start();
    if start.first() == Some(&b'<') && !is_binary(bytes, charset) {
        return None;
    }
    let outer = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature));
    let outer = outer.or_else(|| SIGNATURES[..2].iter().find(|(signature, _)| start.starts_with(signature)));
    let inner = || {
        INNER_SIGNATURES.iter().find(|(first, place, signature, _)| {
            bytes.starts_with(first) && bytes.get(*place..).is_some_and(|rest| rest.starts_with(signature))
        })
    };
    let known = outer.map(|(_, kind)| *kind).or_else(|| inner().map(|(_, _, _, kind)| *kind));
    let binary = || is_binary(bytes, charset).then_some("application/octet-stream");
    let script = || (declared == Declared::Html).then(|| script_type(bytes)).flatten();
    known.or_else(binary).or_else(script)
}

/// Whether the head is full of control characters that no text has. UTF-16 has zeros, and says so.
fn is_binary(bytes: &[u8], charset: Option<&str>) -> bool {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let controls = head.iter().filter(|byte| is_control(**byte)).count();
    if controls < MIN_CONTROLS || controls * BYTES_PER_CONTROL < head.len() {
        return false;
    }
    let labeled = charset.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    let narrow = labeled.is_none_or(Encoding::is_ascii_compatible);
    narrow && Encoding::for_bom(bytes).is_none() && utf16_by_zeros(bytes).is_none()
}

/// The standard's binary data bytes: all control characters but tab, line ends, form feed and escape.
fn is_control(byte: u8) -> bool {
    matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(bytes: &[u8]) -> Option<&'static str> {
        other_type(bytes, None, Declared::Html)
    }

    #[test]
    fn files_are_told_by_their_first_bytes() {
        let tar = [&[b'a'; 257][..], b"ustar"].concat();
        let cases: [(&[u8], &str); 12] = [
            (b"%PDF-1.7\n", "application/pdf"),
            (b"\r\n%PDF-1.7\n", "application/pdf"),
            (b"\x89PNG\r\n\x1a\n\0\0", "image/png"),
            (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
            (b"BM\x36\x10\0\0\0\0\0\0", "image/bmp"),
            (b"ID3\x03\0", "audio/mpeg"),
            (b"\0\0\0\x18ftypisom", "video/mp4"),
            (b"OTTO\0\x0b", "font/otf"),
            (b"PK\x03\x04", "application/zip"),
            (b"MZ\x90\0", "application/x-msdownload"),
            (&tar, "application/x-tar"),
            (b"\x01\x02\x03\x04\x05\x06\x07\x08text", "application/octet-stream"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(html(bytes), Some(expected), "{bytes:?}");
            assert_eq!(other_type(bytes, None, Declared::Text), Some(expected), "{bytes:?}");
        }
    }

    #[test]
    fn pages_and_texts_are_not_other_files() {
        let utf16: Vec<u8> = "<p>Page of some words</p>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let chinese: Vec<u8> =
            "一丁七万丈三上下".repeat(9).encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [&b"\xff\xfe"[..], &chinese].concat();
        let cases: [&[u8]; 11] = [
            b"",
            b"<p>one \0 zero, then text",
            b"plain text",
            b"BMW builds cars, and OTTO sells clothes.",
            b"ID3 tags are in music files.",
            b"PK is short for many things",
            b"MZ are two letters.",
            b"GIF is a format",
            b"\x1b$B$3$l\x1b(B",
            &utf16,
            &marked,
        ];
        for bytes in cases {
            assert_eq!(html(bytes), None, "{bytes:?}");
        }
        assert_eq!(other_type(&chinese, Some("utf-16le"), Declared::Html), None);
    }
}
