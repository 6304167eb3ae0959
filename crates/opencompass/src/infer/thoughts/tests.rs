//! The search with answers by rules.

use super::*;

fn settings(evaluated: usize, selected: usize) -> Settings {
    Settings { generate: Generate::Propose, select: Select::Greedy, generated: 1, evaluated, selected }
}

/// Answers by the kind of prompt: three proposals, or a judgement by the numbers that are left.
fn answer(prompt: &str) -> String {
    if prompt.ends_with("Possible next steps:\n") {
        return "a (left: 1)\nb (left: 2)\na (left: 1)".to_owned();
    }
    let last = prompt.trim_end().rsplit('\n').next().unwrap_or_default();
    if last == "2" { "sure".to_owned() } else { "well\nlikely".to_owned() }
}

/// Runs a search to its end and returns the thoughts with the prompts of each round.
fn run(settings: Settings) -> (Vec<String>, Vec<Vec<(String, u64)>>) {
    let mut answers: Vec<String> = Vec::new();
    let mut rounds = Vec::new();
    loop {
        let known: Vec<&str> = answers.iter().map(String::as_str).collect();
        let mut search = Search { input: "1 2", settings, answers: &known, used: 0, rng: Mt19937::new(1) };
        match search.solve() {
            Ok(thoughts) => return (thoughts, rounds),
            Err(Halt::Fails(message)) => panic!("{message}"),
            Err(Halt::Asks(prompts)) => {
                answers.extend(prompts.iter().map(|(prompt, _)| answer(prompt)));
                rounds.push(prompts);
            }
        }
        assert!(rounds.len() < 20, "the search has to end");
    }
}

#[test]
fn the_best_thoughts_are_kept_and_repeated_ones_are_asked_once() {
    let (thoughts, rounds) = run(settings(3, 2));
    // Four steps, each of one round of proposals and one of values.
    assert_eq!(rounds.len(), 8);
    assert_eq!(rounds[0].len(), 1);
    // Two different thoughts, three judgements each, told apart by their number.
    let numbers: Vec<u64> = rounds[1].iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers, [0, 1, 2, 0, 1, 2]);
    assert_eq!(rounds[2].len(), 2);
    assert_eq!(thoughts.len(), 2);
    assert!(thoughts[0].starts_with("b (left: 2)\n"), "{thoughts:?}");
}

#[test]
fn settings_that_have_no_prompts_are_refused() {
    let mut config = TotConfig::default();
    let usual = Settings::new(Some(&config)).expect("upstream's defaults");
    assert_eq!((usual.generate, usual.evaluated, usual.selected), (Generate::Sample, 1, 1));
    assert_eq!(Settings::new(None).expect("game24").selected, 5);
    config.method_evaluate = "vote".to_owned();
    let error = Settings::new(Some(&config)).expect_err("no prompt for votes");
    assert!(error.starts_with("infer.tot.method_evaluate: found vote"), "{error}");
}
