//! [`Document`]: what every reader gives, and [`Conversation`], what a chat template takes.

use internlm_model::chat::{FunctionDefinition, Message, Role, tools_message};
use serde_json::{Map, Value};

use super::{MarkedPart, Sample};

/// One entry of a data file.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// Messages, which a chat template turns into ids.
    Chat(Conversation),
    /// Text of pre-training: every token is learned, and nothing ends it.
    Text(String),
    /// A dialogue in marks of its own, part by part: no chat template is put around it.
    Marked(Vec<MarkedPart>),
    /// Ids that another program has made, with what of them is learned.
    Tokens(Sample),
}

impl From<Conversation> for Document {
    fn from(conversation: Conversation) -> Self {
        Self::Chat(conversation)
    }
}

/// One message and how much the model learns to produce it.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Role, text and calls of the turn.
    pub message: Message,
    /// How much each token of the message counts in the loss: 0 on what is not learned, 1 by default on what the
    /// assistant says. Weights of other roles are not used.
    pub weight: f32,
}

impl Turn {
    /// A turn that is learned once if the assistant speaks, and is context otherwise.
    #[must_use]
    pub fn new(message: Message) -> Self {
        let weight = if message.role == Role::Assistant { 1.0 } else { 0.0 };
        Self { message, weight }
    }

    /// Whether the model learns to produce the message.
    #[must_use]
    pub fn is_learned(&self) -> bool {
        self.message.role == Role::Assistant && self.weight != 0.0
    }
}

/// A whole conversation, tools included as the system message that offers them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversation {
    /// Turns in the order of the conversation.
    pub turns: Vec<Turn>,
    /// Other keys of the line next to `messages` and `tools`; nothing reads them.
    pub fields: Map<String, Value>,
}

impl Conversation {
    /// A conversation in which every assistant message is learned.
    ///
    /// ```
    /// use internlm_model::chat::Message;
    /// use xtuner::dataset::Conversation;
    ///
    /// let conversation = Conversation::new(vec![Message::user("Hi"), Message::assistant("Hello!")]);
    /// assert_eq!(conversation.learned(), 1);
    /// ```
    #[must_use]
    pub fn new(messages: Vec<Message>) -> Self {
        Self { turns: messages.into_iter().map(Turn::new).collect(), fields: Map::new() }
    }

    /// Puts tools behind the leading system messages, as
    /// [`offer_tools`](internlm_model::chat::offer_tools) does for a request.
    pub fn offer(&mut self, tools: &[FunctionDefinition]) {
        if !tools.is_empty() {
            let leading = self.turns.iter().take_while(|turn| turn.message.role == Role::System).count();
            self.turns.insert(leading, Turn::new(tools_message(tools)));
        }
    }

    /// Copies of the messages.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.turns.iter().map(|turn| turn.message.clone()).collect()
    }

    /// Number of messages that are learned.
    #[must_use]
    pub fn learned(&self) -> usize {
        self.turns.iter().filter(|turn| turn.is_learned()).count()
    }
}
