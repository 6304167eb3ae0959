//! `Plan`: how far a team is with one question, and what follows from it.

use internlm_model::chat::Message;
use serde::{Deserialize, Serialize};

use crate::run::{FailReason, Finish};

/// What the members have done for the present question.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Plan {
    /// The messages of the question.
    pub(super) question: Vec<Message>,
    /// What came of the turns, in the order in which they ended.
    pub(super) outcomes: Vec<Outcome>,
    /// Indices of the members that work for the plan or wait for their turn.
    pub(super) open: Vec<usize>,
    /// The members that the conversation was handed to, in order.
    pub(super) handovers: Vec<Handover>,
    /// Reason of the last failure that did not end the question.
    pub(super) failure: Option<FailReason>,
}

/// The end of one member's turn.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Outcome {
    /// Index of the member.
    pub(super) member: usize,
    /// The answer; absent if the member failed and the team continues without it.
    pub(super) answer: Option<Message>,
    /// Whether the token limit cut the answer.
    pub(super) finish: Finish,
}

/// The conversation changes hands.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Handover {
    /// Index of the member that hands over.
    pub(super) from: usize,
    /// Index of the member that receives the conversation.
    pub(super) to: usize,
    /// What the first tells the second; may be empty.
    pub(super) message: String,
}

/// What a team does next for a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Next {
    /// These members start to work.
    Start(Vec<Assignment>),
    /// The members at work have to end first.
    Wait,
    /// The question is answered.
    Finish(Message, Finish),
    /// The question ends without an answer.
    Fail(FailReason),
}

/// What a member should work on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Assignment {
    /// Index of the member.
    pub(super) member: usize,
    /// The messages that the member receives.
    pub(super) messages: Vec<Message>,
}

impl Plan {
    /// Notes that a member's turn has ended.
    pub(super) fn close(&mut self, member: usize) {
        if let Some(at) = self.open.iter().position(|open| *open == member) {
            self.open.remove(at);
        }
    }

    /// The answer of a member, if its turn ended with one.
    pub(super) fn answer(&self, member: usize) -> Option<&Message> {
        self.outcomes.iter().find(|outcome| outcome.member == member)?.answer.as_ref()
    }

    /// Starts one member.
    pub(super) fn start(member: usize, messages: Vec<Message>) -> Next {
        Next::Start(vec![Assignment { member, messages }])
    }

    /// Finishes with the last answer.
    pub(super) fn finish_with_last(&self) -> Next {
        let mut latest = self.outcomes.iter().rev();
        let last = latest.find_map(|outcome| Some((outcome.answer.as_ref()?, outcome.finish)));
        last.map_or_else(|| self.nobody_answered(), |(answer, finish)| Next::Finish(answer.clone(), finish))
    }

    /// Finishes with the answers of these members in this order: a single one as it is, several under their names.
    pub(super) fn finish_with(&self, members: &[usize], names: &[String]) -> Next {
        let answers: Vec<(usize, &Message)> =
            members.iter().filter_map(|member| Some((*member, self.answer(*member)?))).collect();
        match answers.as_slice() {
            [] => self.nobody_answered(),
            [(member, answer)] => Next::Finish((*answer).clone(), self.finish_of(*member)),
            several => {
                let parts: Vec<(&str, &str)> =
                    several.iter().map(|(member, answer)| (names[*member].as_str(), answer.text())).collect();
                let cut = several.iter().any(|(member, _)| self.finish_of(*member) == Finish::Length);
                let finish = if cut { Finish::Length } else { Finish::Stop };
                Next::Finish(Message::assistant(named(&parts)), finish)
            }
        }
    }

    fn finish_of(&self, member: usize) -> Finish {
        let outcome = self.outcomes.iter().find(|outcome| outcome.member == member);
        outcome.map_or(Finish::Stop, |outcome| outcome.finish)
    }

    fn nobody_answered(&self) -> Next {
        let unknown = || FailReason::Team { problem: "no member of the team gave an answer".to_owned() };
        Next::Fail(self.failure.clone().unwrap_or_else(unknown))
    }
}

/// Several texts as one, each under the name of the member that it comes from.
pub(super) fn named(parts: &[(&str, &str)]) -> String {
    let blocks: Vec<String> = parts.iter().map(|(name, text)| format!("[{name}]\n{text}")).collect();
    blocks.join("\n\n")
}
