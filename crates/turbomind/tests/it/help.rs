//! The help of every verb, as a snapshot: a change of an option's name, default or words is seen in review.

use turbomind::cli;

/// What `turbomind WORDS --help` prints.
fn help(words: &[&str]) -> String {
    let line = ["turbomind"].iter().chain(words).chain(&["--help"]);
    let error = cli::run_from(line, &mut Vec::new()).expect_err("help ends the run");
    error.to_string()
}

#[test]
fn help_of_every_verb() {
    for verb in ["", "inspect", "generate", "perplexity", "bench"] {
        let words: Vec<&str> = verb.split_whitespace().collect();
        let name = if verb.is_empty() { "turbomind" } else { verb };
        insta::assert_snapshot!(format!("help_{name}"), help(&words));
    }
}

#[test]
fn every_option_says_what_it_does_and_old_names_are_hidden() {
    for verb in ["inspect", "generate", "perplexity", "bench"] {
        let text = help(&[verb]);
        assert!(text.contains("<MODEL>") && text.contains("Examples:"), "{verb}: {text}");
        for old in ["--model ", "--n ", "--greedy", "--gen ", "--prompt <N>"] {
            assert!(!text.contains(old), "{verb} shows {old}");
        }
    }
}
