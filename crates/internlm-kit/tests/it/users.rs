//! Programs that give up rights at their start: they run at every level, and nobody becomes another user.

use crate::sandbox::{python, sandboxes};

/// Becomes the present user and group in every way, and then another one.
const SCRIPT: &str = "
import os
user, group = os.getuid(), os.getgid()
os.setgid(group); os.setregid(group, group); os.setresgid(group, group, group)
os.setuid(user); os.setreuid(user, user); os.setresuid(user, user, user)
print('same', (os.getuid(), os.getgid()) == (user, group))
try: os.setuid(user + 1); print('another')
except OSError: print('refused')
";

#[test]
fn a_program_may_become_what_it_is_and_nothing_else() {
    for sandbox in sandboxes(|_| ()) {
        let Some(outcome) = python(&sandbox, SCRIPT) else { return };
        assert_eq!(outcome.stdout, "same True\nrefused\n", "{}: {outcome:?}", sandbox.level());
    }
}
