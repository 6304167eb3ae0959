//! The person who watches `lagent run` on a terminal.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use internlm_kit::terminal::visible_on;
use serde_json::Value;

use crate::batch::{Consent, Nobody};
use crate::driver::Decision;

/// What happens to calls whose outcome is unknown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unknown {
    /// A person decides; without one the model is told.
    Ask,
    /// They are made again.
    Repeat,
}

/// Asks one question at a time.
#[derive(Debug)]
pub(super) struct TerminalConsent {
    unknown: Unknown,
    turn: Mutex<()>,
}

impl TerminalConsent {
    pub(super) fn new(unknown: Unknown) -> Self {
        Self { unknown, turn: Mutex::new(()) }
    }

    /// The answer to a question; `None` without a person.
    fn ask(&self, question: &str) -> Option<Decision> {
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return None;
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut stderr, mut line) = (std::io::stderr(), String::new());
        let shown = stderr.write_all(visible_on(question, &stderr).as_bytes()).and_then(|()| stderr.flush());
        let read = shown.and_then(|()| stdin.lock().read_line(&mut line));
        Some(match read {
            Ok(_) if line.trim().eq_ignore_ascii_case("y") => Decision::Approve,
            _ => Decision::Deny("the user said no".to_owned()),
        })
    }
}

impl Consent for TerminalConsent {
    fn approve(&self, name: &str, args: &Value) -> Decision {
        self.ask(&format!("\nallow {name} {args}? [y/N] ")).unwrap_or_else(|| Nobody.approve(name, args))
    }

    fn repeat(&self, name: &str, args: &Value) -> Decision {
        if self.unknown == Unknown::Repeat {
            return Decision::Approve;
        }
        let question = format!(
            "\nthe process ended while this call was made, so nobody knows its outcome: {name} {args}\n\
             make it again? [y/N] "
        );
        self.ask(&question).unwrap_or_else(|| Nobody.repeat(name, args))
    }
}
