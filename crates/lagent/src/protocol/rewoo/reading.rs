//! Reads a plan in a tolerant way, and checks that it can be carried out: its tools exist, its inputs can be read and
//! its references lead to earlier steps.

use super::super::react::bare_name;
use super::super::resolve::unknown_tool;
use super::{PlanStep, input};
use crate::action::ToolSpec;

/// The steps of a plan.
pub(super) fn steps(content: &str, tools: &[ToolSpec]) -> Result<Vec<PlanStep>, String> {
    let mut steps: Vec<PlanStep> = Vec::new();
    let mut thought: Option<&str> = None;
    for (start, line) in lines(content) {
        if let Some(text) = thought_of(line) {
            if let Some(earlier) = thought.replace(text) {
                return Err(without_call(earlier));
            }
        } else if let Some((label, unit)) = evidence_of(line) {
            let unit = &content[start + (line.len() - unit.len())..];
            let thought = thought.take().ok_or_else(|| {
                format!("found #E{label} without a plan, expected a line `Plan: ..` before each #E")
            })?;
            let step = step(label, thought, unit)?;
            check(&step, &steps, tools)?;
            steps.push(step);
        }
    }
    match thought {
        Some(text) => Err(without_call(text)),
        None if steps.is_empty() => {
            Err("found no plan, expected lines `Plan: ..` and `#E1 = tool[input]`".to_owned())
        }
        None => Ok(steps),
    }
}

fn without_call(thought: &str) -> String {
    format!("found the plan `{thought}` without a call, expected `#E1 = tool[input]`")
}

/// The lines with their offsets.
fn lines(content: &str) -> impl Iterator<Item = (usize, &str)> {
    content.split_inclusive('\n').scan(0, |start, line| {
        let begin = *start;
        *start += line.len();
        Some((begin, line))
    })
}

/// The text behind `Plan:` or `Plan 1:`, also between marks of Markdown.
fn thought_of(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches(['*', '-', ' ']);
    let rest =
        line.strip_prefix("Plan")?.trim_start_matches(|part: char| part == ' ' || part.is_ascii_digit());
    let thought = rest.strip_prefix([':', '：'])?.trim_matches(['*', ' ']);
    // A heading has no text.
    (!thought.is_empty()).then_some(thought)
}

/// The number and the text behind `#E1 =`.
fn evidence_of(line: &str) -> Option<(u64, &str)> {
    let rest = line.trim_start().trim_start_matches(['*', '-', '`', ' ']).strip_prefix("#E")?;
    let behind = rest.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let label = rest[..rest.len() - behind.len()].parse().ok()?;
    Some((label, behind.trim_start_matches(['*', '`', ' ']).strip_prefix(['=', ':'])?))
}

/// The tool and the input of `tool[input]` at the beginning of `unit`.
fn step(label: u64, thought: &str, unit: &str) -> Result<PlanStep, String> {
    let line = unit.lines().next().unwrap_or_default();
    let wrong = || format!("found #E{label} = {}, expected tool[input]", line.trim());
    let open = line.find('[').ok_or_else(wrong)?;
    let (tool, input) = (bare_name(&line[..open]), inside(&unit[open + 1..]).ok_or_else(wrong)?);
    let [thought, tool, input] = [thought, tool, input].map(|part| part.trim().to_owned());
    Ok(PlanStep { label, thought, tool, input })
}

/// The text up to the bracket that closes, perhaps some lines later. Brackets inside of quotes are not counted.
fn inside(text: &str) -> Option<&str> {
    let mut depth = 1_usize;
    let mut quote = None;
    let mut is_escaped = false;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            // No text in quotes has a line end in it.
            (_, '\n') => (quote, is_escaped) = (None, false),
            _ if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(open), _) if open == character => quote = None,
            (None, '"') => quote = Some('"'),
            (None, '[') => depth += 1,
            (None, ']') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&text[..at]);
        }
    }
    // A quote that is not closed.
    let line = text.lines().next().unwrap_or_default();
    line.rfind(']').map(|at| &line[..at])
}

/// Checks one step against the tools and the steps before it.
fn check(step: &PlanStep, before: &[PlanStep], tools: &[ToolSpec]) -> Result<(), String> {
    let label = step.label;
    if before.iter().any(|earlier| earlier.label == label) {
        return Err(format!("found #E{label} twice, expected another number for each step"));
    }
    if !tools.iter().any(|tool| tool.name.eq_ignore_ascii_case(&step.tool)) {
        return Err(format!("#E{label}: {}", unknown_tool(tools, &step.tool)));
    }
    let references = references(&step.input);
    let later =
        references.iter().find(|reference| !before.iter().any(|earlier| earlier.label == **reference));
    if let Some(reference) = later {
        return Err(format!("#E{label} refers to #E{reference}, expected an earlier step"));
    }
    if references.is_empty() {
        input::arguments(&step.input).map_err(|problem| format!("#E{label}: {problem}"))?;
    }
    Ok(())
}

/// The numbers that an input refers to.
fn references(text: &str) -> Vec<u64> {
    let parts = text.split("#E").skip(1);
    parts.filter_map(|part| part.split(|digit: char| !digit.is_ascii_digit()).next()?.parse().ok()).collect()
}
