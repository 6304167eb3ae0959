//! What came out: one prediction per question, one summary.

use serde::{Deserialize, Serialize};

/// The answer to one question.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Prediction {
    /// Which question.
    pub id: String,
    /// What was asked.
    pub question: String,
    /// The right answer.
    pub answer: String,
    /// The agent's answer; null when the run ended without one.
    pub prediction: Option<String>,
    /// Whether its last number is the right answer.
    pub correct: bool,
    /// How the run ended: `finished`, or why not.
    pub end: String,
    /// Model requests.
    pub turns: u32,
    /// Tool calls.
    pub tool_calls: u32,
    /// Calls that could not be understood.
    pub parse_errors: u32,
    /// Prompt tokens.
    pub input_tokens: u64,
    /// Generated tokens.
    pub output_tokens: u64,
}

/// The numbers of a whole run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Summary {
    /// Right answers in percent, 0 to 100.
    pub agent_accuracy: f64,
    /// Questions asked.
    pub questions: usize,
    /// Runs that ended without an answer.
    pub unanswered: usize,
    /// Model requests per question.
    pub mean_turns: f64,
    /// Tool calls of all questions.
    pub tool_calls: u64,
    /// Calls that could not be understood.
    pub parse_errors: u64,
    /// Tokens generated.
    pub output_tokens: u64,
    /// Wall clock of this run; questions finished before an interruption are not in it.
    pub seconds: f64,
}

impl Summary {
    /// The sums and means.
    #[must_use]
    pub fn of(predictions: &[Prediction], seconds: f64) -> Self {
        let count = predictions.len().max(1) as f64;
        let correct = predictions.iter().filter(|prediction| prediction.correct).count();
        let turns: u32 = predictions.iter().map(|prediction| prediction.turns).sum();
        Self {
            agent_accuracy: round(100.0 * correct as f64 / count, 2),
            questions: predictions.len(),
            unanswered: predictions.iter().filter(|prediction| prediction.prediction.is_none()).count(),
            mean_turns: round(f64::from(turns) / count, 2),
            tool_calls: predictions.iter().map(|prediction| u64::from(prediction.tool_calls)).sum(),
            parse_errors: predictions.iter().map(|prediction| u64::from(prediction.parse_errors)).sum(),
            output_tokens: predictions.iter().map(|prediction| prediction.output_tokens).sum(),
            seconds: round(seconds, 2),
        }
    }
}

fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10_f64.powi(decimals);
    (value * scale).round() / scale
}
