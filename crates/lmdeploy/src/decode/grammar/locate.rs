//! Where in a schema the part is that the library refuses: it only says what is wrong.

use serde_json::Value;

use super::GrammarError;
use super::schema::{children, escaped};

/// Maximum number of parts that are tried; beyond it the place is that of a part around the error.
const MAX_TRIALS: usize = 200;
/// Keywords of the root that references lead to.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

/// The innermost part of a lowered schema that does not compile by itself, with the message of `compile` about it.
pub(super) fn innermost(
    root: &Value,
    message: String,
    compile: impl Fn(&Value) -> Result<(), String>,
) -> GrammarError {
    let mut error = GrammarError::new("", message);
    let (mut node, mut trials) = (root, 0);
    loop {
        let wrong = children(node).into_iter().find_map(|(path, child)| {
            trials += 1;
            let alone = with_definitions(child, root);
            let message = compile(&alone).err().filter(|_| trials <= MAX_TRIALS)?;
            Some((path, child, message))
        });
        let Some((path, child, message)) = wrong else { return error };
        let pointer = path.iter().fold(error.pointer, |pointer, name| format!("{pointer}/{}", escaped(name)));
        (node, error) = (child, GrammarError { pointer, message });
        if trials > MAX_TRIALS {
            return error;
        }
    }
}

/// A part with the definitions and settings of the whole, so that it can be compiled alone.
fn with_definitions(part: &Value, root: &Value) -> Value {
    let mut alone = part.clone();
    if let (Value::Object(alone), Value::Object(root)) = (&mut alone, root) {
        for key in DEFINITIONS {
            if let Some(definitions) = root.get(key) {
                alone.entry(key).or_insert_with(|| definitions.clone());
            }
        }
    }
    alone
}
