//! The text in a pickle that holds nothing else. Nothing is executed: every other content is refused.

/// Marks of the protocol, `pickletools` of Python.
const PROTOCOL: u8 = 0x80;
const FRAME: u8 = 0x95;
const SHORT_TEXT: u8 = 0x8c;
const TEXT: u8 = b'X';
const LONG_TEXT: u8 = 0x8d;
const MEMOIZE: u8 = 0x94;
const SHORT_PUT: u8 = b'q';
const STOP: u8 = b'.';

/// Reads the text of a pickle of protocol 2 to 5.
pub(super) fn text(bytes: &[u8]) -> Result<&str, String> {
    let mut rest = bytes;
    let mut found = None;
    while let Some((mark, tail)) = rest.split_first() {
        let (length, skipped) = match *mark {
            PROTOCOL | SHORT_PUT => (0, 1),
            FRAME => (0, 8),
            MEMOIZE => (0, 0),
            SHORT_TEXT => (number(tail, 1)?, 1),
            TEXT => (number(tail, 4)?, 4),
            LONG_TEXT => (number(tail, 8)?, 8),
            STOP => return found.ok_or_else(|| "found a pickle without a text".to_owned()),
            other => return Err(format!("found the mark {other:#04x} in a pickle, expected one text")),
        };
        let tail = tail.get(skipped..).ok_or_else(cut)?;
        if length > 0 {
            let content = tail.get(..length).ok_or_else(cut)?;
            found = Some(str::from_utf8(content).map_err(|error| format!("found a pickle with {error}"))?);
        }
        rest = &tail[length..];
    }
    Err(cut())
}

fn cut() -> String {
    "found a pickle without its end".to_owned()
}

/// The number in the first bytes, the lowest byte first.
fn number(bytes: &[u8], count: usize) -> Result<usize, String> {
    let bytes = bytes.get(..count).ok_or_else(cut)?;
    let number = bytes.iter().rev().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    usize::try_from(number).map_err(|_| cut())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_text_is_read() {
        // pickle.dumps("ab") with the protocols 2 and 4.
        assert_eq!(text(b"\x80\x02X\x02\x00\x00\x00abq\x00."), Ok("ab"));
        assert_eq!(text(b"\x80\x04\x95\x06\0\0\0\0\0\0\0\x8c\x02ab\x94."), Ok("ab"));
        for broken in [
            b"".as_slice(),
            b"\x80\x04.",
            b"\x80\x04\x8c\x09ab",
            b"\x80\x04X\xff\xff\xff\xff",
            b"\x80\x02X\x02\x00\x00\x00ab",
            b"cos\nsystem\n",
        ] {
            assert!(text(broken).is_err(), "{broken:?}");
        }
    }
}
