//! The size at which examples have the wanted number of tokens.

use serde_json::json;

use crate::dataset::columns::Columns;
use crate::needle::Tokens;

/// Upstream's seed.
pub(super) const SEED: u64 = 42;
/// How often an example is drawn again that does not fit. Upstream tries for ever.
const TRIES: usize = 200;
/// More tokens than a tokenizer adds to a text.
const ADDED: usize = 8;

/// One example.
pub(super) struct Sample {
    /// The whole prompt.
    pub(super) prompt: String,
    /// The texts that count as an answer.
    pub(super) answer: Vec<String>,
    /// What upstream measures behind the prompt while it looks for the size.
    pub(super) closing: String,
}

/// Why a task cannot make an example of a size.
#[derive(Debug)]
pub(super) enum Unfit {
    /// Smaller or larger examples may be possible: upstream tries another size.
    Size,
    /// There are not so many questions.
    Index(usize),
}

/// A kind of example of any size. Clones draw the same examples from here on.
pub(super) trait Task: Clone {
    /// Draws the example number `index` of a size.
    fn example(&mut self, index: usize, size: usize) -> Result<Sample, Unfit>;
}

/// The wanted number of tokens, and the sizes that are tried.
pub(super) struct Budget<'a> {
    /// What counts the tokens.
    pub(super) tokens: &'a Tokens,
    /// Maximum number of tokens of a prompt and its answer.
    pub(super) length: usize,
    /// Tokens that are left free for the answer.
    pub(super) answer: usize,
    /// The first size and the difference to the next.
    pub(super) step: usize,
    /// The largest size.
    pub(super) limit: Limit,
    /// What happens to an example that is too long.
    pub(super) retry: Retry,
}

/// The largest size of a task.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    /// There is no largest size.
    None,
    /// A size above it is measured and then cut to it.
    Measured(usize),
    /// A size above it is cut to it at once.
    Cut(usize),
}

/// What happens to an example that is too long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Retry {
    /// The next one is smaller.
    Smaller,
    /// The next one has the same size.
    Same,
}

impl Budget<'_> {
    /// Makes the rows of a set.
    pub(super) fn rows(&self, mut task: impl Task, samples: usize) -> Result<Vec<Columns>, String> {
        let size = self.size(&mut task)?;
        let row = |index| {
            let Sample { prompt, answer, .. } = self.fitting(&mut task, index, size)?;
            let columns = [("prompt".to_owned(), prompt.into()), ("answer".to_owned(), json!(answer))];
            Ok::<Columns, String>(Columns::from_iter(columns))
        };
        (0..samples).map(row).collect()
    }

    /// Draws an example that is not too long.
    fn fitting(&self, task: &mut impl Task, index: usize, mut size: usize) -> Result<Sample, String> {
        for _ in 0..TRIES {
            match task.example(index, size) {
                Ok(sample) if self.tokens.count(&sample.prompt) + self.answer <= self.length => {
                    return Ok(sample);
                }
                Err(Unfit::Index(known)) => return Err(few_questions(known, index)),
                Ok(_) | Err(Unfit::Size) => {}
            }
            if self.retry == Retry::Smaller && size > self.step {
                size -= self.step;
            }
        }
        Err(format!(
            "max_seq_length: found {}, expected more tokens than an example of size {size} has",
            self.length
        ))
    }

    /// Looks for the size as upstream does: larger and larger examples, until one is too long.
    ///
    /// Upstream measures every one of them. As long as an example can have only about half of the missing tokens, it is
    /// drawn here but not measured. Should the next measure show a text that is too long, the search is repeated from
    /// the last measure with every size.
    fn size<T: Task>(&self, task: &mut T) -> Result<usize, String> {
        let mut size = self.step;
        let mut checkpoint = Checkpoint { task: task.clone(), size, bytes: 0, tokens: 0 };
        let (mut has_skipped, mut measures_all) = (false, false);
        let mut total = 0;
        while total + self.answer < self.length {
            let sample = task.example(0, size).map_err(|unfit| unfit.message(size))?;
            let text = sample.prompt + &sample.closing;
            let largest = self.largest(size);
            if largest.is_none()
                && !measures_all
                && checkpoint.highest(text.len()) + self.answer < self.length
            {
                (has_skipped, total) = (true, 0);
                size += self.step;
                continue;
            }
            total = self.tokens.count(&text);
            let is_too_long = total + self.answer > self.length;
            if is_too_long && has_skipped {
                *task = checkpoint.task.clone();
                size = checkpoint.size;
                (has_skipped, measures_all, total) = (false, true, 0);
                continue;
            }
            if is_too_long {
                return Ok(size - self.step);
            }
            if let Some(largest) = largest {
                return Ok(largest);
            }
            size += self.step;
            has_skipped = false;
            checkpoint = Checkpoint { task: task.clone(), size, bytes: text.len(), tokens: total };
        }
        Ok(size)
    }

    /// The size that ends the search if an example of this size is not too long.
    fn largest(&self, size: usize) -> Option<usize> {
        match self.limit {
            Limit::Measured(largest) if size > largest => Some(largest),
            Limit::Cut(largest) if size + self.step > largest => Some(largest),
            _ => None,
        }
    }
}

impl Unfit {
    /// The message for the search, which needs an example of every size.
    fn message(&self, size: usize) -> String {
        match self {
            Self::Index(known) => few_questions(*known, 0),
            Self::Size => format!("examples: found none of size {size}, expected larger sources"),
        }
    }
}

/// The state of a search after a measure.
struct Checkpoint<T> {
    task: T,
    /// The size that is tried next.
    size: usize,
    /// Bytes of the measured example.
    bytes: usize,
    /// Tokens of the measured example.
    tokens: usize,
}

impl<T> Checkpoint<T> {
    /// A number of tokens that a text of so many bytes does not reach: a byte is at most one token, and what was added
    /// since the last measure has less than twice as many tokens per byte.
    fn highest(&self, bytes: usize) -> usize {
        if self.bytes == 0 {
            return bytes + ADDED;
        }
        let density = self.tokens as f64 / self.bytes as f64;
        let added = 2.0 * density * bytes.saturating_sub(self.bytes) as f64;
        (self.tokens + added as usize + 64).min(bytes + ADDED)
    }
}

fn few_questions(known: usize, index: usize) -> String {
    format!("num_samples: found {known} question(s) in the file, expected more than {index}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words without anything random.
    #[derive(Clone)]
    struct Words;

    impl Task for Words {
        fn example(&mut self, _index: usize, size: usize) -> Result<Sample, Unfit> {
            Ok(Sample { prompt: "a ".repeat(size), answer: vec!["a".to_owned()], closing: String::new() })
        }
    }

    /// A vocabulary in which every byte is a token.
    fn bytes() -> Tokens {
        use base64::Engine;
        let line = |byte: u8| format!("{} {byte}", base64::engine::general_purpose::STANDARD.encode([byte]));
        let lines: Vec<String> = (0..=u8::MAX).map(line).collect();
        Tokens::of_ranks(&lines.join("\n")).expect("a vocabulary")
    }

    #[test]
    fn the_size_is_the_last_one_that_fits() {
        let tokens = bytes();
        let size = |length, limit| {
            let budget =
                Budget { tokens: &tokens, length, answer: 10, step: 5, limit, retry: Retry::Smaller };
            budget.size(&mut Words).expect("a size")
        };
        // Two tokens per word: 95 words and the answer are the most.
        assert_eq!(size(205, Limit::None), 95);
        // An example with exactly the wanted number is the last one, and its size is raised once more.
        assert_eq!(size(200, Limit::None), 100);
        assert_eq!(size(205, Limit::Cut(42)), 42);
        assert_eq!(size(205, Limit::Measured(42)), 42);
        assert_eq!(size(12, Limit::None), 0);
    }

    #[test]
    fn what_can_never_fit_is_refused() {
        let tokens = bytes();
        let (limit, retry) = (Limit::None, Retry::Same);
        let budget = Budget { tokens: &tokens, length: 15, answer: 10, step: 5, limit, retry };
        let error = budget.fitting(&mut Words, 0, 5).err().expect("too long");
        assert!(error.contains("max_seq_length: found 15"), "{error}");
        assert_eq!(budget.rows(Words, 1).expect("an empty one fits").len(), 1);
    }

    /// Words that become much denser after some time.
    #[derive(Clone)]
    struct Denser;

    impl Task for Denser {
        fn example(&mut self, _index: usize, size: usize) -> Result<Sample, Unfit> {
            let prompt = "the ".repeat(size.min(60)) + &"x".repeat(400 * size.saturating_sub(60));
            Ok(Sample { prompt, answer: Vec::new(), closing: String::new() })
        }
    }

    #[test]
    fn sizes_that_were_not_measured_are_tried_again() {
        use base64::Engine;
        let encoded = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
        let merged = ["th", "the", " the"].map(|text| text.as_bytes().to_vec());
        let lines = (0..=u8::MAX).map(|byte| vec![byte]).chain(merged);
        let lines: Vec<String> =
            lines.enumerate().map(|(rank, bytes)| format!("{} {rank}", encoded(&bytes))).collect();
        let tokens = Tokens::of_ranks(&lines.join("\n")).expect("a vocabulary");
        let budget = |step| Budget {
            tokens: &tokens,
            length: 400,
            answer: 10,
            step,
            limit: Limit::None,
            retry: Retry::Smaller,
        };
        for step in [1, 2, 3, 5] {
            let budget = budget(step);
            let mut size = step;
            while let Ok(sample) = Denser.example(0, size)
                && tokens.count(&sample.prompt) + 10 <= 400
            {
                size += step;
            }
            assert_eq!(budget.size(&mut Denser).expect("a size"), size - step, "{step}");
        }
    }
}
