//! [`SystemTemplate`]: the system messages that upstream's `chat` knows by name.

use clap::ValueEnum;

/// A system message by its name. Source: XTuner's `SYSTEM_TEMPLATE`.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum SystemTemplate {
    /// Instructions of the Alpaca data.
    Alpaca,
    /// Titles of papers from their abstracts.
    ArxivGentile,
    /// Colors from their descriptions.
    Colorist,
    /// Code from its description.
    Coder,
    /// Chinese law.
    Lawyer,
    /// Medicine, in Chinese.
    Medical,
    /// SQL from a question and its tables.
    Sql,
}

impl SystemTemplate {
    /// The message.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Alpaca => {
                "Below is an instruction that describes a task. Write a response that appropriately completes the \
                 request."
            }
            Self::ArxivGentile => {
                "If you are an expert in writing papers, please generate a good paper title for this paper based on \
                 other authors' descriptions of their abstracts."
            }
            Self::Colorist => {
                "You are a professional color designer. Please provide the corresponding colors based on the \
                 description of Human."
            }
            Self::Coder => {
                "You are a professional programmer. Please provide the corresponding code based on the description of \
                 Human."
            }
            Self::Lawyer => "你现在是一名专业的中国律师，请根据用户的问题给出准确、有理有据的回复。",
            Self::Medical => "如果你是一名医生，请根据患者的描述回答医学问题。",
            Self::Sql => {
                "If you are an expert in SQL, please generate a good SQL Query for Question based on the CREATE TABLE \
                 statement."
            }
        }
    }
}
