//! The table of README from the `summary.json` of a whole run.

use serde_json::{Map, Value};

use crate::numbers::display;

/// One row: stage, measure, and how the result is written from the numbers of the summary.
type Row = (&'static str, &'static str, &'static str);

/// `{stage.metric}` is replaced by the number as the pipeline prints it; `:N` rounds it to N decimals, `:M` shows
/// millions with two decimals, `:P` a share in percent with one decimal.
const ROWS: &[Row] = &[
    (
        "data",
        "pages read, documents kept",
        "{data.pages} → {data.documents_kept} ({data.retained_percent:1} %)",
    ),
    ("data", "clean text", "{data.clean_megabytes:2} MB, {data.train_tokens} training tokens"),
    (
        "pre-train",
        "held-out text, bits per byte (lower is better)",
        "**{pretrain.valid_bits_per_byte:2}**; unigram model {data.unigram_bits_per_byte:2}, \
         `gzip -9` {data.gzip_bits_per_byte:2}",
    ),
    ("pre-train", "speed", "{pretrain.tokens_per_second} tokens/s with {pretrain.parameters:M} M parameters"),
    ("fine-tune", "speed", "{finetune.tokens:M} M tokens at {finetune.tokens_per_second} tokens/s"),
    (
        "align",
        "unseen questions with numbers of three digits, exactly right before → after rewards",
        "{align.answer_exact_before:P} → **{align.answer_exact:P}**",
    ),
    (
        "deploy",
        "{deploy.concurrency} concurrent requests",
        "{deploy.tokens_per_second} tokens/s, first token after {deploy.ttft_ms_p50:0} ms (median)",
    ),
    ("evaluate", "held-out text, bits per byte, after fine-tuning", "{evaluate.heldout_bits_per_byte:2}"),
    (
        "evaluate",
        "tool calls that are well-formed / exactly right",
        "{evaluate.format_accuracy:0} % / {evaluate.call_accuracy:0} %",
    ),
    ("evaluate", "arithmetic without tools", "{evaluate.arithmetic_without_tools:0} %"),
    (
        "agent",
        "the same {agent.questions} unseen questions with the calculator",
        "**{agent.agent_accuracy:0} %**",
    ),
];

/// The table in Markdown.
///
/// # Errors
/// The names of the metrics that the summary lacks, all at once.
pub(super) fn table(stages: &Map<String, Value>) -> Result<String, Vec<String>> {
    let mut missing = Vec::new();
    let mut table = "| stage | measure | result |\n|---|---|---|\n".to_owned();
    for (stage, measure, result) in ROWS {
        let measure = fill(measure, stages, &mut missing);
        let result = fill(result, stages, &mut missing);
        table += &format!("| {stage} | {measure} | {result} |\n");
    }
    if let Some(time) = whole_time(stages) {
        table += &format!("| all | time after the first build | {time} |\n");
    }
    if missing.is_empty() { Ok(table) } else { Err(missing) }
}

/// The minutes of all stages; none when one of them was not timed.
fn whole_time(stages: &Map<String, Value>) -> Option<String> {
    let seconds: Option<f64> = stages.values().map(|metrics| metrics.get("stage_seconds")?.as_f64()).sum();
    Some(format!("{:.1} minutes", seconds? / 60.0))
}

fn fill(pattern: &str, stages: &Map<String, Value>, missing: &mut Vec<String>) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (slot, behind) = after.split_once('}').expect("the patterns of this file close their braces");
        text += before;
        let (key, form) = slot.split_once(':').unwrap_or((slot, ""));
        match number(stages, key) {
            Some(value) => text += &shown(value, form),
            None => missing.push(key.to_owned()),
        }
        rest = behind;
    }
    text + rest
}

fn number<'a>(stages: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    let (stage, metric) = key.split_once('.')?;
    stages.get(stage)?.get(metric).filter(|value| value.is_number())
}

fn shown(value: &Value, form: &str) -> String {
    let number = value.as_f64().unwrap_or(f64::NAN);
    match form {
        "" => display(value),
        "M" => format!("{:.2}", number / 1e6),
        "P" => format!("{:.1} %", number * 100.0),
        decimals => {
            let decimals: usize =
                decimals.parse().expect("the patterns of this file name a number of decimals");
            format!("{number:.decimals$}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stages(value: Value) -> Map<String, Value> {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn patterns_are_filled_with_the_numbers_of_the_summary() {
        let stages = stages(
            json!({"data": {"pages": 8448, "share": 19.34, "tokens": 1_960_000, "right": 0.935, "name": "x"}}),
        );
        let mut missing = Vec::new();
        let text = fill(
            "{data.pages} / {data.share:1} % / {data.tokens:M} M / {data.right:P}",
            &stages,
            &mut missing,
        );
        assert_eq!((text.as_str(), missing.len()), ("8,448 / 19.3 % / 1.96 M / 93.5 %", 0));
        fill("{data.name} {data.absent} {deploy.pages}", &stages, &mut missing);
        assert_eq!(missing, ["data.name", "data.absent", "deploy.pages"]);
    }

    #[test]
    fn time_is_shown_only_when_every_stage_was_timed() {
        let timed = json!({"data": {"stage_seconds": 30}, "agent": {"stage_seconds": 60}});
        assert_eq!(whole_time(&stages(timed)).as_deref(), Some("1.5 minutes"));
        let other = json!({"data": {"stage_seconds": 30}, "agent": {"seconds": 60}});
        assert_eq!(whole_time(&stages(other)), None);
    }

    #[test]
    fn a_summary_without_numbers_names_all_that_is_missing() {
        let missing = table(&Map::new()).expect_err("nothing is there");
        assert!(
            missing.len() > ROWS.len() && missing.contains(&"agent.agent_accuracy".to_owned()),
            "{missing:?}"
        );
    }
}
