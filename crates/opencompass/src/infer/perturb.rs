//! Changes of a prompt that should not change its meaning, after promptbench's attacks that need no model.
//!
//! Everything is drawn from a seed, so the same prompt is always changed in the same way. Paper:
//! <https://arxiv.org/abs/2306.04528>.

use internlm_kit::rng::CounterRng;

use crate::dataset::AttackKind;

/// Sentences that add nothing (`stresstest`).
const TAUTOLOGIES: [&str; 3] =
    [" and true is true", " and false is not true", " and true is true and true is true and true is true"];
/// Letters of the random words of `checklist`.
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Length of the random words of `checklist`.
const RANDOM_WORD: usize = 10;
/// Minimum number of letters of a word that is misspelled.
const LONG_WORD: usize = 4;
/// Letters with others that look like them (`textbugger`).
const LOOK_ALIKES: [(char, char); 10] = [
    ('a', 'ɑ'),
    ('b', 'Ь'),
    ('c', 'ϲ'),
    ('e', 'е'),
    ('i', 'і'),
    ('j', 'ϳ'),
    ('o', 'о'),
    ('p', 'р'),
    ('s', 'ѕ'),
    ('y', 'у'),
];

/// Changes `prompt`; `variant` tells several changes of one attack apart.
pub(super) fn perturbed(prompt: &str, attack: AttackKind, seed: u64, variant: u64) -> String {
    let rng = CounterRng::new(seed, "attack").split(variant);
    match attack {
        AttackKind::StressTest => {
            let place = variant as usize % TAUTOLOGIES.len();
            format!("{}{}", prompt.trim_end(), TAUTOLOGIES[place])
        }
        AttackKind::CheckList => {
            let letter =
                |place: usize| char::from(ALPHABET[rng.below(place as u64, ALPHABET.len() as u64) as usize]);
            format!("{} {}", prompt.trim_end(), (0..RANDOM_WORD).map(letter).collect::<String>())
        }
        AttackKind::DeepWordBug => misspelled(prompt, &rng, &[swapped, replaced, deleted, inserted]),
        AttackKind::TextBugger => misspelled(prompt, &rng, &[swapped, deleted, spaced, look_alike]),
    }
}

/// Changes the letters of a word at a place after its first letter and before its last.
type Misspell = fn(Vec<char>, usize, u64) -> Vec<char>;

/// Misspells every long word in one of the ways. Words with braces hold marks of fields and stay.
fn misspelled(prompt: &str, rng: &CounterRng, ways: &[Misspell]) -> String {
    let word = |(number, word): (usize, &str)| {
        let letters: Vec<char> = word.chars().collect();
        if letters.len() < LONG_WORD || !letters.iter().all(|letter| letter.is_alphabetic()) {
            return word.to_owned();
        }
        let rng = rng.split(number as u64);
        let place = 1 + rng.below(0, letters.len() as u64 - 2) as usize;
        let way = ways[rng.below(1, ways.len() as u64) as usize];
        way(letters, place, rng.below(2, 26)).into_iter().collect()
    };
    prompt.split(' ').enumerate().map(word).collect::<Vec<_>>().join(" ")
}

fn letter(number: u64) -> char {
    char::from(b'a' + (number % 26) as u8)
}

fn swapped(mut letters: Vec<char>, place: usize, _: u64) -> Vec<char> {
    letters.swap(place - 1, place);
    letters
}

fn replaced(mut letters: Vec<char>, place: usize, number: u64) -> Vec<char> {
    letters[place] = letter(number);
    letters
}

fn deleted(mut letters: Vec<char>, place: usize, _: u64) -> Vec<char> {
    letters.remove(place);
    letters
}

fn inserted(mut letters: Vec<char>, place: usize, number: u64) -> Vec<char> {
    letters.insert(place, letter(number));
    letters
}

fn spaced(mut letters: Vec<char>, place: usize, _: u64) -> Vec<char> {
    letters.insert(place, ' ');
    letters
}

fn look_alike(mut letters: Vec<char>, _: usize, _: u64) -> Vec<char> {
    for letter in &mut letters {
        if let Some((_, other)) = LOOK_ALIKES.iter().find(|(usual, _)| usual == letter) {
            *letter = *other;
            break;
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_the_same_for_the_same_seed() {
        let prompt = "Please answer every following question with single words like these: {question}";
        let kinds =
            [AttackKind::StressTest, AttackKind::CheckList, AttackKind::DeepWordBug, AttackKind::TextBugger];
        for kind in kinds {
            let found = perturbed(prompt, kind, 1, 0);
            assert_eq!(found, perturbed(prompt, kind, 1, 0));
            assert_ne!(found, prompt, "{kind:?}");
            assert_ne!(found, perturbed(prompt, kind, 1, 1), "{kind:?}");
            assert!(found.contains("{question}"), "{found}");
        }
    }

    #[test]
    fn short_words_and_other_scripts_survive() {
        for prompt in ["", "a b c", "你好世界 é", "   "] {
            for kind in [AttackKind::DeepWordBug, AttackKind::TextBugger] {
                let _ = perturbed(prompt, kind, 7, 3);
            }
        }
        assert_eq!(perturbed("a b c", AttackKind::DeepWordBug, 7, 3), "a b c");
    }
}
