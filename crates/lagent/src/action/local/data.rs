//! Queries of data: `sqlite_query`, `csv_query` and `jq`.

use internlm_kit::sandbox::Task;

use super::call::{Call, Input};
use super::failure::Failure;
use super::local_tool::{Consent, Definition, Made, Means};
use super::program::Program;
use crate::action::ResultItem;
use crate::action::parameter::{Kind, optional, text};

/// The programs of the two SQL tools.
const SQLITE: &[Program] = &[Program::named("sqlite3")];

pub(super) const DATABASE: Definition = Definition {
    name: "sqlite_query",
    group: "data",
    description: "Runs SQL on a SQLite database and returns the rows as JSON. The database itself never changes.",
    parameters: &[
        text("path", "Path of the database."),
        text("sql", "The SQL, for instance SELECT name FROM sqlite_schema;"),
        optional(
            "mode",
            Kind::Choice(&["read", "write"]),
            "With write, changes are made in a copy, which is returned. Default: read.",
        ),
    ],
    means: Means::Programs(SQLITE),
    needs: "sqlite3",
    consent: Consent::NotNeeded,
    run: database,
};

pub(super) const TABLE: Definition = Definition {
    name: "csv_query",
    group: "data",
    description: "Runs SQL on a CSV file with a header, which is the table named data, and returns the rows as JSON. Values that look like numbers are numbers.",
    parameters: &[
        text("path", "Path of the file."),
        text("sql", "The SQL, for instance SELECT count(*) FROM data;"),
    ],
    means: Means::Programs(SQLITE),
    needs: "sqlite3",
    consent: Consent::NotNeeded,
    run: table,
};

pub(super) const JQ: Definition = Definition {
    name: "jq",
    group: "data",
    description: "Filters and changes JSON with a program in the language of jq, for instance .items | length.",
    parameters: &[
        text("filter", "The program."),
        optional("json", Kind::Text, "The input itself. Either this or path."),
        optional("path", Kind::Text, "Path of the input."),
    ],
    means: Means::Programs(&[Program::named("jq")]),
    needs: "jq",
    consent: Consent::NotNeeded,
    run: jq,
};

fn database(call: &Call<'_>) -> Made {
    let input = call.files.read("path", call.text("path")?)?;
    let task = Task::new("sqlite3").file("data.db", input).stdin(call.text("sql")?);
    // Safe: without programs, extensions and files of its own commands.
    let common = ["-safe", "-bail", "-json", "data.db"];
    if call.choice("mode", &["read", "write"])? == "read" {
        return rows(&call.run("sqlite3", &task.args(["-readonly"]).args(common))?.stdout);
    }
    let outcome = call.run("sqlite3", &task.args(common).collect("data.db"))?;
    let mut parts = rows(&outcome.stdout)?;
    let changed = outcome.files.get("data.db").ok_or_else(|| Failure::tool("sqlite3 left no database"))?;
    parts.push(ResultItem::file("file", call.save("database", "db", changed)?));
    Ok(parts)
}

fn table(call: &Call<'_>) -> Made {
    let input = call.files.read("path", call.text("path")?)?;
    let columns = columns(&input)?;
    let script = format!(
        "CREATE TABLE data({columns});\n.import --csv --skip 1 data.csv data\n{}\n",
        call.text("sql")?
    );
    let task =
        Task::new("sqlite3").args(["-bail", "-json", ":memory:"]).file("data.csv", input).stdin(script);
    rows(&call.run("sqlite3", &task)?.stdout)
}

fn jq(call: &Call<'_>) -> Made {
    let input = match (call.optional_text("json")?, call.optional_text("path")?) {
        (Some(text), None) => Input { name: "input.json".to_owned(), bytes: text.into() },
        (None, Some(_)) => call.input("path")?,
        _ => return Err(Failure::arguments("json, path: expected exactly one of the two")),
    };
    let task = Task::new("jq")
        .args(["-f", "filter.jq", input.name.as_str()])
        .file("filter.jq", call.text("filter")?)
        .file(input.name.as_str(), input.bytes);
    Ok(vec![ResultItem::text(call.run("jq", &task)?.stdout.trim_end())])
}

/// The printed rows; sqlite3 prints nothing for an empty list.
fn rows(printed: &str) -> Made {
    let printed = printed.trim();
    Ok(vec![ResultItem::text(if printed.is_empty() { "[]" } else { printed })])
}

/// The columns of a table as SQL. Their values become numbers where that loses nothing but zeros in front.
fn columns(csv: &[u8]) -> Result<String, Failure> {
    let text = String::from_utf8_lossy(csv);
    let header = fields(text.trim_start_matches('\u{feff}'));
    if header.iter().all(|name| name.trim().is_empty()) {
        return Err(Failure::arguments("path: found no header, expected names of columns in the first line"));
    }
    let quoted = header.iter().enumerate().map(|(index, name)| {
        let name =
            if name.trim().is_empty() { format!("column{}", index + 1) } else { name.trim().to_owned() };
        format!("\"{}\" NUMERIC", name.replace('"', "\"\""))
    });
    Ok(quoted.collect::<Vec<_>>().join(", "))
}

/// The fields of the first record (RFC 4180).
fn fields(csv: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = csv.chars().peekable();
    let mut is_quoted = false;
    while let Some(character) = characters.next() {
        match (character, is_quoted) {
            ('"', true) if characters.next_if_eq(&'"').is_some() => push(&mut fields, '"'),
            ('"', _) => is_quoted = !is_quoted,
            (',', false) => fields.push(String::new()),
            ('\r' | '\n', false) => break,
            (other, _) => push(&mut fields, other),
        }
    }
    fields
}

fn push(fields: &mut [String], character: char) {
    if let Some(field) = fields.last_mut() {
        field.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_becomes_columns() {
        let found = columns(b"\xef\xbb\xbfid,\"the \"\"name\"\", short\",\r\n1,x,2\r\n");
        assert_eq!(found.as_deref(), Ok(r#""id" NUMERIC, "the ""name"", short" NUMERIC, "column3" NUMERIC"#));
        assert!(columns(b"\n1,2").is_err());
    }
}
