//! From single letters to edits: neighboring changes are merged, and a part that is deleted here and inserted there is
//! moved.

use super::align::{Change, Kind};
use crate::score::text::edit::distance;

/// Punctuation that never moves.
const PUNCTUATION: &str = concat!(
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "！？｡＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟–—‘'‛“”„‟…‧."
);

/// A source and a target text by letters.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    /// The text with errors.
    pub(super) source: &'a [char],
    /// Its correction.
    pub(super) target: &'a [char],
}

impl<'a> Pair<'a> {
    fn source_of(&self, change: &Change) -> &'a [char] {
        &self.source[change.source.0..change.source.1]
    }

    fn target_of(&self, change: &Change) -> &'a [char] {
        &self.target[change.target.0..change.target.1]
    }
}

/// Returns the edits of an alignment, without what is kept.
pub(super) fn merged(alignment: &[Change], pair: Pair<'_>) -> Vec<Change> {
    let groups = grouped(alignment);
    let mut edits = Vec::new();
    let mut place = 0;
    while let Some(first) = groups.get(place) {
        if let Some(three) = groups.get(place..place + 3)
            && is_move(three, pair)
        {
            edits.push(joined(three, Kind::Move));
            place += 3;
            continue;
        }
        if first.kind != Kind::Keep {
            edits.push(*first);
        }
        place += 1;
    }
    let differs = |edit: &Change| pair.source_of(edit) != pair.target_of(edit);
    edits.into_iter().filter(differs).map(|edit| trimmed(edit, pair)).collect()
}

/// Merges runs of kept letters and runs of changes. Moves stay apart.
fn grouped(alignment: &[Change]) -> Vec<Change> {
    let class = |change: &Change| match change.kind {
        Kind::Keep | Kind::Move => Some(change.kind),
        _ => None,
    };
    let mut groups = Vec::new();
    for run in alignment.chunk_by(|one, other| class(one) == class(other)) {
        let has = |kind: Kind| run.iter().any(|change| change.kind == kind);
        let kinds = [has(Kind::Delete), has(Kind::Insert), has(Kind::Replace)];
        match (run[0].kind, kinds) {
            (Kind::Move, _) | (_, [true, true, false]) => groups.extend_from_slice(run),
            (Kind::Keep, _) => groups.push(joined(run, Kind::Keep)),
            (_, [true, false, false]) => groups.push(joined(run, Kind::Delete)),
            (_, [false, true, false]) => groups.push(joined(run, Kind::Insert)),
            _ => groups.push(joined(run, Kind::Replace)),
        }
    }
    groups
}

/// One change from the first to the last of a run, which is not empty.
fn joined(run: &[Change], kind: Kind) -> Change {
    let (first, last) = (run[0], run[run.len() - 1]);
    Change { kind, source: (first.source.0, last.source.1), target: (first.target.0, last.target.1) }
}

/// Says whether three changes are one move: two parts change places, or a part is deleted on one side of what is kept and
/// inserted on the other.
fn is_move(three: &[Change], pair: Pair<'_>) -> bool {
    match (three[0].kind, three[1].kind, three[2].kind) {
        (Kind::Replace, Kind::Keep, Kind::Replace) => {
            let [one, two] = [pair.source_of(&three[0]), pair.target_of(&three[0])];
            let [three, four] = [pair.source_of(&three[2]), pair.target_of(&three[2])];
            if [one, two, three, four].iter().any(|part| part.len() == 1) {
                return one == four && two == three;
            }
            distance(one, four) <= 1 && distance(two, three) <= 1
        }
        (Kind::Delete, Kind::Keep | Kind::Move, Kind::Insert) => {
            is_same_part(pair.source_of(&three[0]), pair.target_of(&three[2]))
        }
        (Kind::Insert, Kind::Keep | Kind::Move, Kind::Delete) => {
            is_same_part(pair.source_of(&three[2]), pair.target_of(&three[0]))
        }
        _ => false,
    }
}

/// Says whether a deleted and an inserted part are nearly the same.
fn is_same_part(deleted: &[char], inserted: &[char]) -> bool {
    let (long, short) =
        if deleted.len() < inserted.len() { (inserted, deleted) } else { (deleted, inserted) };
    let is_mark = |part: &[char]| PUNCTUATION.contains(&part.iter().collect::<String>());
    if is_mark(long) || is_mark(short) || long.len() - short.len() > 1 {
        return false;
    }
    if short.len() == 1 {
        return long == short;
    }
    distance(long, short) <= 1 || (long.len() == short.len() && is_rotation(long, short))
}

fn is_rotation(one: &[char], other: &[char]) -> bool {
    (0..one.len()).any(|place| [&one[place..], &one[..place]].concat() == other)
}

/// Takes equal letters off both ends of a replacement.
fn trimmed(edit: Change, pair: Pair<'_>) -> Change {
    if edit.kind != Kind::Replace {
        return edit;
    }
    let (source, target) = (pair.source_of(&edit), pair.target_of(&edit));
    let begin = source.iter().zip(target).take_while(|(one, other)| one == other).count();
    let ends = source[begin..].iter().rev().zip(target.iter().rev());
    let end = ends.take_while(|(one, other)| one == other).count();
    // The end does not count if it overlaps the begin in the target.
    let end = if end <= target.len() - begin { end } else { 0 };
    if begin == 0 && end == 0 {
        return edit;
    }
    let source = (edit.source.0 + begin, edit.source.1 - end);
    let target = (edit.target.0 + begin, edit.target.1 - end);
    let kind = match (source.0 == source.1, target.0 == target.1) {
        (true, _) => Kind::Insert,
        (false, true) => Kind::Delete,
        _ => Kind::Replace,
    };
    Change { kind, source, target }
}

#[cfg(test)]
mod tests {
    use super::super::align::alignments;
    use super::super::letters::Letters;
    use super::*;

    fn edits(source: &str, target: &str) -> Vec<Change> {
        let (source, target): (Vec<char>, Vec<char>) = (source.chars().collect(), target.chars().collect());
        let ways = alignments(&Letters::default(), &source, &target).expect("few ways");
        merged(&ways[0], Pair { source: &source, target: &target })
    }

    #[test]
    fn neighboring_changes_are_one_edit() {
        let change = |kind, source, target| Change { kind, source, target };
        assert_eq!(edits("甲乙丙", "甲丁戊丙"), [change(Kind::Replace, (1, 2), (1, 3))]);
        assert_eq!(edits("甲丙", "甲乙丁丙"), [change(Kind::Insert, (1, 1), (1, 3))]);
        assert_eq!(edits("甲乙丁丙", "甲丙"), [change(Kind::Delete, (1, 3), (1, 1))]);
        assert_eq!(edits("甲乙丙丁戊", "丙丁戊甲乙"), [change(Kind::Move, (0, 5), (0, 5))]);
        assert!(edits("甲", "甲").is_empty());
    }
}
