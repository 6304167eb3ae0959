//! Tasks with a number as the answer: prison terms (3-4 and 3-5) and sums of money (3-7).

use std::sync::LazyLock;

use regex::Regex;

use super::digits::number;
use super::grade::{Grade, Graded, between, unexpected};
use super::transform::chinese_to_arabic;
use crate::score::text::words::built_in;

/// The longest distance between two prison terms in months, as LawBench sets it.
const LONGEST: f64 = 216.0;

static MONTHS: LazyLock<Regex> = LazyLock::new(|| built_in(r"(\d+)个月"));
static MONTH: LazyLock<Regex> = LazyLock::new(|| built_in(r"(\d+)月"));
static YEARS: LazyLock<Regex> = LazyLock::new(|| built_in(r"(\d+)年"));
static DECIMAL: LazyLock<Regex> = LazyLock::new(|| built_in(r"\d+\.?\d*"));

/// Tasks 3-4 and 3-5, a prison term: `刑期:12个月`. The score is 1 - |ln(expected + 1) - ln(found + 1)| / ln 216, which
/// may be below 0. Life and death are left out.
pub(super) fn prison_term(prediction: &str, reference: &str) -> Graded {
    if reference.contains("死刑") || reference.contains("无期") {
        return Ok(None);
    }
    let expected = number(between(reference, "刑期:", "个月")?);
    let expected = expected.ok_or_else(|| unexpected(reference, "a number of months"))?;
    let Some(found) = months(&chinese_to_arabic(prediction)) else {
        return Ok(Some(Grade::share(0.0).abstained(true)));
    };
    let distance = ((expected as f64 + 1.0).ln() - (found as f64 + 1.0).ln()).abs();
    Ok(Some(Grade::share((LONGEST.ln() - distance) / LONGEST.ln())))
}

/// The first number of months in a text, or else the first number of years as months.
fn months(text: &str) -> Option<u128> {
    let first = |pattern: &Regex| number(pattern.captures(text)?.get(1)?.as_str());
    let years = || first(&YEARS).map(|years| years.saturating_mul(12));
    first(&MONTHS).or_else(|| first(&MONTH)).or_else(years)
}

/// Task 3-7, a sum of money: `上文涉及到的犯罪金额:1234.5元。`. An answer is right if one of its numbers is the sum.
pub(super) fn money(prediction: &str, reference: &str) -> Graded {
    let expected = between(reference, "上文涉及到的犯罪金额:", "元。")?;
    let expected: f64 = expected.trim().parse().map_err(|_| unexpected(reference, "a number"))?;
    let mut found = DECIMAL.find_iter(prediction).peekable();
    let abstained = found.peek().is_none();
    let correct = found.any(|number| number.as_str().parse() == Ok(expected));
    Ok(Some(Grade::verdict(correct).abstained(abstained)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_in_months_first() {
        for (text, expected) in [
            ("有期徒刑三年六个月", Some(6)),
            ("判处十二个月", Some(12)),
            ("2年", Some(24)),
            ("二年", Some(24)),
            ("一年十月", Some(10)),
            ("缓刑", None),
        ] {
            assert_eq!(months(&chinese_to_arabic(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_term_is_scored_by_its_logarithm() {
        let grade = |text, reference| prison_term(text, reference).expect("a reference").expect("graded");
        assert_eq!(grade("12个月", "刑期:12个月"), Grade::share(1.0));
        assert_eq!(grade("无罪", "刑期:12个月"), Grade::share(0.0).abstained(true));
        let expected = 1.0 - (25.0_f64.ln() - 13.0_f64.ln()) / 216.0_f64.ln();
        assert!((grade("二年", "刑期:12个月").score - expected).abs() < 1e-12);
        assert_eq!(prison_term("12个月", "刑期:无期"), Ok(None));
        assert!(prison_term("12个月", "12").is_err());
    }

    #[test]
    fn money_is_right_if_the_sum_is_named() {
        let reference = "上文涉及到的犯罪金额:1500.0元。";
        for (text, correct, abstained) in
            [("共1500元", true, false), ("1,500元", false, false), ("很多", false, true)]
        {
            let grade = money(text, reference).expect("a reference").expect("graded");
            assert_eq!((grade.correct, grade.abstained), (Some(correct), abstained), "{text}");
        }
    }
}
