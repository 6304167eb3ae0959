//! The vocabulary as llguidance's prefix tree of bytes.

use std::sync::Arc;

use internlm_model::{TokenId, Tokenizer};
use llguidance::ParserFactory;
use toktrie::{ApproximateTokEnv, INVALID_TOKEN, TokEnv, TokRxInfo, TokTrie};

/// Longer tokens do not fit into the tree; they are never allowed.
const MAX_TOKEN_BYTES: usize = 1000;
/// Limit of the states of one automaton, at one to two kilobytes each.
const MAX_LEXER_STATES: usize = 50_000;

/// What makes parsers for the ids of `tokenizer` below `columns`.
pub(super) fn parsers(
    tokenizer: &Tokenizer,
    eos: &[TokenId],
    columns: usize,
) -> Result<ParserFactory, String> {
    let words: Vec<Vec<u8>> = (0_u32..)
        .take(tokenizer.vocab_size())
        .map(|id| if (id as usize) < columns { word(tokenizer, TokenId(id)) } else { Vec::new() })
        .collect();
    let limit = words.len().min(columns);
    let eos: Vec<u32> = eos.iter().filter(|id| id.index() < limit).map(|id| id.0).collect();
    let size = u32::try_from(words.len()).map_err(|error| error.to_string())?;
    let info = TokRxInfo::new(size, eos.first().copied().unwrap_or(INVALID_TOKEN));
    let trie = TokTrie::from(&info, &words);
    let trie = if eos.is_empty() { trie } else { trie.with_eos_tokens(&eos) };
    // Any way to write the allowed bytes in tokens is allowed: the model chooses.
    let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
    let mut parsers = ParserFactory::new_simple(&environment).map_err(|error| error.to_string())?;
    parsers.quiet();
    let limits = parsers.limits_mut();
    limits.verbose_errors = false;
    limits.max_lexer_states = MAX_LEXER_STATES;
    Ok(parsers)
}

/// The bytes of an id in the tree. Special tokens, which no text spells, begin with a mark that UTF-8 never has; what
/// the tree cannot have is empty, and never allowed.
fn word(tokenizer: &Tokenizer, id: TokenId) -> Vec<u8> {
    let bytes = tokenizer.token_bytes(id);
    if bytes.len() > MAX_TOKEN_BYTES {
        Vec::new()
    } else if tokenizer.is_special(id) {
        let name = tokenizer.token(id).unwrap_or_default();
        std::iter::once(TokTrie::SPECIAL_TOKEN_MARKER).chain(name.bytes()).collect()
    } else if bytes.contains(&TokTrie::SPECIAL_TOKEN_MARKER) {
        Vec::new()
    } else {
        bytes.to_vec()
    }
}
