//! The built-in tools by name: one list for the agent file, the command line and the servers.

use std::sync::Arc;

use super::{Action, Calculator, Entry, ToolSettings, local, map, office, python, web};
use crate::{Error, Result};

/// Tools that need nothing.
const ENTRIES: &[Entry] = &[Entry {
    name: "Calculator",
    group: "mathematics",
    needs: "",
    build: |_| Ok(vec![Arc::new(Calculator) as Arc<dyn Action>]),
}];

/// Every list of built-in tools.
const LISTS: &[&[Entry]] =
    &[ENTRIES, python::ENTRIES, local::ENTRIES, web::ENTRIES, map::ENTRIES, office::ENTRIES];

/// Returns all built-in tools, grouped by folder of the source.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    LISTS.iter().copied().flatten()
}

/// Returns the names of all built-in tools and toolkits.
#[must_use]
pub fn available() -> Vec<&'static str> {
    entries().map(|entry| entry.name).collect()
}

/// Creates a built-in tool, or all tools of a toolkit, by name.
///
/// ```
/// use lagent::action::{ToolSettings, build};
///
/// let tools = build("Calculator", &ToolSettings::default())?;
/// assert_eq!(tools[0].spec().name, "Calculator");
/// # Ok::<(), lagent::Error>(())
/// ```
///
/// # Errors
/// [`Error::UnknownTool`]; [`Error::Sandbox`] when the requested sandbox level does not work here.
pub fn build(name: &str, settings: &ToolSettings) -> Result<Vec<Arc<dyn Action>>> {
    match entries().find(|entry| entry.name == name) {
        Some(entry) => (entry.build)(settings),
        None => {
            let known = available().into_iter().map(str::to_owned).collect();
            Err(Error::UnknownTool { name: name.to_owned(), known })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_tools_have_the_name_of_their_entry() {
        let names: BTreeSet<&str> = available().into_iter().collect();
        assert_eq!(names.len(), available().len());
        let settings = ToolSettings::default();
        for entry in entries() {
            for tool in (entry.build)(&settings).expect("some sandbox level works") {
                let name = tool.spec().name;
                let toolkit = name.split('.').next().unwrap_or_default();
                assert_eq!(toolkit, entry.name);
            }
        }
    }
}
