//! Properties of extraction as a user of the library sees it, on generated and damaged pages.

use proptest::prelude::*;
use wanjuan_data::extract::{
    Dom, ExtractConfig, Links, Mode, TextFormat, decode, explain, extract_html, feature_names, render_all,
    training_data,
};

const MODES: [Mode; 3] = [Mode::Precision, Mode::Balanced, Mode::Recall];
const FORMATS: [TextFormat; 2] = [TextFormat::Text, TextFormat::Markdown];

/// A sentence that begins with a word of its own, so that it can be found again.
fn sentence(number: usize) -> String {
    format!("Number{number} of the foxes runs through the wood, sleeps in the shade, and comes back at noon.")
}

/// A whole page: head, menu, story, comments, footer.
fn page(paragraphs: usize) -> String {
    let story: String =
        (0..paragraphs).map(|n| format!("<p>{} {}</p>\n", sentence(n), sentence(n + 1_000))).collect();
    format!(
        "<!doctype html><html lang=en><head><title>Foxes of the wood | The Shore</title>\
         <meta property=og:site_name content='The Shore'><meta name=author content='Ada Lovelace'>\
         <meta property=article:published_time content=2024-05-01></head><body>\
         <nav class=menu><ul><li><a href=/>Home</a><li><a href=/news>News</a><li><a href=/about>About</a></ul></nav>\
         <article class=entry><h1>Foxes of the wood</h1>{story}<pre><code class=language-rust>fn a() {{}}</code></pre>\
         <table><tr><th>Fox<th>Age<tr><td>Red<td>3</table></article>\
         <div class=share><a href=#>Share</a> <a href=#>Tweet</a></div>\
         <footer>© The Shore. All rights reserved.</footer></body></html>"
    )
}

/// Changes that pages suffer: cuts, repeats, lost and wrong bytes, tags in wrong places.
fn damage() -> impl Strategy<Value = Vec<(u8, prop::sample::Index, prop::sample::Index)>> {
    prop::collection::vec((0..6_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..8)
}

fn damaged(page: &str, changes: &[(u8, prop::sample::Index, prop::sample::Index)]) -> Vec<u8> {
    let tokens: &[&[u8]] =
        &[b"<table>", b"</div>", b"<script>", b"<!--", b"<svg>", b"</p>", b"\0", b"<pre>", b"<select>"];
    let mut bytes = page.as_bytes().to_vec();
    for (kind, first, second) in changes {
        if bytes.is_empty() {
            break;
        }
        let (at, other) = (first.index(bytes.len()), second.index(bytes.len()));
        match kind {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at.min(other)..at.max(other).min(at.min(other) + 200))),
            2 => bytes[at] ^= 1 << (other % 8),
            3 => {
                let piece = bytes[at..(at + 100).min(bytes.len())].to_vec();
                bytes.splice(other..other, piece);
            }
            4 => drop(bytes.splice(at..at, tokens[other % tokens.len()].iter().copied())),
            _ => bytes.insert(at, 0xff),
        }
    }
    bytes
}

#[test]
fn the_story_is_kept_and_the_rest_is_not() {
    let page = page(14);
    for mode in MODES {
        for format in FORMATS {
            let config = ExtractConfig::default().with_mode(mode).with_format(format);
            let text = extract_html(page.as_bytes(), None, &config).text;
            for number in 0..14 {
                assert!(text.contains(&sentence(number)), "{mode:?} {format:?}: {number}");
            }
            for other in ["Home", "Tweet", "All rights reserved"] {
                assert!(!text.contains(other), "{mode:?} {format:?}: {other}");
            }
        }
    }
}

#[test]
fn metadata_does_not_depend_on_mode_or_format() {
    let page = page(3);
    let expected = extract_html(page.as_bytes(), None, &ExtractConfig::default()).metadata;
    assert_eq!(expected.title.as_deref(), Some("Foxes of the wood"));
    assert_eq!(expected.author.as_deref(), Some("Ada Lovelace"));
    assert_eq!(expected.date.as_deref(), Some("2024-05-01"));
    assert_eq!((expected.site.as_deref(), expected.language.as_deref()), (Some("The Shore"), Some("en")));
    for mode in MODES {
        for format in FORMATS {
            let config =
                ExtractConfig::default().with_mode(mode).with_format(format).with_links(Links::Inline);
            assert_eq!(extract_html(page.as_bytes(), None, &config).metadata, expected);
        }
    }
}

#[test]
fn the_charset_does_not_change_the_text() {
    let page = page(5).replace("foxes", "Füchse");
    let expected = extract_html(page.as_bytes(), None, &ExtractConfig::default());
    let utf16: Vec<u8> = page.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = page.chars().map(|c| u8::try_from(u32::from(c)).expect("is Latin-1")).collect();
    assert_eq!(extract_html(&utf16, None, &ExtractConfig::default()), expected);
    assert_eq!(extract_html(&latin, Some("latin1"), &ExtractConfig::default()), expected);
}

#[test]
fn training_data_has_the_features_by_name() {
    let data = training_data(page(14).as_bytes());
    let names = feature_names();
    assert_eq!(data.features.len(), data.texts.len() * names.len());
    assert!(data.texts.iter().any(|text| text.contains(&sentence(7))));
    let json = serde_json::to_value(&data).expect("is plain data");
    for list in
        ["texts", "features", "containers", "paths", "headings", "scores", "innermost", "units", "elements"]
    {
        assert!(json[list].is_array(), "{list}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Damaged pages are extracted in every mode and form, without a panic and always to the same.
    #[test]
    fn damaged_pages_are_extracted(changes in damage(), paragraphs in 1..16_usize) {
        let bytes = damaged(&page(paragraphs), &changes);
        for (mode, format) in MODES.into_iter().zip([TextFormat::Text, TextFormat::Markdown, TextFormat::Text]) {
            let config = ExtractConfig::default().with_mode(mode).with_format(format);
            let first = extract_html(&bytes, None, &config);
            prop_assert_eq!(first.text.trim_end(), first.text.as_str());
            prop_assert_eq!(extract_html(&bytes, None, &config), first);
        }
    }

    /// What is extracted is on the page: every word of the text is in the source or, where something that is never
    /// text is inside the word, in the rendering of everything.
    #[test]
    fn words_are_not_invented(changes in damage(), paragraphs in 1..16_usize) {
        let bytes = damaged(&page(paragraphs), &changes);
        let text = extract_html(&bytes, None, &ExtractConfig::default()).text;
        let dom = Dom::parse(&decode(&bytes, None));
        let joined = |text: String| text.split_whitespace().collect::<String>();
        let source = joined(dom.text_below(dom.root()));
        let rendering = joined(render_all(&dom, &ExtractConfig::default()));
        for word in text.split_whitespace() {
            prop_assert!(source.contains(word) || rendering.contains(word), "{}", word);
        }
    }

    /// The blocks of an explanation are those of the page, and scores are probabilities.
    #[test]
    fn explanations_are_complete(changes in damage(), paragraphs in 1..16_usize) {
        let bytes = damaged(&page(paragraphs), &changes);
        let explanation = explain(&bytes, None, &ExtractConfig::default());
        for block in &explanation.blocks {
            prop_assert!(!block.text.is_empty() && block.path.starts_with("html"), "{:?}", block);
            prop_assert!(block.kept == block.reason.is_empty(), "{:?}", block);
            prop_assert!(block.score.is_none_or(|score| (0.0..=1.0).contains(&score)));
        }
        let scored = explanation.blocks.iter().filter(|block| block.score.is_some()).count();
        prop_assert!(scored == 0 || scored == explanation.blocks.len());
    }

    /// A page cut anywhere gives no sentence that the whole page does not give in full.
    #[test]
    fn a_cut_page_gives_the_start(share in 0.0..1.0_f64) {
        let whole = page(10);
        let cut = &whole[..whole.floor_char_boundary((whole.len() as f64 * share) as usize)];
        let text = render_all(&Dom::parse(cut), &ExtractConfig::default());
        let complete = render_all(&Dom::parse(&whole), &ExtractConfig::default());
        for line in text.lines().filter(|line| line.ends_with("noon.")) {
            prop_assert!(complete.contains(line), "{}", line);
        }
    }

    /// The extracted text of a clean page, wrapped into paragraphs again, is extracted as it is.
    #[test]
    fn extraction_of_clean_text_is_stable(paragraphs in 1..20_usize, mode in prop::sample::select(&MODES[..])) {
        let html = |text: &str| text.split("\n\n").map(|one| format!("<p>{one}</p>")).collect::<String>();
        let text = (0..paragraphs).map(sentence).collect::<Vec<_>>().join("\n\n");
        let config = ExtractConfig::default().with_mode(mode);
        let once = extract_html(html(&text).as_bytes(), None, &config).text;
        prop_assert_eq!(&once, &text);
        prop_assert_eq!(extract_html(html(&once).as_bytes(), None, &config).text, once);
    }
}
