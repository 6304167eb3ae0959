//! The prompts of the game of 24 for mode `tot`, and how their answers are read.
//!
//! Templates: OpenCompass 0.5.4 (Apache-2.0), after <https://github.com/princeton-nlp/tree-of-thought-llm>.

/// Five worked examples with answers only.
const STANDARD_PROMPT: &str = "\
Use numbers and basic arithmetic operations (+ - * /) to obtain 24.\n\
Input: 4 4 6 8\n\
Answer: (4 + 8) * (6 - 4) = 24\n\
Input: 2 9 10 12\n\
Answer: 2 * 12 * (10 - 9) = 24\n\
Input: 4 9 10 13\n\
Answer: (13 - 9) * (10 - 4) = 24\n\
Input: 1 4 8 8\n\
Answer: (8 / 4 + 1) * 8 = 24\n\
Input: 5 5 5 9\n\
Answer: 5 + 5 + 5 + 9 = 24\n\
Input: {input}\n\
";

/// One worked example of next steps.
const PROPOSE_PROMPT: &str = "\
Input: 2 8 8 14\n\
Possible next steps:\n\
2 + 8 = 10 (left: 8 10 14)\n\
8 / 2 = 4 (left: 4 8 14)\n\
14 + 2 = 16 (left: 8 8 16)\n\
2 * 8 = 16 (left: 8 14 16)\n\
8 - 2 = 6 (left: 6 8 14)\n\
14 - 8 = 6 (left: 2 6 8)\n\
14 /  2 = 7 (left: 7 8 8)\n\
14 - 2 = 12 (left: 8 8 12)\n\
Input: {input}\n\
Possible next steps:\n\
";

/// Five worked examples with steps.
const COT_PROMPT: &str = "\
Use numbers and basic arithmetic operations (+ - * /) to obtain 24. Each step, you are only allowed to choose two of the remaining numbers to obtain a new number.\n\
Input: 4 4 6 8\n\
Steps:\n\
4 + 8 = 12 (left: 4 6 12)\n\
6 - 4 = 2 (left: 2 12)\n\
2 * 12 = 24 (left: 24)\n\
Answer: (6 - 4) * (4 + 8) = 24\n\
Input: 2 9 10 12\n\
Steps:\n\
12 * 2 = 24 (left: 9 10 24)\n\
10 - 9 = 1 (left: 1 24)\n\
24 * 1 = 24 (left: 24)\n\
Answer: (12 * 2) * (10 - 9) = 24\n\
Input: 4 9 10 13\n\
Steps:\n\
13 - 10 = 3 (left: 3 4 9)\n\
9 - 3 = 6 (left: 4 6)\n\
4 * 6 = 24 (left: 24)\n\
Answer: 4 * (9 - (13 - 10)) = 24\n\
Input: 1 4 8 8\n\
Steps:\n\
8 / 4 = 2 (left: 1 2 8)\n\
1 + 2 = 3 (left: 3 8)\n\
3 * 8 = 24 (left: 24)\n\
Answer: (1 + 8 / 4) * 8 = 24\n\
Input: 5 5 5 9\n\
Steps:\n\
5 + 5 = 10 (left: 5 9 10)\n\
10 + 5 = 15 (left: 9 15)\n\
15 + 9 = 24 (left: 24)\n\
Answer: ((5 + 5) + 5) + 9 = 24\n\
Input: {input}\n\
";

/// Eight worked examples that judge the remaining numbers.
const VALUE_PROMPT: &str = "\
Evaluate if given numbers can reach 24 (sure/likely/impossible)\n\
10 14\n\
10 + 14 = 24\n\
sure\n\
11 12\n\
11 + 12 = 23\n\
12 - 11 = 1\n\
11 * 12 = 132\n\
11 / 12 = 0.91\n\
impossible\n\
4 4 10\n\
4 + 4 + 10 = 8 + 10 = 18\n\
4 * 10 - 4 = 40 - 4 = 36\n\
(10 - 4) * 4 = 6 * 4 = 24\n\
sure\n\
4 9 11\n\
9 + 11 + 4 = 20 + 4 = 24\n\
sure\n\
5 7 8\n\
5 + 7 + 8 = 12 + 8 = 20\n\
(8 - 5) * 7 = 3 * 7 = 21\n\
I cannot obtain 24 now, but numbers are within a reasonable range\n\
likely\n\
5 6 6\n\
5 + 6 + 6 = 17\n\
(6 - 5) * 6 = 1 * 6 = 6\n\
I cannot obtain 24 now, but numbers are within a reasonable range\n\
likely\n\
10 10 11\n\
10 + 10 + 11 = 31\n\
(11 - 10) * 10 = 10\n\
10 10 10 are all too big\n\
impossible\n\
1 3 3\n\
1 * 3 * 3 = 9\n\
(1 + 3) * 3 = 12\n\
1 3 3 are all too small\n\
impossible\n\
{input}\n\
";

/// Six worked examples that judge an answer.
const VALUE_LAST_STEP_PROMPT: &str = "\
Use numbers and basic arithmetic operations (+ - * /) to obtain 24. Given an input and an answer, give a judgement (sure/impossible) if the answer is correct, i.e. it uses each input exactly once and no other numbers, and reach 24.\n\
Input: 4 4 6 8\n\
Answer: (4 + 8) * (6 - 4) = 24\n\
Judge:\n\
sure\n\
Input: 2 9 10 12\n\
Answer: 2 * 12 * (10 - 9) = 24\n\
Judge:\n\
sure\n\
Input: 4 9 10 13\n\
Answer: (13 - 9) * (10 - 4) = 24\n\
Judge:\n\
sure\n\
Input: 4 4 6 8\n\
Answer: (4 + 8) * (6 - 4) + 1 = 25\n\
Judge:\n\
impossible\n\
Input: 2 9 10 12\n\
Answer: 2 * (12 - 10) = 24\n\
Judge:\n\
impossible\n\
Input: 4 9 10 13\n\
Answer: (13 - 4) * (10 - 9) = 24\n\
Judge:\n\
impossible\n\
Input: {input}\n\
Answer: {answer}\n\
Judge:";

/// Number of steps of a solution: three operations and the answer.
pub(super) const STEPS: usize = 4;

/// Returns the prompt that asks for whole answers.
pub(super) fn standard_prompt(input: &str, thought: &str) -> String {
    STANDARD_PROMPT.replace("{input}", input) + thought
}

/// Returns the prompt that asks for the next steps, or for the answer when 24 is reached.
pub(super) fn propose_prompt(input: &str, thought: &str) -> String {
    let numbers = current_numbers(if thought.is_empty() { input } else { thought });
    if numbers == "24" {
        COT_PROMPT.replace("{input}", input) + "Steps:" + thought
    } else {
        PROPOSE_PROMPT.replace("{input}", numbers)
    }
}

/// Returns the prompt that asks how far a thought can lead.
pub(super) fn value_prompt(input: &str, thought: &str) -> String {
    let last = last_line(thought);
    if last.contains("left: ") {
        return VALUE_PROMPT.replace("{input}", current_numbers(thought));
    }
    let answer = last.to_lowercase().replace("answer: ", "");
    VALUE_LAST_STEP_PROMPT.replace("{input}", input).replace("{answer}", &answer)
}

/// Adds up the judgements of a thought. Only their last lines count.
pub(super) fn value(thought: &str, judgements: &[String]) -> f64 {
    if thought.trim().split('\n').count() == STEPS && !thought.to_lowercase().contains("answer") {
        return 0.0;
    }
    let count = |name: &str| {
        let last = |text: &&String| text.rsplit('\n').next() == Some(name);
        judgements.iter().filter(last).count() as f64
    };
    0.001 * count("impossible") + count("likely") + 20.0 * count("sure")
}

/// The numbers that are left, from the last line of a thought.
fn current_numbers(thought: &str) -> &str {
    let last = last_line(thought);
    let left = last.rsplit("left: ").next().unwrap_or(last);
    left.split(')').next().unwrap_or(left)
}

fn last_line(thought: &str) -> &str {
    let thought = thought.trim();
    thought.rsplit('\n').next().unwrap_or(thought)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_hold_the_numbers_that_are_left() {
        let thought = "4 + 8 = 12 (left: 4 6 12)\n";
        assert!(propose_prompt("4 4 6 8", "").ends_with("Input: 4 4 6 8\nPossible next steps:\n"));
        assert!(propose_prompt("4 4 6 8", thought).ends_with("Input: 4 6 12\nPossible next steps:\n"));
        let done = "2 * 12 = 24 (left: 24)\n";
        let asked = propose_prompt("4 4 6 8", done);
        assert!(asked.ends_with("Input: 4 4 6 8\nSteps:2 * 12 = 24 (left: 24)\n"), "{asked}");
        assert!(value_prompt("4 4 6 8", thought).ends_with("all too small\nimpossible\n4 6 12\n"));
        let last = value_prompt("4 4 6 8", "a\nAnswer: 4 * 6 = 24\n");
        assert!(last.ends_with("Input: 4 4 6 8\nAnswer: 4 * 6 = 24\nJudge:"), "{last}");
    }

    #[test]
    fn the_last_lines_of_judgements_count() {
        let judgements = ["10 + 14 = 24\nsure".to_owned(), "likely".to_owned(), "sure, I think".to_owned()];
        assert!((value("a", &judgements) - 21.0).abs() < 1e-12);
        // Four lines without an answer are a dead end.
        assert!(value("a\nb\nc\nd\n", &judgements).abs() < 1e-12);
    }
}
