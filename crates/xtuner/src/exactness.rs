//! How often a tuned model calls the calculator exactly and answers exactly, by greedy reference generation.
//!
//! One question is two turns, as an agent drives them: the model sees tools and question and must write the call;
//! the calculator's number is given back and the model must end with it. The same questions are also asked
//! without tools, which shows what the calls are worth.

use internlm_model::answer::Question;
use internlm_model::chat::{
    Channel, ChatTemplate, Message, PluginCall, Prompt, Reply, parse_reply, tools_message,
};
use internlm_model::decoder::Decoder;
use internlm_model::generate::{GenerateConfig, Generator};
use internlm_model::{TokenId, Tokenizer};

use crate::generator::calculator_tool;
use crate::{Result, Summary};

/// A tuned model with all that talking to it needs.
#[derive(Debug)]
pub struct Examiner<'a> {
    decoder: &'a Decoder,
    tokenizer: &'a Tokenizer,
    template: &'a ChatTemplate,
    max_tokens: usize,
}

/// What the model did with one question.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Examined {
    /// The expression it gave to the calculator, if it called it.
    pub expression: Option<String>,
    /// What it said after the result.
    pub answer: String,
    /// What it said when no tool was offered.
    pub direct: String,
}

/// Counts over all questions.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Exactness {
    /// Number of questions that were asked.
    pub questions: usize,
    /// Number of calls with exactly the expression of the question.
    pub calls: usize,
    /// Number of final answers with the right number, after an exact call.
    pub answers: usize,
    /// Number of right answers without tools.
    pub direct: usize,
}

impl Exactness {
    /// Counts what was done with `question`.
    pub fn count(&mut self, question: &Question, examined: &Examined) {
        let called = is_exact(question, examined.expression.as_deref());
        self.questions += 1;
        self.calls += usize::from(called);
        self.answers += usize::from(called && question.is_answered_by(&examined.answer));
        self.direct += usize::from(question.is_answered_by(&examined.direct));
    }

    /// The shares, for `summary.json` and the screen.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let share = |count: usize| count as f64 / self.questions.max(1) as f64;
        let rows =
            [("call_exact", self.calls), ("answer_exact", self.answers), ("direct_exact", self.direct)];
        rows.into_iter().map(|(name, count)| (name.to_owned(), share(count))).collect()
    }
}

impl<'a> Examiner<'a> {
    /// An examiner of `decoder`, which is without autodiff, with its own tokenizer and chat template. `max_tokens` is
    /// the maximum number of tokens of one reply.
    #[must_use]
    pub fn new(
        decoder: &'a Decoder,
        tokenizer: &'a Tokenizer,
        template: &'a ChatTemplate,
        max_tokens: usize,
    ) -> Self {
        Self { decoder, tokenizer, template, max_tokens }
    }

    /// Asks one question with and without the calculator.
    ///
    /// # Errors
    /// A vocabulary that lacks the template's tokens.
    pub fn ask(&self, question: &Question) -> Result<Examined> {
        let mut messages =
            vec![tools_message(&[calculator_tool()]), Message::user(question.question.as_str())];
        let reply = self.reply(&messages)?;
        let expression = called_expression(&reply);
        let answer = if is_exact(question, expression.as_deref()) {
            messages.push(Message::assistant(reply.content).with_calls(reply.calls));
            messages.push(Message::environment(Channel::Plugin, question.answer.as_str()));
            self.reply(&messages)?.content
        } else {
            String::new()
        };
        let direct = self.reply(&[Message::user(question.question.as_str())])?.content;
        Ok(Examined { expression, answer, direct })
    }

    fn reply(&self, messages: &[Message]) -> Result<Reply> {
        let prompt = self.template.encode(self.tokenizer, messages, Prompt::Generate)?;
        let config = GenerateConfig::new(self.max_tokens)
            .with_stop_ids(self.tokenizer.turn_ends())
            .with_vocabulary(self.tokenizer.vocab_size());
        let ids: Vec<TokenId> = Generator::new(self.decoder, &prompt, config)?.collect();
        Ok(parse_reply(self.tokenizer, &ids))
    }
}

/// Whether the calculator was given the expression of the question.
fn is_exact(question: &Question, given: Option<&str>) -> bool {
    given.is_some() && given == question.expression.as_deref()
}

/// The expression of a call of the calculator, if the reply is exactly one such call.
fn called_expression(reply: &Reply) -> Option<String> {
    let [call] = reply.calls.as_slice() else { return None };
    let call = PluginCall::parse(&call.body).ok()?;
    let expression = call.arguments.get("expression")?.as_str()?;
    (call.name == "Calculator").then(|| expression.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use internlm_model::chat::ToolCall;

    #[test]
    fn only_exact_calls_and_numbers_count() {
        let question = Question::new("q", "What is 2 - 5?", "-3").with_expression("2-5");
        let mut exactness = Exactness::default();
        let examined = |expression: &str, answer: &str, direct: &str| Examined {
            expression: Some(expression.to_owned()),
            answer: answer.to_owned(),
            direct: direct.to_owned(),
        };
        exactness.count(&question, &examined("2-5", "The answer is -3.", "The answer is 3."));
        exactness.count(&question, &examined("2-5", "The answer is 3.", "It is -3"));
        exactness.count(&question, &examined("2-6", "The answer is -3.", ""));
        let expected = Exactness { questions: 3, calls: 2, answers: 1, direct: 1 };
        assert_eq!(exactness, expected);
    }

    #[test]
    fn a_call_is_read_from_its_json() {
        let reply =
            |body: &str| Reply { content: String::new(), calls: vec![ToolCall::new(Channel::Plugin, body)] };
        let call = r#"{"name": "Calculator", "parameters": {"expression": "1+2"}}"#;
        assert_eq!(called_expression(&reply(call)).as_deref(), Some("1+2"));
        assert_eq!(called_expression(&reply("{\"name\": \"Calculator\"")), None);
        assert_eq!(called_expression(&reply(&call.replace("Calculator", "Search"))), None);
    }
}
