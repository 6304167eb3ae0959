//! Units at the end of an answer.

use std::sync::LazyLock;

use regex::Regex;

use crate::score::math::pattern::built_in;

/// Units in the order in which they are tried: latex2sympy2_extended 1.11 (MIT). A full stop stands for any character.
const UNITS: &str = concat!(
    "integerpoint|feet|sue|digit|pound|meal|edge|student|children ticket|multiple|east|degree|mph|kmph|",
    "ft|m square| m east|sq m|deg|mile|q .|monkey|prime|ratio|profit of rs|rd|o|gm|p . m|lb|tile|per|dm|",
    "lt|gain|ab|way|west|a .|b .|c .|d .|e .|f .|g .|h .|t|h|no change|men|soldier|pie|bc|excess|st|",
    "inches|noon|cent|by|gal|kmh|c|acre|rise|a . m|th|π r 2|sq|mark|l|toy|coin|sq . m|gallon|° f|profit|",
    "minw|yr|women|am|pm|hr|cu cm|square|v â € ™|are|rupee|rounds|cubic|cc|mtr|s|ohm|number|kmph|day|",
    "hour|minute|min|second|man|woman|sec|cube|mt|sq inch|mp|∏ cm ³|hectare|more|sec|unit|cu . m|cm 2|",
    "rs .|rs|kg|g|month|km|m|cm|mm|apple|liter|loss|yard|pure|year|increase|decrease|d|less|Surface|",
    "litre|pi sq m|s .|metre|meter|inch",
);

static UNIT: LazyLock<Regex> =
    LazyLock::new(|| built_in(&format!(r"(\d|\}}|\s)\s*(?:(?:{UNITS})(?:s|es)?)\s*$")));

/// Removes units in text with their powers, then at most two units in letters. A text that is nothing but a unit stays.
pub(super) fn without_units(text: String) -> String {
    let mut text = match text_unit(&text) {
        Some(start) if !text[..start].trim().is_empty() => text[..start].trim().to_owned(),
        _ => text.trim().to_owned(),
    };
    for _ in 0..2 {
        let has_letter = text.bytes().any(|byte| byte.is_ascii_alphabetic());
        let found = if has_letter { UNIT.captures(&text) } else { None };
        let Some(keep) = found.map(|found| found.get(0).map_or(0, |whole| whole.start()) + found[1].len())
        else {
            break;
        };
        text.truncate(keep);
    }
    text
}

/// Finds the first text of a formula if the formula ends with a text, with or without a power.
fn text_unit(text: &str) -> Option<usize> {
    let start = [text.find("\\text{"), text.find("\\mbox{")].into_iter().flatten().min()?;
    let bytes = text.as_bytes();
    let ends = match bytes {
        [.., b'}'] => true,
        [.., b'}', b'^', power] => power.is_ascii_digit(),
        _ => false,
    };
    ends.then_some(start)
}
