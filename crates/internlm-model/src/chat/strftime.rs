//! Dates as Python's `strftime` writes them, in UTC: what templates ask for.

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
const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// `format` with the date and time of `seconds` since 1970 filled in; unknown letters stay as they are.
pub(super) fn utc(seconds: u64, format: &str) -> String {
    let (days, clock) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('Y') => text.push_str(&year.to_string()),
            Some('m') => text.push_str(&format!("{month:02}")),
            Some('d') => text.push_str(&format!("{day:02}")),
            Some('B') => text.push_str(MONTHS[month - 1]),
            Some('b') => text.push_str(&MONTHS[month - 1][..3]),
            Some('A') => text.push_str(DAYS[(days % 7) as usize]),
            Some('a') => text.push_str(&DAYS[(days % 7) as usize][..3]),
            Some('H') => text.push_str(&format!("{:02}", clock / 3600)),
            Some('M') => text.push_str(&format!("{:02}", clock / 60 % 60)),
            Some('S') => text.push_str(&format!("{:02}", clock % 60)),
            Some('%') => text.push('%'),
            Some(other) => text.extend(['%', other]),
            None => text.push('%'),
        }
    }
    text
}

/// Year, month 1 to 12 and day of the month of a day since 1970 (Howard Hinnant's `civil_from_days`).
fn civil(days: u64) -> (u64, usize, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month as usize, day)
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn known_days() {
        assert_eq!(utc(0, "%A %d %B %Y"), "Thursday 01 January 1970");
        assert_eq!(utc(951_782_400, "%d %b %Y"), "29 Feb 2000");
        assert_eq!(utc(1_735_689_599, "%a %Y-%m-%d %H:%M:%S %%%q"), "Tue 2024-12-31 23:59:59 %%q");
    }
}
