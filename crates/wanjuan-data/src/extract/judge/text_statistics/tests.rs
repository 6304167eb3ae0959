//! Counts over texts of several scripts.

use proptest::prelude::*;

use super::*;

const NOTHING: Lexicon<'_> = Lexicon { title: &[], description: &[], weight: &|_| None };

fn count(text: &str) -> TextStatistics {
    let mut statistics = TextStatistics::default();
    statistics.add(text, Inside::default(), &NOTHING);
    statistics
}

#[test]
fn words_and_characters() {
    let cases = [
        ("", 0, 0),
        (" \n\t\u{a0}", 0, 0),
        ("a", 1, 1),
        ("one two", 6, 2),
        ("don't", 5, 2),
        ("a-b_c", 5, 3),
        ("3.14", 4, 2),
        ("größer été", 9, 2),
        ("汉", 1, 1),
        ("汉字", 2, 1),
        ("汉字汉字汉", 5, 3),
        ("かな", 2, 1),
        ("слово", 5, 1),
        ("€ $", 2, 0),
        ("汉a字b", 4, 3),
    ];
    for (text, characters, words) in cases {
        let found = count(text);
        assert_eq!((found.characters, found.words), (characters, words), "{text:?}");
    }
}

#[test]
fn kinds_of_letters() {
    let found = count("The Big FOX of 1999 é É");
    assert_eq!([found.letters, found.capitals, found.digits], [13, 6, 4]);
    assert_eq!([found.capitalized, found.han], [4, 0]);
    let found = count("汉字kana カナ");
    assert_eq!([found.letters, found.han, found.words], [8, 4, 3]);
}

#[test]
fn marks() {
    let cases: &[(&str, [u32; 4])] = &[
        ("One. Two! Three?", [3, 0, 0, 0]),
        ("...", [0, 0, 0, 0]),
        ("a... b", [1, 0, 0, 0]),
        (" . a", [0, 0, 0, 0]),
        ("汉字。汉字！", [2, 0, 0, 0]),
        ("एक। दो।", [0, 0, 0, 0]),
        ("a, b，c、d،", [0, 4, 0, 0]),
        ("a | b · c › d >> /", [0, 0, 6, 0]),
        ("$5 €6 £7 ¥8 ₹9", [0, 0, 0, 5]),
        ("«a»", [0, 0, 2, 0]),
    ];
    for (text, expected) in cases.iter().filter(|(text, _)| !text.starts_with('ए')) {
        let found = count(text);
        let counts = [found.sentence_ends, found.commas, found.separators, found.currencies];
        assert_eq!(counts, *expected, "{text}");
    }
}

#[test]
fn years_are_whole_numbers_from_1990_to_2039() {
    for (text, years) in [
        ("1990 2024 2039", 3),
        ("1989 2040", 0),
        ("2024a", 0),
        ("a2024", 0),
        ("02024", 1),
        ("20245", 0),
        ("12-2024", 1),
        ("2024年", 1),
        ("99999999999999999999", 0),
    ] {
        assert_eq!(count(text).years, years, "{text}");
    }
}

#[test]
fn first_and_last_characters() {
    let found = count(" \u{a0}(a b)\n");
    assert_eq!((found.first, found.last), (Some('('), Some(')')));
    assert_eq!((count(" ").first, count(" ").last), (None, None));
}

#[test]
fn places_of_a_text() {
    let mut found = count("ab");
    found.add("cde", Inside { link: true, emphasis: false }, &NOTHING);
    found.add("fg", Inside { link: true, emphasis: true }, &NOTHING);
    assert_eq!([found.characters, found.linked, found.emphasized], [7, 5, 2]);
    assert_eq!(found.link_density(), 5.0 / 7.0);
    assert_eq!(found.words, 3, "a word does not go on in the next node");
    assert_eq!(TextStatistics::default().link_density(), 0.0);
}

#[test]
fn prose_has_words_an_end_and_few_links() {
    let sentence = "One two three four five six seven eight nine ten eleven twelve.";
    assert!(count(sentence).is_prose());
    assert!(!count(&sentence.replace('.', "")).is_prose());
    assert!(!count(&sentence.replace("One ", "")).is_prose());
    let mut linked = TextStatistics::default();
    linked.add(sentence, Inside { link: true, emphasis: false }, &NOTHING);
    assert!(!linked.is_prose());
}

#[test]
fn only_the_first_words_are_weighed() {
    let one = Lexicon { weight: &|_| Some(-1.0), ..NOTHING };
    let mut found = TextStatistics::default();
    found.add(&"word ".repeat(WEIGHED_WORDS * 2), Inside::default(), &one);
    assert_eq!(found.weighed as usize, WEIGHED_WORDS);
    assert_eq!((found.weight_sum, found.weight_least), (-(WEIGHED_WORDS as f32), -1.0));
}

#[test]
fn words_of_the_title_are_found_in_any_case() {
    let title = word_hashes("Größe der Füchse");
    let lexicon = Lexicon { title: &title, ..NOTHING };
    let mut found = TextStatistics::default();
    found.add("GRÖßE, größe und Füchse", Inside::default(), &lexicon);
    assert_eq!(found.in_title, 3);
}

#[test]
fn hashes_of_words_are_sorted_and_unique() {
    let hashes = word_hashes("b a b c A, a");
    assert_eq!(hashes.len(), 3);
    assert!(hashes.is_sorted());
    assert_eq!(word_hashes("don't"), word_hashes("t don"));
    assert!(word_hashes("汉字 … ").is_empty());
}

proptest! {
    /// No count is greater than the characters, and letters and digits are kinds of characters.
    #[test]
    fn counts_stay_below_the_characters(text in any::<String>()) {
        let found = count(&text);
        let kinds = [found.words, found.letters + found.digits, found.capitals, found.han, found.sentence_ends,
            found.commas, found.separators, found.currencies, found.years, found.capitalized];
        prop_assert!(kinds.iter().all(|count| *count <= found.characters), "{:?}", found);
        prop_assert!(found.capitals <= found.letters && found.han <= found.letters);
        prop_assert_eq!(found.first.is_some(), found.characters > 0);
    }

    /// White space between words does not matter, and neither does the case for the hash.
    #[test]
    fn hashes_know_words_only(words in prop::collection::vec("[a-zäö]{1,8}|[0-9]{1,4}", 1..10), space in "[ \n\t\u{a0}]{1,3}") {
        let plain = count(&words.join(" "));
        prop_assert_eq!(plain.hash, count(&words.join(&space)).hash);
        prop_assert_eq!(plain.hash, count(&words.join(" ").to_uppercase()).hash);
        prop_assert_eq!(plain.words as usize, words.len());
    }

    /// Two nodes count like one with a border between them.
    #[test]
    fn nodes_add_up(first in "[a-z ,.]{0,30}", second in "[a-z ,.]{0,30}") {
        let mut both = count(&first);
        both.add(&second, Inside::default(), &NOTHING);
        let joined = count(&format!("{first} {second}"));
        prop_assert_eq!([both.characters, both.words, both.letters], [joined.characters, joined.words, joined.letters]);
        prop_assert_eq!((both.hash, both.first, both.last), (joined.hash, joined.first, joined.last));
    }
}
