//! [`JsonScanner`]: reads one JSON value character by character and says at once when it is not one (RFC 8259).

/// Values that are nested deeper are not read, as in `serde_json`, whose limit is a little higher.
const MAX_DEPTH: usize = 100;

/// What a character is to a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Scan {
    /// Part of the value, of which more follows.
    Part,
    /// The last character of the value.
    Last,
    /// The value was whole before it, and it is not part of it: numbers have no end of their own.
    Beyond,
    /// Neither.
    Wrong,
}

/// What is expected next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Value,
    FirstItem,
    FirstKey,
    Key,
    Colon,
    /// A comma, or the end of the list or object.
    After,
    Text {
        is_key: bool,
        place: TextPlace,
    },
    Number(Number),
    /// The letters that are left of `true`, `false` or `null`.
    Word(&'static str),
    End,
}

/// Where in a text the next character is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum TextPlace {
    Plain,
    /// Behind a backslash.
    Escape,
    /// Inside of an escape of four hexadecimal digits.
    Hex {
        left: u8,
        unit: u16,
        is_low: bool,
    },
    /// Behind the first half of a surrogate pair: the other half must follow.
    Pair,
    /// Behind the backslash of the other half.
    PairEscape,
}

/// What has been read of a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Number {
    Sign,
    Zero,
    Digits,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

/// Reads one JSON value.
#[derive(Clone, Debug)]
pub(super) struct JsonScanner {
    /// Opened objects and lists, by their closing brackets.
    closers: Vec<char>,
    state: State,
}

impl JsonScanner {
    pub(super) fn new() -> Self {
        Self { closers: Vec::new(), state: State::Value }
    }

    /// Takes the next character and appends it to `written`. White space between parts is left out, and control
    /// characters inside of texts, which models write as they are, become escapes.
    pub(super) fn push(&mut self, character: char, written: &mut String) -> Scan {
        if let State::Number(number) = self.state {
            if let Some(next) = number.next(character) {
                self.state = State::Number(next);
                written.push(character);
                return Scan::Part;
            }
            if !number.is_whole() {
                return Scan::Wrong;
            }
            if self.end_value() == Scan::Last {
                return Scan::Beyond;
            }
        }
        match self.state {
            State::Text { .. } => self.text(character, written),
            State::Word(letters) => self.word(letters, character, written),
            State::End => Scan::Beyond,
            _ if matches!(character, ' ' | '\n' | '\r' | '\t') => Scan::Part,
            _ => {
                let scan = self.structure(character);
                if scan != Scan::Wrong {
                    written.push(character);
                }
                scan
            }
        }
    }

    /// Whether the value is whole if nothing follows.
    fn is_whole(&self) -> bool {
        match self.state {
            State::End => true,
            State::Number(number) => self.closers.is_empty() && number.is_whole(),
            _ => false,
        }
    }

    fn structure(&mut self, character: char) -> Scan {
        let next = match (self.state, character) {
            (State::FirstKey | State::Key, '"') => State::Text { is_key: true, place: TextPlace::Plain },
            (State::Colon, ':') => State::Value,
            (State::After, ',') if self.closers.last() == Some(&'}') => State::Key,
            (State::After, ',') => State::Value,
            (State::FirstKey, '}') | (State::FirstItem, ']') | (State::After, '}' | ']') => {
                let fits = self.closers.pop() == Some(character);
                return if fits { self.end_value() } else { Scan::Wrong };
            }
            (State::Value | State::FirstItem, _) => match self.value(character) {
                Some(next) => next,
                None => return Scan::Wrong,
            },
            _ => return Scan::Wrong,
        };
        self.state = next;
        Scan::Part
    }

    /// The first character of a value.
    fn value(&mut self, character: char) -> Option<State> {
        let (closer, inside) = match character {
            '{' => ('}', State::FirstKey),
            '[' => (']', State::FirstItem),
            '"' => return Some(State::Text { is_key: false, place: TextPlace::Plain }),
            't' => return Some(State::Word("rue")),
            'f' => return Some(State::Word("alse")),
            'n' => return Some(State::Word("ull")),
            '-' => return Some(State::Number(Number::Sign)),
            '0' => return Some(State::Number(Number::Zero)),
            '1'..='9' => return Some(State::Number(Number::Digits)),
            _ => return None,
        };
        self.closers.push(closer);
        (self.closers.len() <= MAX_DEPTH).then_some(inside)
    }

    fn end_value(&mut self) -> Scan {
        let is_inside = !self.closers.is_empty();
        self.state = if is_inside { State::After } else { State::End };
        if is_inside { Scan::Part } else { Scan::Last }
    }

    fn word(&mut self, letters: &'static str, character: char, written: &mut String) -> Scan {
        let Some(rest) = letters.strip_prefix(character) else { return Scan::Wrong };
        written.push(character);
        if rest.is_empty() {
            return self.end_value();
        }
        self.state = State::Word(rest);
        Scan::Part
    }

    fn text(&mut self, character: char, written: &mut String) -> Scan {
        let State::Text { is_key, place } = self.state else { return Scan::Wrong };
        if place == TextPlace::Plain && character == '"' {
            written.push('"');
            if is_key {
                self.state = State::Colon;
                return Scan::Part;
            }
            return self.end_value();
        }
        let Some(place) = place.next(character) else { return Scan::Wrong };
        if character.is_control() {
            write_escaped(character, written)
        } else {
            written.push(character)
        }
        self.state = State::Text { is_key, place };
        Scan::Part
    }
}

impl TextPlace {
    /// The place behind `character`; none when it cannot be here.
    fn next(self, character: char) -> Option<Self> {
        match (self, character) {
            (Self::Plain, '\\') => Some(Self::Escape),
            (Self::Plain, _) => Some(Self::Plain),
            (Self::Escape, 'u') => Some(Self::Hex { left: 4, unit: 0, is_low: false }),
            (Self::Escape, '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => Some(Self::Plain),
            (Self::Hex { left, unit, is_low }, _) => {
                let unit = unit * 16 + u16::try_from(character.to_digit(16)?).ok()?;
                match (left, unit, is_low) {
                    (2.., ..) => Some(Self::Hex { left: left - 1, unit, is_low }),
                    (_, 0xdc00..=0xdfff, true) => Some(Self::Plain),
                    (_, 0xdc00..=0xdfff, false) | (_, _, true) => None,
                    (_, 0xd800..=0xdbff, false) => Some(Self::Pair),
                    _ => Some(Self::Plain),
                }
            }
            (Self::Pair, '\\') => Some(Self::PairEscape),
            (Self::PairEscape, 'u') => Some(Self::Hex { left: 4, unit: 0, is_low: true }),
            _ => None,
        }
    }
}

impl Number {
    /// The number with one more character; none when it ends before it.
    fn next(self, character: char) -> Option<Self> {
        match (self, character) {
            (Self::Sign, '0') => Some(Self::Zero),
            (Self::Sign | Self::Digits, '0'..='9') => Some(Self::Digits),
            (Self::Zero | Self::Digits, '.') => Some(Self::Point),
            (Self::Point | Self::Fraction, '0'..='9') => Some(Self::Fraction),
            (Self::Zero | Self::Digits | Self::Fraction, 'e' | 'E') => Some(Self::Exponent),
            (Self::Exponent, '+' | '-') => Some(Self::ExponentSign),
            (Self::Exponent | Self::ExponentSign | Self::ExponentDigits, '0'..='9') => {
                Some(Self::ExponentDigits)
            }
            _ => None,
        }
    }

    fn is_whole(self) -> bool {
        matches!(self, Self::Zero | Self::Digits | Self::Fraction | Self::ExponentDigits)
    }
}

/// Appends a character of a text as JSON writes it.
pub(super) fn write_escaped(character: char, written: &mut String) {
    match character {
        '"' => written.push_str("\\\""),
        '\\' => written.push_str("\\\\"),
        '\n' => written.push_str("\\n"),
        '\r' => written.push_str("\\r"),
        '\t' => written.push_str("\\t"),
        '\0'..='\u{1f}' => *written += &format!("\\u{:04x}", u32::from(character)),
        _ => written.push(character),
    }
}

/// A text as JSON writes it, with its quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut written = String::from("\"");
    text.chars().for_each(|character| write_escaped(character, &mut written));
    written + "\""
}

/// The one JSON value that `text` is, without white space between its parts; none when it is not one.
pub(super) fn compact(text: &str) -> Option<String> {
    let mut scanner = JsonScanner::new();
    let mut written = String::new();
    for character in text.trim().chars() {
        if matches!(scanner.push(character, &mut written), Scan::Wrong | Scan::Beyond) {
            return None;
        }
    }
    scanner.is_whole().then_some(written)
}

#[cfg(test)]
mod tests;
