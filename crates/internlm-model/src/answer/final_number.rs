//! The numbers in a text: the first one, and the one that is its answer.

use super::Number;
use super::number::{plain, read};

/// Marks after which a text is no longer the answer, wherever they are. Marks of chat templates begin with the first
/// two.
const ENDS: [&str; 7] = ["<|", "<｜", "</s>", "<end_of_turn>", "<eos>", "[INST]", "Question:"];
/// Words that ask the next question at the beginning of a line, in front of a colon or with a number.
const ASKERS: [&str; 13] = [
    "Question",
    "Next question",
    "New question",
    "Q",
    "Problem",
    "Exercise",
    "Instruction",
    "User",
    "Human",
    "问题",
    "题目",
    "练习",
    "问",
];
/// Words that announce the answer itself, in front of one of [`IS`].
const ANNOUNCERS: [&str; 4] = ["final answer", "Final answer", "Final Answer", "最终答案"];
/// What is between an announcer and the answer.
const IS: [&str; 6] = ["is", ":", "：", "=", "是", "为"];
/// Signs of currencies, which may be between a minus sign and its digits.
const CURRENCIES: [char; 5] = ['$', '€', '£', '¥', '₹'];

/// Finds the last number of a text, which is what a sentence such as `12 x 34 = 408.` answers.
///
/// A number is read in its whole notation: `1/2`, `9e-6`, `3 x 10^8` and `1½` are one number each. The next
/// question, which some models ask themselves after the answer, does not count, and a number that is marked as the
/// answer, by `\boxed{..}`, after `####` or on the line of `final answer is`, comes before others.
///
/// A minus directly after a letter, a digit or a closing parenthesis is an operator or a hyphen, not a sign:
/// the last number of `10-3` is 3. A full stop counts as a decimal point only in front of digits. The digits of units
/// and formulas, as in `m^2`, `cm3` and `CO2`, count only in a text without other numbers.
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
    let number = text.find(|character: char| character.is_ascii_digit())?;
    let answer = before_next_question(&text, number);
    let found = boxed(answer).and_then(last_number).or_else(|| marked(answer));
    found.or_else(|| announced(answer)).or_else(|| last_number(answer))
}

/// Cuts a text where a model that was not stopped asks itself the next question, or where a mark ends its turn.
/// `first` is the place of the first word that may be the answer: a question that is repeated in front of it stays.
///
/// ```
/// use internlm_model::answer::before_next_question;
///
/// let text = "Question: one or two?\nAnswer: B\n\nQuestion 2\nAnswer: A";
/// assert_eq!(before_next_question(text, text.find('B').unwrap_or(0)).trim_end(), &text[..31]);
/// ```
#[must_use]
pub fn before_next_question(text: &str, first: usize) -> &str {
    let Some(behind) = text.get(first..) else { return text };
    let marks = ENDS.iter().filter_map(|mark| Some(first + behind.find(*mark)?));
    let mut start = 0;
    let lines = text.split_inclusive('\n').filter_map(|line| {
        let place = start;
        start += line.len();
        (place > first && asks(line)).then_some(place)
    });
    &text[..lines.chain(marks).min().unwrap_or(text.len())]
}

/// Says whether a line begins like `Question:`, `**Q 2:**` or `问题：`, or is `Question 2` alone.
fn asks(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t', '#', '*', '>']).trim_end();
    let number = |character: char| character.is_ascii_digit() || matches!(character, ' ' | '*');
    let asks = |rest: &str| {
        let behind = rest.trim_start_matches(number);
        let counted =
            rest[..rest.len() - behind.len()].contains(|character: char| character.is_ascii_digit());
        behind.starts_with([':', '：']) || (counted && behind.is_empty())
    };
    ASKERS.iter().any(|asker| line.strip_prefix(*asker).is_some_and(asks))
}

/// The last number of the last line that says `final answer is` or `Final Answer:`, behind these words.
fn announced(text: &str) -> Option<Number> {
    text.lines().rev().find_map(|line| {
        let behind = |announcer: &&str| line.rsplit_once(*announcer).map(|(_, behind)| behind);
        let behind = ANNOUNCERS.iter().find_map(behind)?.trim_start_matches([' ', '*', '_']);
        let answer = IS.iter().find_map(|is| behind.strip_prefix(*is))?;
        last_number(answer)
    })
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
    let text = plain(text);
    let (mut free, mut bound) = (numbers(&text, Place::Free), numbers(&text, Place::InWord));
    free.next().or_else(|| bound.next())
}

fn last_number(text: &str) -> Option<Number> {
    numbers(text, Place::Free).last().or_else(|| numbers(text, Place::InWord).last())
}

/// The numbers of a plain text that have this place, from left to right.
fn numbers(text: &str, wanted: Place) -> impl Iterator<Item = Number> {
    let numbers = Numbers { text, next: 0 };
    numbers.filter(move |(place, _)| *place == wanted).map(|(_, number)| number)
}

/// Whether a number stands for itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Free,
    /// Part of a unit, a formula or a name: `m^2`, `cm3`, `CO2`.
    InWord,
}

/// The numbers of a plain text, from left to right.
struct Numbers<'a> {
    text: &'a str,
    /// Where the search continues.
    next: usize,
}

impl Iterator for Numbers<'_> {
    type Item = (Place, Number);

    fn next(&mut self) -> Option<Self::Item> {
        let begins = |character: char| character.is_ascii_digit() || matches!(character, '.' | '\\');
        loop {
            let start = self.next + self.text[self.next..].find(begins)?;
            let (before, behind) = self.text.split_at(start);
            if let Some(length) = other_base(behind) {
                self.next = start + length;
                continue;
            }
            let is_number = !behind.starts_with('.') || can_precede_point(before);
            let Some((number, end)) = read(self.text, start).filter(|_| is_number) else {
                self.next = start + 1;
                continue;
            };
            self.next = end;
            let place = place(before, &self.text[start..end]);
            return Some((place, if has_minus(before) { number.negated() } else { number }));
        }
    }
}

/// The length of a number such as `0x1F` or `0b101` at the beginning of a text: its digits are not decimal.
fn other_base(text: &str) -> Option<usize> {
    [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find_map(|(prefix, radix)| {
        let digits = text.strip_prefix(prefix)?.chars().take_while(|digit| digit.is_digit(radix)).count();
        (digits > 0).then_some(prefix.len() + digits)
    })
}

/// The place of the number that is written as `number` behind `before`. One digit at a letter is an index, while
/// `USD500` is an amount.
fn place(before: &str, number: &str) -> Place {
    let is_power = before.trim_end_matches(['{', '-', '+']).ends_with('^');
    let is_index = number.len() == 1 && before.ends_with(|last: char| last.is_ascii_alphabetic());
    if is_power || is_index { Place::InWord } else { Place::Free }
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
    let before = unpriced.unwrap_or(before);
    // A minus in front of a space is a dash or the mark of a list, but not behind `=`.
    if let Some(sum) = before.strip_suffix("- ") {
        return sum.trim_end_matches(' ').ends_with(['=', '≈']);
    }
    let Some(before) = before.strip_suffix('-') else { return false };
    let operand = |last: char| last.is_alphanumeric() || ")]}%°".contains(last);
    // The amounts of `5€-10€` are a range, but `$-5$` is a formula.
    let amount = before.strip_suffix(CURRENCIES).is_some_and(|rest| rest.ends_with(char::is_numeric));
    !amount && !before.ends_with(operand)
}
