//! From the pieces of a SentencePiece model to a [`Tokenizer`].

use std::collections::BTreeMap;
use std::path::Path;

use super::charsmap::CharsMap;
use super::engine::{Prefix, SPACE, Segmenter, SentencePieceEngine};
use super::file::{Model, ModelType, PieceKind};
use super::merges;
use super::specials::Specials;
use super::unigram::Unigram;
use crate::tokenizer::Tokenizer;
use crate::tokenizer::added::AddedTokens;
use crate::tokenizer::json::byte_piece;
use crate::tokenizer::matcher::Matcher;
use crate::tokenizer::pieces::{Kind, Pieces};
use crate::tokenizer::settings::{PrefixSettings, Settings, TokenizerConfig};
use crate::tokenizer::source::{Source, SpecialIds};
use crate::tokenizer::tokenizer::{Engine, Inner};
use crate::{Error, Result, TokenId};

/// What the unknown piece decodes to: sentencepiece's default `unk_surface`.
const UNKNOWN_SURFACE: &str = " \u{2047} ";

/// What is beside the pieces of a model.
pub(in crate::tokenizer) struct Surroundings<'a> {
    /// The vocabulary file, for messages.
    pub(in crate::tokenizer) path: &'a Path,
    pub(in crate::tokenizer) config: TokenizerConfig,
    /// Which texts get a space in front.
    pub(in crate::tokenizer) prefix: Prefix,
    pub(in crate::tokenizer) ids: SpecialIds,
    /// What [`Tokenizer::save`] writes.
    pub(in crate::tokenizer) files: Vec<(String, Vec<u8>)>,
}

/// Whether `bytes` are a SentencePiece model at all.
pub(in crate::tokenizer) fn check(bytes: &[u8], path: &Path) -> Result<()> {
    Model::parse(bytes, path).map(|_| ())
}

/// Builds a tokenizer from a `.model` and the files next to it.
pub(in crate::tokenizer) fn build(source: Source<'_>) -> Result<Tokenizer> {
    let mut model = Model::parse(&source.bytes, source.path)?;
    let mut files = vec![("tokenizer.model".to_owned(), source.bytes)];
    files.extend(source.beside);
    let config = source.config;
    if let Some(flag) = config.prefix.add_prefix_space {
        model.normalizer.add_dummy_prefix = flag;
    }
    let prefix = prefix(&config.prefix);
    build_model(model, Surroundings { path: source.path, config, prefix, ids: source.ids, files })
}

/// Which texts transformers puts a space in front of.
///
/// Its `LlamaTokenizer` has a pre-tokenizer `Metaspace`, which adds none to text that begins with one; without `legacy`
/// only the start of the whole text gets one. A model without a class of its own is read as sentencepiece would, and
/// `legacy` unless its config says otherwise (`tokenization_llama.py`, `convert_slow_tokenizer.py`).
fn prefix(settings: &PrefixSettings) -> Prefix {
    let llama = settings.is_llama();
    match settings.legacy.unwrap_or(!llama) {
        false => Prefix::First,
        true if llama => Prefix::EachWithout,
        true => Prefix::Each,
    }
}

/// Builds a tokenizer from pieces, wherever they come from.
pub(in crate::tokenizer) fn build_model(mut model: Model, around: Surroundings<'_>) -> Result<Tokenizer> {
    let Surroundings { path, config, prefix, ids, files } = around;
    let specials = Specials::place(&mut model, &config, path)?;
    let charsmap = match &model.normalizer.charsmap[..] {
        [] => None,
        blob => Some(CharsMap::parse(blob).map_err(|message| {
            Error::tokenizer(path, format!("normalizer_spec.precompiled_charsmap: {message}"))
        })?),
    };
    let pieces = pieces(&model, &specials);
    let user_defined = specials.user_defined(&model);
    let own = user_defined.iter().map(|piece| (piece.text.clone(), piece.id));
    let added: BTreeMap<String, TokenId> = own.chain(specials.by_name(&model)).collect();
    let place = |text: &str| model.pieces.iter().position(|piece| piece.text == text);
    let find = |text: &str| added.get(text).copied().or_else(|| place(text).map(|id| TokenId(id as u32)));
    let settings = config.settings(find, ids.settings.unwrap_or_else(|| settings(&model)))?;
    let name = |id: Option<TokenId>| id.and_then(|id| pieces.name(id)).map(str::to_owned);
    let unknown = model.pieces.iter().position(|piece| piece.kind == PieceKind::Unknown);
    let roles = [
        ("bos_token", settings.bos),
        ("eos_token", settings.eos),
        ("unk_token", unknown.map(|id| TokenId(id as u32))),
        ("pad_token", settings.pad),
    ];
    let others = ids.others.iter().map(|(key, id)| (*key, Some(*id)));
    let roles = roles.into_iter().chain(others).map(|(key, id)| (key, name(id)));
    let special_tokens = config.special_tokens(roles);
    let engine = SentencePieceEngine {
        segmenter: segmenter(&model, path)?,
        charsmap,
        add_dummy_prefix: model.normalizer.add_dummy_prefix,
        remove_extra_whitespaces: model.normalizer.remove_extra_whitespaces,
        user_defined: AddedTokens::new(&user_defined),
        added: specials.added(&model, prefix),
        prefix,
    };
    Ok(Tokenizer::new(Inner {
        engine: Engine::SentencePiece(Box::new(engine)),
        special: Matcher::new(&specials.hidden(&model)),
        templates: config.templates,
        pieces,
        added,
        settings,
        special_tokens,
        files,
    }))
}

/// What the model itself says.
fn settings(model: &Model) -> Settings {
    let id = |id: i64| u32::try_from(id).ok().map(TokenId).filter(|id| id.index() < model.pieces.len());
    Settings { bos: id(model.bos), eos: id(model.eos), pad: id(model.pad), add_bos: id(model.bos).is_some() }
}

fn pieces(model: &Model, specials: &Specials) -> Pieces {
    let mut pieces = Pieces::new(model.normalizer.add_dummy_prefix);
    for (id, piece) in model.pieces.iter().enumerate() {
        let id = TokenId(id as u32);
        let (kind, bytes) = match (piece.kind, byte_piece(&piece.text)) {
            _ if specials.is_special(id) => (Kind::Special, piece.text.clone().into_bytes()),
            _ if specials.is_beside(id) => (Kind::Text, piece.text.clone().into_bytes()),
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
