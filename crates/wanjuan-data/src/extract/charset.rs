//! [`decode`]: from bytes to text, by byte order mark, labels, and the bytes themselves.
//!
//! Bytes overrule a wrong label, because mojibake is worse than a disobeyed header.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_2022_JP, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};

/// Bytes at the start of a page that are searched for `<meta charset>`. The HTML standard says 1024; real pages
/// need more.
const PRESCAN_BYTES: usize = 4096;
/// What follows the escape character in ISO-2022-JP: to ASCII, JIS Roman, katakana, and JIS X 0208 of 1978 and 1983.
const ISO_2022_JP_ESCAPES: [&[u8]; 5] = [b"(B", b"(J", b"(I", b"$@", b"$B"];
/// Minimum number of good characters per broken one in a page whose encoding is believed.
const GOOD_PER_BROKEN: usize = 20;

/// Decodes a page. `label` is the charset given by the transport, if any. Never fails: bytes that cannot be decoded
/// become U+FFFD.
///
/// ```
/// use wanjuan_data::extract::decode;
///
/// assert_eq!(decode("Gr\u{fc}n".as_bytes(), Some("iso-8859-1")), "Grün"); // the label is wrong
/// assert_eq!(decode(b"Gr\xfcn", Some("latin1")), "Grün");
/// ```
#[must_use]
pub fn decode<'a>(bytes: &'a [u8], label: Option<&str>) -> Cow<'a, str> {
    if let Some((encoding, skip)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[skip..]).0;
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && utf16_by_zeros(bytes).is_none()
    {
        return iso_2022_jp(bytes).map_or(Cow::Borrowed(text), Cow::Owned);
    }
    let inside = meta_label(bytes).as_deref().and_then(labeled);
    // A label that was read byte by byte is not in UTF-16.
    let inside = inside.filter(|encoding| *encoding != UTF_16LE && *encoding != UTF_16BE);
    let labels = [label.and_then(labeled), inside];
    for encoding in utf16_by_zeros(bytes).into_iter().chain(labels.into_iter().flatten()) {
        let (text, wrong) = encoding.decode_without_bom_handling(bytes);
        if !wrong {
            return text;
        }
    }
    if mostly_utf8(bytes) {
        return String::from_utf8_lossy(bytes);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Allow).decode_without_bom_handling(bytes).0
}

/// The encoding that a label stands for. `x-user-defined` is for scripts that want bytes; a page that says so is in
/// windows-1252, by the prescan of the HTML standard.
fn labeled(label: &str) -> Option<&'static Encoding> {
    let encoding = Encoding::for_label(label.trim().as_bytes())?;
    Some(if encoding == X_USER_DEFINED { WINDOWS_1252 } else { encoding })
}

/// The text of bytes that switch character sets by the escape sequences of ISO-2022-JP, with or without a label. All
/// bytes are ASCII then, so that they are valid UTF-8 too.
fn iso_2022_jp(bytes: &[u8]) -> Option<String> {
    let switches = |at: usize| ISO_2022_JP_ESCAPES.iter().any(|escape| bytes[at + 1..].starts_with(escape));
    if !memchr::memchr_iter(0x1b, bytes).any(switches) {
        return None;
    }
    let (text, wrong) = ISO_2022_JP.decode_without_bom_handling(bytes);
    let broken = text.matches('\u{fffd}').count();
    let good = text.chars().filter(|c| !c.is_ascii()).count() - broken;
    (!wrong || good > GOOD_PER_BROKEN * broken).then(|| text.into_owned())
}

/// UTF-16 without a byte order mark, recognized by the zeros in every other byte of the markup.
pub(super) fn utf16_by_zeros(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(512) & !1];
    if head.len() < 16 {
        return None;
    }
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), head.len() / 2);
    match () {
        () if odd * 10 > half * 7 && even * 10 < half => Some(UTF_16LE),
        () if even * 10 > half * 7 && odd * 10 < half => Some(UTF_16BE),
        () => None,
    }
}

/// Whether a page with broken bytes is still UTF-8: it has more than 20 good sequences per broken one.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().bytes().filter(|byte| *byte >= 0xc0).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    good > GOOD_PER_BROKEN * broken
}

/// The charset of the first `<meta charset=...>` or `<meta http-equiv content="...charset=...">`, in lower case.
fn meta_label(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(PRESCAN_BYTES)]).to_ascii_lowercase();
    for tag in head.split("<meta").skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        if let Some((_, value)) = tag.split_once("charset") {
            let value = value.trim_start().strip_prefix('=')?.trim_start();
            let value = value.trim_start_matches(['"', '\'']);
            let end = value.find(|c: char| !c.is_ascii_alphanumeric() && !"-_:.".contains(c));
            let value = &value[..end.unwrap_or(value.len())];
            if !value.is_empty() {
                return Some(value.to_owned());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_with_and_without_labels() {
        let text = "<meta charset=gbk><p>今天天气晴朗适合出门散步，大家都很高兴。</p>";
        let gbk = encoding_rs::GBK.encode(text).0;
        assert_eq!(decode(&gbk, None), text);
        assert_eq!(decode(&gbk, Some("utf-8")), text);
        let shift_jis = "日本語の文章です。今日は天気がいいので散歩に行きましょう。";
        assert_eq!(decode(&encoding_rs::SHIFT_JIS.encode(shift_jis).0, None), shift_jis);
        let utf16: Vec<u8> = "<html><body>plain text</body></html>".bytes().flat_map(|b| [b, 0]).collect();
        assert_eq!(decode(&utf16, None), "<html><body>plain text</body></html>");
    }

    #[test]
    fn a_broken_byte_does_not_change_the_encoding() {
        let mut bytes = "Grüße aus Köln. ".repeat(20).into_bytes();
        bytes.push(0xff);
        assert!(decode(&bytes, None).starts_with("Grüße aus Köln."));
    }

    #[test]
    fn byte_order_marks_come_first() {
        assert_eq!(decode(b"\xef\xbb\xbfa", Some("utf-16le")), "a");
        assert_eq!(decode(b"\xff\xfea\0", Some("utf-8")), "a");
        assert_eq!(decode(b"\xfe\xff\0a", None), "a");
    }

    #[test]
    fn labels_in_the_page() {
        for (tag, label) in [
            ("<meta charset=gbk>", Some("gbk")),
            ("<META CHARSET = 'Shift_JIS'>", Some("shift_jis")),
            ("<meta http-equiv=Content-Type content=\"text/html; charset=koi8-r\">", Some("koi8-r")),
            ("<meta name=x><meta charset=utf-8>", Some("utf-8")),
            ("<meta charset=>", None),
            ("<meta charset", None),
            ("<p charset=gbk>", None),
            ("", None),
        ] {
            assert_eq!(meta_label(tag.as_bytes()).as_deref(), label, "{tag}");
        }
        let far = " ".repeat(PRESCAN_BYTES) + "<meta charset=gbk>";
        assert_eq!(meta_label(far.as_bytes()), None);
    }

    #[test]
    fn escapes_in_ascii() {
        let text = "<p>\u{65e5}\u{672c}\u{8a9e}</p>";
        let plain = " ".repeat(3 * PRESCAN_BYTES);
        for page in [format!("<meta charset=iso-2022-jp>{text}"), text.to_owned(), plain + text] {
            let bytes = encoding_rs::ISO_2022_JP.encode(&page).0;
            for label in [None, Some("iso-2022-jp"), Some("utf-8")] {
                assert_eq!(decode(&bytes, label), page, "{label:?}");
            }
        }
        let cases: [(&[u8], &str); 5] = [
            (b"\x1b$@F|K\\\x1b(J ~\x1b(B", "\u{65e5}\u{672c} \u{203e}"),
            (b"\x1b(I12\x1b(B", "\u{ff71}\u{ff72}"),
            (b"red \x1b[31mtext\x1b[0m", "red \x1b[31mtext\x1b[0m"),
            (b"bold \x1b(B\x1b[m", "bold \x1b(B\x1b[m"),
            (b"a ~{ b", "a ~{ b"),
        ];
        for (bytes, text) in cases {
            assert_eq!(decode(bytes, None), text);
        }
    }

    #[test]
    fn labels_that_no_page_can_mean_are_read_as_the_standard_says() {
        let bytes = |tag: &str| [tag.as_bytes(), b"Caf\xe9, 5 \x80"].concat();
        for tag in [
            "<meta charset=x-user-defined>",
            "<meta http-equiv=content-type content='text/html; charset=x-user-defined'>",
        ] {
            assert_eq!(decode(&bytes(tag), None), format!("{tag}Caf\u{e9}, 5 \u{20ac}"), "{tag}");
        }
        assert_eq!(decode(&bytes(""), Some("x-user-defined")), "Caf\u{e9}, 5 \u{20ac}");
        let text = "<meta charset=utf-16le>日本語の文章です。今日は天気がいいので散歩に行きましょう。";
        assert_eq!(decode(&encoding_rs::SHIFT_JIS.encode(text).0, None), text);
    }

    #[test]
    fn utf16_without_a_mark_is_told_by_its_zeros() {
        let text = "<p>some text in the Latin script</p>";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(decode(&little, None), text);
        assert_eq!(decode(&big, None), text);
        assert_eq!(decode(b"a\0b\0c", None), "a\0b\0c", "too short to tell");
    }

    proptest::proptest! {
        /// UTF-8 stays what it is, whatever the label says.
        #[test]
        fn utf8_is_never_changed(text in "[a-zé汉<>/ ]{0,80}", label in "utf-8|latin1|gbk|none|") {
            let label = Some(label.as_str()).filter(|label| !label.is_empty());
            proptest::prop_assert_eq!(decode(text.as_bytes(), label), text.as_str());
        }

        /// Any bytes become some text, with any label.
        #[test]
        fn any_bytes_become_text(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), label in "[a-z0-9-]{0,12}") {
            let once = decode(&bytes, Some(&label)).into_owned();
            proptest::prop_assert_eq!(decode(&bytes, Some(&label)), once);
        }

        /// A page in a labeled encoding is read as it was written.
        #[test]
        fn labeled_pages_are_read(text in "[a-z 汉字文本页面测试]{0,40}", place in 0..3_usize) {
            let encoding = [encoding_rs::GBK, encoding_rs::GB18030, encoding_rs::BIG5][place];
            let page = format!("<meta charset={}>{text}", encoding.name());
            let (bytes, _, lost) = encoding.encode(&page);
            // Short texts in GBK may be valid UTF-8 by chance.
            proptest::prop_assume!(!lost && (page.is_ascii() || std::str::from_utf8(&bytes).is_err()));
            proptest::prop_assert_eq!(decode(&bytes, None), page.as_str());
        }
    }
}
