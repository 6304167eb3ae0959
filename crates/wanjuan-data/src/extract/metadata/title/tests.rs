//! Titles with names of sites around them, and headings next to them.

use super::*;

fn named(site: Option<&str>) -> Site {
    Site::new(site.map(str::to_owned), None)
}

#[test]
fn site_names_go_and_separators_of_the_title_stay() {
    let headings = ["The Bird Site".to_owned(), "Birds - a primer".to_owned()];
    let none: &[String] = &[];
    let cases = [
        ("Birds - a primer | Nature", None, &headings[..], "Birds - a primer"),
        ("The Bird Site: Home: Birds - a primer", Some("The Bird Site"), &headings[..], "Birds - a primer"),
        ("Birds - a primer - nature", Some("Nature"), none, "Birds - a primer"),
        ("Nature: Birds - a primer", Some("Nature"), none, "Birds - a primer"),
        ("Birds and nature", Some("Nature"), none, "Birds and nature"),
        ("Birds - a primer", None, none, "Birds - a primer"),
    ];
    for (title, site, headings, expected) in cases {
        assert_eq!(without_site(title, &named(site), headings), expected);
    }
    assert_eq!(of_element("All the birds – My site", &named(None), none).as_deref(), Some("All the birds"));
    assert_eq!(of_element("Birds – My site", &named(None), none).as_deref(), Some("Birds – My site"));
    assert_eq!(of_element("", &named(None), &headings).as_deref(), Some("The Bird Site"));
    assert_eq!(of_element("", &named(None), none), None);
}

#[test]
fn names_of_sites_are_matched_in_any_case_and_at_both_ends() {
    let none: &[String] = &[];
    for (title, site, expected) in [
        ("Birds | NATURE", "nature", "Birds"),
        ("nature » Birds", "Nature", "Birds"),
        ("Birds – Nature ", "Nature", "Birds"),
        ("Birds Nature", "Nature", "Birds Nature"),
        ("Nature", "Nature", "Nature"),
        ("Birds: Nature", "", "Birds: Nature"),
        ("鸟 - 自然", "自然", "鸟"),
        ("é | Ä", "Ä", "é"),
        ("ß", "ßßßß", "ß"),
    ] {
        assert_eq!(without_site(title, &named(Some(site)), none), expected, "{title} of {site}");
    }
}

#[test]
fn the_last_part_of_a_title_element_goes_if_enough_is_left() {
    let none: &[String] = &[];
    for (element, expected) in [
        ("One two three | Site", "One two three"),
        ("One two three - part - Site", "One two three - part"),
        ("One two three-four", "One two three-four"),
        ("One two - Site", "One two - Site"),
        ("One two | Site", "One two"),
        ("One | Site", "One | Site"),
        ("One two three|Site", "One two three"),
        ("这是一个标题_网站", "这是一个标题"),
        ("标题_网站", "标题_网站"),
    ] {
        assert_eq!(of_element(element, &named(None), none).as_deref(), Some(expected), "{element}");
    }
}

proptest::proptest! {
    /// A title is never longer than what the page states, and never empty.
    #[test]
    fn titles_only_shrink(title in "[A-Za-zé汉 |:–-]{1,40}", site in "[A-Za-zé汉 ]{1,8}", heading in "[A-Za-zé汉 ]{1,20}") {
        let headings = [heading];
        let found = without_site(&title, &named(Some(&site)), &headings);
        proptest::prop_assert!(found.len() <= title.len() && !found.is_empty(), "{:?}", found);
        proptest::prop_assert!(title.contains(&found) || title.split_whitespace().collect::<Vec<_>>().join(" ").contains(&found));
    }
}

#[test]
fn hosts_are_names_of_sites() {
    let site = Site::new([], Some("https://www.bird-watch.example/primer"));
    for (title, expected) in [
        ("Birds | Bird Watch", "Birds"),
        ("Birds | Bird-Watch.example", "Birds"),
        ("Birds | a primer | Bird Watch UK", "Birds | a primer"),
        ("Bird Watch: Birds", "Birds"),
        ("Birds | Bird watch for everybody everywhere", "Birds | Bird watch for everybody everywhere"),
        ("Bird Watch", "Bird Watch"),
    ] {
        assert_eq!(without_site(title, &site, &[]), expected, "{title}");
    }
}

fn headings(title: &str, main: &[&str]) -> Headings {
    let main: Vec<String> = main.iter().map(|text| (*text).to_owned()).collect();
    Headings { title: Some(title.to_owned()), all: main.clone(), main, first: None }
}

/// The title of a page with this `og:title`, `title` element, and these headings.
fn chosen(card: &str, element: &str, main: &[&str]) -> String {
    let site = Site::new(["Shore".to_owned()], Some("https://shore.example/tides"));
    let stated = std::iter::once(card.to_owned());
    choose(stated, Some(card), &headings(element, main), &site).unwrap_or_default()
}

#[test]
fn the_heading_counts_where_the_statement_was_written_for_others() {
    let cases: &[(&str, &str, &[&str], &str)] = &[
        ("Tides turn at noon today", "x", &["Tides turn at noon"], "Tides turn at noon"),
        ("Tides | The best guide to all tides of the sea", "x", &["Tides"], "Tides"),
        (
            "Tides and moons of the sea and of the sky",
            "x",
            &["Sea"],
            "Tides and moons of the sea and of the sky",
        ),
        ("TIDES TURN", "x", &["Tides turn"], "Tides turn"),
        ("Why tides turn: a guide", "Why tides turn: a guide", &["Tides turn at noon"], "Tides turn at noon"),
        ("Why tides turn: a guide", "x", &["Tides turn at noon"], "Why tides turn: a guide"),
        ("Why tides turn", "Why tides turn", &["Tides turn at noon", "Comments"], "Why tides turn"),
        ("Tides turn", "x", &["Tides turn at noon"], "Tides turn at noon"),
        ("Tides turn", "x", &["Tides turn", "At noon"], "Tides turn"),
        ("Tides", "x", &["Tides turn at noon today"], "Tides"),
        ("Tides turn", "x", &["Tides turn | Guide"], "Tides turn"),
        ("Tides turn", "x", &["The tides turn"], "Tides turn"),
        ("All about the sea", "Tides turn - a guide", &["Tides turn"], "Tides turn"),
        ("Tides turn", "Sea | Tides turn", &["Sea"], "Tides turn"),
        ("Tides turn", "Tides turn", &["Welcome"], "Tides turn"),
        ("Shore", "Tides turn at noon - Shore", &["Shore"], "Tides turn at noon"),
    ];
    for (card, element, main, expected) in cases {
        assert_eq!(chosen(card, element, main), *expected, "{card} {main:?}");
    }
}

#[test]
fn the_name_of_the_site_is_the_title_of_its_first_page() {
    let title = |address: &str| {
        let site = Site::new(["Shore".to_owned()], Some(address));
        choose(std::iter::once("Shore".to_owned()), None, &headings("Tides - Shore", &[]), &site)
    };
    assert_eq!(title("https://shore.example/").as_deref(), Some("Shore"));
    assert_eq!(title("https://shore.example/tides").as_deref(), Some("Tides"));
    assert_eq!(choose(std::iter::empty(), None, &Headings::default(), &Site::default()), None);
}
