//! [`read`]: from dates as pages write them to ISO 8601.

/// Which of the two numbers in `5/6/2024` is the month.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Order {
    /// 5 June.
    DayFirst,
    /// May 6.
    MonthFirst,
}

impl Order {
    /// American pages put the month first. A page without a language counts as American.
    pub(super) fn of_language(language: Option<&str>) -> Self {
        let tag = language.unwrap_or("en").to_ascii_lowercase();
        match tag.as_str() {
            "en" | "en-us" | "en_us" => Self::MonthFirst,
            _ => Self::DayFirst,
        }
    }
}

/// The first letters of the months in English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Norwegian,
/// Turkish and Russian: three, or four where three are ambiguous.
const MONTHS: [&[&str]; 12] = [
    &["jan", "jän", "ene", "gen", "sty", "oca", "янв"],
    &["feb", "fév", "fev", "lut", "şub", "фев"],
    &["mar", "mär", "maa", "mrz", "мар"],
    &["apr", "avr", "abr", "kwi", "nis", "апр"],
    &["may", "mai", "mag", "mei", "maj", "май", "мая"],
    &["jun", "juin", "giu", "cze", "haz", "июн"],
    &["jul", "juil", "lug", "lip", "tem", "июл"],
    &["aug", "aoû", "aou", "ago", "sie", "ağu", "авг"],
    &["sep", "set", "wrz", "eyl", "сен"],
    &["oct", "okt", "out", "ott", "paź", "eki", "окт"],
    &["nov", "lis", "kas", "ноя"],
    &["dec", "dez", "déc", "dic", "gru", "des", "ara", "дек"],
];

/// Full names of the months in those languages whose bylines contain dates.
const FULL: [&[&str]; 12] = [
    &["january", "januar", "janvier", "enero", "janeiro", "gennaio"],
    &["february", "februar", "février", "febrero", "fevereiro", "febbraio"],
    &["march", "märz", "mars", "marzo", "março"],
    &["april", "avril", "abril", "aprile"],
    &["may", "mai", "mayo", "maio", "maggio"],
    &["june", "juni", "junio", "junho", "giugno"],
    &["july", "juli", "juillet", "julio", "julho", "luglio"],
    &["august", "août", "agosto"],
    &["september", "septembre", "septiembre", "setembro", "settembre", "sept"],
    &["october", "oktober", "octobre", "octubre", "outubro", "ottobre"],
    &["november", "novembre", "noviembre", "novembro"],
    &["december", "dezember", "décembre", "diciembre", "dezembro", "dicembre"],
];

/// Maximum length of a text that is searched for a date, in bytes.
const MAX_BYTES: usize = 200;

/// The first date in a short text: `2024-05-01`, followed by `T12:30:00+02:00` if an ISO time follows.
pub(super) fn read(text: &str, order: Order) -> Option<String> {
    let text = text.trim();
    if text.len() > MAX_BYTES || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let parts = parts(text);
    (0..parts.len()).find_map(|start| at(text, &parts[start..], order))
}

/// A date in the path of an address: `/2024/05/01/` or `/2024-05-01-`.
pub(super) fn of_address(address: &str) -> Option<String> {
    let path = address.split_once("://")?.1;
    let parts = parts(path);
    let dated = |three: &[Part<'_>]| {
        let [Part::Number(year, 4, _), Part::Number(month, 2, _), Part::Number(date, 2, _)] = three else {
            return None;
        };
        day(*year, *month, *date)
    };
    parts.windows(3).find_map(dated)
}

/// Words beside the numbers and the month of a date: of days and of times.
const BESIDE: &[&str] = &[
    "mon",
    "tue",
    "tues",
    "wed",
    "thu",
    "thur",
    "thurs",
    "fri",
    "sat",
    "sun",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "mo",
    "di",
    "mi",
    "do",
    "fr",
    "sa",
    "so",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonntag",
    "de",
    "del",
    "of",
    "st",
    "nd",
    "rd",
    "th",
    "er",
    "on",
    "at",
    "am",
    "pm",
    "um",
    "vom",
    "den",
    "le",
    "t",
    "z",
    "uhr",
    "h",
    "est",
    "edt",
    "pst",
    "pdt",
    "gmt",
    "utc",
    "cet",
    "mez",
    "年",
    "月",
    "日",
    "년",
    "월",
    "일",
];

/// Whether a text with a date is nothing but the date, with its day of the week and its time.
pub(super) fn is_bare(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).all(|word| BESIDE.contains(&word.as_str()) || month_of(&word).is_some())
}

/// Whether two dates in ISO 8601 are of the same day.
pub(super) fn is_same_day(one: &str, other: &str) -> bool {
    const DAY: usize = "2024-05-01".len();
    one.get(..DAY) == other.get(..DAY)
}

/// A number or a word of a text. Spaces and punctuation only separate.
enum Part<'a> {
    /// Value, number of digits, and position after the last digit.
    Number(u32, usize, usize),
    Word(&'a str),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let same = |c: char| match first.is_ascii_digit() {
            true => c.is_ascii_digit(),
            false => c.is_alphabetic() == first.is_alphabetic() && !c.is_ascii_digit(),
        };
        let size = rest.find(|c: char| !same(c)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(size);
        if first.is_ascii_digit() {
            let number = part.parse().unwrap_or(u32::MAX);
            parts.push(Part::Number(number, size, text.len() - after.len()));
        } else if first.is_alphabetic() {
            parts.push(Part::Word(part));
        }
        rest = after;
    }
    parts
}

/// A date that begins with the first of the parts.
fn at(text: &str, parts: &[Part<'_>], order: Order) -> Option<String> {
    use Part::{Number, Word};
    match parts {
        // 2024-05-01, 2024/5/1
        [Number(year, 4, _), Number(month, 1..=2, _), Number(date, 1..=2, end), ..] => {
            Some(day(*year, *month, *date)? + &time(&text[*end..]))
        }
        // 2024年5月1日, 2024년 5월 1일
        [
            Number(year, 4, _),
            Word("年" | "년"),
            Number(month, 1..=2, _),
            Word("月" | "월"),
            Number(date, 1..=2, _),
            ..,
        ] => day(*year, *month, *date),
        // 01.05.2024, 5/1/2024
        [Number(first, 1..=2, end), Number(second, 1..=2, _), Number(year, 4, _), ..] => {
            let american = text[*end..].starts_with('/') && order == Order::MonthFirst;
            let (date, month) = if american { (second, first) } else { (first, second) };
            day(*year, *month, *date).or_else(|| day(*year, *date, *month))
        }
        // 01.05.24: two digits of each, or it is a version
        [Number(date, 2, first), Number(month, 2, second), Number(year, 2, _), ..]
            if text[*first..].starts_with('.') && text[*second..].starts_with('.') =>
        {
            day(2000 + *year, *month, *date)
        }
        // 1. Mai 2024, 1 de mayo de 2024, 1st of May 2024
        [Number(date, 1..=2, _), rest @ ..] => {
            let rest = skip_words(rest, &["de", "of", "st", "nd", "rd", "th", "er"]);
            let [Word(name), rest @ ..] = rest else { return None };
            let [Number(year, 4, _), ..] = skip_words(rest, &["de", "del"]) else { return None };
            day(*year, month_of(name)?, *date)
        }
        // May 1, 2024; May 1st, 2024
        [Word(name), Number(date, 1..=2, _), rest @ ..] => {
            let [Number(year, 4, _), ..] = skip_words(rest, &["st", "nd", "rd", "th"]) else { return None };
            day(*year, month_of(name)?, *date)
        }
        // 20240501
        [Number(number, 8, _), ..] => day(number / 10_000, number / 100 % 100, number % 100),
        _ => None,
    }
}

/// Skips words from the list at the start.
fn skip_words<'a, 'b>(parts: &'a [Part<'b>], words: &[&str]) -> &'a [Part<'b>] {
    match parts {
        [Part::Word(word), rest @ ..] if words.contains(word) => skip_words(rest, words),
        _ => parts,
    }
}

/// Whether a text begins with the name of a month or of a day of the week in English.
pub(super) fn begins(text: &str) -> bool {
    let word = text.split([' ', ',']).next().unwrap_or_default();
    is_month(word) || (word.len() >= 6 && word.to_lowercase().ends_with("day"))
}

/// Whether a word is the name of a month, or its first letters.
pub(super) fn is_month(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ',']);
    (3..=9).contains(&word.chars().count()) && month_of(word).is_some_and(|month| is_spelled(word, month))
}

/// Whether a word is the abbreviation or the full name of a month, and not just a word that begins like one.
fn is_spelled(word: &str, month: u32) -> bool {
    let word = word.to_lowercase();
    let heads = MONTHS[month as usize - 1];
    let full = FULL[month as usize - 1];
    heads.contains(&word.as_str()) || full.contains(&word.as_str())
}

/// Number of the month, from 1, that a word begins like.
fn month_of(name: &str) -> Option<u32> {
    let name = name.to_lowercase();
    let is = |month: &[&str]| month.iter().any(|head| name.starts_with(head));
    MONTHS.iter().rposition(|month| is(month)).map(|place| place as u32 + 1)
}

/// The years in which a page can have been published: from the first page of the web to the last whole year that a
/// clock of 32 bits counts. Dates outside of them are placeholders, such as the epoch of a clock in any time zone.
const YEARS: std::ops::RangeInclusive<u32> = 1991..=2037;

/// A day in ISO 8601; `None` for numbers that are not a date on which a page can have been published.
fn day(year: u32, month: u32, date: u32) -> Option<String> {
    let last = match month {
        2 if year.is_multiple_of(4) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let valid = YEARS.contains(&year) && (1..=12).contains(&month) && (1..=last).contains(&date);
    valid.then(|| format!("{year:04}-{month:02}-{date:02}"))
}

/// `T12:30:00+02:00` if the text after a day begins with a time; else empty.
fn time(rest: &str) -> String {
    let clock = rest.trim_start_matches([' ', 'T', 't']);
    let digits = |range: std::ops::Range<usize>| {
        clock.get(range).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let colon = |place: usize| clock.as_bytes().get(place) == Some(&b':');
    if rest == clock || !digits(0..2) || !colon(2) || !digits(3..5) {
        return String::new();
    }
    let (clock, zone) = match colon(5) && digits(6..8) {
        true => (clock[..8].to_owned(), &clock[8..]),
        false => (format!("{}:00", &clock[..5]), &clock[5..]),
    };
    // Fractions of a second are dropped.
    let zone = zone.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit()).trim();
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let zone = match zone.chars().next() {
        Some('Z') => "Z".to_owned(),
        Some(sign @ ('+' | '-')) if digits.len() == 4 => format!("{sign}{}:{}", &digits[..2], &digits[2..]),
        _ => String::new(),
    };
    format!("T{clock}{zone}")
}

#[cfg(test)]
mod tests;
