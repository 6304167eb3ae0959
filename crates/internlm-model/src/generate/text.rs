//! Text as it comes.

use super::{Finish, Generator, StopText};
use crate::tokenizer::{Special, StreamDecoder, Tokenizer};

/// An iterator over pieces of text, whole characters each; ends before a stop string.
#[derive(Debug)]
pub struct TextStream<'a> {
    generator: Generator<'a>,
    decoder: StreamDecoder,
    stop: StopText,
    drained: bool,
}

impl<'a> TextStream<'a> {
    /// Turns the ids of `generator` into text.
    #[must_use]
    pub fn new(generator: Generator<'a>, tokenizer: &Tokenizer, special: Special) -> Self {
        let stop = StopText::new(generator.config().stop_strings.clone());
        Self { generator, decoder: tokenizer.stream_decoder(special), stop, drained: false }
    }

    /// The generation that the text comes from: its ids and why it ended.
    #[must_use]
    pub fn generator(&self) -> &Generator<'a> {
        &self.generator
    }
}

impl Iterator for TextStream<'_> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.drained {
            return None;
        }
        let Some(id) = self.generator.next() else {
            self.drained = true;
            let rest = self.stop.push(&self.decoder.finish()) + &self.stop.finish();
            return (!rest.is_empty()).then_some(rest);
        };
        let text = self.stop.push(&self.decoder.push(id));
        if self.stop.stopped() {
            self.drained = true;
            self.generator.end(Finish::StopString);
        }
        Some(text)
    }
}
