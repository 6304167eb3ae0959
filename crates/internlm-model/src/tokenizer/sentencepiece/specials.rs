//! [`Specials`]: the tokens of a SentencePiece model that were not learned from text, and what the files next to it add.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::engine::Prefix;
use super::file::{Model, Piece, PieceKind};
use crate::tokenizer::added::{Added, AddedTokens};
use crate::tokenizer::matcher::Edges;
use crate::tokenizer::pieces::{Pieces, is_mark};
use crate::tokenizer::settings::{self, AddedToken, TokenizerConfig};
use crate::{Error, Result, TokenId, marks};

/// InternLM2's names of six unused pieces; the model file alone does not have them.
const CHAT_NAMES: [(u32, &str, &str); 6] = [
    (92538, "[UNUSED_TOKEN_141]", marks::PLUGIN),
    (92539, "[UNUSED_TOKEN_142]", marks::INTERPRETER),
    (92540, "[UNUSED_TOKEN_143]", marks::ACTION_END),
    (92541, "[UNUSED_TOKEN_144]", marks::ACTION_START),
    (92542, "[UNUSED_TOKEN_145]", marks::IM_END),
    (92543, "[UNUSED_TOKEN_146]", marks::IM_START),
];

/// Which ids are special, and which come from beside the model.
pub(super) struct Specials {
    special: BTreeSet<TokenId>,
    /// Added tokens and special ones by role, with their flags.
    beside: BTreeMap<TokenId, AddedToken>,
    /// Marks of the chat format that are user-defined pieces of the model.
    marks: BTreeSet<TokenId>,
}

impl Specials {
    /// Gives pieces their chat names and puts the tokens of the files beside the model at their ids.
    ///
    /// A renamed piece becomes a control piece: its old name no longer matches as text, so that no text can
    /// smuggle a chat token in.
    pub(super) fn place(model: &mut Model, config: &TokenizerConfig, path: &Path) -> Result<Self> {
        // A file that has the name elsewhere knows better.
        let elsewhere = |name: &str, id: u32| {
            config.added.iter().any(|(at, token)| token.content == name && *at != TokenId(id))
        };
        for (id, old, name) in CHAT_NAMES.into_iter().filter(|(id, _, name)| !elsewhere(name, *id)) {
            if let Some(piece) = model.pieces.get_mut(id as usize).filter(|piece| piece.text == old) {
                *piece = Piece { text: name.to_owned(), score: 0.0, kind: PieceKind::Control };
            }
        }
        let mut beside = config.added.clone();
        // These are the model's own, and sentencepiece finds them in normalized text.
        beside.retain(|id, token| !is_own(model.pieces.get(id.index()), token));
        number(&mut beside, &config.extra, model, path);
        grow(model, beside.keys().next_back().copied(), path)?;
        for (id, token) in &beside {
            put(&mut model.pieces[id.index()], *id, token);
        }
        // Of two pieces with the same text the first one counts.
        let pieces = model.pieces.iter().enumerate().rev();
        let ids: BTreeMap<&str, TokenId> =
            pieces.map(|(id, piece)| (piece.text.as_str(), TokenId(id as u32))).collect();
        for token in config.specials() {
            // A token of no id is not there: the roles that need one are checked with the settings.
            if let Some(&id) = ids.get(token.content.as_str()) {
                beside.entry(id).and_modify(|known| known.special = true).or_insert(token);
            }
        }
        for (id, _) in beside.iter().filter(|(_, token)| token.is_special()) {
            let piece = &mut model.pieces[id.index()];
            if piece.kind != PieceKind::Unknown {
                piece.kind = PieceKind::Control;
            }
        }
        let mut marks = BTreeSet::new();
        for (id, piece) in model.pieces.iter_mut().enumerate() {
            if piece.kind == PieceKind::UserDefined && is_mark(&piece.text) {
                // Nothing is merged to it.
                piece.kind = PieceKind::Control;
                marks.insert(TokenId(id as u32));
            }
        }
        let control = model.pieces.iter().zip(0..).filter(|(piece, _)| piece.kind == PieceKind::Control);
        let named = beside.iter().filter(|(_, token)| token.is_special()).map(|(id, _)| *id);
        let special = control.map(|(_, id)| TokenId(id)).chain(named).collect();
        Ok(Self { special, beside, marks })
    }

    pub(super) fn is_special(&self, id: TokenId) -> bool {
        self.special.contains(&id)
    }

    /// Whether a file beside the model names the token.
    pub(super) fn is_beside(&self, id: TokenId) -> bool {
        self.beside.contains_key(&id)
    }

    /// The pieces that sentencepiece cuts out of the normalized text.
    pub(super) fn user_defined(&self, model: &Model) -> Vec<Added> {
        let pieces = model.pieces.iter().zip(0..).map(|(piece, id)| (piece, TokenId(id)));
        let found = pieces.filter(|(piece, id)| {
            let own = piece.kind == PieceKind::UserDefined && !self.is_beside(*id);
            (own || self.marks.contains(id)) && !piece.text.is_empty()
        });
        let added = found.map(|(piece, id)| {
            let (text, special) = (piece.text.clone(), self.marks.contains(&id));
            Added { text, id, special, edges: Edges::default() }
        });
        added.collect()
    }

    /// Special tokens and those from beside, by name.
    pub(super) fn by_name(&self, model: &Model) -> Vec<(String, TokenId)> {
        let unknown = model.pieces.iter().zip(0..).filter(|(piece, _)| piece.kind == PieceKind::Unknown);
        let ids = unknown.map(|(_, id)| TokenId(id)).chain(self.special.iter().copied());
        let ids: BTreeSet<TokenId> = ids.chain(self.beside.keys().copied()).collect();
        let names = ids.into_iter().map(|id| (model.pieces[id.index()].text.clone(), id));
        names.filter(|(name, _)| !name.is_empty()).collect()
    }

    /// The tokens that text of a conversation may spell without becoming them, by name.
    pub(super) fn hidden(&self, model: &Model) -> Vec<(String, TokenId)> {
        let mut names = self.by_name(model);
        names.retain(|(_, id)| self.beside.get(id).is_none_or(AddedToken::is_special));
        names
    }

    /// What is cut out of the text as it is: first what must not be normalized, then the rest.
    ///
    /// For `LlamaTokenizer`, which is [`Prefix::First`] or [`Prefix::EachWithout`], user-defined pieces are added
    /// tokens too.
    pub(super) fn added(&self, model: &Model, prefix: Prefix) -> [AddedTokens; 2] {
        let (mut raw, mut normalized) = (Vec::new(), Vec::new());
        for (name, id) in self.by_name(model).into_iter().filter(|(_, id)| !self.marks.contains(id)) {
            match self.beside.get(&id) {
                Some(token) if token.is_normalized() => normalized.push(token.as_added(id)),
                Some(token) => raw.push(token.as_added(id)),
                None => raw.push(Added { text: name, id, special: true, edges: Edges::default() }),
            }
        }
        if prefix != Prefix::Each {
            // Read plainly, they are sentencepiece's: special here means that only a whole prompt is cut at them.
            raw.extend(self.user_defined(model).into_iter().map(|piece| Added { special: true, ..piece }));
        }
        [AddedTokens::new(&raw), AddedTokens::new(&normalized)]
    }
}

/// Whether the model has the token as a user-defined piece, and nothing more is asked of it.
fn is_own(piece: Option<&Piece>, token: &AddedToken) -> bool {
    let own = piece.is_some_and(|piece| piece.kind == PieceKind::UserDefined && piece.text == token.content);
    own && !token.is_special() && token.edges() == Edges::default()
}

/// Gives the special tokens that no file has an id for the next free ids, as transformers does.
fn number(beside: &mut BTreeMap<TokenId, AddedToken>, extra: &[String], model: &Model, path: &Path) {
    for name in extra {
        let is_known = model.pieces.iter().any(|piece| piece.text == *name)
            || beside.values().any(|token| token.content == *name);
        if is_known || name.is_empty() {
            continue;
        }
        let behind = beside.keys().next_back().map_or(0, |last| last.index() + 1);
        let id = TokenId(behind.max(model.pieces.len()) as u32);
        settings::warn_of_number(path, name, id);
        beside.insert(id, AddedToken::plain(name.as_str(), true));
    }
}

/// Makes room for ids up to `last`; ids that nothing is at stay empty.
fn grow(model: &mut Model, last: Option<TokenId>, path: &Path) -> Result<()> {
    let Some(last) = last.filter(|last| last.index() >= model.pieces.len()) else { return Ok(()) };
    let count = model.pieces.len() as u32;
    Pieces::check_ids((0..count).chain([last.0])).map_err(|message| Error::tokenizer(path, message))?;
    let empty = Piece { text: String::new(), score: 0.0, kind: PieceKind::Unused };
    model.pieces.resize(last.index() + 1, empty);
    Ok(())
}

/// Makes `piece` the added token. Learned text of this name is learned still; another piece is replaced, so that its
/// text is never merged to this id.
fn put(piece: &mut Piece, id: TokenId, token: &AddedToken) {
    let same = piece.text == token.content;
    if !same && piece.kind == PieceKind::Normal {
        tracing::warn!("added token {id} `{}` replaces the learned piece `{}`", token.content, piece.text);
    }
    if !same || piece.kind == PieceKind::UserDefined {
        *piece = Piece { text: token.content.clone(), score: piece.score, kind: PieceKind::Unused };
    }
}
