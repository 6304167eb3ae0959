//! `loglikelihood`: the label whose continuation is the most likely after its context wins.
//!
//! OpenCompass' form: the context is the prompt without *every* occurrence of the column `cont`, so a continuation that
//! occurs twice changes the context (`HuggingFace.get_loglikelihood`).
//!
//! The evaluation harness' form (`style = "harness"`): the context is the text before the separator or before the last
//! occurrence of `cont`, and spaces at its end belong to the continuation. Next to the sum, the winners by other norms
//! are recorded: `acc_norm` divides by characters, `acc_bytes` by UTF-8 bytes, `acc_mutual_info` takes off the
//! likelihood without the context. Bits per byte = -ll / (bytes x ln 2).

use internlm_model::tokenizer::Tokenizer;
use serde_json::{Map, Value, json};

use super::labels::{LabelPrompt, ids_of, label_prompts, without};
use super::prediction::first_error;
use super::record::closed;
use super::shots::Separator;
use super::{Ask, AskPart, Item, Outcome, Prediction};
use crate::dataset::{Dataset, LikelihoodStyle};
use crate::model::{Answer, Profile, Request, ScoredText};
use crate::prompt::python_str;

/// Column of the continuation, upstream's name.
const CONTINUATION: &str = "cont";

/// Creates one request per label; in the harness' form a second one without the context.
pub(super) fn item(dataset: &Dataset, index: usize, profile: &Profile) -> Result<Item, String> {
    let tokenizer = profile.tokenizer.as_ref().ok_or(
        "infer.mode loglikelihood: found a model without a tokenizer, expected model.weights, which has one",
    )?;
    let style = dataset.config.infer.style.unwrap_or_default();
    let mark = dataset.config.prompt.sep_token.as_deref();
    let separator = match style {
        LikelihoodStyle::Opencompass => Separator::Removed,
        LikelihoodStyle::Harness => Separator::Kept,
    };
    let all = label_prompts(dataset, index, profile, separator)?;
    let row = &dataset.test[index];
    let column = row.columns.get(CONTINUATION).map(python_str);
    let mut item = Item {
        gold: row.gold(&dataset.config.reader),
        shots: mark.map_or_else(|| all.shots.clone(), |mark| all.shots.replace(mark, "")),
        dropped_shots: all.dropped,
        ..Item::default()
    };
    for prompt in all.prompts {
        match style {
            LikelihoodStyle::Opencompass => {
                let continuation = column.as_deref().ok_or_else(no_continuation)?;
                item.asks.push(opencompass(prompt, continuation, (tokenizer, profile)));
            }
            LikelihoodStyle::Harness => {
                let cut = cut(&prompt, mark, column.as_deref())?;
                item.asks.extend(harness(prompt.label, cut, (tokenizer, profile)));
            }
        }
    }
    Ok(item)
}

fn no_continuation() -> String {
    format!("column {CONTINUATION}: found none, expected the continuation that is scored")
}

/// The request of OpenCompass' form.
fn opencompass(prompt: LabelPrompt, continuation: &str, (tokenizer, profile): (&Tokenizer, &Profile)) -> Ask {
    // Python's `replace` of an empty string by an empty one changes nothing.
    let context =
        if continuation.is_empty() { prompt.text.clone() } else { prompt.text.replace(continuation, "") };
    let from = ids_of(tokenizer, &context).len();
    let text = ScoredText::Ids(ids_of(tokenizer, &prompt.text));
    let ask = Ask::new(Request::Score { text, from }, profile);
    Ask { label: Some(prompt.label), bytes: continuation.len(), prompt: Some(prompt.text), ..ask }
}

/// Cuts a prompt into context and continuation.
fn cut(prompt: &LabelPrompt, mark: Option<&str>, column: Option<&str>) -> Result<(String, String), String> {
    let text = &prompt.text;
    let (context, continuation) = match (mark, column) {
        (Some(mark), _) => {
            // The last one: examples may have their own.
            let place = text.rfind(mark).ok_or_else(|| {
                format!("label {}: found no `{mark}`, expected it before the continuation", prompt.label)
            })?;
            (text[..place].replace(mark, ""), text[place + mark.len()..].to_owned())
        }
        (None, Some(continuation)) => {
            let missing = || format!("label {}: found no `{continuation}` in the prompt", prompt.label);
            let place = text.rfind(continuation).ok_or_else(missing)?;
            (text[..place].to_owned(), text[place..].to_owned())
        }
        (None, None) => return Err(no_continuation()),
    };
    let end = context.trim_end().len();
    Ok((context[..end].to_owned(), format!("{}{continuation}", &context[end..])))
}

/// The two requests of the harness' form.
fn harness(
    label: String,
    (context, continuation): (String, String),
    (tokenizer, profile): (&Tokenizer, &Profile),
) -> Vec<Ask> {
    let text = format!("{context}{continuation}");
    let ids = ids_of(tokenizer, &text);
    let from = ids_of(tokenizer, &context).len().min(ids.len().saturating_sub(1));
    let own = Ask::new(Request::Score { text: ScoredText::Ids(ids), from }, profile);
    let bytes = continuation.len();
    let own = Ask { label: Some(label.clone()), bytes, prompt: Some(text), ..own };
    let start = tokenizer.bos().or(tokenizer.eos()).map(|id| id.0);
    let alone: Vec<u32> =
        start.into_iter().chain(tokenizer.encode(&continuation).into_iter().map(|id| id.0)).collect();
    let request = Request::Score { text: ScoredText::Ids(alone), from: 1 };
    let baseline = Ask { part: AskPart::Baseline, bytes, ..Ask::new(request, profile) };
    // The text of the baseline is the continuation itself, whose characters count.
    vec![own, Ask { label: Some(label), prompt: Some(continuation), ..baseline }]
}

/// The likelihoods of one label.
struct LabelLikelihood<'a> {
    label: &'a str,
    ask: &'a Ask,
    log_prob: f64,
    /// Likelihood and text of the continuation without the context, in the harness' form.
    alone: Option<(f64, &'a str)>,
}

/// Chooses the most likely continuation; ties go to the first label.
pub(super) fn conclude(item: &Item, outcomes: &[Outcome]) -> Prediction {
    let labels = likelihoods(item, outcomes);
    let error = first_error(outcomes);
    let mut record = Map::new();
    record.insert("in-context examples".to_owned(), json!(item.shots));
    for label in &labels {
        let prompt = label.ask.shown();
        let mut entry = json!({
            "testing input": without(prompt.as_str().unwrap_or_default(), &item.shots),
            "prompt": prompt,
            "Loglikelihood": label.log_prob,
        });
        if let Some((alone, continuation)) = label.alone {
            let bytes = continuation.len().max(1) as f64;
            entry["continuation"] = json!(continuation);
            entry["unconditional"] = json!(alone);
            entry["bits_per_byte"] = json!(-label.log_prob / (bytes * std::f64::consts::LN_2));
        }
        record.insert(format!("label: {}", label.label), entry);
    }
    let best = winner(&labels, |label| label.log_prob);
    let text = best.filter(|_| error.is_none()).map(str::to_owned);
    if error.is_none() && labels.iter().all(|label| label.alone.is_some()) {
        record.insert("norms".to_owned(), norms(&labels));
    }
    let highest = labels.iter().map(|label| label.log_prob).fold(f64::NEG_INFINITY, f64::max);
    let tied = labels.iter().filter(|label| label.log_prob >= highest).count() > 1;
    record.insert("prediction".to_owned(), json!(text));
    let tied = tied && error.is_none();
    let prediction = Prediction { gold: item.gold.clone(), text, tied, error, ..Prediction::default() };
    closed(item, prediction, record)
}

/// The winner by each norm of the harness.
fn norms(labels: &[LabelLikelihood<'_>]) -> Value {
    let text = |label: &LabelLikelihood<'_>| label.alone.map_or("", |(_, text)| text).to_owned();
    let per = |label: &LabelLikelihood<'_>, units: usize| label.log_prob / units.max(1) as f64;
    json!({
        "acc": winner(labels, |label| label.log_prob),
        "acc_norm": winner(labels, |label| per(label, text(label).chars().count())),
        "acc_bytes": winner(labels, |label| per(label, text(label).len())),
        "acc_mutual_info": winner(labels, |label| label.log_prob - label.alone.map_or(0.0, |(alone, _)| alone)),
    })
}

/// The label with the highest value, the first one of several.
fn winner<'a>(
    labels: &[LabelLikelihood<'a>],
    value: impl Fn(&LabelLikelihood<'a>) -> f64,
) -> Option<&'a str> {
    let mut best: Option<(&'a str, f64)> = None;
    for label in labels {
        let value = value(label);
        if best.is_none_or(|(_, highest)| value > highest) {
            best = Some((label.label, value));
        }
    }
    best.map(|(label, _)| label)
}

fn likelihoods<'a>(item: &'a Item, outcomes: &[Outcome]) -> Vec<LabelLikelihood<'a>> {
    let mut labels: Vec<LabelLikelihood<'a>> = Vec::new();
    for (ask, outcome) in item.asks.iter().zip(outcomes) {
        let Ok(Answer::Scored { log_prob, .. }) = outcome else { continue };
        let label = ask.label.as_deref().unwrap_or_default();
        match ask.part {
            AskPart::Baseline => {
                let alone = Some((*log_prob, ask.prompt.as_deref().unwrap_or_default()));
                if let Some(own) = labels.iter_mut().find(|own| own.label == label) {
                    own.alone = alone;
                }
            }
            _ => labels.push(LabelLikelihood { label, ask, log_prob: *log_prob, alone: None }),
        }
    }
    labels
}

#[cfg(test)]
mod tests;
