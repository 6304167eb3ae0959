//! Reads a plan by the letter, with the patterns and the error messages of lagent 0.2.4.

use super::super::CallOutcome;
use super::{Evidence, PlanStep};

/// What Python says about an index that is too large.
const INDEX_ERROR: &str = "list index out of range";

/// The steps of a plan.
pub(super) fn steps(content: &str) -> Result<Vec<PlanStep>, String> {
    let thoughts: Vec<&str> = content.split('\n').filter_map(thought).collect();
    let units: Vec<&str> = content.split('\n').filter_map(unit).collect();
    if thoughts.len() != units.len() {
        return Err("Each Plan should only correspond to only ONE action".to_owned());
    }
    let steps = (1..).zip(thoughts.into_iter().zip(units)).map(|(label, (thought, unit))| {
        let (tool, input) = unit
            .trim()
            .split_once('[')
            .and_then(|(tool, rest)| rest.split_once(']').map(|(input, _)| (tool, input)))
            .ok_or(INDEX_ERROR)?;
        let [thought, tool, input] = [thought, tool, input].map(|part| part.trim().to_owned());
        Ok(PlanStep { label, thought, tool, input })
    });
    steps.collect()
}

/// The match of `Plan: (.+)` in a line.
fn thought(line: &str) -> Option<&str> {
    line.split_once("Plan: ").map(|(_, rest)| rest).filter(|rest| !rest.is_empty())
}

/// The match of `#E[0-9]* = (.+)` in a line.
fn unit(line: &str) -> Option<&str> {
    let mut rest = line;
    while let Some((_, behind)) = rest.split_once("#E") {
        let unit = behind.trim_start_matches(|digit: char| digit.is_ascii_digit()).strip_prefix(" = ");
        if let Some(unit) = unit.filter(|unit| !unit.is_empty()) {
            return Some(unit);
        }
        rest = behind;
    }
    None
}

/// The input of a step with references replaced. Upstream counts the results by their position, replaces every
/// occurrence one after the other, and takes a failed call for an empty text.
pub(super) fn filled(input: &str, evidence: &[Evidence]) -> Result<String, String> {
    let mut filled = input.to_owned();
    for part in input.split("#E").skip(1) {
        let digits = part.len() - part.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        if digits == 0 {
            continue;
        }
        let found = match part[..digits].parse::<usize>() {
            // Python counts the index -1 from the end.
            Ok(0) => evidence.last(),
            Ok(number) => evidence.get(number - 1),
            Err(_) => None,
        };
        let found = found.ok_or(INDEX_ERROR)?;
        let text = if found.outcome == CallOutcome::Result { found.text.as_str() } else { "" };
        filled = filled.replace(&format!("#E{}", &part[..digits]), text);
    }
    Ok(filled)
}
