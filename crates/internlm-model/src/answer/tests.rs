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
        ("about .5 of it", Some("0.5")),
        ("It costs -$5", Some("-5")),
        ("no number", None),
        ("", None),
    ] {
        let found = final_number(text).map(|number| number.to_string());
        assert_eq!(found.as_deref(), expected, "{text}");
    }
}

#[test]
fn a_number_is_read_in_its_whole_notation() {
    for (text, expected) in [
        ("It is 3/4.", "0.75"),
        ("It is **3/4**", "0.75"),
        ("a third is 2/6", "1/3"),
        (r"so $-\frac{1}{8}$", "-0.125"),
        ("take 2 1/2 cups", "2.5"),
        ("take 2½ cups", "2.5"),
        ("on 12/31/1999", "1999"),
        ("1/0", "0"),
        ("years 1998-2003", "2003"),
        ("10%-20%", "20"),
        ("$5-$10", "10"),
        ("pages 8–9", "9"),
        ("It is –9", "-9"),
        ("It is $-9$", "-9"),
        ("2.5e3 meters", "2500"),
        ("4E-3", "0.004"),
        ("about 3 × 10^4 or so", "30000"),
        (r"$1.5 \times 10^{-2}$", "0.015"),
        ("10⁻³ of it", "0.001"),
        ("a 5e5f token", "5"),
        ("١٢٫٥", "12.5"),
        ("४२", "42"),
        ("７８", "78"),
        ("𝟗𝟎", "90"),
        ("12\u{202f}345 people", "12345"),
        ("12\u{a0}345\u{a0}678", "12345678"),
        ("12\u{a0}34", "34"),
        ("$12{,}345$", "12345"),
        (r"$12\;345$", "12345"),
        ("1'234'567 francs", "1234567"),
        ("1’234", "1234"),
        ("1_000_000", "1000000"),
        ("12,34,567 rupees", "1234567"),
        ("1.234.567", "1234567"),
        ("1.234,56 €", "1234.56"),
        ("1.234", "1.234"),
        ("3.141,2.718", "2.718"),
        ("1 / 4", "0.25"),
        ("on 12 / 31 / 1999", "1999"),
        (r"\frac14", "0.25"),
        (r"\dfrac{1}4", "0.25"),
        (r"\frac{-3}{4}", "-0.75"),
        (r"-\frac{3}{-4}", "0.75"),
        (r"\frac{1.5}{3}", "0.5"),
        (r"\frac{1,000}{3}", "1000/3"),
        ("it is 2^10", "1024"),
        ("x = - 5", "-5"),
        ("the answer - 5", "5"),
        ("0x1F or 7 0b11", "7"),
    ] {
        let found = final_number(text).map(|number| number.to_string());
        assert_eq!(found.as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn digits_of_units_and_formulas_count_only_when_there_is_nothing_else() {
    for (text, expected) in [
        ("12 m^2", "12"),
        ("12 cm3", "12"),
        (r"\boxed{5 \text{ cm}^2}", "5"),
        (r"3 \text{ s}^{-2}", "3"),
        ("44 is the mass of CO2", "44"),
        ("USD500", "500"),
        ("x^2", "2"),
        ("H2O", "2"),
    ] {
        assert_eq!(final_number(text), Number::parse(expected), "{text}");
    }
    assert_eq!(first_number("CO2 weighs 44"), Number::parse("44"));
}

#[test]
fn what_follows_the_answer_does_not_count() {
    for (text, expected) in [
        ("It is 8.\n\nQuestion: Ann has 3 pens.\nAnswer: 4", "8"),
        ("It is 8. Question: Ann has 3 pens", "8"),
        ("#### 8\n\nAnn has 3 pens.\n#### 4", "8"),
        ("It is 8\n**Q 2:** What is 3 + 1?", "8"),
        ("是 8\n问题：3 + 1", "8"),
        ("It is 8<|im_end|>\n<|im_start|>user\n3 + 1", "8"),
        (r"so \boxed{8}, since 3 + 5 is that, see step 2", "8"),
        ("Question: Ann has 3 pens and 5 more.\nAnswer: 8", "8"),
        ("#### Step 2\nso 8", "8"),
        ("It is 8<|eot_id|>5", "8"),
        ("It is 8<end_of_turn>\n5", "8"),
        ("It is 8\n### Question 2\nWhat is 3 + 1?", "8"),
        ("It is 8\nNext question: 3 + 1", "8"),
        ("It is 8\n### Instruction:\n5", "8"),
        ("The final answer is 8.\nTo check: 3 + 5 in 2 steps.", "8"),
        ("**Final Answer**: 3 + 5 = 8\n\nThis took 2 steps.", "8"),
        ("To get the final answer, add 3 and 5. That is 8.", "8"),
        ("最终答案是 8\n检查：3 + 5", "8"),
    ] {
        assert_eq!(final_number(text), Number::parse(expected), "{text}");
    }
}

#[test]
fn numbers_are_equal_by_value() {
    let number = |text: &str| Number::parse(text).expect("a number");
    for (left, right) in [
        ("7", "007"),
        ("7", "7.0"),
        ("+7", "7"),
        ("-0", "0"),
        (".5", "0.50"),
        ("4.", "4"),
        ("1,000", "1000"),
        ("1e3", "1000"),
        ("1e+05", "100000"),
        ("6/4", "1.5"),
        ("-1 1/3", "-4/3"),
        ("½", "0.5"),
    ] {
        assert_eq!(number(left), number(right));
    }
    for (left, right) in [("7", "-7"), ("7", "70"), ("0.7", "0.07"), ("408", "4080"), ("1/3", "0.333")] {
        assert_ne!(number(left), number(right));
    }
    // Longer than any machine number.
    assert_ne!(number(&"9".repeat(400)), number(&format!("{}8", "9".repeat(399))));
}

#[test]
fn text_around_a_number_is_not_part_of_one() {
    for text in
        ["", "-", ".", "1,23", "1e", "1/", "1/0", "12 34", "two", "3 apples", "--3", "0x10", "1.2.3", "1.,"]
    {
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
    fn a_fraction_is_its_quotient(numerator in 0_u32..1000, denominator in 1_u32..1000) {
        let number = Number::parse(&format!("{numerator}/{denominator}")).expect("a number");
        let quotient = f64::from(numerator) / f64::from(denominator);
        prop_assert!((number.to_f64() - quotient).abs() <= 1e-12 * quotient);
        prop_assert_eq!(final_number(&format!("It is {number}.")), Some(number));
    }

    #[test]
    fn an_exponent_moves_the_point(digits in 1_u32..100_000, exponent in -20_i32..20) {
        let written = format!("{digits}e{exponent}");
        let expected: f64 = written.parse().expect("a number");
        let found = Number::parse(&written).expect("a number").to_f64();
        prop_assert!((found - expected).abs() <= 1e-12 * expected, "{} {}", found, expected);
    }

    #[test]
    fn any_notation_is_judged_without_a_panic(text in r"[-+0-9.,/ eEx^{}×½−$%#\\]{0,40}") {
        if let Some(number) = final_number(&text) {
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
