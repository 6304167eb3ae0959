//! Free text in which triggers begin tags: `triggered_tags`.

use super::{RawObject, Tag, Writer, objects, texts};
use crate::Result;
use crate::decode::quoted;

impl Writer {
    /// Free text without triggers, in which every trigger continues as one of its tags. With `at_least_one` the text
    /// begins with a tag, as xgrammar has it.
    pub(super) fn triggered(&mut self, format: &RawObject<'_>) -> Result<String> {
        let triggers = texts(format, "triggers")?;
        let mut tags = Vec::new();
        for tag in objects(format, "tags")? {
            let read = self.tag(&tag)?;
            if triggers.iter().filter(|trigger| read.begin.starts_with(trigger.as_str())).count() != 1 {
                return Err(tag.wrong("begin", "exactly one of the `triggers` at its start"));
            }
            tags.push(read);
        }
        let begins = |trigger: &String| tags.iter().any(|tag| tag.begin.starts_with(trigger.as_str()));
        if !triggers.iter().all(begins) {
            return Err(format.wrong("triggers", "only starts of the tags' `begin`"));
        }
        let forbidden: Vec<String> = triggers.iter().cloned().chain(texts(format, "excludes")?).collect();
        let free = self.free(&forbidden);
        let first: Vec<String> = tags.iter().map(Tag::whole).collect();
        let first = self.rule(&first.join(" | "));
        let later: Vec<String> = triggers.iter().map(|trigger| self.behind(trigger, &free, &tags)).collect();
        let later = self.rule(&later.join(" | "));
        Ok(match (format.is_true("at_least_one")?, format.is_true("stop_after_first")?) {
            (false, false) => format!("({later}* {free})"),
            (true, false) => format!("({first} {later}* {free})"),
            (false, true) => format!("({later} | {free})"),
            (true, true) => first,
        })
    }

    /// Free text, a trigger behind it, and the rest of a tag that begins with the trigger.
    fn behind(&mut self, trigger: &str, free: &str, tags: &[Tag]) -> String {
        let rests: Vec<String> = tags
            .iter()
            .filter_map(|tag| Some(format!("{} {}", quoted(tag.begin.strip_prefix(trigger)?), tag.rest)))
            .collect();
        let until = self.until(trigger, free);
        self.rule(&format!("{until} ({})", rests.join(" | ")))
    }
}
