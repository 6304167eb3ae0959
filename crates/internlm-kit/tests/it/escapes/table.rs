//! The table of what each level contained, as the test prints it.

use std::collections::BTreeMap;
use std::fmt;

use internlm_kit::sandbox::Level;

/// How many attempts of a kind were contained at a level, of how many.
#[derive(Debug, Default)]
pub(super) struct Table {
    counts: BTreeMap<(&'static str, Level), (usize, usize)>,
    escaped: Vec<String>,
}

impl Table {
    /// Adds the result of one attempt, which is empty when it was contained.
    pub(super) fn add(&mut self, level: Level, kind: &'static str, name: &str, result: &str) {
        let (contained, tried) = self.counts.entry((kind, level)).or_default();
        *tried += 1;
        if result.is_empty() {
            *contained += 1;
        } else {
            self.escaped.push(format!("{level}: {kind}: {name}: {result}"));
        }
    }

    pub(super) fn escaped(&self) -> Vec<String> {
        self.escaped.clone()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let levels = [Level::Process, Level::Landlock, Level::Namespaces, Level::Bwrap];
        write!(formatter, "{:22}", "contained of tried")?;
        for level in levels {
            write!(formatter, "{:>12}", level.name())?;
        }
        let mut kinds: Vec<&str> = self.counts.keys().map(|(kind, _)| *kind).collect();
        kinds.dedup();
        for kind in kinds {
            write!(formatter, "\n{kind:22}")?;
            for level in levels {
                let cell = match self.counts.get(&(kind, level)) {
                    Some((contained, tried)) => format!("{contained}/{tried}"),
                    None => "-".to_owned(),
                };
                write!(formatter, "{cell:>12}")?;
            }
        }
        Ok(())
    }
}
