//! All pieces that start a text, by a double-array trie.
//!
//! Aoe: "An efficient digital search algorithm by using a double-array structure", IEEE Transactions on Software
//! Engineering 15(9), 1989. The child of a node by a byte is at the node's base plus the byte, if it is there
//! and says that the node is its parent.

/// No node is at this place, or no piece ends there.
const NONE: u32 = u32::MAX;

/// A node, and the piece that ends in it.
#[derive(Clone, Copy, Debug)]
struct Node {
    base: u32,
    parent: u32,
    id: u32,
    score: f32,
}

const FREE: Node = Node { base: 0, parent: NONE, id: NONE, score: 0.0 };

/// Pieces as a trie over their bytes.
pub(super) struct Trie {
    nodes: Vec<Node>,
}

/// A piece: text, id, score.
pub(super) type Entry<'a> = (&'a [u8], u32, f32);

/// Pieces with a common start that are still to be put below a node.
struct Branch {
    node: usize,
    depth: usize,
    entries: std::ops::Range<usize>,
}

impl Trie {
    /// From pieces; of several with the same text the last one counts. The empty text is left out.
    pub(super) fn new(mut entries: Vec<Entry<'_>>) -> Self {
        entries.sort_by_key(|(text, ..)| *text);
        entries.retain(|(text, ..)| !text.is_empty());
        let mut trie = Self { nodes: vec![Node { parent: 0, ..FREE }] };
        let mut open = vec![Branch { node: 0, depth: 0, entries: 0..entries.len() }];
        // No place before this one is worth a look.
        let mut first = 1;
        while let Some(Branch { node, depth, entries: range }) = open.pop() {
            let start = range.start;
            let longer = entries[range.clone()].iter().take_while(|(text, ..)| text.len() == depth).count();
            if let Some((_, id, score)) = entries[start..start + longer].last() {
                (trie.nodes[node].id, trie.nodes[node].score) = (*id, *score);
            }
            let children = children(&entries, start + longer..range.end, depth);
            if children.is_empty() {
                continue;
            }
            let base = trie.place(&children, &mut first);
            trie.nodes[node].base = base as u32;
            for (byte, entries) in children {
                let child = base + usize::from(byte);
                trie.nodes[child].parent = node as u32;
                open.push(Branch { node: child, depth: depth + 1, entries });
            }
        }
        // Every base plus any byte is inside of the table.
        trie.nodes.extend([FREE; 256]);
        trie
    }

    /// The first base whose places for all `children` are free.
    fn place(&mut self, children: &[(u8, std::ops::Range<usize>)], first: &mut usize) -> usize {
        let lowest = usize::from(children[0].0);
        let mut at = (*first).max(lowest + 1);
        let begin = at;
        let mut taken = 0;
        loop {
            let base = at - lowest;
            if self.nodes.len() < base + 256 {
                self.nodes.resize(base + 512, FREE);
            }
            let free = |byte: u8| self.nodes[base + usize::from(byte)].parent == NONE;
            if children.iter().all(|(byte, _)| free(*byte)) {
                // A region that is nearly full is not looked at again.
                if taken * 20 > (at - begin) * 19 {
                    *first = at;
                }
                return base;
            }
            taken += usize::from(!free(children[0].0));
            at += 1;
        }
    }

    /// Calls `found` with the length, id and score of every piece that `text` starts with, shortest first.
    pub(super) fn prefixes(&self, text: &[u8], mut found: impl FnMut(usize, u32, f32)) {
        let mut node = 0;
        for (length, byte) in (1..).zip(text) {
            let child = self.nodes[node].base as usize + usize::from(*byte);
            let Some(entry) = self.nodes.get(child).filter(|entry| entry.parent as usize == node) else {
                return;
            };
            if entry.id != NONE {
                found(length, entry.id, entry.score);
            }
            node = child;
        }
    }
}

/// The bytes at `depth` of sorted entries, and the entries that have them.
fn children(
    entries: &[Entry<'_>],
    range: std::ops::Range<usize>,
    depth: usize,
) -> Vec<(u8, std::ops::Range<usize>)> {
    let mut children = Vec::new();
    let mut start = range.start;
    for group in entries[range].chunk_by(|(a, ..), (b, ..)| a[depth] == b[depth]) {
        children.push((group[0].0[depth], start..start + group.len()));
        start += group.len();
    }
    children
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn finds_every_prefix(words in proptest::collection::vec("[a-c你我]{0,4}", 0..60), text in "[a-c你我他]{0,8}") {
            let entries = words.iter().zip(0..).map(|(word, id)| (word.as_bytes(), id, 0.5)).collect();
            let trie = Trie::new(entries);
            let mut found = Vec::new();
            trie.prefixes(text.as_bytes(), |length, id, _| found.push((length, id)));
            let ends = 1..=text.len();
            let expected: Vec<(usize, u32)> = ends
                .filter_map(|length| {
                    let last = words.iter().rposition(|word| word.as_bytes() == &text.as_bytes()[..length])?;
                    Some((length, last as u32))
                })
                .collect();
            proptest::prop_assert_eq!(found, expected);
        }
    }
}
