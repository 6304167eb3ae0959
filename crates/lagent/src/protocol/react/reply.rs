//! Reads a reply that almost keeps to the format.
//!
//! A model that is not stopped continues after the action input and makes up what the tool answers, and even the final
//! answer. ReAct (Yao et al., 2022) cuts a reply at the observation; so does this reader. Tags are found at the
//! beginning of a line, also between the marks of Markdown (`**Action:**`), and inside a line where that is the only
//! place.

use super::ReactTags;

/// Marks of Markdown around a tag: bold, italics, code. They touch it, as the stars of a list do not.
pub(super) const PAIRED: [char; 3] = ['*', '_', '`'];
/// The marks that open and close a block of code.
pub(super) const FENCES: [&str; 2] = ["```", "~~~"];
/// What begins the thoughts of a reasoning model, unless its prompt does.
pub(super) const THOUGHTS: &str = "<think>";
/// What ends them.
pub(super) const THOUGHTS_END: &str = "</think>";
/// Names that say that there is no action.
const NO_TOOL: [&str; 7] = ["none", "n/a", "null", "no tool", "no action", "finish", ANSWER];
/// The one of them whose input is the answer.
const ANSWER: &str = "final answer";
/// The tag of a response in the paper and in many prompts, which models write whatever ours is.
const OBSERVATION: &str = "Observation:";
/// What ends a tag, also in Chinese.
const COLONS: [char; 2] = [':', '：'];

/// What a reply says. `used` is the length of the text without what the model made up.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Reading<'r> {
    /// A tool and its input, as they are written.
    Call { name: &'r str, input: &'r str, used: usize },
    /// The final answer.
    Answer { text: &'r str, used: usize },
    /// Neither a whole action nor an answer.
    Nothing,
}

/// What a tag is in front of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part {
    Thought,
    Action,
    Input,
    Response,
    Finish,
}

/// A tag in a reply.
#[derive(Clone, Copy, Debug)]
struct Hit {
    part: Part,
    /// Offset of the tag's line, or of the tag inside its line.
    start: usize,
    /// Offset of the text behind the tag.
    end: usize,
}

/// Whether tags are also found in other spellings: `ACTION:`, `Action_Input:`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Case {
    Exact,
    Any,
}

/// Reads one reply. What a model thinks between `<think>` and `</think>` is not an action.
pub(super) fn read<'r>(content: &'r str, tags: &ReactTags) -> Reading<'r> {
    let thoughts = content.rfind(THOUGHTS_END).map_or(0, |end| end + THOUGHTS_END.len());
    match spoken(&content[thoughts..], tags) {
        Reading::Call { name, input, used } => Reading::Call { name, input, used: thoughts + used },
        Reading::Answer { text, used } => Reading::Answer { text, used: thoughts + used },
        Reading::Nothing => Reading::Nothing,
    }
}

/// Reads a reply without such thoughts.
fn spoken<'r>(content: &'r str, tags: &ReactTags) -> Reading<'r> {
    let (hits, action) = tagged(content, tags);
    let begin = action.map_or(0, |(_, input)| input.start);
    let finish = hits.iter().copied().find(|hit| hit.part == Part::Finish && hit.start >= begin);
    let finish = finish.or_else(|| inside(content, &tags.finish, Part::Finish));
    match action {
        Some((action, input)) => {
            let used = next(&hits, input.end, |_| true).unwrap_or(content.len());
            let between = content.get(action.end..input.start).unwrap_or_default().trim_start();
            let name = between.lines().next().unwrap_or_default().trim();
            let unused = NO_TOOL.iter().any(|word| bare_name(name).eq_ignore_ascii_case(word));
            let text = &content[input.end..used];
            match finish.filter(|finish| unused && finish.start > input.start) {
                Some(finish) => answer(content, &hits, finish),
                None if bare_name(name).eq_ignore_ascii_case(ANSWER) => Reading::Answer { text, used },
                None => Reading::Call { name, input: text, used },
            }
        }
        None => match finish.filter(|finish| !is_made_up(&hits, *finish)) {
            Some(finish) => answer(content, &hits, finish),
            None => Reading::Nothing,
        },
    }
}

/// The tags of a reply and its action. Other cases count where the right ones do not give an action or an answer.
fn tagged(content: &str, tags: &ReactTags) -> (Vec<Hit>, Option<(Hit, Hit)>) {
    let exact = hits(content, tags, Case::Exact);
    let found = action(content, tags, &exact);
    if found.is_some() {
        return (exact, found);
    }
    let any = hits(content, tags, Case::Any);
    let found = action(content, tags, &any);
    let answers = exact.iter().any(|hit| hit.part == Part::Finish);
    (if found.is_none() && answers { exact } else { any }, found)
}

/// The name of a tool without the marks around it: `**Name**`, `[Name]`, `Name()`, `Name.`
pub(in crate::protocol) fn bare_name(name: &str) -> &str {
    const MARKS: &str = "*`\"'[]()<>{}:.,;“”‘’「」《》";
    name.trim_matches(|mark: char| mark.is_whitespace() || MARKS.contains(mark))
}

/// The first action that has an input, unless the reply has given its answer before.
fn action(content: &str, tags: &ReactTags, hits: &[Hit]) -> Option<(Hit, Hit)> {
    let input = hits.iter().copied().find(|hit| hit.part == Part::Input);
    let input = input.or_else(|| inside_first(content, &tags.action_input, Part::Input))?;
    let before = &content[..input.start];
    let action =
        last(hits, Part::Action, input.start).or_else(|| inside(before, &tags.action, Part::Action))?;
    let answered = hits.iter().any(|hit| hit.part == Part::Finish && hit.start < action.start);
    (!answered).then_some((action, input))
}

/// Whether an answer rests on a response that the model wrote itself, to an action without an input.
fn is_made_up(hits: &[Hit], finish: Hit) -> bool {
    let action = hits.iter().find(|hit| hit.part == Part::Action && hit.start < finish.start);
    action.is_some_and(|action| {
        let between = action.start..finish.start;
        hits.iter().any(|hit| hit.part == Part::Response && between.contains(&hit.start))
    })
}

/// The text behind the tag of the answer, up to where the model begins another step or answers once more: what follows
/// an answer is as made up as what follows an action, often the next question and its answer.
fn answer<'r>(content: &'r str, hits: &[Hit], finish: Hit) -> Reading<'r> {
    let begins = |part| matches!(part, Part::Thought | Part::Response | Part::Finish);
    let used = next(hits, finish.end, begins).unwrap_or(content.len());
    let text = &content[finish.end..used];
    // A reply that is one block of code as a whole.
    let fence = FENCES.iter().find(|fence| content.trim_start().starts_with(**fence));
    let text = fence.and_then(|fence| text.trim_end().strip_suffix(*fence)).unwrap_or(text);
    Reading::Answer { text, used }
}

/// Where the next part begins whose kind is asked for.
fn next(hits: &[Hit], from: usize, wanted: impl Fn(Part) -> bool) -> Option<usize> {
    hits.iter().find(|hit| hit.start >= from && wanted(hit.part)).map(|hit| hit.start)
}

/// The last tag of a part that begins before `end`.
fn last(hits: &[Hit], part: Part, end: usize) -> Option<Hit> {
    hits.iter().rev().copied().find(|hit| hit.part == part && hit.start < end)
}

/// The last place of a tag, inside a line or not.
fn inside(content: &str, tag: &str, part: Part) -> Option<Hit> {
    let found = content.rfind(tag).filter(|_| !tag.is_empty());
    found.map(|start| Hit { part, start, end: start + tag.len() })
}

/// The first place of a tag, inside a line or not.
fn inside_first(content: &str, tag: &str, part: Part) -> Option<Hit> {
    let found = content.find(tag).filter(|_| !tag.is_empty());
    found.map(|start| Hit { part, start, end: start + tag.len() })
}

/// The tags at the beginnings of lines, in order. Code inside the fences of an action input holds none.
fn hits(content: &str, tags: &ReactTags, case: Case) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    let mut fence: Option<&str> = None;
    let mut start = 0;
    for line in content.split_inclusive('\n') {
        let begin = start;
        start += line.len();
        if let Some(mark) = fence {
            fence = fence.filter(|_| !line.trim_start().starts_with(mark));
            continue;
        }
        let hit = tag_of(line, tags, case).map(|(part, end)| Hit { part, start: begin, end: begin + end });
        hits.extend(hit);
        if hits.last().is_some_and(|hit| hit.part == Part::Input) {
            let text = hit.map_or(line, |hit| &content[hit.end..start]);
            fence = opened(text, &content[start..]);
        }
    }
    hits
}

/// The mark of a fence that `line` opens and that a line of `behind` closes.
fn opened(line: &str, behind: &str) -> Option<&'static str> {
    FENCES.into_iter().find(|fence| {
        let opens = line.trim_start().strip_prefix(fence).is_some_and(|rest| !rest.contains(fence));
        opens && behind.lines().any(|line| line.trim_start().starts_with(fence))
    })
}

/// The part whose tag `line` begins with, and the length of the line up to the text behind it.
pub(super) fn tag_of(line: &str, tags: &ReactTags, case: Case) -> Option<(Part, usize)> {
    let decorated = undented(line);
    let name = decorated.trim_start_matches(PAIRED);
    let is_decorated = name.len() < decorated.len();
    known(tags).into_iter().find_map(|(part, tag)| {
        let behind = behind_tag(name, tag, case)?;
        let behind = if is_decorated { behind.trim_start_matches(PAIRED) } else { behind };
        Some((part, line.len() - behind.len()))
    })
}

/// The tags and what they are in front of, longer ones first: one tag may begin with another.
fn known(tags: &ReactTags) -> [(Part, &str); 6] {
    let mut known = [
        (Part::Thought, tags.thought.as_str()),
        (Part::Action, tags.action.as_str()),
        (Part::Input, tags.action_input.as_str()),
        (Part::Response, tags.response.as_str()),
        (Part::Response, OBSERVATION),
        (Part::Finish, tags.finish.as_str()),
    ];
    known.sort_by_key(|(_, tag)| std::cmp::Reverse(tag.len()));
    known
}

/// A line without the space and the marks of a heading in front of it.
fn undented(line: &str) -> &str {
    line.trim_start().trim_start_matches('#').trim_start()
}

/// Whether a line that is still being written may begin with a tag once it is longer.
pub(super) fn may_become_tag(line: &str, tags: &ReactTags) -> bool {
    let written = undented(line).trim_start_matches(PAIRED);
    known(tags).into_iter().any(|(_, tag)| {
        let name = bare_tag(tag);
        let behind = written.strip_prefix(name).filter(|_| !name.is_empty());
        name.starts_with(written)
            || behind.is_some_and(|behind| behind.trim_start_matches(is_between).is_empty())
    })
}

/// A tag without its colon.
fn bare_tag(tag: &str) -> &str {
    tag.trim().trim_end_matches(COLONS).trim_end()
}

/// What may be between a tag and its colon.
fn is_between(mark: char) -> bool {
    mark == ' ' || mark.is_ascii_digit() || PAIRED.contains(&mark)
}

/// The text behind `tag`, whose colon may be that of Chinese, behind a number, and outside of bold letters.
fn behind_tag<'t>(text: &'t str, tag: &str, case: Case) -> Option<&'t str> {
    let name = bare_tag(tag);
    if name.is_empty() {
        return None;
    }
    let behind = match case {
        Case::Exact => text.strip_prefix(name)?,
        Case::Any => behind_spelling(text, name)?,
    };
    if !tag.trim_end().ends_with(COLONS) {
        return Some(behind);
    }
    behind.trim_start_matches(is_between).strip_prefix(COLONS)
}

/// The text behind `name`, whose letters may be of another case and whose words may be joined in another way.
fn behind_spelling<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    const JOINTS: [char; 3] = [' ', '_', '-'];
    let mut rest = text;
    for letter in name.chars().filter(|letter| !JOINTS.contains(letter)) {
        let mut letters = rest.trim_start_matches(JOINTS).chars();
        letters.next().filter(|found| found.eq_ignore_ascii_case(&letter))?;
        rest = letters.as_str();
    }
    Some(rest)
}

#[cfg(test)]
mod tests;
