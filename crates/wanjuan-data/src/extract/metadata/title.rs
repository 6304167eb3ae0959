//! Titles: the heading that a reader sees, or what the page states, without the name of the site around it.
//!
//! Publishers promise that `headline` and `og:title` are titles, but many write them for search results and cards: with
//! the name of the site, or longer than the heading. The heading is what the page itself is titled with, so it counts
//! where the statement shows that both are about the same.

use super::heading::{Headings, Overlap};
use super::site::Site;
use super::text::clean;

/// Characters between a title and the name of its site.
const SEPARATORS: &[char] =
    &['|', '-', '–', '—', '\\', '/', '>', '»', '›', '·', '•', ':', '｜', '│', '_', '«', '‹', '<'];

/// The title of a page from what it states, the surest first. The name of the site is not a title, except on its first
/// page. `card` is the title for cards in social networks.
pub(super) fn choose(
    stated: impl Iterator<Item = String>,
    card: Option<&str>,
    headings: &Headings,
    site: &Site,
) -> Option<String> {
    let mut stated = stated.map(|title| without_site(&title, site, &headings.all)).peekable();
    let surest = stated.peek().cloned();
    let element = || of_element(headings.title.as_deref().unwrap_or_default(), site, &headings.all);
    let is_title = |title: &String| site.is_home() || !site.is(title);
    let title = stated.find(is_title).or_else(|| element().filter(is_title));
    let title = title.or(surest).or_else(element)?;
    Some(heading_for(&title, card, headings, site).map_or(title.clone(), str::to_owned))
}

/// The heading that says better what a title states, if there is one.
fn heading_for<'a>(title: &str, card: Option<&str>, headings: &'a Headings, site: &Site) -> Option<&'a str> {
    let own: Vec<&str> =
        headings.main.iter().map(String::as_str).filter(|heading| !site.is(heading)).collect();
    let element = headings.title.as_deref().unwrap_or_default();
    // The `title` element begins with the heading, so the page is about that. What is stated is about something else,
    // such as the site, unless it is the longer part.
    let longer = |heading: &str| !element.contains(title) || heading.len() >= title.len();
    let other = |heading: &str| !Overlap::of(heading, title).is_half() && longer(heading);
    let confirmed = |heading: &str| (element == heading || is_first_part(element, heading)) && other(heading);
    if let Some(heading) = own.iter().copied().find(|heading| confirmed(heading)) {
        return Some(heading);
    }
    let share = |heading: &str| Overlap::of(heading, title).share();
    // Of equals the last one is the maximum.
    let heading = *own.iter().rev().max_by(|one, other| share(one).total_cmp(&share(other)))?;
    let overlap = Overlap::of(heading, title);
    let (is_within, is_around) = (overlap.common == overlap.first, overlap.common == overlap.second);
    // The title adds words for search results. If it adds most of them, the heading is only a word of it.
    let shortened = is_within && (3 * overlap.first >= overlap.second || is_first_part(title, heading));
    // The card repeats the `title` element, so neither was written with the heading in view.
    let repeated = card.is_some() && card == headings.title.as_deref();
    let reworded = repeated && own.len() == 1 && overlap.is_half() && !is_within && !is_around;
    // The title is a short form of the heading, which adds more than an article or a part of its own.
    let adds = !is_first_part(heading, title) && !strip_suffix(heading, title).is_some_and(is_article);
    let lengthened = is_around && own.len() == 1 && 2 * overlap.second >= overlap.first && adds;
    let better = shortened || reworded || lengthened || card == Some(heading);
    (better && overlap.first > 0).then_some(heading)
}

/// A stated title, without the name of the site at its start or end. If a part of it is a heading of the page, that is
/// the title. Otherwise separators belong to the title.
pub(super) fn without_site(title: &str, site: &Site, headings: &[String]) -> String {
    if let Some(heading) = heading_in(title, site, headings) {
        return heading.to_owned();
    }
    let mut rest = title;
    for name in site.names() {
        rest = without_name(rest, name).unwrap_or(rest);
    }
    while let Some((head, tail)) = last_separator(rest)
        && site.begins(tail)
        && !head.is_empty()
    {
        rest = head;
    }
    if let Some((head, tail)) = rest.split_once(SEPARATORS)
        && site.is(head)
    {
        rest = tail;
    }
    let rest = if rest.len() < title.len() { trim(rest) } else { title };
    clean(rest).unwrap_or_else(|| title.to_owned())
}

/// The heading that is a part of a title: the longest, but the last part is a heading of the site if another is one.
fn heading_in<'a>(title: &str, site: &Site, headings: &'a [String]) -> Option<&'a str> {
    let parts = headings.iter().filter(|heading| is_part(title, heading) && is_telling(heading, site));
    let mut parts: Vec<&String> = parts.collect();
    if parts.iter().any(|part| strip_prefix(title, part).is_some()) {
        parts.retain(|part| strip_suffix(title, part).is_none());
    }
    parts.into_iter().max_by_key(|part| part.len()).map(String::as_str)
}

/// The title from the `title` element. Its last part counts as the site if at least three words are left before it, or
/// two before a bar, which seldom stands within a title.
fn of_element(element: &str, site: &Site, headings: &[String]) -> Option<String> {
    let title = without_site(element, site, headings);
    if title.is_empty() {
        return headings.first().cloned();
    }
    if title != element {
        return Some(title);
    }
    let words = |text: &str| text.split_whitespace().count().max(text.chars().filter(is_han).count() / 2);
    let is_barred = |head: &str| title[head.len()..].trim_start().starts_with(['|', '｜', '│']);
    let is_long = |head: &&str| words(head) >= if is_barred(head) { 2 } else { 3 };
    let head = last_separator(&title).map(|(head, _)| head).filter(is_long);
    Some(head.unwrap_or(&title).to_owned())
}

/// What is before and after the last separator that has spaces around it, or is one of those that need none.
fn last_separator(title: &str) -> Option<(&str, &str)> {
    let spaced = |(place, separator): (usize, char)| {
        let (head, tail) = (&title[..place], &title[place + separator.len_utf8()..]);
        let wide = head.ends_with(' ') && tail.starts_with(' ');
        let is = SEPARATORS.contains(&separator) && (wide || matches!(separator, '|' | '｜' | '│' | '_'));
        is.then_some((head.trim_end(), tail.trim_start()))
    };
    title.char_indices().filter_map(spaced).next_back()
}

fn is_han(c: &char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// Whether a heading can be a title: it is more than a word, and not the name of the site.
fn is_telling(heading: &str, site: &Site) -> bool {
    let long = heading.contains(' ') || heading.chars().filter(is_han).count() >= 4;
    long && !site.is(heading)
}

/// Whether `part` is one part of `title` between separators or ends, in any case, but not all of it.
fn is_part(title: &str, part: &str) -> bool {
    // A part that is much shorter is the site, a series or a section.
    if !(part.len() + 1..=4 * part.len()).contains(&title.len()) {
        return false;
    }
    let title = title.to_ascii_lowercase();
    title.match_indices(&part.to_ascii_lowercase()).any(|(start, _)| {
        let (before, after) = (title[..start].trim_end(), title[start + part.len()..].trim_start());
        (before.is_empty() || before.ends_with(SEPARATORS))
            && (after.is_empty() || after.starts_with(SEPARATORS))
    })
}

/// Whether a title begins with `part`, in any case, and a separator follows.
fn is_first_part(title: &str, part: &str) -> bool {
    strip_prefix(title, part).is_some_and(|rest| rest.trim_start().starts_with(SEPARATORS))
}

/// A title without a name at its end or start, if separators are between them.
fn without_name<'a>(title: &'a str, name: &str) -> Option<&'a str> {
    let ends = |rest: &&str| rest.trim_end().ends_with(SEPARATORS) && !trim(rest).is_empty();
    let starts = |rest: &&str| rest.trim_start().starts_with(SEPARATORS) && !trim(rest).is_empty();
    let name = name.trim();
    let before = strip_suffix(title, name).filter(ends);
    before.or_else(|| strip_prefix(title, name).filter(starts)).map(trim).filter(|_| !name.is_empty())
}

fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || SEPARATORS.contains(&c))
}

fn is_article(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("the")
}

fn strip_suffix<'a>(title: &'a str, site: &str) -> Option<&'a str> {
    let start = title.len().checked_sub(site.len())?;
    title.get(start..).filter(|end| end.eq_ignore_ascii_case(site)).map(|_| &title[..start])
}

fn strip_prefix<'a>(title: &'a str, site: &str) -> Option<&'a str> {
    title.get(..site.len()).filter(|head| head.eq_ignore_ascii_case(site)).map(|_| &title[site.len()..])
}

#[cfg(test)]
mod tests;
