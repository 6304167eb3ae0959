//! `list_files`, `read_file` and `write_file`: the session's folder, and nothing outside of it.

use std::fs;

use internlm_kit::file;

use super::call::Call;
use super::failure::Failure;
use super::local_tool::{Consent, Definition, Made, Means};
use crate::action::ResultItem;
use crate::action::parameter::{Kind, optional, text};

/// Maximum length of a file name, bytes.
const NAME: usize = 100;
/// Maximum number of bytes of a file that one call returns.
const SHOWN: usize = 64 << 10;
/// Maximum number of files that are listed.
const LISTED: usize = 1000;

pub(super) const LIST: Definition = Definition {
    name: "list_files",
    group: "files",
    description: "Lists the files that tools can read, with their sizes in bytes.",
    parameters: &[],
    means: Means::Own,
    needs: "",
    consent: Consent::NotNeeded,
    run: list,
};

pub(super) const READ: Definition = Definition {
    name: "read_file",
    group: "files",
    description: "Returns the text of a file.",
    parameters: &[
        text("path", "Path of the file."),
        optional("first_line", Kind::Integer, "First line, counted from 1. Default: 1."),
        optional("lines", Kind::Integer, "Maximum number of lines. Default: all."),
    ],
    means: Means::Own,
    needs: "",
    consent: Consent::NotNeeded,
    run: read,
};

pub(super) const WRITE: Definition = Definition {
    name: "write_file",
    group: "files",
    description: "Writes a text to a file in the folder of the tools.",
    parameters: &[
        text("name", "Name of the file, without a folder."),
        text("content", "The text."),
        optional(
            "mode",
            Kind::Choice(&["new", "replace", "append"]),
            "What happens to a file of this name; new is an error then. Default: new.",
        ),
    ],
    means: Means::Own,
    needs: "",
    consent: Consent::NotNeeded,
    run: write,
};

fn list(call: &Call<'_>) -> Made {
    let folder = call.files.folder();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(vec![ResultItem::text("no files yet")]) };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            let (name, metadata) = (entry.file_name().into_string().ok()?, entry.metadata().ok()?);
            let is_shown = metadata.is_file() && !name.starts_with('.');
            is_shown.then(|| format!("{name} {}", metadata.len()))
        })
        .collect();
    names.sort();
    let left = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    if left > 0 {
        names.push(format!("... and {left} more"));
    }
    let text = if names.is_empty() { "no files yet".to_owned() } else { names.join("\n") };
    Ok(vec![ResultItem::text(text)])
}

fn read(call: &Call<'_>) -> Made {
    let path = call.text("path")?;
    let bytes = call.files.read("path", path)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::arguments(format!("path: found other bytes than text in `{path}`, expected UTF-8"))
    })?;
    let first = call.integer("first_line", 1..=u32::MAX)?.unwrap_or(1);
    let lines = call.integer("lines", 1..=u32::MAX)?.unwrap_or(u32::MAX);
    let wanted: String = text.split_inclusive('\n').skip(first as usize - 1).take(lines as usize).collect();
    Ok(vec![ResultItem::text(cut(&wanted, first))])
}

/// At most `SHOWN` bytes; what is missing is said.
fn cut(text: &str, first: u32) -> String {
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    let end = (0..=SHOWN).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    let shown = &text[..end];
    let next = first as usize + shown.matches('\n').count();
    format!("{shown}\n[cut after {end} of {} bytes, in line {next}]", text.len())
}

fn write(call: &Call<'_>) -> Made {
    let (name, content) = (call.text("name")?, call.text("content")?);
    let is_plain = !name.is_empty() && name.len() <= NAME && !name.starts_with('.');
    if !is_plain || name.contains(['/', '\\']) || name.contains(char::is_control) {
        let expected = format!("expected at most {NAME} bytes without a folder and without a point in front");
        return Err(Failure::arguments(format!("name: found `{name}`, {expected}")));
    }
    let folder = call.files.folder();
    let path = folder.join(name);
    let mode = call.choice("mode", &["new", "replace", "append"])?;
    let existing = fs::symlink_metadata(&path).ok();
    if existing.as_ref().is_some_and(|existing| !existing.is_file()) {
        return Err(Failure::arguments(format!(
            "name: found a link or a folder at `{name}`, expected a file"
        )));
    }
    let old = match (existing, mode) {
        (Some(_), "new") => {
            return Err(Failure::arguments(format!(
                "name: found the file `{name}`, expected a new one or another mode"
            )));
        }
        (Some(_), "append") => call.files.read("name", name)?,
        _ => Vec::new(),
    };
    let failed = |error: file::FileError| Failure::tool(error.to_string());
    file::create_dir_all(folder).map_err(failed)?;
    file::write(&path, [old.as_slice(), content.as_bytes()].concat()).map_err(failed)?;
    Ok(vec![ResultItem::file("file", path)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters_and_says_so() {
        assert_eq!(cut("short", 1), "short");
        let long = format!("a\n{}", "ä".repeat(SHOWN));
        let shown = cut(&long, 3);
        assert!(
            shown.ends_with(&format!("[cut after {SHOWN} of {} bytes, in line 4]", long.len())),
            "{}",
            &shown[SHOWN..]
        );
    }
}
