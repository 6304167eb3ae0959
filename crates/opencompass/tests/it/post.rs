//! Post-processors against upstream's outputs.

use opencompass::dataset::{PostConfig, PostStep};
use opencompass::score::post::Post;
use serde_json::Value;

use crate::shared;

#[test]
fn post_processors_equal_upstreams() {
    for file in [
        "general",
        "first-capital",
        "last-capital",
        "first-capital-multi",
        "multiple-select",
        "first_option_postprocess",
        "first_option_patterns",
        "last_option_postprocess",
        "first_number_postprocess",
        "gsm8k",
        "gsm8k_dataset",
        "match_answer_pattern",
        "think_pred",
        "extract-non-reasoning-content",
        "specific-xml-tag",
    ] {
        let Some(rows) = shared::lines(&format!("golden/opencompass/post/{file}.jsonl")) else { return };
        assert!(rows.len() >= 48, "{file}");
        rows.iter().for_each(check);
    }
}

fn check(row: &Value) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let arguments = &row["args"];
    let step = PostStep {
        name: text(&row["fn"]).expect("a name"),
        options: text(&arguments["options"]),
        cushion: arguments["cushion"].as_bool(),
        pattern: text(&arguments["answer_pattern"]).or(text(&arguments["re_pattern"])),
        tag: text(&arguments["tag"]),
    };
    let post = Post::from_config(&PostConfig::Step(step)).expect("a post-processor of ours");
    let found = post.apply(row["text"].as_str().expect("a text"));
    match &row["out"] {
        Value::String(expected) => assert_eq!(found, *expected, "{}", row["id"]),
        Value::Null => assert_eq!(found, "", "{}", row["id"]),
        Value::Number(expected) => assert_eq!(found.parse::<f64>().ok(), expected.as_f64(), "{}", row["id"]),
        other => panic!("{}: {other}", row["id"]),
    }
}
