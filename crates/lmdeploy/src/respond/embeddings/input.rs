//! The texts of a request for vectors: strings, ids, both mixed, or a conversation -> ids.

use internlm_model::{TokenId, Tokenizer};

use crate::protocol::{ChatRequest, EmbeddedText, EmbeddingInput, EmbeddingRequest, TextPiece};
use crate::respond::Responder;
use crate::respond::bounds::expected;
use crate::respond::prompt_cut::PromptCut;
use crate::{Error, Result};

/// Maximum number of texts in one request, as OpenAI limits it.
const MAX_INPUTS: usize = 2048;

/// One text as ids, and its place in the request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Input {
    pub(super) place: String,
    pub(super) ids: Vec<TokenId>,
}

impl Responder {
    /// The ids of each text, in order, cut as the request asks.
    pub(super) fn embedded(&self, request: &EmbeddingRequest) -> Result<Vec<Input>> {
        let messages = request.messages.as_deref().filter(|messages| !messages.is_empty());
        let mut inputs = match (&request.input, messages) {
            (Some(input), None) => self.texts(input, request)?,
            (None, Some(_)) => vec![self.conversation(request)?],
            (None, None) => {
                return Err(Error::field("input", "found nothing, expected `input` or `messages`"));
            }
            (Some(_), Some(_)) => {
                let message = "found a conversation together with `input`, expected only one of them";
                return Err(Error::field("messages", message));
            }
        };
        let limit = self.engine().limits().max_length;
        let cut = PromptCut::new(request.truncate_prompt_tokens, request.truncation_side, limit, 0)?;
        if let Some(cut) = cut {
            inputs.iter_mut().for_each(|input| cut.apply(&mut input.ids));
        }
        Ok(inputs)
    }

    /// The texts of `input`.
    fn texts(&self, input: &EmbeddingInput, request: &EmbeddingRequest) -> Result<Vec<Input>> {
        for (name, asked) in [
            ("add_generation_prompt", request.add_generation_prompt),
            ("continue_final_message", request.continue_final_message),
        ] {
            if asked == Some(true) {
                return Err(Error::field(name, "found true without `messages`"));
            }
        }
        let encoder = Encoder::new(&self.model().tokenizer, request.add_special_tokens);
        let one = |ids: Vec<TokenId>| vec![Input { place: "input".to_owned(), ids }];
        let list = match input {
            EmbeddingInput::Text(text) => return Ok(one(encoder.text("input", text)?)),
            EmbeddingInput::Object(object) => return Ok(one(encoder.text("input", &object.text())?)),
            EmbeddingInput::List(list) => list,
        };
        if list.iter().any(|text| matches!(text, EmbeddedText::Id(_))) {
            return Ok(one(encoder.pieces(&whole(list)?)));
        }
        if list.is_empty() || list.len() > MAX_INPUTS {
            return Err(expected("input", Some(list.len()), &format!("1 to {MAX_INPUTS} texts")));
        }
        let input = |(index, text): (usize, &EmbeddedText)| {
            let place = format!("input.{index}");
            let ids = match text {
                EmbeddedText::Id(id) => vec![TokenId(*id)],
                EmbeddedText::Text(text) => encoder.text(&place, text)?,
                EmbeddedText::Object(object) => encoder.text(&place, &object.text())?,
                EmbeddedText::Pieces(pieces) => encoder.pieces(pieces),
            };
            Ok(Input { place, ids })
        };
        list.iter().enumerate().map(input).collect()
    }

    /// The text that the chat template makes of the messages.
    fn conversation(&self, request: &EmbeddingRequest) -> Result<Input> {
        if request.add_special_tokens == Some(true) {
            let message = "found true together with `messages`, whose template adds what belongs there";
            return Err(Error::field("add_special_tokens", message));
        }
        let mut chat = ChatRequest::new(request.messages.iter().flatten().cloned());
        chat.add_generation_prompt = Some(request.add_generation_prompt.unwrap_or(false));
        chat.continue_final_message = Some(request.continue_final_message.unwrap_or(false));
        Ok(Input { place: "messages".to_owned(), ids: self.model().prompt_ids(&chat)? })
    }
}

/// The pieces of a list that is one text.
fn whole(list: &[EmbeddedText]) -> Result<Vec<TextPiece>> {
    let piece = |(index, text): (usize, &EmbeddedText)| match text {
        EmbeddedText::Id(id) => Ok(TextPiece::Id(*id)),
        EmbeddedText::Text(text) => Ok(TextPiece::Text(text.clone())),
        EmbeddedText::Pieces(_) | EmbeddedText::Object(_) => {
            let message =
                "found a text of its own, expected an id or a string: the list has ids, so it is one text";
            Err(Error::field(format!("input.{index}"), message))
        }
    };
    list.iter().enumerate().map(piece).collect()
}

/// Turns texts into ids.
struct Encoder<'a> {
    tokenizer: &'a Tokenizer,
    /// How a text begins.
    first: fn(&Tokenizer, &str) -> Vec<TokenId>,
}

impl<'a> Encoder<'a> {
    fn new(tokenizer: &'a Tokenizer, add_special_tokens: Option<bool>) -> Self {
        let first = match add_special_tokens {
            Some(false) => Tokenizer::encode_with_special,
            Some(true) | None => Tokenizer::encode_prompt,
        };
        Self { tokenizer, first }
    }

    fn text(&self, place: &str, text: &str) -> Result<Vec<TokenId>> {
        if text.is_empty() {
            return Err(expected(place, Some("an empty text"), "at least one character"));
        }
        Ok((self.first)(self.tokenizer, text))
    }

    /// The ids of pieces in a row. Ids are taken as they are, so that nothing is added in front of the first one.
    fn pieces(&self, pieces: &[TextPiece]) -> Vec<TokenId> {
        let mut ids = Vec::new();
        for (index, piece) in pieces.iter().enumerate() {
            match piece {
                TextPiece::Id(id) => ids.push(TokenId(*id)),
                TextPiece::Text(text) if index == 0 => ids.extend((self.first)(self.tokenizer, text)),
                TextPiece::Text(text) => ids.extend(self.tokenizer.encode_with_special(text)),
            }
        }
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_ids_has_no_texts_in_it() {
        let list = |input: &str| serde_json::from_str::<Vec<EmbeddedText>>(input).expect("a list");
        let mixed = whole(&list(r#"[1, "a"]"#)).expect("one text");
        assert_eq!(mixed, [TextPiece::Id(1), TextPiece::Text("a".to_owned())]);
        let error = whole(&list("[1, [2]]")).expect_err("two meanings").to_string();
        assert!(error.starts_with("input.1: found a text of its own"), "{error}");
    }
}
