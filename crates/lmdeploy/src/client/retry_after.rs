//! The header `Retry-After`: seconds, or a date in one of the three forms of HTTP (RFC 9110, 5.6.7 and 10.2.3).

use std::time::{SystemTime, UNIX_EPOCH};

/// Names of the months as HTTP writes them.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// Seconds of a day without a leap second.
const DAY: i64 = 24 * 60 * 60;
/// Years that a year of two digits may be ahead; a later one is in the past.
const AHEAD: i64 = 50;

/// The seconds from `now` on that a value asks to wait; 0 for a date in the past, none for what is neither a number nor
/// a date.
pub(super) fn seconds(value: &str, now: SystemTime) -> Option<u64> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has room for ask for the longest wait.
        return Some(value.parse().unwrap_or(u64::MAX));
    }
    let now = now.duration_since(UNIX_EPOCH).ok()?;
    let now = i64::try_from(now.as_secs()).ok()? + i64::from(now.subsec_nanos() > 0);
    let date = date(value, now)?;
    Some(u64::try_from(date - now).unwrap_or(0))
}

/// Unix seconds of `Sun, 06 Nov 1994 08:49:37 GMT`, or of the two older forms, `Sunday, 06-Nov-94 08:49:37 GMT` and
/// `Sun Nov  6 08:49:37 1994`. The day of the week is not compared.
fn date(text: &str, now: i64) -> Option<i64> {
    let parts: Vec<&str> = text.split([' ', '-']).filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [day, date, month, year, time, "GMT"] if day.ends_with(',') => {
            unix(full_year(year, now)?, [month, date], time)
        }
        [_, month, date, time, year] if year.len() == 4 => unix(number(year)?, [month, date], time),
        _ => None,
    }
}

/// The year of four digits, or the one of two digits that is not more than 50 years ahead.
fn full_year(year: &str, now: i64) -> Option<i64> {
    let number = number(year)?;
    match year.len() {
        4 => Some(number),
        2 => {
            // The mean length of a year is close enough: nobody is asked to wait for a decade.
            let this = 1970 + now / (365 * DAY + DAY / 4);
            let near = this - this % 100 + number;
            Some(if near > this + AHEAD { near - 100 } else { near })
        }
        _ => None,
    }
}

/// Unix seconds of a day and a time `08:49:37` in UTC.
fn unix(year: i64, [month, date]: [&str; 2], time: &str) -> Option<i64> {
    let month = MONTHS.iter().position(|name| *name == month)?;
    let date = number(date).filter(|date| (1..=31).contains(date))?;
    let parts: Vec<i64> = time.split(':').map(number).collect::<Option<_>>()?;
    let [hour, minute, second] = parts[..] else { return None };
    // A leap second is the 61st of its minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(days(year, i64::try_from(month).ok()?, date) * DAY + (hour * 60 + minute) * 60 + second)
}

/// Days since 1970 of a date; months count from 0. The year begins in March, so that a leap day is its last day.
fn days(year: i64, month: i64, date: i64) -> i64 {
    let (year, month) = if month < 2 { (year - 1, month + 10) } else { (year, month - 2) };
    let leap_days = year / 4 - year / 100 + year / 400;
    // Days before each month of a year that begins in March: 31, 30, 31, 30, 31 and again.
    let before = (153 * month + 2) / 5;
    // 719,468 days lie between the first of March of the year 0 and 1970.
    year * 365 + leap_days + before + date - 1 - 719_468
}

/// A number of at most four digits.
fn number(text: &str) -> Option<i64> {
    let digits = text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Sun, 06 Nov 1994 08:49:37 GMT: the example of RFC 9110; the number is Python's.
    const EXAMPLE: u64 = 784_111_777;

    fn at(unix: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(unix)
    }

    #[test]
    fn seconds_are_taken_as_they_are() {
        for (text, expected) in
            [("0", Some(0)), (" 120 ", Some(120)), ("99999999999999999999", Some(u64::MAX))]
        {
            assert_eq!(seconds(text, at(EXAMPLE)), expected, "{text}");
        }
    }

    #[test]
    fn the_three_forms_of_a_date_are_read() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(seconds(text, at(EXAMPLE - 90)), Some(90), "{text}");
            assert_eq!(seconds(text, at(EXAMPLE + 90)), Some(0), "{text}");
        }
        let within = at(EXAMPLE - 90) + Duration::from_millis(1);
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT", within), Some(89));
    }

    #[test]
    fn days_are_counted_over_leap_years_and_centuries() {
        for (text, unix) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
            ("Sat, 28 Feb 2026 23:59:59 GMT", 1_772_323_199),
            ("Sun, 01 Mar 2026 00:00:00 GMT", 1_772_323_200),
            ("Mon, 31 Dec 2029 23:59:60 GMT", 1_893_456_000),
        ] {
            assert_eq!(date(text, 0), Some(unix), "{text}");
        }
        let year = |text: &str| full_year(text, 1_790_000_000);
        assert_eq!((year("30"), year("76"), year("77")), (Some(2030), Some(2076), Some(1977)));
    }

    #[test]
    fn anything_else_is_not_a_time() {
        for text in [
            "",
            "soon",
            "-1",
            "1.5",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 994 08:49:37 GMT",
            "Sun Nov  6 08:49:37 94",
        ] {
            assert_eq!(seconds(text, at(EXAMPLE)), None, "{text}");
        }
    }
}
