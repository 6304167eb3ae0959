//! The results of a batch: one prediction per question, and a summary.

use serde::{Deserialize, Serialize};

/// The end of a question whose answer was cut off.
pub(super) const CUT: &str = "cut";

/// The outcome of one question, a line of `predictions.jsonl`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Prediction {
    /// Id of the question.
    pub id: String,
    /// Text of the question.
    pub question: String,
    /// The right answer from the file of questions.
    pub answer: String,
    /// The agent's answer; null if the question ended without one.
    pub prediction: Option<String>,
    /// Whether the last number of the prediction equals the right answer.
    pub correct: bool,
    /// How the question ended: `finished`, `cut` if the answer reached the token limit, or the reason why there is no
    /// answer.
    pub end: String,
    /// Number of model requests.
    pub turns: u32,
    /// Number of tool calls, failed ones included.
    pub tool_calls: u32,
    /// Number of calls that could not be understood.
    pub parse_errors: u32,
    /// Number of prompt tokens over all requests.
    pub input_tokens: u64,
    /// Number of generated tokens over all requests.
    pub output_tokens: u64,
}

/// The totals of a batch, the content of `summary.json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Summary {
    /// Share of right answers in percent, 0 to 100; questions without an answer count as wrong.
    pub agent_accuracy: f64,
    /// Number of questions in the batch.
    pub questions: usize,
    /// Number of questions that ended without an answer.
    pub unanswered: usize,
    /// Number of answers that reached the token limit of a reply and are cut off.
    #[serde(default)]
    pub cut: usize,
    /// Mean number of model requests per question.
    pub mean_turns: f64,
    /// Number of tool calls over all questions.
    pub tool_calls: u64,
    /// Number of calls that could not be understood.
    pub parse_errors: u64,
    /// Number of generated tokens over all questions.
    pub output_tokens: u64,
    /// Wall-clock time in seconds. After a resume it covers only the questions asked since then.
    pub seconds: f64,
}

impl Summary {
    /// Computes the totals of `predictions`; `seconds` is the wall-clock time.
    #[must_use]
    pub fn of(predictions: &[Prediction], seconds: f64) -> Self {
        let count = predictions.len().max(1) as f64;
        let correct = predictions.iter().filter(|prediction| prediction.correct).count();
        let turns: u32 = predictions.iter().map(|prediction| prediction.turns).sum();
        Self {
            agent_accuracy: round(100.0 * correct as f64 / count, 2),
            questions: predictions.len(),
            unanswered: predictions.iter().filter(|prediction| prediction.prediction.is_none()).count(),
            cut: predictions.iter().filter(|prediction| prediction.end == CUT).count(),
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
