//! How the verbs of `warc` report damaged bytes.

use std::io::{self, Write};

use crate::read::Damage;

/// Writes `damaged START END WHY` to stderr: stdout holds records only.
pub(super) fn print_damage(damage: &Damage) -> io::Result<()> {
    writeln!(io::stderr(), "damaged {} {} {}", damage.start, damage.end, damage.why)
}
