//! Dates as Python's `datetime.strftime` writes them with glibc, in local time and the C locale.

use chrono::{Datelike, Local, NaiveDateTime, Timelike};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// `datetime.now().strftime(format)`.
pub(super) fn now(format: &str) -> String {
    written(&Local::now().naive_local(), format)
}

/// `time.strftime(format)`; what is not a directive stays as it is.
fn written(time: &NaiveDateTime, format: &str) -> String {
    let mut text = String::new();
    let mut rest = format;
    while let Some((before, directive)) = rest.split_once('%') {
        text.push_str(before);
        let (flags, after) = Flags::read(directive);
        let letter = after.chars().next().filter(|letter| flags.fit(*letter));
        match letter.and_then(|letter| Some((field(time, letter)?, &after[letter.len_utf8()..]))) {
            Some((field, behind)) => {
                text.push_str(&flags.apply(field));
                rest = behind;
            }
            None => {
                text.push('%');
                rest = directive;
            }
        }
    }
    text + rest
}

/// What stands between `%` and the letter.
#[derive(Debug, Default)]
struct Flags {
    /// Whether there is anything.
    is_empty: bool,
    /// `E` or `O`, which choose another calendar or other digits; the C locale has neither.
    modifier: Option<char>,
    /// `-` for no padding, `_` for spaces, `0` for zeros; the last one counts.
    pad: Option<char>,
    /// `^`.
    is_upper: bool,
    /// `#`.
    is_swapped: bool,
    width: usize,
}

impl Flags {
    /// The flags at the beginning of `text`, and what is behind them.
    fn read(text: &str) -> (Self, &str) {
        let mut flags = Self::default();
        let rest = text.trim_start_matches(['-', '_', '0', '^', '#']);
        for flag in text[..text.len() - rest.len()].chars() {
            match flag {
                '^' => flags.is_upper = true,
                '#' => flags.is_swapped = true,
                other => flags.pad = Some(other),
            }
        }
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        // More than any date is wide.
        flags.width = rest[..rest.len() - after.len()].parse().unwrap_or(0).min(1024);
        flags.modifier = after.chars().next().filter(|c| matches!(c, 'E' | 'O'));
        let after = &after[usize::from(flags.modifier.is_some())..];
        flags.is_empty = after.len() == text.len();
        (flags, after)
    }

    /// Whether they may precede `letter`. Python itself writes `%f`, and knows no flags.
    fn fit(&self, letter: char) -> bool {
        match self.modifier {
            Some('E') => "cCxXyY".contains(letter),
            Some(_) => "bBhdeHIjklmMSuUVwWygG".contains(letter),
            None => letter != 'f' || self.is_empty,
        }
    }

    fn apply(&self, field: Field) -> String {
        let is_small = matches!(field, Field::SmallHalf(_));
        let (text, pad, width) = match field {
            Field::Number { value, pad, width } => (value.to_string(), pad, width),
            Field::Text(text) => (text, ' ', 0),
            Field::Name(name) if self.is_swapped => (name.to_uppercase(), ' ', 0),
            Field::Name(name) => (name.to_owned(), ' ', 0),
            Field::Half(half) if self.is_swapped => (half.to_lowercase(), ' ', 0),
            Field::Half(half) => (half.to_owned(), ' ', 0),
            Field::SmallHalf(half) => (half.to_owned(), ' ', 0),
        };
        let text = if self.is_upper && !is_small { text.to_uppercase() } else { text };
        let (pad, width) = match self.pad {
            Some('-') => (' ', 0),
            Some('_') => (' ', width),
            Some(_) => ('0', width),
            None => (pad, width),
        };
        let missing = width.max(self.width).saturating_sub(text.chars().count());
        let padding = pad.to_string().repeat(missing);
        match text.strip_prefix('-') {
            Some(digits) if pad == '0' => format!("-{padding}{digits}"),
            _ => padding + &text,
        }
    }
}

/// What a letter stands for.
enum Field {
    Number {
        value: i64,
        pad: char,
        width: usize,
    },
    /// The name of a day or month.
    Name(&'static str),
    /// AM or PM.
    Half(&'static str),
    /// am or pm, whatever the flags say.
    SmallHalf(&'static str),
    /// Several fields, or characters.
    Text(String),
}

fn zeros(value: impl Into<i64>, width: usize) -> Field {
    Field::Number { value: value.into(), pad: '0', width }
}

fn spaces(value: impl Into<i64>) -> Field {
    Field::Number { value: value.into(), pad: ' ', width: 2 }
}

/// The field of `letter`; `None` for letters that have none.
fn field(time: &NaiveDateTime, letter: char) -> Option<Field> {
    let hour = time.hour();
    let of_twelve = (hour + 11) % 12 + 1;
    let parts = |format: &str| Field::Text(written(time, format));
    Some(match letter {
        'H' => zeros(hour, 2),
        'I' => zeros(of_twelve, 2),
        'k' => spaces(hour),
        'l' => spaces(of_twelve),
        'M' => zeros(time.minute(), 2),
        'S' => zeros(time.second(), 2),
        'f' => Field::Text(format!("{:06}", time.nanosecond() / 1000 % 1_000_000)),
        'p' => Field::Half(if hour < 12 { "AM" } else { "PM" }),
        'P' => Field::SmallHalf(if hour < 12 { "am" } else { "pm" }),
        's' => zeros(time.and_local_timezone(Local).earliest()?.timestamp(), 1),
        'T' | 'X' => parts("%H:%M:%S"),
        'R' => parts("%H:%M"),
        'r' => parts("%I:%M:%S %p"),
        'c' => parts("%a %b %e %H:%M:%S %Y"),
        'D' | 'x' => parts("%m/%d/%y"),
        'F' => parts("%Y-%m-%d"),
        // `datetime.now()` knows no zone.
        'z' | 'Z' => Field::Text(String::new()),
        'n' => Field::Text("\n".to_owned()),
        't' => Field::Text("\t".to_owned()),
        '%' => Field::Text("%".to_owned()),
        _ => return day(time, letter),
    })
}

/// The fields of the calendar.
fn day(time: &NaiveDateTime, letter: char) -> Option<Field> {
    let (year, week) = (time.year(), time.iso_week());
    let month = MONTHS[time.month0() as usize];
    let weekday = time.weekday().num_days_from_sunday();
    let name = DAYS[weekday as usize];
    // Weeks begin on the first Sunday, or Monday, of the year.
    let weeks = |from_first: u32| (time.ordinal0() + 7 - from_first) / 7;
    Some(match letter {
        'a' => Field::Name(&name[..3]),
        'A' => Field::Name(name),
        'b' | 'h' => Field::Name(&month[..3]),
        'B' => Field::Name(month),
        'C' => zeros(year.div_euclid(100), 2),
        'd' => zeros(time.day(), 2),
        'e' => spaces(time.day()),
        'g' => zeros(week.year().rem_euclid(100), 2),
        'G' => zeros(week.year(), 1),
        'j' => zeros(time.ordinal(), 3),
        'm' => zeros(time.month(), 2),
        'u' => zeros(time.weekday().number_from_monday(), 1),
        'U' => zeros(weeks(weekday), 2),
        'V' => zeros(week.week(), 2),
        'w' => zeros(weekday, 1),
        'W' => zeros(weeks(time.weekday().num_days_from_monday()), 2),
        'y' => zeros(year.rem_euclid(100), 2),
        'Y' => zeros(year, 1),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
