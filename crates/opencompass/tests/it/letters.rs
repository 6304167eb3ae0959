//! Circular evaluation of a model with a known preference for the letter A: the run reports exactly this preference.

use std::fs;

use internlm_kit::rng::CounterRng;
use internlm_kit::testing::{Request, Response, TestServer};
use serde_json::{Value, json};

use crate::runs::{Bench, told};

const QUESTIONS: u64 = 300;
const LETTERS: [&str; 4] = ["A", "B", "C", "D"];

/// Multiple choice that `quiz@circular` turns.
const QUIZ: &str = r#"
name = "quiz"
source = { files = ["quiz.jsonl"] }
reader = { input = ["question", "A", "B", "C", "D"], output = "answer" }
prompt = { rounds = [{ role = "HUMAN", prompt = "{question}\nA. {A}\nB. {B}\nC. {C}\nD. {D}\n" }] }
infer = { mode = "gen" }
score = { evaluator = "acc", post = [{ name = "first_option_postprocess", options = "ABCD" }] }
"#;

/// The same questions in the older form, whose references are `question--letter--ABCD`.
const OLDER: &str = r#"
name = "older"
reader = { input = ["question"], output = "answer" }
prompt = { rounds = [{ role = "HUMAN", prompt = "{question}" }] }
infer = { mode = "gen" }
score = { evaluator = "circular_icl", post = [{ name = "first_option_postprocess", options = "ABCD" }] }

[source]
files = ["quiz.jsonl"]
loader = [{ name = "circular_list", question = "question", options = "options", answer = "answer" }]
"#;

/// The place of the letter that the model answers if the right one is at `right`: it knows everything, but a share `bias`
/// of its answers is A without a look at the question.
fn choice(bias: f64, question: u64, right: usize) -> usize {
    let is_blind = CounterRng::new(5, "letters").split(question).f64(right as u64) < bias;
    if is_blind { 0 } else { right }
}

fn serve(bias: f64) -> TestServer {
    TestServer::start(move |request: &Request| {
        if request.path == "/v1/models" {
            return Response::models(512);
        }
        let text = request.body["messages"][0]["content"].as_str().expect("a text");
        let number = text.lines().find_map(|line| line.strip_prefix("Question ")?.parse().ok());
        let right = LETTERS.iter().position(|letter| text.contains(&format!("{letter}. right\n")));
        let chosen = choice(bias, number.expect("a number"), right.expect("a right option"));
        Response::chat(&format!("The answer is {}.", LETTERS[chosen]), Value::Null)
    })
}

fn write_questions(bench: &Bench) {
    let row = |number: u64| {
        let right = (number % 4) as usize;
        let option = |place: usize| match place == right {
            true => "right".to_owned(),
            false => format!("wrong {place}"),
        };
        let options = [0, 1, 2, 3].map(option);
        json!({
            "question": format!("Question {number}"), "answer": LETTERS[right], "options": options,
            "A": options[0], "B": options[1], "C": options[2], "D": options[3],
        })
    };
    bench.write("quiz.jsonl", &(0..QUESTIONS).map(|number| format!("{}\n", row(number))).collect::<String>());
    bench.write("sets/quiz.toml", QUIZ);
    bench.write("sets/older.toml", OLDER);
}

/// What the answers amount to, in percent.
#[derive(Default)]
struct Expected {
    /// Share of the answers that name each letter.
    prior: [f64; 4],
    /// Right answers to the questions as they are written.
    origin: f64,
    /// Right answers to all rotations.
    circular: f64,
    /// Questions of which all rotations are answered right.
    perfect: f64,
}

/// Counts the model's answers without the crate.
fn expected(bias: f64) -> Expected {
    let mut expected = Expected::default();
    let share = 100.0 / QUESTIONS as f64;
    for question in 0..QUESTIONS {
        // The right option is at every place in one of the rotations.
        let chosen = [0, 1, 2, 3].map(|right| choice(bias, question, right));
        chosen.iter().for_each(|letter| expected.prior[*letter] += share / 4.0);
        let right = chosen.iter().enumerate().filter(|(right, chosen)| right == *chosen).count();
        let first = (question % 4) as usize;
        expected.origin += if chosen[first] == first { share } else { 0.0 };
        expected.circular += share / 4.0 * right as f64;
        expected.perfect += if right == 4 { share } else { 0.0 };
    }
    expected
}

fn results(bench: &Bench, set: &str) -> Value {
    let path = bench.path(&format!("out/results/mock/{set}.json"));
    serde_json::from_str(&fs::read_to_string(path).expect("reads")).expect("JSON")
}

/// Checks numbers of a result, each by its place.
fn check(results: &Value, numbers: &[(&str, f64)]) {
    for (place, expected) in numbers {
        let found = results.pointer(place).and_then(Value::as_f64);
        let found = found.unwrap_or_else(|| panic!("there is no {place}"));
        assert!((found - expected).abs() < 1e-9, "{place}: {found}, expected {expected}");
    }
}

#[test]
fn a_planted_preference_is_reported_as_strong_as_it_is() {
    for bias in [0.0, 0.4] {
        let bench = Bench::new(1);
        write_questions(&bench);
        let server = serve(bias);
        let url = format!("model.base-url={}", server.url());
        let base = ["run.toml", "--datasets", "quiz@circular", "older", "--set", "model.max-seq-len=512"];
        let model = ["--set", "model.kind=api", "--set", "model.retries=0", "--set", &url];
        let output = bench.run(&[&base[..], &model[..]].concat());
        assert_eq!(told(&output).0, Some(0), "{}", told(&output).1);

        let Expected { prior, origin, circular, perfect } = expected(bias);
        let preference = prior[0] - 25.0;
        let quiz = results(&bench, "quiz-circular");
        let shares = LETTERS.map(|letter| format!("/prior/{letter}"));
        check(&quiz, &[0, 1, 2, 3].map(|place| (shares[place].as_str(), prior[place])));
        check(&quiz, &[("/acc_origin", origin), ("/acc_circular", circular), ("/perf_circular", perfect)]);
        check(&quiz, &[("/letter_bias/points", preference), ("/prior/-", 0.0)]);
        let older = results(&bench, "older");
        let shares = LETTERS.map(|letter| format!("/prior_{letter}"));
        check(&older, &[0, 1, 2, 3].map(|place| (shares[place].as_str(), prior[place])));
        check(&older, &[("/acc_1", origin), ("/acc_4", circular), ("/perf_4", perfect), ("/prior_-", 0.0)]);

        // The strength that was planted: A in 1 of 4 answers by knowledge and in all others by preference; a question is
        // answered right in all rotations if the model reads the three of them in which A is wrong.
        let knows = 1.0 - bias;
        for (found, planted, room) in [
            (prior[0], 100.0 * (0.25 * knows + bias), 4.0),
            (origin, 100.0 * (knows + 0.25 * bias), 8.0),
            (circular, 100.0 * (knows + 0.25 * bias), 4.0),
            (perfect, 100.0 * knows.powi(3), 8.0),
        ] {
            assert!((found - planted).abs() <= room * bias + 1e-9, "{found} is far from {planted}: {bias}");
        }

        if bias > 0.0 {
            let page = fs::read_to_string(bench.path("out/report/index.html")).expect("reads");
            assert!(
                page.contains(&format!("<b>A</b> {preference:+.1}")),
                "the report shows {preference:+.1}"
            );
            assert_eq!(quiz["letter_bias"]["letter"], "A");
            assert!(perfect + 30.0 < origin, "only the rotations tell knowledge from preference");
        }
    }
}
