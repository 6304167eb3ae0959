//! [`JsonEngine`]: what encodes with a vocabulary from `tokenizer.json`.

use std::sync::OnceLock;

use tokenizers::Tokenizer as Hf;

use super::pipeline::Pipeline;
use crate::TokenId;

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
    pub(super) plain: Hf,
    /// Special tokens are recognized; made at the first use.
    pub(super) special: OnceLock<Hf>,
}

impl JsonEngine {
    pub(in crate::tokenizer) fn encode(&self, text: &str) -> Vec<TokenId> {
        match self {
            Self::Direct(pipeline) => pipeline.encode(text),
            Self::General(general) => ids(&general.plain, text),
        }
    }

    pub(in crate::tokenizer) fn encode_with_special(&self, text: &str) -> Vec<TokenId> {
        match self {
            Self::Direct(pipeline) => pipeline.encode_with_special(text),
            Self::General(general) => {
                let special = general.special.get_or_init(|| {
                    let mut special = general.plain.clone();
                    special.set_encode_special_tokens(false);
                    special
                });
                ids(special, text)
            }
        }
    }
}

pub(super) fn ids(engine: &Hf, text: &str) -> Vec<TokenId> {
    let encoding = engine.encode_fast(text, false);
    let encoding = encoding.expect("encoding fails only with a vocabulary that loading refuses");
    encoding.get_ids().iter().map(|&id| TokenId(id)).collect()
}
