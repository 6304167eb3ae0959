//! From the pieces of a SentencePiece model to a [`Tokenizer`].

use std::collections::BTreeMap;
use std::path::Path;

use super::charsmap::CharsMap;
use super::engine::{SPACE, Segmenter, SentencePieceEngine};
use super::file::{Model, ModelType, Piece, PieceKind};
use super::merges;
use super::unigram::Unigram;
use crate::tokenizer::Tokenizer;
use crate::tokenizer::json::byte_piece;
use crate::tokenizer::matcher::Matcher;
use crate::tokenizer::pieces::{Kind, Pieces, is_mark};
use crate::tokenizer::settings::{Settings, TokenizerConfig};
use crate::tokenizer::source::Source;
use crate::tokenizer::tokenizer::{Engine, Inner};
use crate::{Error, Result, TokenId, marks};

/// What the unknown piece decodes to: sentencepiece's default `unk_surface`.
const UNKNOWN_SURFACE: &str = " \u{2047} ";

/// InternLM2's names of six unused pieces; the model file alone does not have them.
const CHAT_NAMES: [(u32, &str, &str); 6] = [
    (92538, "[UNUSED_TOKEN_141]", marks::PLUGIN),
    (92539, "[UNUSED_TOKEN_142]", marks::INTERPRETER),
    (92540, "[UNUSED_TOKEN_143]", marks::ACTION_END),
    (92541, "[UNUSED_TOKEN_144]", marks::ACTION_START),
    (92542, "[UNUSED_TOKEN_145]", marks::IM_END),
    (92543, "[UNUSED_TOKEN_146]", marks::IM_START),
];

/// Builds a tokenizer from a `.model` and its `tokenizer_config.json`.
pub(in crate::tokenizer) fn build(source: Source<'_>) -> Result<Tokenizer> {
    let model = Model::parse(&source.bytes, source.path)?;
    let mut files = vec![("tokenizer.model".to_owned(), source.bytes)];
    files.extend(source.beside);
    build_model(model, source.path, &source.config, files)
}

/// Builds a tokenizer from pieces, wherever they come from.
pub(in crate::tokenizer) fn build_model(
    mut model: Model,
    path: &Path,
    config: &TokenizerConfig,
    files: Vec<(String, Vec<u8>)>,
) -> Result<Tokenizer> {
    let specials = name_specials(&mut model, config);
    let charsmap = match &model.normalizer.charsmap[..] {
        [] => None,
        blob => Some(CharsMap::parse(blob).map_err(|message| {
            Error::tokenizer(path, format!("normalizer_spec.precompiled_charsmap: {message}"))
        })?),
    };
    let pieces = pieces(&model, &specials);
    let named = |kind: fn(&Piece) -> bool| -> Vec<(String, TokenId)> {
        let all = model.pieces.iter().enumerate();
        all.filter(|(_, piece)| kind(piece) && !piece.text.is_empty())
            .map(|(id, piece)| (piece.text.clone(), TokenId(id as u32)))
            .collect()
    };
    let user_defined = named(|piece| piece.kind == PieceKind::UserDefined);
    let special = named(|piece| matches!(piece.kind, PieceKind::Control | PieceKind::Unknown));
    let added: BTreeMap<String, TokenId> = user_defined.iter().chain(&special).cloned().collect();
    let id = |id: i64| u32::try_from(id).ok().map(TokenId).filter(|id| id.index() < model.pieces.len());
    let fallback = Settings {
        bos: id(model.bos),
        eos: id(model.eos),
        pad: id(model.pad),
        add_bos: id(model.bos).is_some(),
    };
    let settings = config.settings(|name| added.get(name).copied(), fallback);
    let engine = SentencePieceEngine {
        segmenter: segmenter(&model, path)?,
        charsmap,
        add_dummy_prefix: model.normalizer.add_dummy_prefix,
        remove_extra_whitespaces: model.normalizer.remove_extra_whitespaces,
        user_defined: Matcher::new(&user_defined),
    };
    let engine = Engine::SentencePiece(Box::new(engine));
    let special = Matcher::new(&special);
    let templates = config.templates();
    Ok(Tokenizer::new(Inner { engine, pieces, added, special, settings, templates, files }))
}

/// Gives pieces their chat names and appends tokens that only `tokenizer_config.json` knows.
///
/// A renamed piece becomes a control piece: its old name no longer matches as text, so that no text can
/// smuggle a chat token in.
fn name_specials(model: &mut Model, config: &TokenizerConfig) -> Vec<TokenId> {
    for (id, old, name) in CHAT_NAMES {
        if let Some(piece) = model.pieces.get_mut(id as usize).filter(|piece| piece.text == old) {
            *piece = Piece { text: name.to_owned(), score: 0.0, kind: PieceKind::Control };
        }
    }
    for (id, token) in config.added() {
        let next = model.pieces.len();
        let kind = if token.special { PieceKind::Control } else { PieceKind::UserDefined };
        match model.pieces.get_mut(id.index()) {
            Some(piece) if piece.kind == PieceKind::UserDefined || piece.text == token.content => {
                let keep = if token.special { kind } else { piece.kind };
                *piece = Piece { text: token.content.clone(), score: piece.score, kind: keep };
            }
            Some(_) => {
                tracing::warn!("added token {id} `{}` would replace a learned piece: left out", token.content)
            }
            None if id.index() == next => {
                model.pieces.push(Piece { text: token.content.clone(), score: 0.0, kind });
            }
            None => tracing::warn!(
                "added token {id} `{}` leaves a gap in the vocabulary: left out",
                token.content
            ),
        }
    }
    let marks = model.pieces.iter_mut().filter(|piece| is_mark(&piece.text));
    for piece in marks.filter(|piece| piece.kind == PieceKind::UserDefined) {
        piece.kind = PieceKind::Control;
    }
    let all = model.pieces.iter().enumerate();
    all.filter(|(_, piece)| piece.kind == PieceKind::Control).map(|(id, _)| TokenId(id as u32)).collect()
}

fn pieces(model: &Model, specials: &[TokenId]) -> Pieces {
    let mut pieces = Pieces::new(model.normalizer.add_dummy_prefix);
    for (id, piece) in model.pieces.iter().enumerate() {
        let id = TokenId(id as u32);
        let (kind, bytes) = match (piece.kind, byte_piece(&piece.text)) {
            _ if specials.binary_search(&id).is_ok() => (Kind::Special, piece.text.clone().into_bytes()),
            (PieceKind::Byte, Some(byte)) => (Kind::Text, vec![byte]),
            (PieceKind::Unknown, _) => (Kind::Text, UNKNOWN_SURFACE.as_bytes().to_vec()),
            _ => (Kind::Text, piece.text.replace(SPACE, " ").into_bytes()),
        };
        pieces.set(id, kind, &piece.text, bytes);
    }
    pieces
}

fn segmenter(model: &Model, path: &Path) -> Result<Segmenter> {
    let unknown = model.pieces.iter().position(|piece| piece.kind == PieceKind::Unknown);
    let Some(unknown) = unknown else {
        return Err(Error::tokenizer(path, "found no piece of type unknown, expected one"));
    };
    Ok(match model.model_type {
        ModelType::Unigram => Segmenter::Unigram(Unigram::new(model, unknown as u32)),
        ModelType::Bpe => Segmenter::Bpe(Box::new(merges::bpe(model, unknown))),
    })
}
