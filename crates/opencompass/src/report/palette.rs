//! The colors of the models, by class: the style sheet has them for a light and for a dark page.

use super::html::escaped;

/// Number of colors in the style sheet; they repeat after the last one.
const COLORS: usize = 7;

/// Returns the class of a model's color.
pub(super) fn color(model: usize) -> String {
    format!("m{}", model % COLORS)
}

/// Writes the names of the models next to their colors.
pub(super) fn legend(models: &[String]) -> String {
    let entry = |(place, name): (usize, &String)| {
        format!("<li><span class=\"key {}\"></span>{}</li>", color(place), escaped(name))
    };
    format!("<ul class=\"legend\">{}</ul>", models.iter().enumerate().map(entry).collect::<String>())
}

/// Shortens a name to `length` characters by leaving out its middle: names of one family differ at the end.
pub(super) fn shortened(name: &str, length: usize) -> String {
    let count = name.chars().count();
    if count <= length {
        return name.to_owned();
    }
    let tail = length / 2;
    let head: String = name.chars().take(length - tail - 1).collect();
    let tail: String = name.chars().skip(count - tail).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_both_ends() {
        assert_eq!(shortened("ARC-c", 18), "ARC-c");
        assert_eq!(shortened("mathbench-college-single_choice_cn", 11), "mathb…ce_cn");
        assert_eq!(shortened("高中数学选择题", 5), "高中…择题");
    }

    #[test]
    fn colors_repeat() {
        assert_eq!((color(0), color(8)), ("m0".to_owned(), "m1".to_owned()));
    }
}
