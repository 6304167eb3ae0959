//! `shell`: a command in the sandbox. It sees copies of the files that the call names and nothing else of the
//! session, and a person approves it unless the agent file says otherwise.

use std::collections::BTreeSet;
use std::path::Path;

use internlm_kit::sandbox::Task;

use super::call::Call;
use super::failure::Failure;
use super::files::extension;
use super::local_tool::{Consent, Definition, Made, Means};
use super::program::Program;
use crate::action::ResultItem;
use crate::action::parameter::{Kind, optional, text};

pub(super) const SHELL: Definition = Definition {
    name: "shell",
    group: "files",
    description: "Runs a command of the shell in an empty folder without network, and returns what it prints.",
    parameters: &[
        text("command", "The command."),
        optional("files", Kind::Texts, "Paths of files that are copied into the folder. Default: none."),
        optional(
            "outputs",
            Kind::Texts,
            "Names of files that are kept when the command has ended. Default: none.",
        ),
    ],
    means: Means::Programs(&[Program::of("sh", "dash")]),
    needs: "",
    consent: Consent::Needed,
    run: shell,
};

fn shell(call: &Call<'_>) -> Made {
    let mut task = Task::new("sh").args(["-c", call.text("command")?]);
    let mut names = BTreeSet::new();
    for path in call.texts("files")? {
        let name = plain_name("files", path)?;
        if !names.insert(name) {
            return Err(Failure::arguments(format!(
                "files: found the name `{name}` twice, expected different names"
            )));
        }
        task = task.file(name, call.files.read("files", path)?);
    }
    let outputs = call.texts("outputs")?;
    for output in &outputs {
        if plain_name("outputs", output)? != *output {
            return Err(Failure::arguments(format!(
                "outputs: found `{output}`, expected a name without a folder"
            )));
        }
        task = task.collect(*output);
    }
    let outcome = call.run("the command", &task)?;
    let printed = match (outcome.stdout.trim_end(), outcome.stderr.trim_end()) {
        (printed, "") => printed.to_owned(),
        ("", errors) => errors.to_owned(),
        (printed, errors) => format!("{printed}\n{errors}"),
    };
    let mut parts = vec![ResultItem::text(printed)];
    for output in outputs {
        let found = outcome.files.get(output);
        let bytes = found.ok_or_else(|| Failure::tool(format!("the command wrote no file `{output}`")))?;
        let stem = Path::new(output).file_stem().and_then(|stem| stem.to_str()).unwrap_or("output");
        let extension = extension(output).unwrap_or_else(|| "out".to_owned());
        parts.push(ResultItem::file("file", call.save(stem, &extension, bytes)?));
    }
    Ok(parts)
}

/// The last part of a path.
fn plain_name<'p>(parameter: &str, path: &'p str) -> Result<&'p str, Failure> {
    let name = Path::new(path).file_name().and_then(|name| name.to_str());
    name.ok_or_else(|| {
        Failure::arguments(format!("{parameter}: found `{path}`, expected the name of a file"))
    })
}
