//! The table against the two tables that the trees were trained with, and against itself.

use super::*;

/// Tag, role, flow by which the judge cuts, and number of the slot. **Frozen**: the trees were trained on pages cut and
/// described like this. It is a copy on purpose, so that an edit of the table cannot pass unnoticed.
const TRAINED: &str = "
a Link Inline 0
address Paragraph Block -
area Never Never -
article Paragraph Block 1
aside Paragraph Block 2
audio Never Never -
b Strong Inline 25
blockquote BlockQuote Block 3
body Paragraph Block -
br Break Inline -
button Line Block 4
canvas Never Never -
caption Paragraph Block 8
center Paragraph Block -
code Code Inline 20
datalist Never Never -
dd Description Block -
del Strike Inline -
details Paragraph Block 6
dialog Paragraph Block -
dir BulletList Block -
div Line Block -
dl Paragraph Block 5
dt Line Block -
em Emphasis Inline 25
embed Never Never -
fieldset Paragraph Block 10
figcaption Line Block 8
figure Paragraph Block 7
footer Paragraph Block 9
form Paragraph Block 10
frameset Never Never -
h1 Heading(1) Block 11
h2 Heading(2) Block 12
h3 Heading(3) Block 13
h4 Heading(4) Block 13
h5 Heading(5) Block 13
h6 Heading(6) Block 13
head Never Never -
header Line Block 14
hgroup Line Block 14
hr Rule Block -
html Paragraph Block -
i Emphasis Inline 25
iframe Never Never -
image Image Inline -
img Image Inline -
input Never Never -
kbd Code Inline -
label Inline Inline 15
legend Line Block -
li Item Block 16
listing Preformatted Block 20
main Paragraph Block 17
map Never Never -
menu BulletList Block 18
meter Never Never -
nav Paragraph Block 18
noembed Never Inline -
noframes Never Never -
noscript Paragraph Block 19
object Never Never -
ol NumberedList Block -
option Never Never -
p Paragraph Block 23
plaintext Preformatted Inline -
pre Preformatted Block 20
progress Never Never -
q Quote Inline -
rp Never Inline -
rt Reading Inline -
s Strike Inline -
samp Code Inline -
script Never Never -
search Paragraph Inline -
section Paragraph Block 21
select Never Never -
strike Strike Inline -
strong Strong Inline 25
style Never Never -
sub Subscript Inline -
summary Line Block 6
sup Superscript Inline -
svg Never Never -
table Table Block 22
tbody Line Block -
td Cell Block -
template Never Never -
textarea Never Never -
tfoot Line Block -
th Cell Block -
thead Line Block -
title Never Inline -
tr Row Block -
tt Code Inline -
ul BulletList Block -
video Never Never -
xmp Preformatted Inline -
";

/// Text of a role as in [`TRAINED`].
fn role_name(role: Role) -> String {
    format!("{role:?}")
}

#[test]
fn every_tag_means_what_it_meant_in_training() {
    let mut lines = 0;
    for line in TRAINED.trim().lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [name, role, cut, slot] = fields[..] else { panic!("{line}") };
        let tag = Tag::of(&LocalName::from(name));
        assert_eq!(role_name(tag.role), role, "{name}");
        assert_eq!(format!("{:?}", tag.cut), cut, "{name}");
        assert_eq!(tag.slot.map_or("-".to_owned(), |slot| slot.index().to_string()), slot, "{name}");
        lines += 1;
    }
    assert_eq!(lines, ENTRIES.len(), "the table has tags that training did not know");
}

#[test]
fn the_table_is_sorted_and_without_duplicates() {
    for pair in ENTRIES.windows(2) {
        assert!(*pair[0].name < *pair[1].name, "{} {}", pair[0].name, pair[1].name);
    }
    assert_eq!(TABLE.len(), ENTRIES.len());
}

#[test]
fn unknown_names_are_inline() {
    for name in ["x-y", "blink", "span", "font", "P", "", "h7", "path", "日本"] {
        assert_eq!(Tag::of(&LocalName::from(name)), Tag::UNKNOWN, "{name}");
    }
}

#[test]
fn the_judge_differs_from_the_renderer_for_six_tags_only() {
    let differing: Vec<&str> = ENTRIES
        .iter()
        .filter(|entry| Tag::of(&entry.name).cut != entry.role.flow())
        .map(|entry| &*entry.name)
        .collect();
    assert_eq!(differing, ["noembed", "plaintext", "rp", "search", "title", "xmp"]);
}

#[test]
fn headings_have_their_level() {
    for level in 1..=6_u8 {
        assert_eq!(Tag::of(&LocalName::from(format!("h{level}"))).role, Role::Heading(level));
    }
}

#[test]
fn never_text_has_no_slot() {
    for entry in ENTRIES.iter().filter(|entry| entry.role == Role::Never) {
        assert_eq!(entry.slot, None, "{}", entry.name);
    }
}

#[test]
fn flows_follow_from_roles() {
    let cases = [
        (Role::Never, Flow::Never),
        (Role::Paragraph, Flow::Block),
        (Role::Line, Flow::Block),
        (Role::Heading(3), Flow::Block),
        (Role::Break, Flow::Inline),
        (Role::Rule, Flow::Block),
        (Role::Preformatted, Flow::Block),
        (Role::BulletList, Flow::Block),
        (Role::NumberedList, Flow::Block),
        (Role::Item, Flow::Block),
        (Role::Description, Flow::Block),
        (Role::Table, Flow::Block),
        (Role::Row, Flow::Block),
        (Role::Cell, Flow::Block),
        (Role::BlockQuote, Flow::Block),
        (Role::Image, Flow::Inline),
        (Role::Link, Flow::Inline),
        (Role::Code, Flow::Inline),
        (Role::Strong, Flow::Inline),
        (Role::Emphasis, Flow::Inline),
        (Role::Strike, Flow::Inline),
        (Role::Subscript, Flow::Inline),
        (Role::Superscript, Flow::Inline),
        (Role::Quote, Flow::Inline),
        (Role::Reading, Flow::Inline),
        (Role::Inline, Flow::Inline),
    ];
    for (role, flow) in cases {
        assert_eq!(role.flow(), flow, "{role:?}");
    }
}
