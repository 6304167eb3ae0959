//! [`Format`]: the forms of training sets that can be read, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The form of a training set, with the name that XTuner gives it.
///
/// ```
/// use xtuner::dataset::format::Format;
///
/// assert_eq!("alpaca_zh".parse(), Ok(Format::AlpacaZh));
/// assert_eq!(Format::OpenAi.to_string(), "openai");
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
#[serde(into = "String", try_from = "String")]
pub enum Format {
    /// XTuner's own form: one question and answer, or a list of turns.
    Default,
    /// Stanford Alpaca's instruction, input and output.
    Alpaca,
    /// Alpaca in Chinese, in columns of their own.
    AlpacaZh,
    /// OpenAI's messages, with tools and calls.
    OpenAi,
    /// Conversations of `human` and `gpt`, with calls and observations.
    ShareGpt,
    /// WizardLM's conversations of strictly alternating `human` and `gpt`.
    WizardLm,
    /// Open Assistant's transcripts with `### Human:` and `### Assistant:`.
    Oasst1,
    /// Plain text to continue training on.
    Pretrain,
    /// OpenOrca's system prompt, question and response.
    OpenOrca,
    /// Code Alpaca's prompt and completion.
    CodeAlpaca,
    /// Tiny Codes' prompt and response.
    TinyCodes,
    /// Tables and a question to an SQL query.
    Sql,
    /// Medical dialogues in Alpaca's columns.
    Medical,
    /// Chinese questions about law with answers that cite it.
    LawReference,
    /// Chinese conversations about criminal law.
    CrimeKgAssitan,
    /// Descriptions of colors to hexadecimal codes.
    Colors,
    /// Abstracts of papers to their titles.
    Arxiv,
    /// Stack Exchange's question and response.
    StackExchange,
    /// MS-Agent's dialogues with tools, rewritten to thoughts, actions and answers.
    MsagentReact,
    /// MOSS's dialogues with inner thoughts, commands and results, in marks of their own.
    Moss,
    /// Ids of InternEvo, in which a negative id is not learned.
    InternEvo,
    /// Ids and labels as transformers has them.
    Tokenized,
}

/// One format as the table of formats shows it.
struct Entry {
    format: Format,
    name: &'static str,
    /// What a row has: follows "an object".
    shape: &'static str,
    /// How a row becomes a conversation.
    rule: &'static str,
}

const fn entry(format: Format, name: &'static str, shape: &'static str, rule: &'static str) -> Entry {
    Entry { format, name, shape, rule }
}

/// All formats, in the order of their declaration.
static TABLE: [Entry; 22] = [
    entry(
        Format::Default,
        "default",
        r#"with `input` and `output`, or `conversation`: [{"input": .., "output": ..}, ..]"#,
        "input -> output; turns may have system and output_with_loss; a turn without input is plain text",
    ),
    entry(
        Format::Alpaca,
        "alpaca",
        "with `instruction` and `output`",
        "instruction, input -> output; system and history are read; <nooutput> is left out",
    ),
    entry(
        Format::AlpacaZh,
        "alpaca_zh",
        "with `instruction_zh` and `output_zh`",
        "instruction_zh, input_zh -> output_zh",
    ),
    entry(
        Format::OpenAi,
        "openai",
        crate::dataset::openai::SHAPE,
        "messages with tools and calls; loss and weight say what counts; leading answers are left out",
    ),
    entry(
        Format::ShareGpt,
        "sharegpt",
        r#"with `conversations`: [{"from": .., "value": ..}, ..]"#,
        "turns from human, gpt, system, function_call, observation; tools and system of the row are read",
    ),
    entry(
        Format::WizardLm,
        "wizardlm",
        r#"with `conversations`: [{"from": "human", "value": ..}, {"from": "gpt", "value": ..}, ..]"#,
        "human and gpt take turns; the beginning before human and a last question are left out",
    ),
    entry(
        Format::Oasst1,
        "oasst1",
        "with `text`: ### Human: .. ### Assistant: ..",
        "split at ### Human: and ### Assistant:; a last question is left out",
    ),
    entry(
        Format::Pretrain,
        "pretrain",
        r#"with `text`, or one message of role "pretrain""#,
        "the stripped text, learned whole, without a template and an end",
    ),
    entry(
        Format::OpenOrca,
        "openorca",
        "with `system_prompt`, `question` and `response`",
        "system_prompt; question -> response",
    ),
    entry(
        Format::CodeAlpaca,
        "code_alpaca",
        "with `prompt` and `completion`",
        "prompt -> completion, as a programmer",
    ),
    entry(
        Format::TinyCodes,
        "tiny_codes",
        "with `prompt` and `response`",
        "prompt -> response, as a programmer",
    ),
    entry(
        Format::Sql,
        "sql",
        "with `context`, `question` and `answer`",
        "context, question -> answer, as an expert in SQL",
    ),
    entry(
        Format::Medical,
        "medical",
        "with `instruction` and `output`",
        "instruction, input -> output, as a doctor",
    ),
    entry(
        Format::LawReference,
        "law_reference",
        "with `question` and `answer`",
        "question -> answer, as a lawyer",
    ),
    entry(
        Format::CrimeKgAssitan,
        "crime_kg_assitan",
        "with `input` and `output`",
        "input -> output, as a lawyer",
    ),
    entry(
        Format::Colors,
        "colors",
        "with `description` and `color`",
        "description after its first colon -> color, as a designer",
    ),
    entry(Format::Arxiv, "arxiv", "with `abstract` and `title`", "abstract -> title, as an author of papers"),
    entry(Format::StackExchange, "stack_exchange", "with `question` and `response`", "question -> response"),
    entry(
        Format::MsagentReact,
        "msagent_react",
        r#"with `conversations`: [{"from": .., "value": ..}, ..], or their text"#,
        "calls -> Thought, Action, Action Input; results -> Response; answers -> Final Answer",
    ),
    entry(
        Format::Moss,
        "moss",
        r#"with `num_turns` and `chat`: {"turn_1": {"Human": .., "MOSS": ..}, ..}"#,
        "every turn in its own marks, without a template; all but meta_instruction and results is learned",
    ),
    entry(
        Format::InternEvo,
        "internevo",
        "with `tokens`: [1, -5, 7, ..]",
        "ids already made; negative ones are not learned",
    ),
    entry(
        Format::Tokenized,
        "tokenized",
        "with `input_ids`, and `labels` or `loss_mask`",
        "ids already made; labels of -100 are not learned",
    ),
];

impl Format {
    /// All formats, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|entry| entry.format)
    }

    /// The name in configs and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// How a row becomes a conversation, in one line.
    #[must_use]
    pub fn rule(self) -> &'static str {
        self.entry().rule
    }

    /// What a row has to have; follows "an object".
    #[must_use]
    pub fn shape(self) -> &'static str {
        self.entry().shape
    }

    fn entry(self) -> &'static Entry {
        &TABLE[self as usize]
    }
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl From<Format> for String {
    fn from(format: Format) -> Self {
        format.name().to_owned()
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // XTuner's own documents spell the one name in two ways.
        let name = if text == "crime_kg_assitant" { "crime_kg_assitan" } else { text };
        let found = TABLE.iter().find(|entry| entry.name == name);
        found.map(|entry| entry.format).ok_or_else(|| {
            let names: Vec<&str> = TABLE.iter().map(|entry| entry.name).collect();
            format!("found the format `{text}`, expected one of {}", names.join(", "))
        })
    }
}

impl TryFrom<String> for Format {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_follows_the_declaration_and_names_are_read_back() {
        for (index, entry) in TABLE.iter().enumerate() {
            assert_eq!(entry.format as usize, index, "{}", entry.name);
            assert_eq!(entry.name.parse(), Ok(entry.format));
            let json = serde_json::to_string(&entry.format).expect("serializes");
            assert_eq!(serde_json::from_str::<Format>(&json).expect("reads"), entry.format);
        }
        assert_eq!("crime_kg_assitant".parse(), Ok(Format::CrimeKgAssitan));
        let refused = "alpaka".parse::<Format>().expect_err("unknown");
        assert!(
            refused.starts_with("found the format `alpaka`, expected one of default, alpaca,"),
            "{refused}"
        );
    }
}
