//! Damage that pages suffer in transit, and pages that nobody writes by hand.

use internlm_kit::testing::TestRng;

/// Strings that break parsers when they are in a wrong place.
const TOKENS: &[&str] = &[
    "<table>",
    "</table>",
    "<tr>",
    "<td colspan=9007199254740991>",
    "<svg>",
    "<math>",
    "<script>",
    "</script>",
    "<!--",
    "-->",
    "<![CDATA[",
    "<style>",
    "<template>",
    "</template>",
    "<p>",
    "</div></div></div>",
    "<select>",
    "<a><a>",
    "<b><i></b></i>",
    "<textarea>",
    "<title>",
    "&#x110000;",
    "&amp",
    "\u{0}",
    "<plaintext>",
    "<frameset>",
    "<noscript>",
    "<pre>\n",
    "<li>",
    "</p>",
    "<br>",
    "\u{feff}",
    "\r",
    "<ruby><rt>",
    "<form>",
    "</body>",
    "</html>",
    "<body>",
    "<head>",
];

/// A damaged copy of a page and the name of the damage.
pub(crate) fn mutate(page: &[u8], seed: u64) -> (&'static str, Vec<u8>) {
    let mut random = TestRng::new(seed);
    let mut bytes = page.to_vec();
    let kind = match seed % 8 {
        0 => {
            bytes.truncate(random.below(page.len()));
            "truncation"
        }
        1 => {
            for _ in 0..1 + random.below(64) {
                let at = random.below(bytes.len());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
            "bit flips"
        }
        2 => {
            for _ in 0..1 + random.below(200) {
                let (at, token) = (random.below(bytes.len()), TOKENS[random.below(TOKENS.len())]);
                bytes.splice(at..at, token.bytes());
            }
            "tokens"
        }
        3 => {
            for _ in 0..1 + random.below(20) {
                let (from, to) = (random.below(bytes.len()), random.below(bytes.len()));
                let end = (from + random.below(5000)).min(bytes.len());
                let piece = bytes[from..end].to_vec();
                bytes.splice(to..to, piece);
            }
            "pieces moved"
        }
        4 => {
            for _ in 0..1 + random.below(20) {
                let from = random.below(bytes.len());
                let end = (from + random.below(3000)).min(bytes.len());
                bytes.drain(from..end);
            }
            "pieces lost"
        }
        5 => {
            let labels: [&[u8]; 6] =
                [b"utf-16", b"gbk", b"big5", b"shift_jis", b"iso-2022-jp", b"x-user-defined"];
            let mut labeled = b"<meta charset=".to_vec();
            labeled.extend_from_slice(labels[random.below(labels.len())]);
            labeled.push(b'>');
            labeled.append(&mut bytes);
            bytes = labeled;
            "wrong charset"
        }
        6 => {
            for _ in 0..1 + random.below(500) {
                let at = random.below(bytes.len());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = 0;
                }
            }
            "zeros"
        }
        _ => {
            // End tags turned into start tags: everything nests.
            let share = 1 + random.below(10);
            let mut at = 0;
            while let Some(step) = bytes[at..].windows(2).position(|pair| pair == b"</") {
                at += step + 1;
                if random.below(share) == 0 {
                    bytes.remove(at);
                }
            }
            "unclosed tags"
        }
    };
    (kind, bytes)
}

/// Pages that are hostile on purpose.
pub(crate) fn hostile_pages() -> Vec<(&'static str, Vec<u8>)> {
    let nested = |tag: &str| format!("<{tag}>").repeat(100_000) + "deep";
    let texts: Vec<(&'static str, String)> = vec![
        ("100,000 div", nested("div")),
        ("100,000 span", nested("span")),
        ("100,000 p", nested("p")),
        ("100,000 a", nested("a href=x")),
        ("100,000 b", nested("b")),
        ("100,000 table", nested("table")),
        ("100,000 table with cells", "<table><tr><td>x".repeat(100_000)),
        ("100,000 ul li", "<ul><li>x".repeat(100_000)),
        ("100,000 blockquote", nested("blockquote")),
        ("100,000 details", "<details><summary>x".repeat(100_000)),
        ("100,000 ruby", "<ruby>x<rt>y".repeat(100_000)),
        ("100,000 svg", nested("svg")),
        ("100,000 math", "<math><mrow>".repeat(100_000)),
        ("100,000 form", nested("form")),
        ("100,000 unknown", nested("x-y")),
        ("100,000 sections closed wrongly", "<section></div>x".repeat(100_000)),
        (
            "wide table",
            format!("<table><tr>{}", "<td colspan=9007199254740991 rowspan=9007199254740991>x".repeat(2000)),
        ),
        ("20 MB on one line", "<p>".to_owned() + &"lorem ipsum dolor sit amet, ".repeat(20_000_000 / 28)),
        ("20 MB of one word", "a".repeat(20_000_000)),
        ("1 MB of open brackets", "<".repeat(1 << 20)),
        ("1 MB of ampersands", "&".repeat(1 << 20)),
        ("an attribute of 5 MB", format!("<p class=\"{}\">text</p>", "a b ".repeat(1_250_000))),
        (
            "100,000 attributes",
            format!("<p {}>text</p>", (0..100_000).map(|n| format!("a{n}=1 ")).collect::<String>()),
        ),
        ("zeros", "\0".repeat(1 << 20)),
        ("no page", String::new()),
        ("only a script", format!("<script>{}", "if (a < b) { x } ".repeat(100_000))),
        ("script in comment in script", "<script><!--<script>".repeat(50_000)),
        ("500,000 paragraphs", "<p>some words of text in it, as usual.".repeat(500_000)),
    ];
    let mut pages: Vec<(&'static str, Vec<u8>)> =
        texts.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    let utf16: Vec<u8> = "<p>words in UTF-16, without a mark</p>"
        .repeat(1000)
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    pages.push(("UTF-16", utf16));
    pages.push(("random bytes", TestRng::new(0).bytes(1 << 20)));
    pages
}
