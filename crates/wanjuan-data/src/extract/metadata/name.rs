//! [`name`]: the name of an author, without the words around it.

use super::date;
use super::site::letters;
use super::starts::Starts;
use super::text::clean;

/// Maximum length of a byline, in bytes.
pub(super) const MAX_BYTES: usize = 100;

/// Words before a name, which are cut off.
const LEAD: &[&str] = &[
    "written by",
    "posted by",
    "published by",
    "reported by",
    "contributed by",
    "created by",
    "started by",
    "article by",
    "words by",
    "story by",
    "submitted by",
    "view all posts by",
    "post author",
    "beitrags-autor",
    "beitragsautor",
    "auteur de la publication",
    "zeige alle beiträge von",
    "alle beiträge von",
    "geschrieben von",
    "gespeichert von",
    "erstellt von",
    "verfasst von",
    "text und interview",
    "interview",
    "text",
    "eingestellt von",
    "pressemitteilung von",
    "ein artikel von",
    "ein beitrag von",
    "ein gastbeitrag von",
    "artikel von",
    "gastbeitrag von",
    "blog beitrag von",
    "beitrag von",
    "text von",
    "redaktion:",
    "escrito por",
    "publicado por",
    "publié par",
    "écrit par",
    "scritto da",
    "geschreven door",
    "author",
    "authors",
    "autor",
    "autorin",
    "autoren",
    "auteur",
    "作者",
    "记者",
    "责任编辑",
    "by",
    "von",
    "par",
    "por",
    "from",
    "di",
    "door",
    "af",
    "av",
    "©",
];

/// Texts in the place of a name that say that none is known.
const NO_NAME: &[&str] = &[
    "noauthor",
    "theauthor",
    "topicauthor",
    "followauthor",
    "author",
    "posted",
    "login",
    "signin",
    "register",
    "username",
    "unknown",
    "none",
    "null",
    "undefined",
    "na",
];

/// Names of roles and accounts. A page that states only one of these does not name its author better.
const ROLES: &[&str] = &[
    "admin",
    "administrator",
    "webmaster",
    "editor",
    "editors",
    "editorialteam",
    "editorialstaff",
    "staff",
    "staffwriter",
    "team",
    "guest",
    "anonymous",
    "user",
    "redaktion",
    "dieredaktion",
    "redacción",
    "redaccion",
    "redazione",
    "rédaction",
    "larédaction",
];

/// Words that may stand between a name and a date.
const BEFORE_DATES: &[&str] = &[
    "on",
    "at",
    "am",
    "vom",
    "vor",
    "le",
    "el",
    "em",
    "il",
    "op",
    "den",
    "stand",
    "posted",
    "published",
    "updated",
    "update",
    "in",
    "last",
    "reviewed",
];

/// Days of the week in English and German.
const DAYS: &[&str] = &[
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonntag",
];

/// A name without the words around it; `None` if the text is not a name.
pub(super) fn name(text: &str) -> Option<String> {
    let text = clean(text)?;
    if text.starts_with("http") || text.starts_with(['@', '/', '{', '<']) || text.len() > 2 * MAX_BYTES {
        return None;
    }
    let mut rest = after_date(&text);
    while let Some(shorter) = without_lead(rest) {
        rest = shorter;
    }
    // The name ends before a role after a bar, an address in brackets, or a date.
    let end = rest.find(['|', '•', '·', '<']).unwrap_or(rest.len());
    let end = rest[..end].find("(http").unwrap_or(end);
    let rest = without_date(&rest[..end]);
    let rest = rest
        .trim_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | '-' | '–' | '—' | ';' | '/'));
    let count = rest.chars().filter(|c| c.is_alphabetic()).count();
    let counted = rest.starts_with(|c: char| c.is_ascii_digit()) && rest.contains(' ');
    let address = rest.contains('@') || rest.contains("[at]");
    let valid = count >= 2 && !counted && !address && !date::is_month(rest) && !is_lead(rest);
    (valid && !NO_NAME.contains(&letters(rest).as_str())).then(|| rest.replace(" ,", ","))
}

/// Whether a name is that of a role or an account, and not of a person. Two capitals are a short form.
pub(super) fn is_role(name: &str) -> bool {
    let short = name.len() == 2 && name.chars().all(char::is_uppercase);
    short || ROLES.contains(&letters(name).as_str())
}

/// Whether a text reads like the name of a person: up to five words with a capital, and the particles between them.
pub(super) fn is_person(name: &str) -> bool {
    let words: Vec<&str> = name.split_whitespace().collect();
    let capital = |word: &str| word.chars().next().is_some_and(|c| c.is_uppercase() || is_han(c));
    let particle = |word: &str| word.len() <= 4 && word.chars().all(char::is_lowercase);
    let starts =
        words.first().is_some_and(|word| capital(word)) && words.last().is_some_and(|word| capital(word));
    let allowed = |c: char| c.is_alphabetic() || matches!(c, ' ' | '.' | '-' | '\'' | '’' | ',' | '&');
    starts
        && words.len() <= 5
        && name.chars().all(allowed)
        && words.iter().all(|word| capital(word) || particle(word))
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}')
}

/// Whether a text is nothing but the words before a name.
pub(super) fn is_lead(text: &str) -> bool {
    let text = text.trim().trim_end_matches([':', '：']);
    text.len() <= MAX_LEAD && may_lead(text) && LEAD.contains(&text.to_lowercase().as_str())
}

/// Length of the longest of the words before a name, in bytes.
const MAX_LEAD: usize = 24;

/// The first letters of the words before a name.
const STARTS: Starts = Starts::of(LEAD);

/// Whether a text may begin with one of the words before a name.
pub(super) fn may_lead(text: &str) -> bool {
    STARTS.may_begin(text)
}

/// Cuts the text before the first word that starts with a digit, and before the words in front of it that belong to a
/// date.
fn without_date(text: &str) -> &str {
    let starts = text.match_indices(' ').map(|(place, _)| place);
    let number = |place: &usize| text[place + 1..].starts_with(|c: char| c.is_ascii_digit());
    let Some(end) = starts.into_iter().find(number) else { return text };
    let mut head = &text[..end];
    loop {
        let (before, last) = head.rsplit_once(' ').unwrap_or(("", head));
        let word = last.trim_end_matches([':', ',', '.']).to_lowercase();
        let is_of_date =
            date::is_month(last) || BEFORE_DATES.contains(&word.as_str()) || DAYS.contains(&word.as_str());
        if !is_of_date || head.is_empty() {
            return head;
        }
        head = before;
    }
}

/// What is after the "by" that follows a date: `Posted on May 3, 2024 by Ada`.
fn after_date(text: &str) -> &str {
    let after = [" by ", " von ", " par ", " por "].iter().find_map(|by| text.split_once(by));
    let dated = |before: &str| before.contains(|c: char| c.is_ascii_digit());
    after.filter(|(before, _)| dated(before)).map_or(text, |(_, name)| name)
}

/// Cuts one of the words before a name; `None` without such a word.
pub(super) fn without_lead(text: &str) -> Option<&str> {
    if !may_lead(text) {
        return None;
    }
    let begins = |text: &str| text.bytes().next().map(|byte| byte | 0x20);
    LEAD.iter().filter(|lead| begins(lead) == begins(text)).find_map(|lead| {
        let head = text.get(..lead.len())?;
        let rest = &text[lead.len()..];
        let ends = rest.starts_with([' ', ':', '：'])
            || lead.ends_with(':')
            || (rest.starts_with('/') && !lead.is_ascii());
        let same = head.eq_ignore_ascii_case(lead) || (!lead.is_ascii() && head.to_lowercase() == *lead);
        let rest = rest.trim_start_matches([' ', ':', '：', '/']);
        (same && ends && !rest.is_empty()).then_some(rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_freed_of_what_surrounds_them() {
        let of = |text: &str| name(text).unwrap_or_default();
        assert_eq!(of("  By\n\tScott  Cunningham "), "Scott Cunningham");
        assert_eq!(of("Written by: Rob Ewaschuk | SRE"), "Rob Ewaschuk");
        assert_eq!(of("Von Anna Beyer"), "Anna Beyer");
        assert_eq!(of("View all posts by Anna Beyer"), "Anna Beyer");
        assert_eq!(of("Redaktion: Anna Beyer"), "Anna Beyer");
        assert_eq!(of("© Anna Beyer"), "Anna Beyer");
        assert_eq!(of("Ada Lovelace May 20, 2019"), "Ada Lovelace");
        assert_eq!(of("Ada Lovelace (with Bo) on 3 May"), "Ada Lovelace (with Bo)");
        assert_eq!(of("Ada on Friday December 19, @09:00"), "Ada");
        assert_eq!(of("Ada Lovelace Stand: 3. Mai"), "Ada Lovelace");
        assert_eq!(of("Ada Lovelace vor 3 Tagen"), "Ada Lovelace");
        assert_eq!(of("Bo Kuhn (http://example.org/)"), "Bo Kuhn");
        assert_eq!(of("Ada Lovelace Last updated 3 May"), "Ada Lovelace");
        assert_eq!(of("Posted on May 3, 2024 by Ada Lovelace"), "Ada Lovelace");
        assert_eq!(of("Post author By Ada Lovelace"), "Ada Lovelace");
        assert_eq!(of("Ada , Bo"), "Ada, Bo");
        assert_eq!(of("c1ph4"), "c1ph4");
        assert_eq!(of("Byron Vonnegut"), "Byron Vonnegut");
        assert_eq!(of("作者：王小明"), "王小明");
    }

    #[test]
    fn what_names_nobody_is_not_a_name() {
        for text in [
            "https://example.org/ada",
            "@ada",
            "ada@example.org",
            "ada[at]example.org",
            "By",
            "Written by:",
            "No Author",
            "Dec.",
            "Stand: 3. Mai",
            "10 mins read",
            "Sign in",
            "N/A",
            "12",
            "",
        ] {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn people_and_roles() {
        for text in [
            "Ada",
            "Ada Lovelace",
            "A. B. O'Hara-Smith",
            "Ursula von der Leyen",
            "王小明",
            "Ada Lovelace, PhD",
        ] {
            assert!(is_person(text), "{text}");
        }
        for text in
            ["", "rasos", "the tide", "Tides turn at noon", "Ada 7", "Ada!", "One Two Three Four Five Six"]
        {
            assert!(!is_person(text), "{text}");
        }
        for name in ["Admin", "Die Redaktion", "Editorial Team", "AL"] {
            assert!(is_role(name), "{name}");
        }
        assert!(!is_role("Ada Admin") && !is_role("Bo"));
    }

    #[test]
    fn leads_are_whole_words() {
        assert!(LEAD.iter().all(|lead| lead.len() <= MAX_LEAD));
        for (text, rest) in [
            ("by Ada", Some("Ada")),
            ("By: Ada", Some("Ada")),
            ("Byron", None),
            ("by", None),
            ("Autor/in", None),
            ("作者/王", Some("王")),
            ("von ", None),
            ("Redaktion Nord", None),
        ] {
            assert_eq!(without_lead(text), rest, "{text}");
        }
    }

    proptest::proptest! {
        /// A name is a part of the text it was found in, apart from white space.
        #[test]
        fn names_are_not_invented(text in "[A-Za-zé:|,@ ]{0,40}") {
            let all: String = text.split_whitespace().collect();
            proptest::prop_assert!(name(&text).is_none_or(|name| all.contains(&name.replace(' ', ""))));
        }
    }
}
