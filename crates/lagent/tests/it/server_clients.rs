//! The Python clients of lagent and of OpenAI against the agent server. They run when `LAGENT_PYTHON` names a Python
//! that has their packages, see `tests/clients`.

use std::path::Path;
use std::process::Command;

use crate::serve::stage::{Counter, Player, Stage, config};

/// Runs a script against a server; says so when it cannot be run here.
fn run_script(name: &str, key: Option<&str>) {
    let Some(python) = std::env::var_os("LAGENT_PYTHON") else {
        println!("skipped: {name} needs LAGENT_PYTHON, a Python with the packages that the script names");
        return;
    };
    let mut config = config();
    config.api_keys = key.map(str::to_owned).into_iter().collect();
    let stage = Stage::with(&Player::usual(), &Counter::default(), config);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name);
    let ran = Command::new(python).arg(script).arg(&stage.url).args(key).output().expect("Python starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{stdout}{stderr}");
    println!("{stdout}");
}

#[test]
fn lagents_own_client_works_unchanged() {
    run_script("lagent_http.py", None);
}

#[test]
fn the_client_of_openai_works_unchanged() {
    run_script("openai_client.py", Some("secret"));
}
