//! What becomes of a text that a model wants to write, under a budget of its reasoning.

use internlm_model::tokenizer::{BpeTrainConfig, Special, train_bpe};
use proptest::prelude::*;

use super::*;
use crate::parse::{ParseOptions, ReasoningFormat, ToolFormat};

/// A vocabulary without marks, which are spelled.
fn vocabulary() -> Tokenizer {
    let config = BpeTrainConfig::new(280).with_min_frequency(1);
    train_bpe(["the thinker".to_owned()].into_iter(), &config).expect("room for all bytes")
}

/// One id for each byte of a text.
fn spelled(tokenizer: &Tokenizer, text: &str) -> Vec<TokenId> {
    text.chars().flat_map(|character| tokenizer.encode(&character.to_string())).collect()
}

fn budget(tokens: usize, tokenizer: &Tokenizer, start: Section) -> ThinkingBudget {
    let parse = ParseOptions::new(ToolFormat::Qwen).with_reasoning(ReasoningFormat::Think, start);
    ThinkingBudget::new(tokens, tokenizer, parse)
}

/// The ids that come of it when the model continues its own text behind each mark, and their text.
fn written(tokenizer: &Tokenizer, budget: &ThinkingBudget, wanted: &[TokenId]) -> (Vec<TokenId>, String) {
    let mut thinking = Thinking::new(budget, tokenizer);
    let mut decoder = tokenizer.stream_decoder(Special::Skip);
    let (mut wanted, mut ids, mut text) = (wanted.iter().copied(), Vec::new(), String::new());
    while let Some(id) = thinking.forced().or_else(|| wanted.next()) {
        text += &thinking.decode(&mut decoder, id, &ids);
        ids.push(id);
        assert!(ids.len() < 1000, "it ends");
    }
    (ids, text + &decoder.finish())
}

fn of_text(tokens: usize, start: Section, text: &str) -> String {
    let tokenizer = vocabulary();
    written(&tokenizer, &budget(tokens, &tokenizer, start), &spelled(&tokenizer, text)).1
}

#[test]
fn reasoning_ends_behind_its_budget() {
    for (tokens, expected) in [
        (0, "<think></think>abc</think>d"),
        (1, "<think>a</think>bc</think>d"),
        (3, "<think>abc</think></think>d"),
        (11, "<think>abc</think>d"),
        (1000, "<think>abc</think>d"),
    ] {
        assert_eq!(of_text(tokens, Section::Content, "<think>abc</think>d"), expected, "{tokens}");
    }
    assert_eq!(of_text(2, Section::Content, "abc"), "abc", "a text without reasoning");
}

#[test]
fn reasoning_that_the_prompt_has_begun_counts_from_the_first_id() {
    assert_eq!(of_text(0, Section::Reasoning, "abc"), "</think>abc");
    assert_eq!(of_text(2, Section::Reasoning, "abc"), "ab</think>c");
    assert_eq!(of_text(10, Section::Reasoning, "ab</think>c"), "ab</think>c", "the model ends it in time");
}

#[test]
fn reasoning_that_begins_again_has_the_whole_budget_again() {
    let text = "<think>ab</think>c<think>defghijklmn";
    assert_eq!(of_text(10, Section::Content, text), "<think>ab</think>c<think>defghijklm</think>n");
    assert_eq!(of_text(1, Section::Reasoning, "ab<think>cd"), "a</think>b<think>c</think>d");
}

#[test]
fn a_mark_that_the_model_has_begun_is_completed() {
    let text = "<think>ab</x";
    assert_eq!(of_text(3, Section::Content, text), "<think>ab</think>/x");
    assert_eq!(of_text(4, Section::Content, text), "<think>ab</think>x");
    assert_eq!(of_text(5, Section::Content, text), "<think>ab</x</think>", "it is no mark any more");
}

#[test]
fn a_mark_in_the_arguments_of_a_call_is_text() {
    let text = "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"<think>bcd\"}}\n</tool_call>e";
    assert_eq!(of_text(1, Section::Content, text), text);
}

#[test]
fn half_a_character_belongs_to_the_reasoning() {
    assert_eq!(of_text(2, Section::Reasoning, "aéb"), "a\u{fffd}</think>\u{fffd}b");
}

#[test]
fn a_mark_waits_while_it_is_not_allowed() {
    let tokenizer = vocabulary();
    let mut thinking = Thinking::new(&budget(0, &tokenizer, Section::Reasoning), &tokenizer);
    let mut decoder = tokenizer.stream_decoder(Special::Skip);
    let [first, ..] = tokenizer.encode("</think>")[..] else { panic!("the mark has ids") };
    for id in spelled(&tokenizer, "é") {
        assert_eq!(thinking.forced(), Some(first));
        thinking.decode(&mut decoder, id, &[]);
    }
    assert_eq!(thinking.decode(&mut decoder, first, &[]), "<");
    assert_ne!(thinking.forced(), Some(first));
}

/// Number of ids of the longest reasoning in a text, as the usage of an answer counts them.
fn longest(tokenizer: &Tokenizer, budget: &ThinkingBudget, ids: &[TokenId]) -> usize {
    let mut parser = FormatParser::new(tokenizer, budget.parse.clone());
    let mut decoder = tokenizer.stream_decoder(Special::Skip);
    let (mut longest, mut certain, mut uncertain) = (0, 0, 0);
    for id in ids {
        let before = parser.section();
        parser.push(&decoder.push(*id), &[*id]);
        if before == Section::Content || parser.section() == Section::Content {
            (certain, uncertain) = (0, 0);
            continue;
        }
        uncertain += 1;
        if !parser.holds() {
            certain += std::mem::take(&mut uncertain);
        }
        longest = longest.max(certain);
    }
    longest
}

/// Number of ids of the longest reasoning in a text together with its end mark.
fn longest_with_mark(tokenizer: &Tokenizer, budget: &ThinkingBudget, ids: &[TokenId]) -> usize {
    let mut parser = FormatParser::new(tokenizer, budget.parse.clone());
    let mut decoder = tokenizer.stream_decoder(Special::Skip);
    let (mut longest, mut count) = (0, 0);
    for id in ids {
        let before = parser.section();
        parser.push(&decoder.push(*id), &[*id]);
        count = if before == Section::Content { 0 } else { count + 1 };
        longest = longest.max(count);
    }
    longest
}

proptest! {
    #[test]
    fn no_reasoning_is_longer_than_its_budget(
        pieces in prop::collection::vec(
            prop::sample::select(vec!["a", "é", "<think>", "</think>", "</thi", "<"]), 0..30,
        ),
        tokens in 0_usize..40,
        begun in any::<bool>(),
    ) {
        let tokenizer = vocabulary();
        let budget = budget(tokens, &tokenizer, if begun { Section::Reasoning } else { Section::Content });
        let wanted = spelled(&tokenizer, &pieces.concat());
        let (ids, _) = written(&tokenizer, &budget, &wanted);
        prop_assert!(longest(&tokenizer, &budget, &ids) <= tokens);
        if longest_with_mark(&tokenizer, &budget, &wanted) < tokens {
            prop_assert_eq!(ids, wanted, "nothing is changed within the budget");
        }
    }
}
