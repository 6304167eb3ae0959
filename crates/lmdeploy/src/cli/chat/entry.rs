//! [`Entry`]: what a message of the user asks for.

use std::path::PathBuf;

use internlm_kit::exit::UsageError;

/// What can be typed, for `--help` and `/help`.
pub(super) const COMMANDS: &str = "An empty line ends a message. Instead of a message:
  exit, Ctrl-D   leave
  end            forget the conversation, but not the system message
  Ctrl-C         stop an answer and drop that turn
  /system TEXT   replace the system message; without TEXT, remove it
  /save FILE     write the conversation as a JSON list of messages
  /load FILE     continue the conversation of such a file
  /tokens        show how long the conversation is
  /help          show this list
Begin a message with a space to send such a word to the model.";

/// What a message asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Entry {
    /// To end the program.
    Leave,
    /// To begin a new conversation.
    Forget,
    /// To replace the system message, or to remove it.
    System(Option<String>),
    Save(PathBuf),
    Load(PathBuf),
    /// To show how long the conversation is.
    Tokens,
    Help,
    /// An answer of the model.
    Say(String),
}

impl Entry {
    /// Reads a message. A command is a slash and a word at its very beginning: paths and what follows a space are said
    /// to the model.
    pub(super) fn read(text: String) -> Result<Self, UsageError> {
        match text.as_str() {
            "exit" => return Ok(Self::Leave),
            "end" => return Ok(Self::Forget),
            _ => {}
        }
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text.as_str(), ""));
        let is_word = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
        let is_command = word.strip_prefix('/').is_some_and(is_word);
        if !is_command {
            return Ok(Self::Say(text));
        }
        let rest = rest.trim();
        match word {
            "/system" => Ok(Self::System((!rest.is_empty()).then(|| rest.to_owned()))),
            "/save" => file(word, rest).map(Self::Save),
            "/load" => file(word, rest).map(Self::Load),
            "/tokens" => alone(word, rest, Self::Tokens),
            "/help" => alone(word, rest, Self::Help),
            _ => Err(UsageError(format!(
                "found the unknown command `{word}`, expected /system, /save, /load, /tokens or /help; begin with a \
                 space to say it to the model"
            ))),
        }
    }
}

/// The file that a command names.
fn file(word: &str, rest: &str) -> Result<PathBuf, UsageError> {
    match rest {
        "" => Err(UsageError(format!("{word}: found nothing, expected the name of a file"))),
        rest if rest.contains('\n') => {
            Err(UsageError(format!("{word}: found several lines, expected the name of a file")))
        }
        rest => Ok(rest.into()),
    }
}

/// A command after which nothing follows.
fn alone(word: &str, rest: &str, entry: Entry) -> Result<Entry, UsageError> {
    if rest.is_empty() {
        return Ok(entry);
    }
    Err(UsageError(format!("{word}: found `{rest}`, expected nothing after it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Entry, String> {
        Entry::read(text.to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn commands_are_words_with_a_slash() {
        for (text, expected) in [
            ("exit", Entry::Leave),
            ("end", Entry::Forget),
            ("/system Be brief.\nAlways.", Entry::System(Some("Be brief.\nAlways.".to_owned()))),
            ("/system", Entry::System(None)),
            ("/save my chat.json ", Entry::Save("my chat.json".into())),
            ("/load a/b.json", Entry::Load("a/b.json".into())),
            ("/tokens", Entry::Tokens),
            ("/help", Entry::Help),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn everything_else_is_said() {
        for text in ["exit now", "the end", "/usr/bin", "/", "/ 2", "/2", " /help", "a\n/help", "\u{e4}/save"]
        {
            assert_eq!(read(text), Ok(Entry::Say(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn wrong_commands_are_named_and_not_said() {
        for (text, message) in [
            ("/sav x", "found the unknown command `/sav`, expected /system, "),
            ("/save", "/save: found nothing, expected the name of a file"),
            ("/load a\nb", "/load: found several lines, expected the name of a file"),
            ("/tokens please", "/tokens: found `please`, expected nothing after it"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.starts_with(message), "{error}");
        }
    }
}
