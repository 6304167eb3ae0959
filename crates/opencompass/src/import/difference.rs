//! Differences between our form of an `infer_cfg` and upstream's.

use serde_json::Value;

/// Fields that say the same in another way, or nothing that changes requests.
const NEUTRAL: &[&str] = &[
    "begin",
    "end",
    "ice_token",
    "ice_eos_token",
    "ice_separator",
    "ice_num",
    "seed",
    "fix_id_list",
    "stopping_criteria",
    "save_every",
    "batch_size",
    "labels",
    "infer_mode",
    "temperature",
    "do_sample",
    "generation_kwargs",
];

/// One difference, with its JSON pointer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Difference {
    /// Upstream says this in a way that means the same.
    Same(String, Value),
    /// Upstream says something else.
    Other(String, Value),
    /// Only our form says something here.
    Extra(String),
}

/// Lists the differences. A whole template that is not used without examples means nothing.
pub(super) fn differences(ours: &Value, theirs: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(ours, theirs, "", &mut found);
    found
}

fn compare(ours: &Value, theirs: &Value, pointer: &str, found: &mut Vec<Difference>) {
    let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) else {
        if ours != theirs {
            found.push(judged(Some(ours), theirs, pointer));
        }
        return;
    };
    for key in ours.keys().filter(|key| !theirs.contains_key(*key)) {
        found.push(Difference::Extra(format!("{pointer}/{key}")));
    }
    for (key, theirs) in theirs {
        let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        match ours.get(key) {
            Some(ours) => compare(ours, theirs, &pointer, found),
            None => found.push(judged(None, theirs, &pointer)),
        }
    }
}

fn judged(ours: Option<&Value>, theirs: &Value, pointer: &str) -> Difference {
    let key = pointer.rsplit('/').next().unwrap_or_default();
    let is_same = match (key, ours) {
        ("type", Some(ours)) => last_part(ours) == last_part(theirs),
        ("begin" | "end", Some(ours)) => in_list(ours) == in_list(theirs),
        ("template", Some(_)) => false,
        // The retriever does not use it: a used one would be in our form.
        ("ice_template", None) => true,
        _ => NEUTRAL.contains(&key),
    };
    if is_same {
        Difference::Same(pointer.to_owned(), theirs.clone())
    } else {
        Difference::Other(pointer.to_owned(), theirs.clone())
    }
}

/// The last part of a dotted name.
fn last_part(name: &Value) -> Option<&str> {
    name.as_str().and_then(|name| name.rsplit('.').next())
}

/// The value as a list, which upstream leaves out around a single part.
fn in_list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_means_the_same_is_taken_over() {
        let ours = json!({"retriever": {"type": "a.Zero"}, "inferencer": {"type": "a.Gen", "more": 1}});
        let theirs =
            json!({"retriever": {"type": "a.b.Zero"}, "inferencer": {"type": "a.Other", "batch_size": 4}});
        let expected = [
            Difference::Same("/retriever/type".to_owned(), json!("a.b.Zero")),
            Difference::Extra("/inferencer/more".to_owned()),
            Difference::Other("/inferencer/type".to_owned(), json!("a.Other")),
            Difference::Same("/inferencer/batch_size".to_owned(), json!(4)),
        ];
        assert_eq!(differences(&ours, &theirs), expected);
    }
}
