//! Dates in all the forms that pages have.

use super::*;

#[test]
fn dates_in_many_forms() {
    let cases = [
        ("2015-07-10 09:53:00 -0400", "2015-07-10T09:53:00-04:00"),
        ("2015-10-15T02:19:15.607Z", "2015-10-15T02:19:15Z"),
        ("2018-04-05T06:00", "2018-04-05T06:00:00"),
        ("2022-1-26T14:32:06+02:00", "2022-01-26T14:32:06+02:00"),
        ("20200102", "2020-01-02"),
        ("Published on March 10, 2015 at 8", "2015-03-10"),
        ("28. Februar 2018", "2018-02-28"),
        ("Fr, 01.04.2022 – 12:00", "2022-04-01"),
        ("28 de mayo de 2020", "2020-05-28"),
        ("21st of June 2019", "2019-06-21"),
        ("3 juillet 2019", "2019-07-03"),
        ("3 juin 2019", "2019-06-03"),
        ("2020年1月2日 10:00", "2020-01-02"),
        ("2020년 1월 2일", "2020-01-02"),
        ("2 мая 2020 г.", "2020-05-02"),
        ("2 Ağustos 2020", "2020-08-02"),
        ("2. desember 2020", "2020-12-02"),
        ("5/14/2020", "2020-05-14"),
        ("Wed, 28 Feb 2018 20:00:18 GMT", "2018-02-28"),
        ("Kiel, 31.10.23 um 12 Uhr", "2023-10-31"),
        ("2020-02-29", "2020-02-29"),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text, Order::DayFirst).as_deref(), Some(expected), "{text}");
    }
    assert_eq!(read("5/6/2020", Order::MonthFirst).as_deref(), Some("2020-05-06"));
    assert_eq!(read("5/6/2020", Order::DayFirst).as_deref(), Some("2020-06-05"));
    for text in [
        "",
        "yesterday",
        "12:30",
        "2020",
        "99.99.2020",
        "1.2.3",
        "1.2.30",
        "10/11/12",
        "8 comments 2020",
        "2020-13-01",
    ] {
        assert_eq!(read(text, Order::DayFirst), None, "{text}");
    }
    assert_eq!(of_address("https://example.org/2016/02/28/x").as_deref(), Some("2016-02-28"));
    assert_eq!(of_address("https://example.org/a-2016"), None);
}

#[test]
fn dates_that_no_page_can_have_are_refused() {
    for text in [
        "1970-01-01",
        "1969-12-31T16:00:00-08:00",
        "1970-01-01T00:00:00Z",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "January 1, 1970",
        "0000-00-00",
        "0001-01-01T00:00:00",
        "1899-12-30",
        "1900-01-01",
        "1980-01-01",
        "1990-12-31",
        "2038-01-19",
        "2099-12-31",
        "9999-12-31",
        "19700101",
        "2021-02-29",
        "2021-04-31",
    ] {
        assert_eq!(read(text, Order::DayFirst), None, "{text}");
    }
    assert_eq!(of_address("https://example.org/1970/01/01/x"), None);
    assert!(read("1991-08-06", Order::DayFirst).is_some() && read("2037-12-31", Order::DayFirst).is_some());
}

#[test]
fn texts_that_are_nothing_but_a_date() {
    for text in [
        "2024-05-01T12:30:00Z",
        "Fr, 01.04.2022 – 12:00 Uhr",
        "Wednesday, May 1st, 2024 at 8:15 pm EST",
        "1 de mayo de 2024",
        "2024年5月1日",
    ] {
        assert!(is_bare(text), "{text}");
    }
    for text in ["Updated May 1, 2024", "Kiel, 1. Mai 2024", "by Ada on May 1, 2024", "1. Mai 2024 | Tides"] {
        assert!(!is_bare(text), "{text}");
    }
    assert!(is_same_day("2024-05-01", "2024-05-01T12:30:00Z") && !is_same_day("2024-05-01", "2024-05-02"));
}

#[test]
fn times_after_an_iso_day() {
    for (rest, expected) in [
        ("T12:30:00Z", "T12:30:00Z"),
        (" 12:30", "T12:30:00"),
        ("T12:30:00.123+0200", "T12:30:00+02:00"),
        ("T12:30-05:00", "T12:30:00-05:00"),
        ("12:30", ""),
        (" at noon", ""),
        ("T1:30", ""),
        ("", ""),
        ("T12:30+02", "T12:30:00"),
    ] {
        assert_eq!(time(rest), expected, "{rest}");
    }
}

#[test]
fn months_by_their_first_letters() {
    for (name, month) in [
        ("Jan", 1),
        ("Februar", 2),
        ("März", 3),
        ("mai", 5),
        ("juin", 6),
        ("juillet", 7),
        ("AOÛT", 8),
        ("wrzesień", 9),
        ("október", 10),
        ("lis", 11),
        ("diciembre", 12),
    ] {
        assert_eq!(month_of(name), Some(month), "{name}");
    }
    assert_eq!(month_of("Friday"), None);
    assert!(
        is_month("May")
            && is_month("Sept.")
            && !is_month("Marina")
            && !is_month("Augustin")
            && !is_month("ma")
    );
}

#[test]
fn orders_of_languages() {
    for (language, order) in [
        (None, Order::MonthFirst),
        (Some("en"), Order::MonthFirst),
        (Some("EN-us"), Order::MonthFirst),
        (Some("en-GB"), Order::DayFirst),
        (Some("de"), Order::DayFirst),
        (Some(""), Order::DayFirst),
    ] {
        assert_eq!(Order::of_language(language), order, "{language:?}");
    }
}

proptest::proptest! {
    /// Every day is read from each of the forms it is written in.
    #[test]
    fn days_survive_all_forms(year in 1991..2038_u32, month in 1..=12_u32, date in 1..=28_u32) {
        let expected = format!("{year:04}-{month:02}-{date:02}");
        let english = FULL[month as usize - 1][0];
        let german = FULL[month as usize - 1][1];
        let forms = [
            expected.clone(), format!("{year}/{month}/{date}"), format!("{date}.{month}.{year}"),
            format!("{year}年{month}月{date}日"), format!("{english} {date}, {year}"), format!("{date} {english} {year}"),
            format!("{date}. {german} {year}"), format!("{year:04}{month:02}{date:02}"), format!("Posted: {date}th of {english} {year}"),
        ];
        for form in forms {
            let found = read(&form, Order::DayFirst);
            proptest::prop_assert_eq!(found.as_deref(), Some(expected.as_str()), "{}", form);
        }
        let address = format!("https://example.org/{year:04}/{month:02}/{date:02}/title");
        proptest::prop_assert_eq!(of_address(&address), Some(expected));
    }

    /// Any text gives a date that looks like one, or none.
    #[test]
    fn any_text_can_be_read(text in "[0-9 ./:TZ+年月日a-zé-]{0,40}") {
        if let Some(found) = read(&text, Order::MonthFirst) {
            proptest::prop_assert!(found.len() >= 10 && found.as_bytes()[4] == b'-' && found.as_bytes()[7] == b'-', "{}", found);
        }
    }
}
