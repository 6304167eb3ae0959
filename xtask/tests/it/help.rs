//! The help of every verb, word by word.

use crate::xtask;

#[test]
fn help_of_every_verb() {
    let top = xtask(".").run(["--help"]).stdout;
    let mut all = top.clone();
    let verbs = top.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    for line in verbs.take_while(|line| line.starts_with("  ")) {
        let Some(verb) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) else { continue };
        let verb = verb.split(' ').next().unwrap_or_default();
        if verb != "help" {
            all += &format!("\n# cargo xtask {verb} --help\n\n{}", xtask(".").run([verb, "--help"]).stdout);
        }
    }
    all += &format!(
        "\n# cargo xtask docs results --help\n\n{}",
        xtask(".").run(["docs", "results", "--help"]).stdout
    );
    insta::assert_snapshot!(all);
}
