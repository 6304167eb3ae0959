//! [`Thinking`]: the reasoning of one request, which ends when its budget is used up.
//!
//! The text is read by the parser of the answer, so that both agree on what is reasoning: a mark that is written inside
//! of a tool call is text for both of them.

use std::collections::VecDeque;

use internlm_model::tokenizer::StreamDecoder;
use internlm_model::{TokenId, Tokenizer};

use crate::engine::ThinkingBudget;
use crate::parse::{FormatParser, Parser, Section};

/// Counts the ids of one request's reasoning and ends it.
#[derive(Debug)]
pub(super) struct Thinking {
    budget: ThinkingBudget,
    parser: FormatParser,
    /// Number of ids since the reasoning began; its mark does not count.
    used: usize,
    /// The ids of the mark that are still to come.
    forced: VecDeque<TokenId>,
    /// Whether this reasoning has been ended: inside of a call the mark is text, and is not repeated.
    is_ended: bool,
}

impl Thinking {
    /// The state before the first id of an answer.
    pub(super) fn new(budget: &ThinkingBudget, tokenizer: &Tokenizer) -> Self {
        let mut thinking = Self {
            parser: FormatParser::new(tokenizer, budget.parse.clone()),
            budget: budget.clone(),
            used: 0,
            forced: VecDeque::new(),
            is_ended: false,
        };
        if thinking.is_used_up() {
            thinking.end(0);
        }
        thinking
    }

    /// The id that comes next, whatever the logits are; none while the model is free.
    pub(super) fn forced(&self) -> Option<TokenId> {
        self.forced.front().copied()
    }

    /// Takes the id after `history`, and gives its text as `decoder` reads it.
    pub(super) fn decode(&mut self, decoder: &mut StreamDecoder, id: TokenId, history: &[TokenId]) -> String {
        let mut text = String::new();
        if self.forced() == Some(id) {
            self.forced.pop_front();
            // The rest of a character does not come any more: what there is of it belongs to the reasoning.
            text = decoder.finish();
        }
        text += &decoder.push(id);
        let before = self.parser.section();
        self.parser.push(&text, &[id]);
        if before == Section::Reasoning && self.parser.section() == Section::Reasoning {
            self.used += 1;
        } else {
            (self.used, self.is_ended) = (0, false);
            self.forced.clear();
        }
        if self.is_used_up() {
            self.end(self.begun(id, history));
        }
        text
    }

    fn is_used_up(&self) -> bool {
        let thinks = self.parser.section() == Section::Reasoning;
        thinks && !self.is_ended && self.used >= self.budget.tokens
    }

    /// Ends the reasoning with the mark, of which `begun` ids are there.
    fn end(&mut self, begun: usize) {
        self.is_ended = true;
        self.forced.extend(self.budget.end.iter().skip(begun));
    }

    /// Number of ids of the mark that the model has just written by itself, with `id` as the last one.
    fn begun(&self, id: TokenId, history: &[TokenId]) -> usize {
        if !self.parser.holds() {
            return 0;
        }
        let mark = &self.budget.end;
        let most = self.used.min(mark.len().saturating_sub(1));
        let is_there = |count: &usize| mark[count - 1] == id && history.ends_with(&mark[..count - 1]);
        (1..=most).rev().find(is_there).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
