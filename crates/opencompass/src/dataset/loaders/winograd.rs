//! Loaders of Winograd schemas: two nouns and a pronoun.

use serde_json::Value;

use super::cell::{each, integer, text};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "wsc", upstream: &["WSCDatasetV3"], load: wsc },
    LoaderEntry { name: "cluewsc", upstream: &["CluewscDataset", "CluewscDatasetV2"], load: cluewsc },
    LoaderEntry {
        name: "winogrande",
        upstream: &["WinograndeDataset", "WinograndeDatasetV2"],
        load: winogrande,
    },
];

/// The two spans of a schema, and where their first words are.
struct Spans {
    texts: [String; 2],
    starts: [i64; 2],
}

fn spans(columns: &Columns) -> Result<Spans, String> {
    let text = |place: &str| text(columns, place).map(str::to_owned);
    Ok(Spans {
        texts: [text("/target/span1_text")?, text("/target/span2_text")?],
        starts: [integer(columns, "/target/span1_index")?, integer(columns, "/target/span2_index")?],
    })
}

/// `wsc`: puts `* *` around the noun and `# #` around the pronoun; the columns `span1` and `span2` have them alone.
fn wsc(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    each(rows, |columns| {
        let Spans { texts: [noun, pronoun], starts: [noun_start, pronoun_start] } = spans(columns)?;
        let end = |start: i64, span: &str| start + span.split(' ').count() as i64;
        let (noun_end, pronoun_end) = (end(noun_start, &noun), end(pronoun_start, &pronoun));
        let mut words: Vec<String> = Vec::new();
        for (place, word) in (0_i64..).zip(text(columns, "text")?.split(' ')) {
            if (noun_start..noun_end).contains(&place) {
                if place == noun_start {
                    words.push(format!("* {noun} *"));
                }
            } else if (pronoun_start..pronoun_end).contains(&place) {
                if place == pronoun_start {
                    words.push(format!("# {pronoun} #"));
                }
            } else {
                words.push(word.to_owned());
            }
        }
        columns.insert("text".to_owned(), Value::String(words.join(" ")));
        columns.insert("span1".to_owned(), Value::String(noun));
        columns.insert("span2".to_owned(), Value::String(pronoun));
        Ok(())
    })
}

/// `cluewsc`: the columns `span1` and `span2`, and `new_text`, where the noun replaces one character, the first of the
/// pronoun.
fn cluewsc(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    each(rows, |columns| {
        let Spans { texts: [noun, pronoun], starts: [_, start] } = spans(columns)?;
        let mut letters: Vec<String> = text(columns, "text")?.chars().map(String::from).collect();
        let found = letters.len();
        let place = usize::try_from(start).ok().and_then(|start| letters.get_mut(start));
        let place =
            place.ok_or_else(|| format!("span2_index: found {start}, expected a number below {found}"))?;
        place.clone_from(&noun);
        columns.insert("new_text".to_owned(), Value::String(letters.concat()));
        columns.insert("span1".to_owned(), Value::String(noun));
        columns.insert("span2".to_owned(), Value::String(pronoun));
        Ok(())
    })
}

/// `winogrande`: the sentence with each option in its gap, and what follows the gap.
fn winogrande(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.no_arguments().map_err(|error| error.to_string())?;
    each(rows, |columns| {
        let sentence = text(columns, "sentence")?.to_owned();
        let rest = sentence.split('_').nth(1);
        let rest =
            rest.ok_or_else(|| format!("sentence: found `{sentence}`, expected a `_` in it"))?.to_owned();
        for number in 1..=2 {
            let option = text(columns, &format!("option{number}"))?.to_owned();
            columns.insert(format!("opt{number}"), Value::String(sentence.replace('_', &option)));
            columns.insert(format!("only_option{number}"), Value::String(option));
        }
        columns.insert("prompt".to_owned(), Value::String(sentence));
        columns.insert("cont".to_owned(), Value::String(rest));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(name: &str, row: Value) -> Columns {
        let Value::Object(columns) = row else { panic!("an object") };
        let load = ENTRIES.iter().find(|entry| entry.name == name).expect("an entry").load;
        load(&Named::new(name), vec![columns]).expect("loads").remove(0)
    }

    #[test]
    fn nouns_and_pronouns_are_marked() {
        let target = json!({"span1_text": "the cat", "span1_index": 0, "span2_text": "it", "span2_index": 3});
        let row = one("wsc", json!({"text": "the cat saw it run", "target": target}));
        assert_eq!(row["text"], "* the cat * saw # it # run");
        let target = json!({"span1_text": "小明", "span1_index": 0, "span2_text": "他", "span2_index": 3});
        let row = one("cluewsc", json!({"text": "小明说他来", "target": target}));
        assert_eq!((row["new_text"].as_str(), row["span2"].as_str()), (Some("小明说小明来"), Some("他")));
        let row = one("winogrande", json!({"sentence": "A saw B so _ ran.", "option1": "A", "option2": "B"}));
        assert_eq!((row["opt2"].as_str(), row["cont"].as_str()), (Some("A saw B so B ran."), Some(" ran.")));
    }
}
