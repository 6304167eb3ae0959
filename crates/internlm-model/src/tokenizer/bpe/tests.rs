//! Our BPE against that of the `tokenizers` crate, on random vocabularies.

use std::collections::HashMap;

use proptest::prelude::*;
use tokenizers::Model as _;
use tokenizers::models::bpe::{BPE, Vocab};

use super::*;

/// A random vocabulary: characters, perhaps bytes, and tokens made by joining earlier ones.
#[derive(Clone, Debug)]
struct Vocabulary {
    names: Vec<String>,
    merges: Vec<(usize, usize)>,
    byte_fallback: bool,
    fuse_unknown: bool,
    ignore_merges: bool,
}

fn vocabulary() -> impl Strategy<Value = Vocabulary> {
    let flags = any::<(bool, bool, bool)>();
    let joins = prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..40);
    (flags, joins, 0..3_usize).prop_map(|((byte_fallback, fuse_unknown, ignore_merges), joins, missing)| {
        let mut names: Vec<String> =
            ["<unk>", "a", "b", "c", "你", "\u{2581}", "<", "0"].map(String::from).to_vec();
        // Sometimes not all bytes are there: then some characters stay unknown.
        let bytes = (0..=255_u8).filter(|byte| usize::from(*byte) % 64 >= missing * 20);
        names.extend(bytes.map(|byte| format!("<0x{byte:02X}>")).filter(|_| byte_fallback));
        let mut merges = Vec::new();
        for (left, right) in joins {
            // Mostly short tokens, seldom a byte or <unk>.
            let pick = |index: prop::sample::Index| (1 + index.index(names.len() - 1)) % names.len();
            let (left, right) = (pick(left), pick(right));
            let name = format!("{}{}", names[left], names[right]);
            if !names.contains(&name) {
                names.push(name);
            }
            merges.push((left, right));
        }
        Vocabulary { names, merges, byte_fallback, fuse_unknown, ignore_merges }
    })
}

fn theirs(vocabulary: &Vocabulary) -> BPE {
    let names = &vocabulary.names;
    let ids: Vocab = names.iter().cloned().zip(0..).collect();
    let merges = vocabulary.merges.iter();
    let merges = merges.map(|&(left, right)| (names[left].clone(), names[right].clone())).collect();
    let builder = BPE::builder().vocab_and_merges(ids, merges).unk_token("<unk>".to_owned());
    let builder = builder.fuse_unk(vocabulary.fuse_unknown).byte_fallback(vocabulary.byte_fallback);
    builder.ignore_merges(vocabulary.ignore_merges).build().expect("a vocabulary")
}

fn ours(vocabulary: &Vocabulary) -> Bpe {
    let names = &vocabulary.names;
    let ids: HashMap<&str, u32> = names.iter().map(String::as_str).zip(0..).collect();
    let bytes = |byte: usize| ids.get(format!("<0x{byte:02X}>").as_str()).copied();
    let fallback = Fallback {
        bytes: Box::new(std::array::from_fn(bytes)),
        unknown: Some(0),
        run: if vocabulary.fuse_unknown { UnknownRun::Fused } else { UnknownRun::Single },
    };
    let merges: Vec<Merge> = vocabulary
        .merges
        .iter()
        .map(|&(left, right)| Merge {
            left: left as u32,
            right: right as u32,
            merged: ids[format!("{}{}", names[left], names[right]).as_str()],
        })
        .collect();
    let characters = Characters::new(ids.iter().map(|(name, id)| (*name, *id)), fallback);
    let whole = ids.iter().filter(|_| vocabulary.ignore_merges);
    let whole = whole.map(|(name, id)| (name.as_bytes().to_vec(), *id)).collect();
    Bpe::new(Alphabet::Characters(Box::new(characters)), &merges, whole, |id| &names[id as usize])
}

fn encode(bpe: &Bpe, text: &str) -> Vec<u32> {
    let mut ids = Vec::new();
    bpe.with_encoder(|encoder| encoder.text(text, &mut ids));
    ids.into_iter().map(|id| id.0).collect()
}

proptest! {
    #[test]
    fn equals_the_tokenizers_crate(
        vocabulary in vocabulary(),
        texts in prop::collection::vec("[abc你\u{2581}<0é😀]{0,12}", 0..12),
        long in "[ab你\u{2581}]{150,400}",
    ) {
        let (ours, theirs) = (ours(&vocabulary), theirs(&vocabulary));
        // Twice: from merging, then from the cache.
        for text in texts.iter().chain(&texts).chain([&long]) {
            let expected: Vec<u32> =
                theirs.tokenize(text).expect("tokenizes").into_iter().map(|token| token.id).collect();
            prop_assert_eq!(encode(&ours, text), expected, "{:?}", text);
        }
    }
}

#[test]
fn a_long_run_of_one_character_is_near_linear() {
    let names = ["<unk>", "a", "aa", "aaaa", "aaaaaaaa"].map(String::from).to_vec();
    let merges = vec![(1, 1), (2, 2), (3, 3)];
    let vocabulary =
        Vocabulary { names, merges, byte_fallback: false, fuse_unknown: false, ignore_merges: false };
    // Quadratic time would take minutes.
    let ids = encode(&ours(&vocabulary), &"a".repeat(1_000_003));
    assert_eq!(ids.len(), 125_000 + 2);
    assert_eq!(ids[125_000..], [2, 1]);
}
