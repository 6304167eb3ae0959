//! Byte-level BPE that we train: determinism, round trips, streaming, saving.

use internlm_kit::exit::BadInput;
use internlm_model::TokenId;
use internlm_model::tokenizer::{BpeTrainConfig, Special, Tokenizer, train_bpe};
use proptest::prelude::*;

fn texts() -> Vec<String> {
    let words = [
        "the",
        "quick",
        "brown",
        "fox",
        "jumps",
        "over",
        "12345",
        "lazy",
        "dogs",
        "你好",
        "世界",
        "été",
        "\n\n",
        "fn main()",
    ];
    let rng = internlm_kit::rng::CounterRng::new(7, "texts");
    (0..200)
        .map(|text| {
            let words = (0..30).map(|word| words[rng.below(text * 30 + word, words.len() as u64) as usize]);
            words.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

fn trained() -> Tokenizer {
    let config = BpeTrainConfig::new(330);
    train_bpe(texts().into_iter(), &config).expect("trains")
}

fn saved(tokenizer: &Tokenizer) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("temporary folder");
    tokenizer.save(folder.path()).expect("saves");
    ["tokenizer.json", "tokenizer_config.json"]
        .map(|name| std::fs::read(folder.path().join(name)).expect("reads"))
        .to_vec()
}

#[test]
fn the_order_of_texts_does_not_matter() {
    let config = BpeTrainConfig::new(330);
    let reversed = train_bpe(texts().into_iter().rev(), &config).expect("trains");
    assert_eq!(saved(&trained()), saved(&reversed));
}

#[test]
fn ids_of_specials_bytes_and_merges() {
    let tokenizer = trained();
    assert_eq!(tokenizer.vocab_size(), 330);
    let specials: Vec<(u32, String)> =
        tokenizer.specials().map(|(id, name)| (id.0, name.to_owned())).collect();
    assert_eq!(specials[0], (0, "<unk>".to_owned()));
    assert_eq!(specials[8], (8, "<|im_start|>".to_owned()));
    assert_eq!((tokenizer.bos(), tokenizer.eos()), (Some(TokenId(1)), Some(TokenId(2))));
    assert_eq!(tokenizer.token_bytes(TokenId(9)), [0]);
    assert_eq!(tokenizer.encode("2024").len(), 4);
    assert!(tokenizer.encode(" quick").len() == 1);
}

#[test]
fn a_saved_tokenizer_is_the_same_tokenizer() {
    let tokenizer = trained();
    let folder = tempfile::tempdir().expect("temporary folder");
    tokenizer.save(folder.path()).expect("saves");
    let loaded = Tokenizer::load(folder.path()).expect("loads");
    let text = "the quick été <|im_end|> 世界 1+1";
    assert_eq!(loaded.encode(text), tokenizer.encode(text));
    assert_eq!(loaded.encode_with_special(text), tokenizer.encode_with_special(text));
    assert_eq!(
        (loaded.bos(), loaded.eos(), loaded.pad()),
        (tokenizer.bos(), tokenizer.eos(), tokenizer.pad())
    );
}

#[test]
fn a_vocabulary_below_the_bytes_is_refused() {
    let config = BpeTrainConfig::new(264).with_min_frequency(1);
    let error = train_bpe(std::iter::empty(), &config).expect_err("too small");
    assert!(error.to_string().contains("264") && error.is_bad_input());
}

proptest! {
    #[test]
    fn decoding_inverts_encoding(text in any::<String>()) {
        let tokenizer = trained_once();
        let ids = tokenizer.encode(&text);
        prop_assert!(ids.iter().all(|&id| !tokenizer.is_special(id)));
        prop_assert_eq!(&tokenizer.decode(&ids, Special::Keep), &text);
        let expected = tokenizers_crate().encode_fast(text.as_str(), false).expect("encodes");
        let expected: Vec<TokenId> = expected.get_ids().iter().map(|&id| TokenId(id)).collect();
        prop_assert_eq!(ids, expected);
    }

    #[test]
    fn streams_are_whole_characters_and_join_to_decode(ids in prop::collection::vec(0_u32..330, 0..60)) {
        let tokenizer = trained_once();
        let ids: Vec<TokenId> = ids.into_iter().map(TokenId).collect();
        for special in [Special::Skip, Special::Keep] {
            let mut decoder = tokenizer.stream_decoder(special);
            let mut text: String = ids.iter().map(|&id| decoder.push(id)).collect();
            text.push_str(&decoder.finish());
            let bytes: Vec<u8> = ids
                .iter()
                .filter(|&&id| special == Special::Keep || !tokenizer.is_special(id))
                .flat_map(|&id| tokenizer.token_bytes(id).to_vec())
                .collect();
            prop_assert_eq!(&text, &String::from_utf8_lossy(&bytes));
            prop_assert_eq!(&text, &tokenizer.decode(&ids, special));
        }
    }
}

/// The same file in the `tokenizers` crate, special tokens as text.
fn tokenizers_crate() -> &'static tokenizers::Tokenizer {
    static ENGINE: std::sync::LazyLock<tokenizers::Tokenizer> = std::sync::LazyLock::new(|| {
        let [json, _] = &saved(trained_once())[..] else { unreachable!("two files are saved") };
        let mut engine = tokenizers::Tokenizer::from_bytes(json).expect("the saved file loads");
        engine.set_encode_special_tokens(true);
        engine
    });
    &ENGINE
}

fn trained_once() -> &'static Tokenizer {
    static TOKENIZER: std::sync::LazyLock<Tokenizer> = std::sync::LazyLock::new(trained);
    &TOKENIZER
}
