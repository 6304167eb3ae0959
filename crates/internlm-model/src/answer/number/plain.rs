//! Texts in which the digits, minus signs and separators of all scripts are the usual ones.

/// The separator that replaces every thin and no-break space.
pub(super) const SPACE: char = '\u{a0}';

/// The zeros of the scripts whose decimal digits follow each other in Unicode, ASCII excepted.
const ZEROS: [char; 21] = [
    '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}',
    '\u{c66}', '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}', '\u{1040}', '\u{1090}',
    '\u{17e0}', '\u{1810}', '\u{ff10}',
];

/// Replaces digits of other scripts, minus signs, decimal points, separators and fractions that are one character by
/// what a reader of numbers knows, and LaTeX's separators by plain ones.
pub(in crate::answer) fn plain(text: &str) -> String {
    let mut text = text.replace("{,}", ",").replace(r"\!", "");
    for space in [r"\,", r"\;", r"\:", r"\ "] {
        text = text.replace(space, "\u{2009}");
    }
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match fraction(character) {
            Some(fraction) => {
                // `1½` is one and a half, not eleven halves.
                if plain.ends_with(|last: char| last.is_ascii_digit()) {
                    plain.push(' ');
                }
                plain.push_str(fraction);
            }
            None => plain.push(plain_character(character)),
        }
    }
    plain
}

fn plain_character(character: char) -> char {
    match character {
        // Hyphens, the en dash and the minus signs, in this order.
        '\u{2010}' | '\u{2011}' | '\u{2013}' | '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => '-',
        '\u{ff0b}' => '+',
        '\u{66b}' | '\u{ff0e}' => '.',
        '\u{66c}' => ',',
        // The separator of Switzerland.
        '\u{2019}' => '\'',
        '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}' => SPACE,
        '\u{2044}' | '\u{2215}' | '\u{ff0f}' => '/',
        _ => digit(character).unwrap_or(character),
    }
}

fn digit(character: char) -> Option<char> {
    // Five alphabets of mathematical digits follow each other.
    let mathematical = ('\u{1d7ce}'..='\u{1d7ff}').contains(&character);
    let value = if mathematical {
        (u32::from(character) - 0x1d7ce) % 10
    } else {
        let zero = ZEROS.iter().rfind(|zero| **zero <= character)?;
        u32::from(character) - u32::from(*zero)
    };
    char::from_digit(value, 10)
}

fn fraction(character: char) -> Option<&'static str> {
    Some(match character {
        '½' => "1/2",
        '⅓' => "1/3",
        '⅔' => "2/3",
        '¼' => "1/4",
        '¾' => "3/4",
        '⅕' => "1/5",
        '⅖' => "2/5",
        '⅗' => "3/5",
        '⅘' => "4/5",
        '⅙' => "1/6",
        '⅚' => "5/6",
        '⅛' => "1/8",
        '⅜' => "3/8",
        '⅝' => "5/8",
        '⅞' => "7/8",
        _ => return None,
    })
}
