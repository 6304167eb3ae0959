//! Scores answers that are already there: no model, no server.
//!
//! `cargo run --release -p opencompass --example score_answers`

#![allow(clippy::print_stdout)] // An example shows what it does.

use opencompass::prompt::python_str;
use opencompass::score::post::Post;
use opencompass::score::{exact_match, gsm8k_equal, wilson};

fn main() -> opencompass::Result<()> {
    let extract = Post::named("gsm8k")?;
    let answers =
        [("16 - 3 - 4 = 9, times 2 is 18", "18"), ("Seven, I think", "7"), ("The answer is 3.0", "3")];
    let mut correct = 0;
    for (answer, gold) in answers {
        let number = python_str(&extract.apply(answer));
        let right = gsm8k_equal(&number, gold);
        correct += usize::from(right);
        println!("{number:>6} against {gold:>3}: {right}");
    }
    let (low, high) = wilson(correct as f64, answers.len());
    println!("{correct} of {}, 95 % interval {low:.1} to {high:.1}", answers.len());
    assert!(exact_match("The cat, of course", &["cat".to_owned()]));
    Ok(())
}
