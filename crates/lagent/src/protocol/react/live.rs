//! What is certain of a reply that is still being written: an answer begins behind the first tag of one, when nothing
//! before it can become an action, and it ends where the model begins another step.
//!
//! One thing can still take an answer back: the end of thoughts that were never opened, as models write whose prompt
//! opens them, behind a line that looks like the answer.

use super::ReactTags;
use super::reply::{Case, FENCES, PAIRED, Part, THOUGHTS, THOUGHTS_END, may_become_tag, tag_of};
use crate::protocol::Certain;

/// What a line of a reply is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Line {
    Text,
    /// Begins with a tag; the offset of the text behind it.
    Tag(Part, usize),
    /// Not whole, and more letters can make or move a tag.
    Open,
}

/// What is certain of the reply whose beginning is `reply`.
pub(super) fn certain(reply: &str, tags: &ReactTags) -> Certain {
    let thoughts = match reply.rfind(THOUGHTS_END) {
        Some(end) => end + THOUGHTS_END.len(),
        None if is_thought(reply) => return Certain::open(reply.len()),
        None => 0,
    };
    let spoken = &reply[thoughts..];
    let is_fenced = FENCES.iter().any(|fence| spoken.trim_start().starts_with(fence));
    let mut answer = None;
    let mut end = thoughts;
    for line in spoken.split_inclusive('\n') {
        let begin = end;
        end += line.len();
        match (answer, read(line, tags)) {
            (None, Line::Open) => return Certain::open(begin),
            (None, Line::Tag(Part::Finish, behind)) => {
                if is_fenced || may_act(&reply[thoughts..begin], tags) {
                    return Certain::open(reply.len());
                }
                answer = Some(begin + behind);
            }
            (None, _) => {}
            (Some(from), Line::Open | Line::Tag(Part::Thought | Part::Response | Part::Finish, _)) => {
                return Certain::answer(from..begin);
            }
            (Some(_), _) => {}
        }
    }
    match answer {
        Some(from) => Certain::answer(from..end),
        None => Certain::open(end),
    }
}

/// Whether the reply begins with thoughts that have not ended.
fn is_thought(reply: &str) -> bool {
    let begin = reply.trim_start();
    begin.starts_with(THOUGHTS) || (!begin.is_empty() && THOUGHTS.starts_with(begin))
}

/// Whether a text has anything of an action, which then counts more than the answer behind it.
fn may_act(text: &str, tags: &ReactTags) -> bool {
    let is_named = |tag: &str| !tag.is_empty() && text.contains(tag);
    is_named(&tags.action)
        || is_named(&tags.action_input)
        || text
            .lines()
            .any(|line| matches!(tag_of(line, tags, Case::Any), Some((Part::Action | Part::Input, _))))
}

fn read(line: &str, tags: &ReactTags) -> Line {
    let found = tag_of(line, tags, Case::Exact);
    if line.ends_with('\n') {
        return found.map_or(Line::Text, |(part, end)| Line::Tag(part, end));
    }
    match found {
        Some((part, end)) if is_settled(line, end) => Line::Tag(part, end),
        Some(_) => Line::Open,
        None if may_become_tag(line, tags) => Line::Open,
        None => Line::Text,
    }
}

/// Whether a tag ends with its colon and with nothing behind it that may belong to it.
fn is_settled(line: &str, end: usize) -> bool {
    let has_colon = line[..end].trim_end_matches(PAIRED).ends_with([':', '：']);
    has_colon && line[end..].chars().any(|letter| !PAIRED.contains(&letter))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::reply::{Reading, read as read_reply};
    use super::*;

    /// What is certain of a whole reply: the text of the answer, and what is told before it.
    fn known(reply: &str) -> (Option<&str>, &str) {
        let Certain { told, answer } = certain(reply, &ReactTags::default());
        (answer.map(|answer| &reply[answer]), &reply[..told])
    }

    #[test]
    fn an_answer_begins_behind_its_tag_and_ends_before_another_step() {
        let thought = "Thought: easy\n";
        for (rest, answer, told) in [
            ("Final Answer: 40", Some(" 40"), "Final Answer:"),
            ("Final Answer: 408\nso", Some(" 408\nso"), "Final Answer:"),
            ("Final Answer: 408\nThou", Some(" 408\n"), "Final Answer:"),
            ("Final Answer: 408\nThought: no\nFinal Answer: 7", Some(" 408\n"), "Final Answer:"),
            ("**Final Answer:** 408", Some(" 408"), "**Final Answer:**"),
            ("**Final Answer:*", None, ""),
            ("Final Answer:", None, ""),
            ("Fin", None, ""),
            ("Finally", None, "Finally"),
        ] {
            let reply = format!("{thought}{rest}");
            assert_eq!(known(&reply), (answer, format!("{thought}{told}").as_str()), "{reply}");
        }
    }

    #[test]
    fn what_may_still_be_an_action_is_not_an_answer() {
        for reply in [
            "Action: None\nAction Input: None\nFinal Answer: 408",
            "Thought: no Action: is needed\nFinal Answer: 408",
            "ACTION: None\nFinal Answer: 408",
            "```\nFinal Answer: 408\n```",
            "<think>\nFinal Answer: 1",
            "Thought: done. Final Answer: 408",
        ] {
            assert_eq!(known(reply), (None, reply), "{reply}");
        }
        assert_eq!(known("<think>\nFinal Answer: 1</think>Final Answer: 2").0, Some(" 2"));
    }

    proptest! {
        #[test]
        fn what_is_certain_stays_and_is_the_answer(
            pieces in proptest::collection::vec(
                prop_oneof![
                    Just("Action: ".to_owned()), Just("Action Input: ".to_owned()), Just("Response: ".to_owned()),
                    Just("Final Answer: ".to_owned()), Just("Thought: ".to_owned()), Just("\n".to_owned()),
                    Just("Final Answer:".to_owned()), Just("final answer: ".to_owned()),
                    Just("action: ".to_owned()), Just("```".to_owned()), Just("**".to_owned()), "\\PC{0,6}",
                ],
                0..24,
            ),
        ) {
            let (reply, tags) = (pieces.concat(), ReactTags::default());
            let mut told = 0;
            let mut sure: Option<(usize, usize)> = None;
            for end in (0..=reply.len()).filter(|end| reply.is_char_boundary(*end)) {
                let known = certain(&reply[..end], &tags);
                prop_assert!(known.told >= told && known.told <= end, "{:?}", &reply[..end]);
                told = known.told;
                if let Some((from, to)) = sure {
                    let answer = known.answer.clone().expect("an answer stays one");
                    prop_assert!(answer.start == from && answer.end >= to, "{:?}", &reply[..end]);
                }
                sure = known.answer.map(|answer| (answer.start, answer.end)).or(sure);
            }
            if let Some((from, to)) = sure {
                match read_reply(&reply, &tags) {
                    Reading::Answer { text, .. } => prop_assert!(text.starts_with(&reply[from..to])),
                    other => prop_assert!(false, "{reply:?}: {other:?}"),
                }
            }
        }
    }
}
