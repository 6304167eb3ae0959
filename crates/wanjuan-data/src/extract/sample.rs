//! Generated markup for the property tests of all rooms.

use proptest::prelude::*;

/// Tags of every role, some of them misspelled or foreign.
const TAGS: &[&str] = &[
    "p",
    "div",
    "span",
    "a",
    "b",
    "i",
    "em",
    "strong",
    "h1",
    "h2",
    "h3",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "tr",
    "td",
    "th",
    "thead",
    "tbody",
    "caption",
    "pre",
    "code",
    "blockquote",
    "nav",
    "footer",
    "aside",
    "article",
    "section",
    "main",
    "header",
    "form",
    "button",
    "label",
    "noscript",
    "ruby",
    "rt",
    "rp",
    "q",
    "sub",
    "sup",
    "s",
    "math",
    "mi",
    "mfrac",
    "svg",
    "template",
    "select",
    "option",
    "textarea",
    "details",
    "summary",
    "figure",
    "x-y",
    "search",
    "menu",
    "dialog",
    "center",
    "listing",
    "body",
    "html",
    "head",
];

/// Attributes that some rule looks at.
const ATTRIBUTES: &[&str] = &[
    "",
    "",
    "",
    "",
    " class=comment",
    " class='nav-bar x7'",
    " id=sidebar",
    " class=katex",
    " class=lineno",
    " hidden",
    " style='display:none'",
    " style='white-space:pre'",
    " aria-hidden=true",
    " role=navigation",
    " itemprop=author",
    " href=/x",
    " rel=author",
    " colspan=3 rowspan=2",
    " start=5",
    " reversed",
    " class=byline",
];

/// Texts of several scripts, and what breaks parsers.
const TEXTS: &[&str] = &[
    "word ",
    "Two words.",
    " ",
    "\n",
    "  \t ",
    "A whole sentence of several words, which ends here. ",
    "汉字。",
    "日本語 ",
    "&amp;",
    "&lt;b&gt;",
    "&nbsp;",
    "2024-05-01",
    "1.5 € | a | b",
    "<br>",
    "<br><br>",
    "<hr>",
    "<img src=/i.png alt=i>",
    "<!-- c -->",
    "<script>1<2</script>",
    "<style>p{}</style>",
    "<input>",
    "*_`|\\",
    "\u{ad}",
    "\u{0}",
    "<",
    "</",
];

/// Markup of any nesting and misnesting: up to 60 tags and texts.
pub(crate) fn markup() -> impl Strategy<Value = String> {
    let text = prop::sample::select(TEXTS).prop_map(str::to_owned);
    let open = (prop::sample::select(TAGS), prop::sample::select(ATTRIBUTES))
        .prop_map(|(tag, attribute)| format!("<{tag}{attribute}>"));
    let close = prop::sample::select(TAGS).prop_map(|tag| format!("</{tag}>"));
    let token = prop_oneof![3 => text, 3 => open, 2 => close];
    prop::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat())
}

/// Words of a few scripts without characters that markup or markdown would read as something else.
pub(crate) fn words() -> impl Strategy<Value = String> {
    let word =
        prop::sample::select(&["fox", "Birds", "sing", "ein", "größer", "7", "été", "слово", "end."][..]);
    prop::collection::vec(word, 1..12).prop_map(|words| words.join(" "))
}
