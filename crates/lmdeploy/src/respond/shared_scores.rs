//! [`SharedScores`]: the scores of a prompt, which only the first of its choices has computed, for all of them.

use crate::engine::Output;

/// Puts the scores of a prompt in front of the outputs of all of its choices.
#[derive(Debug)]
pub(super) struct SharedScores {
    /// Number of choices per prompt.
    n: usize,
    /// The outputs of each choice that waits for the scores of its prompt; none: it does not wait.
    held: Vec<Option<Vec<Output>>>,
}

/// Whether the prompts of a request are scored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Prompts {
    /// They are, each for its first choice.
    Scored,
    /// They are not.
    Unscored,
}

impl SharedScores {
    /// Nothing has come yet of the `n` choices of each of `prompts` prompts.
    pub(super) fn new(n: usize, prompts: usize, kind: Prompts) -> Self {
        let waits = |choice: usize| kind == Prompts::Scored && !choice.is_multiple_of(n);
        let held = (0..n * prompts).map(|choice| waits(choice).then(Vec::new)).collect();
        Self { n, held }
    }

    /// What can be read now that an output of choice `index` has come: outputs, each with the place of its choice.
    pub(super) fn push(&mut self, index: usize, output: Output) -> Vec<(usize, Output)> {
        if let Some(held) = &mut self.held[index] {
            held.push(output);
            return Vec::new();
        }
        let scores = match &output {
            Output::Prompt(scores) => Some(scores.clone()),
            // It was aborted before the prompt was scored.
            Output::Finished(_) => None,
            Output::Pieces(_) => return vec![(index, output)],
        };
        let mut due = vec![(index, output)];
        let n = self.n;
        for other in (index + 1..self.held.len()).take_while(|other| other % n > 0) {
            let Some(held) = self.held[other].take() else { break };
            due.extend(scores.clone().map(|scores| (other, Output::Prompt(scores))));
            due.extend(held.into_iter().map(|output| (other, output)));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{End, Finished, Times};

    fn end() -> Output {
        Output::Finished(Finished {
            end: End::Length,
            rest: String::new(),
            prompt_tokens: 1,
            generated_tokens: 0,
            cached_tokens: 0,
            stop_string: None,
            times: Times::default(),
            embedding: None,
        })
    }

    fn pieces() -> Output {
        Output::Pieces(Vec::new())
    }

    fn places(due: &[(usize, Output)]) -> Vec<(usize, &'static str)> {
        let kind = |output: &Output| match output {
            Output::Prompt(_) => "prompt",
            Output::Pieces(_) => "pieces",
            Output::Finished(_) => "end",
        };
        due.iter().map(|(place, output)| (*place, kind(output))).collect()
    }

    #[test]
    fn every_choice_gets_the_scores_before_its_text() {
        let mut shared = SharedScores::new(2, 2, Prompts::Scored);
        for (choice, output) in [(3, pieces()), (1, pieces()), (1, end())] {
            assert!(shared.push(choice, output).is_empty(), "choice {choice} waits");
        }
        let due = shared.push(0, Output::Prompt(vec![None]));
        assert_eq!(places(&due), [(0, "prompt"), (1, "prompt"), (1, "pieces"), (1, "end")]);
        assert_eq!(places(&shared.push(0, end())), [(0, "end")]);
        assert_eq!(places(&shared.push(2, end())), [(2, "end"), (3, "pieces")], "it was not scored");
        assert_eq!(places(&shared.push(3, end())), [(3, "end")]);
    }

    #[test]
    fn without_scores_nobody_waits() {
        let mut shared = SharedScores::new(3, 1, Prompts::Unscored);
        for choice in [2, 0, 1] {
            assert_eq!(places(&shared.push(choice, end())), [(choice, "end")]);
        }
    }
}
