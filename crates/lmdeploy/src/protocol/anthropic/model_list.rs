//! `GET /anthropic/v1/models`.

use serde::{Deserialize, Serialize};

/// The models that a server offers, in Anthropic's form.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AnthropicModelList {
    /// One entry per model; this server has one.
    pub data: Vec<AnthropicModel>,
    /// Name of the first entry.
    pub first_id: Option<String>,
    /// Always false: the list is whole.
    pub has_more: bool,
    /// Name of the last entry.
    pub last_id: Option<String>,
}

/// One model of a server.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AnthropicModel {
    /// Kind of the entry: always `model`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What requests put into `model` to be answered by it.
    pub id: String,
    /// The same name, for people.
    pub display_name: String,
    /// When the server started, as `2026-01-31T12:00:00Z`.
    pub created_at: String,
    /// State of the model: always `active`.
    pub lifecycle: String,
    /// Maximum length of prompt and answer together, in tokens.
    pub max_input_tokens: u64,
    /// Maximum value of `max_tokens`; the prompt takes its share of it.
    pub max_tokens: u64,
}

impl AnthropicModelList {
    /// The list of one model, which was started at `created`, in Unix seconds, and holds `length` tokens.
    #[must_use]
    pub fn of_one(name: &str, created: u64, length: u64) -> Self {
        let model = AnthropicModel {
            kind: "model".to_owned(),
            id: name.to_owned(),
            display_name: name.to_owned(),
            created_at: utc(created),
            lifecycle: "active".to_owned(),
            max_input_tokens: length,
            max_tokens: length,
        };
        Self {
            data: vec![model],
            first_id: Some(name.to_owned()),
            has_more: false,
            last_id: Some(name.to_owned()),
        }
    }
}

/// Unix seconds as a date and time of RFC 3339.
///
/// The days are counted in cycles of 400 years that begin on the first of March, so that a leap day is the last day of
/// its year (<https://howardhinnant.github.io/date_algorithms.html>, `civil_from_days`).
fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = (400 * cycle + year, if month < 10 { month + 3 } else { month - 9 });
    let year = if month <= 2 { year + 1 } else { year };
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(seconds), expected);
        }
    }
}
