//! Text to ids and back, without the engine.

use internlm_model::TokenId;
use internlm_model::tokenizer::Special;

use super::Responder;
use super::renamed::{Names, renamed};
use crate::protocol::{
    ChatMessage, ChatRequest, DetokenizeRequest, DetokenizeResponse, EncodeRequest, EncodeResponse, Lengths,
    OneOrMany, TokenList, TokenLists, TokenPiece, TokenizeRequest, TokenizeResponse,
};
use crate::{Error, Result};

/// What the conversation of a text is called in a request that has only the text.
const NAMES: Names<'static> = Names { starts: &[("messages", "input")], pieces: &[] };

impl Responder {
    /// The ids of one text or several, as a prompt of a completion or of a chat has them.
    ///
    /// # Errors
    /// [`Error::Refused`] when the model has no chat template and the request asks for it.
    pub fn encode(&self, request: &EncodeRequest) -> Result<EncodeResponse> {
        let ids = |text: &String| self.encoded(text, request);
        Ok(match &request.input {
            OneOrMany::One(text) => {
                let ids = ids(text)?;
                EncodeResponse { length: Lengths::One(ids.len()), input_ids: TokenLists::One(ids) }
            }
            OneOrMany::Many(texts) => {
                let lists = texts.iter().map(ids).collect::<Result<Vec<_>>>()?;
                let lengths = lists.iter().map(Vec::len).collect();
                EncodeResponse { length: Lengths::Many(lengths), input_ids: TokenLists::Many(lists) }
            }
        })
    }

    fn encoded(&self, text: &str, request: &EncodeRequest) -> Result<Vec<u32>> {
        let tokenizer = &self.model().tokenizer;
        let ids = if request.do_preprocess == Some(true) {
            let chat = ChatRequest::new([ChatMessage::user(text)]);
            self.model().prompt_ids(&chat).map_err(|error| renamed(error, NAMES, &[]))?
        } else {
            tokenizer.encode_prompt(text)
        };
        let begins = ids.first().copied() == tokenizer.bos() && !ids.is_empty();
        // A text that was sent with its own `<s>` keeps it.
        let sent = tokenizer.encode_with_special(text).first().copied() == tokenizer.bos();
        let added = begins && request.add_bos == Some(false) && !sent;
        Ok(numbers(&ids[usize::from(added)..]))
    }

    /// The ids of a text or of a conversation.
    ///
    /// # Errors
    /// [`Error::Refused`] when not exactly one of the two is there, or the conversation does not fit the template.
    pub fn tokenize(&self, request: &TokenizeRequest) -> Result<TokenizeResponse> {
        self.check_model(request.model.as_deref().unwrap_or_default())?;
        let tokenizer = &self.model().tokenizer;
        let begun = |ids: Vec<TokenId>, asked: Option<bool>, default: bool| {
            let first = tokenizer.bos().filter(|bos| tokenizer.adds_bos() && ids.first() != Some(bos));
            let first = first.filter(|_| asked.unwrap_or(default));
            first.into_iter().chain(ids).collect::<Vec<_>>()
        };
        let ids = match (&request.prompt, &request.content, &request.messages) {
            (Some(prompt), None, None) => {
                check_form("prompt", request)?;
                begun(tokenizer.encode_with_special(prompt), request.add_special_tokens, true)
            }
            (None, Some(content), None) => {
                check_form("content", request)?;
                let marks = request.parse_special.unwrap_or(true);
                let ids =
                    if marks { tokenizer.encode_with_special(content) } else { tokenizer.encode(content) };
                begun(ids, request.add_special, false)
            }
            (None, None, Some(messages)) => {
                check_form("messages", request)?;
                let mut chat = ChatRequest::new(messages.iter().cloned());
                chat.tools.clone_from(&request.tools);
                chat.add_generation_prompt = request.add_generation_prompt;
                chat.continue_final_message = request.continue_final_message;
                chat.chat_template_kwargs.clone_from(&request.chat_template_kwargs);
                begun(self.model().prompt_ids(&chat)?, request.add_special_tokens, false)
            }
            (None, None, None) => {
                return Err(Error::field(
                    "prompt",
                    "found nothing, expected `prompt`, `content` or `messages`",
                ));
            }
            _ => {
                let message = "found more than one of `prompt`, `content` and `messages`, expected one";
                return Err(Error::field("prompt", message));
            }
        };
        let text = |id: &TokenId| tokenizer.token(*id).unwrap_or_default();
        Ok(TokenizeResponse {
            count: ids.len(),
            max_model_len: self.engine().limits().max_length,
            token_strs: request.return_token_strs.unwrap_or(false).then(|| ids.iter().map(text).collect()),
            tokens: self.token_list(&ids, request.with_pieces.unwrap_or(false)),
        })
    }

    /// Ids as an answer has them.
    fn token_list(&self, ids: &[TokenId], with_pieces: bool) -> TokenList {
        if !with_pieces {
            return TokenList::Ids(numbers(ids));
        }
        let tokenizer = &self.model().tokenizer;
        let piece = |id: &TokenId| TokenPiece::new(id.0, tokenizer.token_bytes(*id));
        TokenList::Pieces(ids.iter().map(piece).collect())
    }

    /// The text of ids, with the marks among them.
    ///
    /// # Errors
    /// [`Error::Refused`] for an id that the tokenizer does not know.
    pub fn detokenize(&self, request: &DetokenizeRequest) -> Result<DetokenizeResponse> {
        self.check_model(request.model.as_deref().unwrap_or_default())?;
        let tokenizer = &self.model().tokenizer;
        let known = tokenizer.vocab_size();
        if let Some((place, id)) = request.tokens.iter().enumerate().find(|(_, id)| **id as usize >= known) {
            let message = format!("found {id}, expected ids below {known}");
            return Err(Error::field(format!("tokens.{place}"), message));
        }
        let ids: Vec<TokenId> = request.tokens.iter().copied().map(TokenId).collect();
        let text = tokenizer.decode(&ids, Special::Keep);
        Ok(DetokenizeResponse { prompt: text.clone(), content: text })
    }
}

/// Refuses the fields that have an effect in other forms of the request only; `form` is the field of this one.
fn check_form(form: &str, request: &TokenizeRequest) -> Result<()> {
    let has_tools = request.tools.as_ref().is_some_and(|tools| !tools.is_empty());
    let has_variables = request.chat_template_kwargs.as_ref().is_some_and(|variables| !variables.is_empty());
    let fields = [
        ("add_special_tokens", request.add_special_tokens.is_some(), &["prompt", "messages"][..]),
        ("add_special", request.add_special.is_some(), &["content"]),
        ("parse_special", request.parse_special.is_some(), &["content"]),
        ("tools", has_tools, &["messages"]),
        ("chat_template_kwargs", has_variables, &["messages"]),
        ("add_generation_prompt", request.add_generation_prompt.is_some(), &["messages"]),
        ("continue_final_message", request.continue_final_message.is_some(), &["messages"]),
    ];
    match fields.into_iter().find(|(_, is_set, forms)| *is_set && !forms.contains(&form)) {
        None => Ok(()),
        Some((name, _, forms)) => {
            let message = format!("found it together with `{form}`, expected `{}`", forms.join("` or `"));
            Err(Error::field(name, message))
        }
    }
}

fn numbers(ids: &[TokenId]) -> Vec<u32> {
    ids.iter().map(|id| id.0).collect()
}
