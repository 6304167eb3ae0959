//! The judge: which number a text ends with, and when two numbers are the same.

use proptest::prelude::*;

use super::*;

#[test]
fn the_last_number_of_a_text() {
    for (text, expected) in [
        ("408", Some("408")),
        ("The answer is 408.", Some("408")),
        ("12 x 34 = 408", Some("408")),
        ("408 is 12 x 34", Some("34")),
        ("The result is 1,234,567!", Some("1234567")),
        ("about 1,234,567 or 8,9", Some("9")),
        ("1234,567", Some("567")),
        ("1,2345", Some("2345")),
        ("7 - 10 = -3.", Some("-3")),
        ("The result is −3", Some("-3")),
        ("10-3", Some("3")),
        ("(4)-3", Some("3")),
        ("x-3", Some("3")),
        ("=-3", Some("-3")),
        ("3.50 in total", Some("3.50")),
        ("It is 12.34.", Some("12.34")),
        ("version 1.2.3", Some("3")),
        ("= 1,234.5", Some("1234.5")),
        ("007", Some("007")),
        ("٣ is not ASCII", None),
        ("no number", None),
        ("", None),
    ] {
        let found = final_number(text).map(|number| number.to_string());
        assert_eq!(found.as_deref(), expected, "{text}");
    }
}

#[test]
fn numbers_are_equal_by_value() {
    let number = |text: &str| Number::parse(text).expect("a number");
    for (left, right) in
        [("7", "007"), ("7", "7.0"), ("+7", "7"), ("-0", "0"), (".5", "0.50"), ("4.", "4"), ("1,000", "1000")]
    {
        assert_eq!(number(left), number(right));
    }
    for (left, right) in [("7", "-7"), ("7", "70"), ("0.7", "0.07"), ("408", "4080")] {
        assert_ne!(number(left), number(right));
    }
    // Longer than any machine number.
    assert_ne!(number(&"9".repeat(400)), number(&format!("{}8", "9".repeat(399))));
}

#[test]
fn text_around_a_number_is_not_part_of_one() {
    for text in ["", "-", ".", "1,23", "1e3", "12 34", "two", "3 apples", "--3", "0x10", "1.2.3", "1.,"] {
        assert_eq!(Number::parse(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn a_sentence_that_ends_with_a_number_answers_it(number in any::<i64>(), cents in 0_u8..100) {
        let written = format!("{number}.{cents:02}");
        let expected = Number::parse(&written);
        prop_assert!(expected.is_some());
        prop_assert_eq!(final_number(&format!("7 x 8 makes {written}.")), expected);
    }

    #[test]
    fn printing_and_parsing_agree(text in "[-+−]?[0-9]{0,5}(,[0-9]{3}){0,2}(\\.[0-9]{0,3})?") {
        if let Some(number) = Number::parse(&text) {
            prop_assert_eq!(Number::parse(&number.to_string()), Some(number));
        }
    }

    #[test]
    fn any_text_is_judged_without_a_panic(text in "\\PC{0,40}") {
        if let Some(number) = final_number(&text) {
            prop_assert!(Number::parse(&number.to_string()).is_some());
        }
    }
}
