//! Loaders that take, group and set columns of a row.

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use super::cell::{arguments, each, list, value};
use super::entry::LoaderEntry;
use crate::dataset::Named;
use crate::dataset::columns::Columns;

/// Entries of the registry.
pub(super) const ENTRIES: &[LoaderEntry] = &[
    LoaderEntry { name: "take", upstream: &[], load: take },
    LoaderEntry { name: "set", upstream: &[], load: set },
    LoaderEntry { name: "group", upstream: &["LongBenchlshtDataset", "LongBenchtrecDataset"], load: group },
    LoaderEntry { name: "append", upstream: &["LVEvalhotpotwikiqaDataset"], load: append },
    LoaderEntry { name: "members", upstream: &["TydiQADataset"], load: members },
];

/// Columns with what each gets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Columnwise<T> {
    columns: IndexMap<String, T>,
}

/// `take`: new columns from columns or JSON pointers.
fn take(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    let Columnwise::<String> { columns: wanted } = arguments(named)?;
    each(rows, |columns| {
        for (name, place) in &wanted {
            let value = value(columns, place)?.clone();
            columns.insert(name.clone(), value);
        }
        Ok(())
    })
}

/// `set`: new columns with a constant value.
fn set(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    let Columnwise::<Value> { columns: wanted } = arguments(named)?;
    each(rows, |columns| {
        columns.extend(wanted.iter().map(|(name, value)| (name.clone(), value.clone())));
        Ok(())
    })
}

/// `group`: several columns become the members of one object.
fn group(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        columns: Vec<String>,
        into: String,
    }
    let Arguments { columns: names, into } = arguments(named)?;
    each(rows, |columns| {
        let member = |name: &String| Ok::<_, String>((name.clone(), value(columns, name)?.clone()));
        let members: Columns = names.iter().map(member).collect::<Result<_, _>>()?;
        columns.insert(into.clone(), Value::Object(members));
        Ok(())
    })
}

/// `append`: the value of a column becomes the last element of a list.
fn append(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        list: String,
        column: String,
    }
    let Arguments { list: place, column } = arguments(named)?;
    each(rows, |columns| {
        let mut elements = list(columns, &place)?.to_vec();
        elements.push(value(columns, &column)?.clone());
        columns.insert(place.clone(), Value::Array(elements));
        Ok(())
    })
}

/// `members`: one member of every object of a list, each value once.
fn members(named: &Named, rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Arguments {
        list: String,
        member: String,
        into: String,
    }
    let Arguments { list: place, member, into } = arguments(named)?;
    each(rows, |columns| {
        let mut found: Vec<Value> = Vec::new();
        for object in list(columns, &place)? {
            let value = object.get(&member);
            let value = value.ok_or_else(|| format!("{place}: found {object}, expected `{member}` in it"))?;
            if !found.contains(value) {
                found.push(value.clone());
            }
        }
        columns.insert(into.clone(), Value::Array(found));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(named: &Named, row: Value) -> Columns {
        let Value::Object(columns) = row else { panic!("an object") };
        let load = ENTRIES.iter().find(|entry| entry.name == named.name()).expect("an entry").load;
        load(named, vec![columns]).expect("loads").remove(0)
    }

    #[test]
    fn columns_are_taken_and_grouped() {
        let named = Named::new("take").with("columns", json!({"b": "/a/0/x", "c": "a"}));
        let row = one(&named, json!({"a": [{"x": 1}]}));
        assert_eq!((&row["b"], &row["c"]), (&json!(1), &json!([{"x": 1}])));
        let named = Named::new("group").with("columns", json!(["a", "b"])).with("into", "c");
        assert_eq!(one(&named, json!({"a": 1, "b": 2}))["c"], json!({"a": 1, "b": 2}));
        let named = Named::new("append").with("list", "a").with("column", "b");
        assert_eq!(one(&named, json!({"a": [1], "b": 2}))["a"], json!([1, 2]));
        let named = Named::new("members").with("list", "a").with("member", "text").with("into", "a");
        let row = one(&named, json!({"a": [{"text": "x"}, {"text": "x"}, {"text": "y"}]}));
        assert_eq!(row["a"], json!(["x", "y"]));
    }
}
