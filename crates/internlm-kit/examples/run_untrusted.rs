//! Runs a piece of untrusted shell script and shows what became of it.
//!
//! `cargo run --release -p internlm-kit --features sandbox --example run_untrusted`

#![allow(clippy::print_stdout)]

use internlm_kit::sandbox::{Sandbox, SandboxConfig, Task};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = SandboxConfig::default().with_wall_seconds(1.0);
    let sandbox = Sandbox::new(config)?;
    println!("level {}", sandbox.level());
    for row in sandbox.protections() {
        println!("  {:18} {:?}: {}", row.what, row.strength, row.how);
    }
    for script in ["echo hello", "cat /etc/shadow", "sleep 60", "yes"] {
        let outcome = sandbox.run(&Task::new("sh").args(["-c", script]))?;
        println!("{script:16} -> {} after {:.3} s", outcome.status, outcome.wall_seconds);
    }
    Ok(())
}
