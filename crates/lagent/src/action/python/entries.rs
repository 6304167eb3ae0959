//! The list of the tools that run Python.

use std::sync::Arc;

use super::{IPythonInteractive, IPythonInterpreter, PythonInterpreter};
use crate::action::{Action, Entry};

/// The tools of this folder.
pub(in crate::action) const ENTRIES: &[Entry] = &[
    Entry {
        name: "PythonInterpreter",
        group: "code",
        needs: "python3",
        build: |settings| Ok(vec![Arc::new(PythonInterpreter::with_settings(settings)?) as Arc<dyn Action>]),
    },
    Entry {
        name: "IPythonInterpreter",
        group: "code",
        needs: "python3; for images and magics python3-ipykernel",
        build: |settings| Ok(vec![Arc::new(IPythonInterpreter::new(settings)?) as Arc<dyn Action>]),
    },
    Entry {
        name: "IPythonInteractive",
        group: "code",
        needs: "python3",
        build: |settings| Ok(vec![Arc::new(IPythonInteractive::new(settings)?) as Arc<dyn Action>]),
    },
];
