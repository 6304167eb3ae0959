//! Prompts against upstream's, byte for byte: 60 dataset configs under 6 meta templates.

use opencompass::prompt::{
    MetaTemplate, PromptConfig, PromptList, Purpose, Template, python_str, render_messages, render_text,
};
use serde_json::{Map, Value, json};

use crate::shared;

/// Upstream's template value as our `[prompt]` table.
fn prompt_table(template: &Value) -> Value {
    let list = |value: &Value| match value {
        Value::Array(items) => Value::Array(items.clone()),
        Value::Null => json!([]),
        text => json!([text]),
    };
    match template {
        Value::String(text) => json!({ "text": text }),
        Value::Object(fields)
            if fields.keys().all(|key| ["begin", "round", "end"].contains(&key.as_str())) =>
        {
            json!({ "begin": list(&template["begin"]), "rounds": template["round"], "end": list(&template["end"]) })
        }
        Value::Object(labels) => {
            let labels = labels.iter().map(|(label, template)| {
                let template = match template {
                    Value::String(_) => template.clone(),
                    rounds => prompt_table(rounds),
                };
                (label.clone(), template)
            });
            json!({ "labels": labels.collect::<Map<_, _>>() })
        }
        other => panic!("template {other}"),
    }
}

fn template(config: &Value) -> Option<Template> {
    let table = config.as_object().map(|config| prompt_table(&config["template"]))?;
    let config: PromptConfig = serde_json::from_value(table).expect("a prompt table");
    Some(config.template().expect("one kind of template"))
}

fn check(row: &Value, metas: &Value) {
    let id = &row["id"];
    let infer = &row["infer_cfg"];
    let (prompt, ice) = (template(&infer["prompt_template"]), template(&infer["ice_template"]));
    let shot = ice.as_ref().or(prompt.as_ref()).expect("a template");
    let question = prompt.as_ref().or(ice.as_ref()).expect("a template");
    let token = |name: &str| infer[name]["ice_token"].as_str().map(str::to_owned);
    let question_token = if prompt.is_some() { token("prompt_template") } else { token("ice_template") };
    let output = row["output_column"].as_str().expect("a column");
    let shots = infer["retriever"]["fix_id_list"].as_array().into_iter().flatten().map(|index| {
        let train = row["train"][index.as_u64().expect("a row") as usize].as_object().expect("a row");
        shot.shot(train, &python_str(&train[output]), token("ice_template").as_deref()).expect("fits")
    });
    let shots = shot.join(shots.collect(), "\n", "\n");
    let mut fields = row["test"].as_object().expect("a row").clone();
    let label = (!row["label"].is_null()).then(|| python_str(&row["label"]));
    let purpose = if row["mode"] == "gen" { Purpose::Generate } else { Purpose::Score };
    if purpose == Purpose::Generate {
        fields.insert(output.to_owned(), json!(""));
    }
    let list = question.question(&fields, label.as_deref(), question_token.as_deref(), &shots).expect("fits");
    let meta: Option<MetaTemplate> =
        serde_json::from_value(metas[row["meta"].as_str().expect("a name")].clone())
            .expect("a meta template");
    let found = match (&meta, &list) {
        (Some(meta), PromptList::Parts(_)) if row["meta"] == "api" => {
            json!(render_messages(&list, meta, purpose).expect("renders"))
        }
        _ => json!(render_text(&list, meta.as_ref(), purpose).expect("renders")),
    };
    assert_eq!(found, row["prompt"], "{id} {}", row["config"]);
}

#[test]
fn prompts_equal_upstreams() {
    let Some(rows) = shared::lines("golden/opencompass/prompt/prompts.jsonl") else { return };
    let path = shared::path("golden/opencompass/prompt/meta_templates.json").expect("beside the prompts");
    let metas = serde_json::from_str(&std::fs::read_to_string(path).expect("reads")).expect("JSON");
    assert_eq!(rows.len(), 60);
    rows.iter().for_each(|row| check(row, &metas));
}
