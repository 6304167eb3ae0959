//! A generated website: articles, near and exact duplicates, pages that rules drop, boilerplate everywhere.

use std::fs;
use std::path::{Path, PathBuf};

use internlm_kit::rng::CounterRng;

const ADJECTIVES: [&str; 24] = [
    "quiet", "ancient", "small", "northern", "careful", "modern", "useful", "heavy", "narrow", "public",
    "simple", "warm", "distant", "hollow", "bright", "patient", "wooden", "hidden", "gentle", "famous",
    "steep", "early", "broken", "silent",
];
const NOUNS: [&str; 40] = [
    "river", "library", "engine", "garden", "bridge", "teacher", "market", "harbor", "village", "forest",
    "machine", "letter", "window", "season", "station", "record", "mountain", "doctor", "kitchen", "island",
    "painter", "valley", "museum", "farmer", "tunnel", "castle", "sailor", "meadow", "temple", "writer",
    "canal", "orchard", "soldier", "tower", "baker", "cellar", "glacier", "printer", "quarry", "lantern",
];
const VERBS: [&str; 24] = [
    "follows",
    "keeps",
    "measures",
    "describes",
    "changes",
    "protects",
    "repairs",
    "collects",
    "explains",
    "carries",
    "watches",
    "opens",
    "forgets",
    "paints",
    "crosses",
    "remembers",
    "borrows",
    "defends",
    "studies",
    "visits",
    "improves",
    "ignores",
    "admires",
    "finds",
];

/// English prose without end, a function of `seed`.
pub(crate) fn sentences(seed: u64, count: usize) -> Vec<String> {
    let rng = CounterRng::new(seed, "prose");
    let mut counter = 0;
    let mut pick = |list: &[&'static str]| {
        counter += 1;
        list[rng.below(counter, list.len() as u64) as usize]
    };
    (0..count)
        .map(|_| {
            let (a, b, c) = (pick(&NOUNS), pick(&NOUNS), pick(&NOUNS));
            let (x, y) = (pick(&ADJECTIVES), pick(&ADJECTIVES));
            let (v, w) = (pick(&VERBS), pick(&VERBS));
            match pick(&["0", "1", "2", "3", "4", "5"]) {
                "0" => format!("The {x} {a} {v} the {b} that was {y} with a {c}."),
                "1" => format!("With {a} and {b}, people {v} what {x} {c} have to be."),
                "2" => format!("It {v} every {x} {a}, and {b} {w} this {y} {c} too."),
                "3" => format!("Nobody {v} one {x} {a} of that {y} {b} when he {w} his {c}."),
                "4" => format!("To be {x} is what {a} {v} and {y} {b} {w}, says the {c}."),
                _ => format!("Her {a} never {v} their {x} {b}, but our {y} {c} {w} them."),
            }
        })
        .collect()
}

/// A page with navigation, footer and three paragraphs per article.
pub(crate) fn page(title: &str, sentences: &[String]) -> String {
    let paragraphs: String =
        sentences.chunks(4).map(|chunk| format!("<p>{}</p>\n", chunk.join(" "))).collect();
    format!(
        "<!DOCTYPE html><html lang=en><head><title>{title}</title><script>var x = 1;</script></head><body>\
         <nav><ul><li><a href=/>Home</a></li><li><a href=/all>All pages</a></li></ul></nav>\
         <main><h1>{title}</h1>\n{paragraphs}<p>Please write to the editors of this collection.</p></main>\
         <footer>Copyright of nobody</footer></body></html>"
    )
}

/// Writes a site of `articles` articles and everything that has to go, and returns its folder.
pub(crate) fn write_site(folder: &Path, articles: u64) -> PathBuf {
    let site = folder.join("site");
    let write = |path: &str, text: &str| {
        let path = site.join(path);
        fs::create_dir_all(path.parent().expect("has a parent")).expect("creates");
        fs::write(path, text).expect("writes");
    };
    for seed in 0..articles {
        let mut text = sentences(seed, 16);
        let title = format!("Article number {seed}");
        write(&format!("articles/{seed:03}.html"), &page(&title, &text));
        match seed % 10 {
            3 => write(&format!("copies/{seed:03}.html"), &page(&title, &text)),
            7 => {
                text[5] = "One sentence of this copy is another one, and that is all of it.".to_owned();
                write(&format!("near/{seed:03}.html"), &page(&title, &text));
            }
            _ => {}
        }
    }
    write("short.html", "<p>Too short.</p>");
    write("empty.html", "<nav><a href=/>Home</a></nav>");
    let german =
        "Der alte Fluss fließt durch die Stadt, und die Leute gehen über die Brücke zum Markt. ".repeat(12);
    write("deutsch.html", &format!("<p>{german}</p>"));
    write("notes.txt", &sentences(1_000_000, 20).join("\n"));
    site
}

/// A pipeline over `site` into `output`, all stages on.
pub(crate) fn pipeline_toml(site: &Path, output: &Path) -> String {
    format!(
        r#"
output = {output:?}
[import]
source = "folder"
dir = {site:?}
dump = "test"
pages-per-file = 8
[[stages]]
stage = "extract"
[[stages]]
stage = "normalize"
[[stages]]
stage = "language"
keep = ["en"]
[[stages]]
stage = "gopher-quality"
[[stages]]
stage = "gopher-repetition"
[[stages]]
stage = "c4"
[[stages]]
stage = "fineweb"
[[stages]]
stage = "exact-dedup"
[[stages]]
stage = "near-dedup"
[[stages]]
stage = "repeated-lines"
[tokenize]
vocab-size = 300
held-out-per-mille = 100
"#
    )
}
