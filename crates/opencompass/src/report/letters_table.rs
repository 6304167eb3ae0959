//! The table of letters: what a model prefers to choose.

use std::fmt::Write;

use super::html::escaped;
use super::letters::LetterBias;

/// Difference of shares in points from which on a letter has its full color.
const FULL: f64 = 25.0;

/// Writes how often each letter was chosen, against how often it is right.
pub(super) fn table(cells: &[LetterBias]) -> String {
    if cells.is_empty() {
        return String::new();
    }
    let mut html = "<h3>Letters</h3><p>How many points more or less often than it is right a model chooses a letter. A \
                    model without position bias has zeros. Answers without a letter are counted apart.</p>\
                    <div class=\"scroll\"><table><thead><tr><th scope=\"col\">dataset</th><th scope=\"col\">model</th>\
                    <th scope=\"col\">letters</th></tr></thead><tbody>"
        .to_owned();
    for bias in cells {
        writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"letters\">{}</td></tr>",
            escaped(&bias.dataset),
            escaped(&bias.model),
            letters(bias)
        )
        .expect("a String takes every write");
    }
    html + "</tbody></table></div>"
}

fn letters(LetterBias { letters, .. }: &LetterBias) -> String {
    let items: usize = letters.values().map(|letter| letter.expected).sum();
    let share = |count: usize| 100.0 * count as f64 / items.max(1) as f64;
    let mut html = String::new();
    for (name, letter) in letters {
        let bias = share(letter.chosen) - share(letter.expected);
        let side = if bias >= 0.0 { "more" } else { "less" };
        let strength = (bias.abs() / FULL).min(1.0);
        let (chosen, expected, correct) = (letter.chosen, letter.expected, letter.correct);
        html.push_str(&format!(
            "<span class=\"letter {side}\" style=\"--bias:{strength:.2}\" title=\"chosen {chosen}, right {expected}, both \
             {correct} of {items}\"><b>{name}</b> {bias:+.1}</span>"
        ));
    }
    let chosen: usize = letters.values().map(|letter| letter.chosen).sum();
    if chosen < items {
        html.push_str(&format!("<span class=\"letter\">no letter: {:.1} %</span>", share(items - chosen)));
    }
    html
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::report::letters::Letter;

    #[test]
    fn a_preference_and_missing_letters_are_shown() {
        let letter = |chosen, expected| Letter { chosen, expected, correct: 0 };
        let letters = BTreeMap::from([('A', letter(9, 5)), ('B', letter(0, 5))]);
        let html = table(&[LetterBias { model: "m&m".to_owned(), dataset: "d".to_owned(), letters }]);
        for part in ["m&amp;m", "<b>A</b> +40.0", "<b>B</b> -50.0", "no letter: 10.0 %", "both 0 of 10"] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert_eq!(table(&[]), "");
    }
}
