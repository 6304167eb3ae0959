//! [`EchoedPrompt`]: the prompt of a completion as ids, and as the text that an echo repeats.

use internlm_model::tokenizer::Special;
use internlm_model::{TokenId, Tokenizer};

use super::prompt_cut::PromptCut;

/// A prompt that is computed and may be echoed.
#[derive(Clone, Debug)]
pub(super) struct EchoedPrompt {
    /// The text as it was sent, or the text of the ids that were sent.
    pub(super) text: String,
    /// What is computed.
    pub(super) ids: Vec<TokenId>,
    /// Number of ids at the beginning that are not in the text.
    added: usize,
}

/// Whether a text begins as the tokenizer begins texts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Beginning {
    /// With `<s>`, once, where the tokenizer adds it.
    Usual,
    /// With its own first character.
    Bare,
}

impl EchoedPrompt {
    /// A text. Unlike the content of a chat message it may hold marks of the chat format, which are read as such.
    pub(super) fn from_text(tokenizer: &Tokenizer, text: &str, beginning: Beginning) -> Self {
        let ids = tokenizer.encode_with_special(text);
        let is_added = tokenizer.adds_bos() && beginning == Beginning::Usual;
        let first = tokenizer.bos().filter(|bos| is_added && ids.first() != Some(bos));
        Self {
            text: text.to_owned(),
            ids: first.into_iter().chain(ids).collect(),
            added: usize::from(first.is_some()),
        }
    }

    /// Ids, which are taken as they are. Their text shows special tokens: it is what was sent, and not an answer.
    pub(super) fn from_ids(tokenizer: &Tokenizer, ids: &[u32]) -> Self {
        let ids: Vec<TokenId> = ids.iter().copied().map(TokenId).collect();
        Self { text: tokenizer.decode(&ids, Special::Keep), ids, added: 0 }
    }

    /// The same prompt without what `cut` takes from it: then its text is that of the ids that are left.
    pub(super) fn shortened(self, tokenizer: &Tokenizer, cut: PromptCut) -> Self {
        if !cut.shortens(self.ids.len()) {
            return self;
        }
        let mut ids = self.ids;
        cut.apply(&mut ids);
        Self { text: tokenizer.decode(&ids, Special::Keep), ids, added: 0 }
    }

    /// Where the text of each id begins, in characters.
    pub(super) fn offsets(&self, tokenizer: &Tokenizer) -> Vec<usize> {
        let mut decoder = tokenizer.stream_decoder(Special::Keep);
        let mut rest = self.text.as_str();
        let mut characters = 0;
        let mut offsets = vec![0; self.added];
        for id in &self.ids[self.added..] {
            let piece = decoder.push(*id);
            let trimmed = rest.trim_start();
            // Some marks take the white space around them.
            if !rest.starts_with(&piece) && trimmed.starts_with(&piece) {
                characters += rest.chars().count() - trimmed.chars().count();
                rest = trimmed;
            }
            offsets.push(characters);
            characters += piece.chars().count();
            rest = rest.strip_prefix(piece.as_str()).unwrap_or_default();
        }
        offsets
    }
}

#[cfg(test)]
mod tests {
    use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
    use proptest::prelude::*;

    use super::*;

    fn tokenizer() -> Tokenizer {
        let texts = ["user assistant hello user".to_owned()];
        let config = BpeTrainConfig::new(280).with_min_frequency(1);
        train_bpe(texts.into_iter(), &config).expect("the vocabulary has room for all bytes")
    }

    /// The part of the text that each id stands for, from its offset to that of the next id.
    fn spelled(prompt: &EchoedPrompt, tokenizer: &Tokenizer) -> Vec<String> {
        let offsets = prompt.offsets(tokenizer);
        let characters: Vec<char> = prompt.text.chars().collect();
        let ends = offsets.iter().skip(1).copied().chain([characters.len()]);
        offsets.iter().zip(ends).map(|(from, to)| characters[*from..to].iter().collect()).collect()
    }

    #[test]
    fn marks_are_one_id_each_and_count_as_text() {
        let tokenizer = tokenizer();
        let bos = tokenizer.bos().filter(|_| tokenizer.adds_bos());
        let prompt = EchoedPrompt::from_text(&tokenizer, "<|im_start|>user\nä<|im_end|>", Beginning::Usual);
        let spelled = spelled(&prompt, &tokenizer);
        let spelled = &spelled[usize::from(bos.is_some())..];
        assert_eq!(spelled.first().map(String::as_str), Some("<|im_start|>"));
        assert_eq!(spelled.last().map(String::as_str), Some("<|im_end|>"));
        assert_eq!(spelled.concat(), prompt.text);
    }

    #[test]
    fn the_beginning_of_the_text_is_there_once() {
        let tokenizer = tokenizer();
        let [plain, marked] =
            ["user", "<s>user"].map(|text| EchoedPrompt::from_text(&tokenizer, text, Beginning::Usual));
        let bos = tokenizer.special("<s>").expect("a mark");
        assert_eq!(marked.ids.iter().filter(|id| **id == bos).count(), 1);
        assert_eq!(plain.ids.contains(&bos), tokenizer.adds_bos());
        assert_eq!(marked.offsets(&tokenizer)[..2], [0, 3]);
        let bare = EchoedPrompt::from_text(&tokenizer, "user", Beginning::Bare);
        assert_eq!((bare.ids, bare.added), (tokenizer.encode("user"), 0));
    }

    #[test]
    fn a_prompt_that_is_cut_has_the_text_of_its_ids() {
        let tokenizer = tokenizer();
        let prompt = || EchoedPrompt::from_text(&tokenizer, "<|im_start|>user hello user", Beginning::Usual);
        let ids = prompt().ids;
        let cut = |most| PromptCut::new(Some(most), None, 1000, 1).expect("fits").expect("asked for");
        let cut_to_two = prompt().shortened(&tokenizer, cut(2));
        assert_eq!(cut_to_two.ids, ids[ids.len() - 2..]);
        assert_eq!(spelled(&cut_to_two, &tokenizer).concat(), cut_to_two.text);
        assert!(prompt().text.ends_with(cut_to_two.text.trim_start()), "{cut_to_two:?}");
        let whole = prompt().shortened(&tokenizer, cut(1000));
        assert_eq!((whole.text, whole.added), (prompt().text, prompt().added));
    }

    proptest! {
        #[test]
        fn offsets_rise_to_the_end_and_spell_the_text(
            parts in prop::collection::vec(prop_oneof![
                Just("<|im_start|>".to_owned()),
                Just("<s>".to_owned()),
                "\\PC{0,6}",
            ], 0..6),
        ) {
            let tokenizer = tokenizer();
            let prompt = EchoedPrompt::from_text(&tokenizer, &parts.concat(), Beginning::Usual);
            prop_assert_eq!(prompt.offsets(&tokenizer).len(), prompt.ids.len());
            prop_assert_eq!(spelled(&prompt, &tokenizer).concat(), prompt.text.as_str());
            let ids: Vec<u32> = prompt.ids.iter().map(|id| id.0).collect();
            let prompt = EchoedPrompt::from_ids(&tokenizer, &ids);
            prop_assert_eq!(spelled(&prompt, &tokenizer).concat(), prompt.text.as_str());
        }
    }
}
