//! The numbers in a text: the first one, and the one that is its answer.

use super::Number;
use super::number::{plain, read};

/// Marks after which a text is no longer the answer, wherever they are.
const ENDS: [&str; 4] = ["<|im_end|>", "<|endoftext|>", "</s>", "Question:"];
/// Words that ask the next question at the beginning of a line, in front of a colon.
const ASKERS: [&str; 8] = ["Question", "Q", "Problem", "User", "Human", "问题", "题目", "问"];
/// Signs of currencies, which may be between a minus sign and its digits.
const CURRENCIES: [char; 5] = ['$', '€', '£', '¥', '₹'];

/// Finds the last number of a text, which is what a sentence such as `12 x 34 = 408.` answers.
///
/// A number is read in its whole notation: `1/2`, `9e-6`, `3 x 10^8` and `1½` are one number each. The next
/// question, which some models ask themselves after the answer, does not count, and a number that is marked as the
/// answer, by `\boxed{..}` or after `####`, comes before others.
///
/// A minus directly after a letter, a digit or a closing parenthesis is an operator or a hyphen, not a sign:
/// the last number of `10-3` is 3. A full stop counts as a decimal point only in front of digits.
///
/// ```
/// use internlm_model::answer::{Number, final_number};
///
/// assert_eq!(final_number("7 - 10 is -3."), Number::parse("-3"));
/// assert_eq!(final_number("It is 18.\n\nQuestion: Tom has 5"), Number::parse("18"));
/// assert_eq!(final_number("no idea"), None);
/// ```
#[must_use]
pub fn final_number(text: &str) -> Option<Number> {
    let text = plain(text);
    let answer = without_next_question(&text);
    boxed(answer).and_then(last_number).or_else(|| marked(answer)).or_else(|| last_number(answer))
}

/// Cuts a text at the first mark that follows a number. A question that is repeated in front of the answer stays.
fn without_next_question(text: &str) -> &str {
    let Some(number) = text.find(|character: char| character.is_ascii_digit()) else { return text };
    let marks = ENDS.iter().filter_map(|mark| Some(number + text[number..].find(*mark)?));
    let mut start = 0;
    let lines = text.split_inclusive('\n').filter_map(|line| {
        let place = start;
        start += line.len();
        (place > number && asks(line)).then_some(place)
    });
    &text[..lines.chain(marks).min().unwrap_or(text.len())]
}

/// Says whether a line begins like `Question:`, `**Q 2:**` or `问题：`.
fn asks(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t', '#', '*', '>']);
    let number = |character: char| character.is_ascii_digit() || matches!(character, ' ' | '*');
    let asks = |rest: &str| rest.trim_start_matches(number).starts_with([':', '：']);
    ASKERS.iter().any(|asker| line.strip_prefix(*asker).is_some_and(asks))
}

/// The content of the last `\boxed{..}`.
fn boxed(text: &str) -> Option<&str> {
    let (_, after) = text.rsplit_once(r"\boxed{")?;
    let mut depth = 1;
    let end = after.find(|character: char| {
        depth += match character {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        depth == 0
    })?;
    Some(&after[..end])
}

/// The number of the first line that is `####` and a number, which is how GSM8K marks its answers.
fn marked(text: &str) -> Option<Number> {
    text.lines().find_map(|line| {
        let number = line.trim().strip_prefix("####")?;
        Number::parse(number.trim().trim_start_matches('$').trim_end_matches(['.', '%']))
    })
}

/// Finds the first number of a text, read in its whole notation.
///
/// ```
/// use internlm_model::answer::{Number, first_number};
///
/// assert_eq!(first_number("about 1,200 of 2,000"), Number::parse("1200"));
/// ```
#[must_use]
pub fn first_number(text: &str) -> Option<Number> {
    Numbers { text: &plain(text), next: 0 }.next()
}

fn last_number(text: &str) -> Option<Number> {
    Numbers { text, next: 0 }.last()
}

/// The numbers of a plain text, from left to right.
struct Numbers<'a> {
    text: &'a str,
    /// Where the search continues.
    next: usize,
}

impl Iterator for Numbers<'_> {
    type Item = Number;

    fn next(&mut self) -> Option<Number> {
        let begins = |character: char| character.is_ascii_digit() || matches!(character, '.' | '\\');
        loop {
            let start = self.next + self.text[self.next..].find(begins)?;
            let before = &self.text[..start];
            let is_number = !self.text[start..].starts_with('.') || can_precede_point(before);
            let Some((number, end)) = read(self.text, start).filter(|_| is_number) else {
                self.next = start + 1;
                continue;
            };
            self.next = end;
            return Some(if has_minus(before) { number.negative() } else { number });
        }
    }
}

/// Says whether a point after `before` can begin a number such as `.5`.
fn can_precede_point(before: &str) -> bool {
    let sign = |last: char| last.is_whitespace() || CURRENCIES.contains(&last) || "-+=~≈(:[{*".contains(last);
    before.is_empty() || before.ends_with(sign)
}

/// Says whether the text in front of a number ends with its minus sign, and not with a hyphen or an operator.
fn has_minus(before: &str) -> bool {
    // `-$5` is negative, and LaTeX writes `-\$5`.
    let unpriced = before.strip_suffix(CURRENCIES).map(|rest| rest.trim_end_matches('\\'));
    let Some(before) = unpriced.unwrap_or(before).strip_suffix('-') else { return false };
    let operand = |last: char| last.is_alphanumeric() || ")]}%°".contains(last);
    // The amounts of `5€-10€` are a range, but `$-5$` is a formula.
    let amount = before.strip_suffix(CURRENCIES).is_some_and(|rest| rest.ends_with(char::is_numeric));
    !amount && !before.ends_with(operand)
}
