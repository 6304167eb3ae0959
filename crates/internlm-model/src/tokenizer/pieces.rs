//! [`Pieces`]: for every id its name and the bytes it stands for.

use crate::{TokenId, marks};

/// What an id is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// No vocabulary entry has this id.
    Missing,
    /// Text.
    Text,
    /// A special token: decoding may leave it out.
    Special,
}

/// Whether a token of this name is special even if its file says that it is an ordinary added token: text is never
/// encoded as a mark of the chat format, or a user could write the turns of others.
pub(super) fn is_mark(name: &str) -> bool {
    use marks::{ACTION_END, ACTION_START, IM_END, IM_START, INTERPRETER, PLUGIN};
    [IM_START, IM_END, ACTION_START, ACTION_END, PLUGIN, INTERPRETER].contains(&name)
}

#[derive(Clone, Debug)]
struct Piece {
    kind: Kind,
    name: Box<str>,
    /// `None`: the bytes are those of the name.
    bytes: Option<Box<[u8]>>,
}

/// Ids without an entry that any vocabulary may have; released ones have a few hundred.
const MOST_GAPS: usize = 1 << 14;

/// The vocabulary as a table by id.
#[derive(Clone, Debug)]
pub(super) struct Pieces {
    pieces: Vec<Piece>,
    /// Whether text starts with a space that encoding added and decoding strips.
    pub(super) leading_space: bool,
}

impl Pieces {
    /// An empty table.
    pub(super) fn new(leading_space: bool) -> Self {
        Self { pieces: Vec::new(), leading_space }
    }

    /// The table is as long as the largest id: refuses one far beyond the number of entries.
    pub(super) fn check_ids(ids: impl Iterator<Item = u32>) -> Result<(), String> {
        let (count, largest) = ids.fold((0_usize, 0), |(count, largest), id| (count + 1, id.max(largest)));
        let most = 2 * count + MOST_GAPS;
        if largest as usize > most {
            return Err(format!(
                "vocabulary: found id {largest} among {count} entries, expected at most {most}"
            ));
        }
        Ok(())
    }

    /// Sets one entry; ids in between become missing ones.
    pub(super) fn set(&mut self, id: TokenId, kind: Kind, name: &str, bytes: Vec<u8>) {
        while self.pieces.len() <= id.index() {
            self.pieces.push(Piece { kind: Kind::Missing, name: "".into(), bytes: None });
        }
        let bytes = (bytes != name.as_bytes()).then(|| bytes.into_boxed_slice());
        self.pieces[id.index()] = Piece { kind, name: name.into(), bytes };
    }

    /// Number of ids: the largest plus one.
    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    pub(super) fn kind(&self, id: TokenId) -> Kind {
        self.pieces.get(id.index()).map_or(Kind::Missing, |piece| piece.kind)
    }

    pub(super) fn name(&self, id: TokenId) -> Option<&str> {
        let piece = self.pieces.get(id.index())?;
        (piece.kind != Kind::Missing).then_some(&*piece.name)
    }

    /// The bytes `id` stands for; empty for missing ids.
    pub(super) fn bytes(&self, id: TokenId) -> &[u8] {
        match self.pieces.get(id.index()) {
            Some(piece) => piece.bytes.as_deref().unwrap_or(piece.name.as_bytes()),
            None => &[],
        }
    }

    /// Ids and names of all special tokens.
    pub(super) fn specials(&self) -> impl Iterator<Item = (TokenId, &str)> {
        let special = self.pieces.iter().enumerate().filter(|(_, piece)| piece.kind == Kind::Special);
        special.map(|(id, piece)| (TokenId(id as u32), &*piece.name))
    }
}
