//! [`Conversation`]: what every reader gives and the template takes.

use internlm_model::chat::{FunctionDefinition, Loss, Message, Role, tools_message};
use serde_json::{Map, Value};

/// One message and whether the model learns to produce it.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// Role, text and calls of the turn.
    pub message: Message,
    /// [`Loss::Keep`] on assistant messages that are to be learned, [`Loss::Skip`] on everything else.
    pub loss: Loss,
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
        let turn = |message: Message| Turn { loss: default_loss(&message), message };
        Self { turns: messages.into_iter().map(turn).collect(), fields: Map::new() }
    }

    /// Puts tools behind the leading system messages, as
    /// [`offer_tools`](internlm_model::chat::offer_tools) does for a request.
    pub(super) fn offer(&mut self, tools: &[FunctionDefinition]) {
        if !tools.is_empty() {
            let leading = self.turns.iter().take_while(|turn| turn.message.role == Role::System).count();
            self.turns.insert(leading, Turn { message: tools_message(tools), loss: Loss::Skip });
        }
    }

    /// Copies of the messages.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.turns.iter().map(|turn| turn.message.clone()).collect()
    }

    /// Number of messages with loss.
    #[must_use]
    pub fn learned(&self) -> usize {
        self.turns.iter().filter(|turn| turn.loss == Loss::Keep).count()
    }
}

/// What the assistant says is learned.
pub(super) fn default_loss(message: &Message) -> Loss {
    if message.role == Role::Assistant { Loss::Keep } else { Loss::Skip }
}
