//! [`JsonEngine`]: what encodes with a vocabulary from `tokenizer.json`.

use std::sync::OnceLock;

use tokenizers::normalizer::Range;
use tokenizers::{
    Encoding, Model as _, NormalizedString, Normalizer as _, OffsetType, PreTokenizedString,
    PreTokenizer as _, Token, Tokenizer as Hf,
};

use super::added::added;
use super::pipeline::Pipeline;
use crate::TokenId;
use crate::tokenizer::added::{AddedTokens, Reading};

/// Encoding fails only where loading has let something pass that it should have refused.
const LOADED: &str = "encoding fails only with a vocabulary that loading refuses";

/// What encodes.
pub(in crate::tokenizer) enum JsonEngine {
    /// What we can do ourselves, with the same ids.
    Direct(Box<Pipeline>),
    /// Everything else.
    General(Box<General>),
}

/// The `tokenizers` crate. It keeps track of where every byte came from, which takes its time.
pub(in crate::tokenizer) struct General {
    /// Special tokens are text.
    plain: Hf,
    /// Special tokens are recognized; made at the first use.
    special: OnceLock<Hf>,
    /// What [`Reading::Marked`] cuts out; made at the first use.
    added: OnceLock<[AddedTokens; 2]>,
}

impl JsonEngine {
    pub(in crate::tokenizer) fn encode(&self, text: &str) -> Vec<TokenId> {
        match self {
            Self::Direct(pipeline) => pipeline.read(text, Reading::Plain),
            Self::General(general) => ids(&general.plain, text),
        }
    }

    pub(in crate::tokenizer) fn encode_with_special(&self, text: &str) -> Vec<TokenId> {
        match self {
            Self::Direct(pipeline) => pipeline.read(text, Reading::Special),
            Self::General(general) => ids(general.special(), text),
        }
    }

    pub(in crate::tokenizer) fn encode_marked(&self, text: &str, hidden: char) -> Vec<TokenId> {
        match self {
            Self::Direct(pipeline) => pipeline.read(text, Reading::Marked(hidden)),
            Self::General(general) if text.contains(hidden) => {
                numbers(&general.marked(text, hidden).expect(LOADED))
            }
            Self::General(general) => ids(general.special(), text),
        }
    }
}

impl General {
    pub(super) fn new(plain: Hf) -> Self {
        Self { plain, special: OnceLock::new(), added: OnceLock::new() }
    }

    fn special(&self) -> &Hf {
        self.special.get_or_init(|| {
            let mut special = self.plain.clone();
            special.set_encode_special_tokens(false);
            special
        })
    }

    /// `TokenizerImpl::encode` with our own cut, in which a hidden special token is not found.
    fn marked(&self, text: &str, hidden: char) -> tokenizers::Result<Encoding> {
        let engine = &self.plain;
        let reading = Reading::Marked(hidden);
        let [raw, normalized] = self.added.get_or_init(|| {
            added(engine, |text| normalized_text(engine, text)).map(|tokens| AddedTokens::new(&tokens))
        });
        let mut parts = PreTokenizedString::from(text);
        parts.split(|_, part| Ok(cut(&part, raw, reading)))?;
        parts.split(|_, mut part| {
            if let Some(normalizer) = engine.get_normalizer() {
                normalizer.normalize(&mut part)?;
            }
            Ok(cut(&part, normalized, reading))
        })?;
        parts.split(|_, mut part| {
            part.filter(|character| character != hidden);
            Ok([part])
        })?;
        if let Some(pre_tokenizer) = engine.get_pre_tokenizer() {
            pre_tokenizer.pre_tokenize(&mut parts)?;
        }
        parts.tokenize(|part| engine.get_model().tokenize(part.get()))?;
        parts.into_encoding(None, 0, OffsetType::None)
    }
}

/// A part of a text, and its token if it is an added one.
type Cut = (NormalizedString, Option<Vec<Token>>);

/// The parts of a text in order.
fn cut(text: &NormalizedString, added: &AddedTokens, reading: Reading) -> Vec<Cut> {
    let mut parts = Vec::new();
    added.ranges(text.get(), reading, |range, id| {
        let part = text.slice(Range::Normalized(range)).expect("parts are at borders of characters");
        let length = part.get().len();
        let token = id.map(|id| vec![Token::new(id.0, part.get().to_owned(), (0, length))]);
        parts.push((part, token));
    });
    parts
}

/// What the normalizer of the file makes of a text; the text itself if it fails.
fn normalized_text(engine: &Hf, text: &str) -> String {
    let mut normalized = NormalizedString::from(text);
    match engine.get_normalizer().map(|normalizer| normalizer.normalize(&mut normalized)) {
        Some(Err(_)) => text.to_owned(),
        _ => normalized.get().to_owned(),
    }
}

pub(super) fn ids(engine: &Hf, text: &str) -> Vec<TokenId> {
    numbers(&engine.encode_fast(text, false).expect(LOADED))
}

fn numbers(encoding: &Encoding) -> Vec<TokenId> {
    encoding.get_ids().iter().map(|&id| TokenId(id)).collect()
}
