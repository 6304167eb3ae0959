//! [`Blocks`]: the open blocks of a template, and the loop controls that cannot leave them.

use super::operators::Token;

/// Blocks that minijinja does not close when a loop control jumps out of them: it panics, or loses text. Jinja2 refuses
/// it too but for `with` and `autoescape`.
const HELD: [&str; 5] = ["autoescape", "filter", "generation", "set", "with"];

/// Names of the open blocks that matter to loop controls, the innermost last.
#[derive(Debug, Default)]
pub(super) struct Blocks<'a>(Vec<&'a str>);

impl<'a> Blocks<'a> {
    /// Follows one statement.
    ///
    /// # Errors
    /// A `break` or `continue` inside of a block that it cannot leave.
    pub(super) fn follow(&mut self, statement: &[Token<'a>]) -> Result<(), String> {
        let name = statement.first().map_or("", |token| token.text);
        match name {
            "break" | "continue" => {
                let inside = self.0.iter().rev().take_while(|block| **block != "for");
                if let Some(block) = inside.copied().find(|block| HELD.contains(block)) {
                    return Err(format!("found `{name}` inside of `{block}`, expected it outside"));
                }
            }
            // `set x` opens a block, `set x = 1` does not.
            "set" if statement.iter().any(|token| token.text == "=") => {}
            _ if name == "for" || HELD.contains(&name) => self.0.push(name),
            _ => {
                if let (Some(ended), Some(last)) = (name.strip_prefix("end"), self.0.last())
                    && ended == *last
                {
                    self.0.pop();
                }
            }
        }
        Ok(())
    }
}
