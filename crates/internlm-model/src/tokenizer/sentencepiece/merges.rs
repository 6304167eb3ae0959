//! BPE of SentencePiece: the merges are not in the file.
//!
//! Every split of a piece into two pieces is a merge, ranked by the score of the whole, then by the ids of the
//! parts (`bpe_model.cc` of sentencepiece merges the pair whose piece has the best score).

use std::collections::HashMap;

use super::file::{Model, PieceKind};
use crate::tokenizer::bpe::{Alphabet, Bpe, Characters, Fallback, Merge, UnknownRun, WholeWords};

/// The BPE of a model whose piece `unknown` is the unknown one.
pub(super) fn bpe(model: &Model, unknown: usize) -> Bpe {
    // Only characters and merges reach a piece: whole names never match by themselves. The character NUL is the
    // exception: sentencepiece reads its piece as an empty C string and falls back to bytes.
    let all = model.pieces.iter().zip(0..).filter(|(piece, _)| !piece.text.contains('\0'));
    let mut ids: HashMap<&str, u32> = HashMap::with_capacity(model.pieces.len());
    for (piece, id) in all {
        ids.entry(&piece.text).or_insert(id);
    }
    let byte = |byte: usize| ids.get(format!("<0x{byte:02X}>").as_str()).copied();
    let fallback = Fallback {
        bytes: Box::new(std::array::from_fn(|at| byte(at).filter(|_| model.byte_fallback))),
        unknown: Some(unknown as u32),
        run: UnknownRun::Fused,
    };
    let characters = Characters::new(ids.iter().map(|(name, id)| (*name, *id)), fallback);
    let name = |id: u32| model.pieces[id as usize].text.as_str();
    Bpe::new(Alphabet::Characters(Box::new(characters)), &merges(model, &ids), WholeWords::default(), name)
}

/// Every split of a piece into two pieces, best score first, then by the ids of the parts.
fn merges(model: &Model, ids: &HashMap<&str, u32>) -> Vec<Merge> {
    let is_text =
        |id: u32| matches!(model.pieces[id as usize].kind, PieceKind::Normal | PieceKind::UserDefined);
    let find = |text: &str| ids.get(text).copied().filter(|&id| is_text(id));
    let mut merges = Vec::new();
    for (piece, id) in model.pieces.iter().zip(0..).filter(|(_, id)| is_text(*id)) {
        // Of two pieces with the same text the first one is made.
        let Some(&merged) = ids.get(piece.text.as_str()) else { continue };
        for (at, _) in piece.text.char_indices().skip(1) {
            if let (Some(left), Some(right)) = (find(&piece.text[..at]), find(&piece.text[at..])) {
                merges.push((model.pieces[id as usize].score, Merge { left, right, merged }));
            }
        }
    }
    merges.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1.left, a.1.right).cmp(&(b.1.left, b.1.right))));
    merges.into_iter().map(|(_, merge)| merge).collect()
}
