//! [`mutate`]: damaged inputs for readers that must survive everything.

use super::TestRng;

/// Changes `bytes` in one to eight places: cuts, repeats, holes, junk, flipped bits, and numbers that are absurd where
/// digits were.
pub fn mutate(bytes: &mut Vec<u8>, rng: &mut TestRng) {
    for _ in 0..=rng.below(8) {
        let at = rng.below(bytes.len());
        match rng.below(9) {
            0 => bytes.truncate(at),
            1 => {
                let end = at + rng.below(bytes.len() - at);
                bytes.extend_from_within(at..end);
            }
            2 if at < bytes.len() => {
                let end = at + rng.below(512.min(bytes.len() - at));
                drop(bytes.drain(at..end));
            }
            3 => {
                let count = rng.below(300);
                let junk = rng.bytes(count);
                bytes.splice(at..at, junk);
            }
            4 | 5 => absurd_number(bytes, at, rng),
            6 if at < bytes.len() => bytes[at] = rng.bits() as u8,
            _ if at < bytes.len() => bytes[at] ^= 1 << rng.below(8),
            _ => {}
        }
    }
}

/// Replaces the first run of digits from `at` on: lengths, sizes, counts, dates.
fn absurd_number(bytes: &mut Vec<u8>, at: usize, rng: &mut TestRng) {
    const NUMBERS: [&str; 8] =
        ["-1", "0", "1", "7", "ffffffff", "99999", "18446744073709551615", "99999999999999999999"];
    let digit = |byte: &u8| byte.is_ascii_digit();
    if let Some(start) = bytes[at..].iter().position(digit).map(|skip| at + skip) {
        let length = bytes[start..].iter().take_while(|byte| digit(byte)).count();
        bytes.splice(start..start + length, rng.pick(&NUMBERS).bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutations_differ_repeat_and_take_empty_inputs() {
        let damaged = |seed| {
            let mut bytes = b"Content-Length: 120\r\n\r\n{\"layers\": 24}".repeat(9);
            mutate(&mut bytes, &mut TestRng::new(seed));
            bytes
        };
        assert_eq!(damaged(1), damaged(1));
        let distinct: std::collections::BTreeSet<_> = (0..100).map(damaged).collect();
        assert!(distinct.len() > 90, "{}", distinct.len());
        for seed in 0..200 {
            mutate(&mut Vec::new(), &mut TestRng::new(seed));
        }
    }
}
