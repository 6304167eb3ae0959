//! The XML of one page (ECMA-376, part 1, 19.3.1.38 `sld`). Texts fill the placeholders of the page's layout.

use super::deck::{Content, Page};
use super::picture::Picture;

const HEAD: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n",
    "<p:sld xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" ",
    "xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\" ",
    "xmlns:p=\"http://schemas.openxmlformats.org/presentationml/2006/main\"><p:cSld><p:spTree>",
    "<p:nvGrpSpPr><p:cNvPr id=\"1\" name=\"\"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr>",
    "<p:grpSpPr><a:xfrm><a:off x=\"0\" y=\"0\"/><a:ext cx=\"0\" cy=\"0\"/>",
    "<a:chOff x=\"0\" y=\"0\"/><a:chExt cx=\"0\" cy=\"0\"/></a:xfrm></p:grpSpPr>",
);
const TAIL: &str = "</p:spTree></p:cSld><p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr></p:sld>\n";
/// Place of the second half of a page: left, top, width and height, in units of 1/914400 inch.
const HALF: [u64; 4] = [6_172_200, 1_825_625, 5_181_600, 4_351_338];

/// The layouts of the master, by number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Layout {
    Title = 1,
    Text = 2,
    TwoContents = 3,
}

/// The layout of a page.
pub(super) fn layout(page: &Page) -> Layout {
    match &page.content {
        Content::Subtitle(_) => Layout::Title,
        Content::Items(_) => Layout::Text,
        Content::ItemsAndPicture(..) => Layout::TwoContents,
    }
}

/// The XML of a page. Its picture has the relation `rId2`.
pub(super) fn xml(page: &Page) -> String {
    let title = std::slice::from_ref(&page.title);
    let shapes = match &page.content {
        Content::Subtitle(subtitle) => [
            shape(2, "Title 1", "type=\"ctrTitle\"", title),
            shape(3, "Subtitle 2", "type=\"subTitle\" idx=\"1\"", std::slice::from_ref(subtitle)),
        ]
        .concat(),
        Content::Items(items) => [
            shape(2, "Title 1", "type=\"title\"", title),
            shape(3, "Content Placeholder 2", "idx=\"1\"", items),
        ]
        .concat(),
        Content::ItemsAndPicture(items, picture) => [
            shape(2, "Title 1", "type=\"title\"", title),
            shape(3, "Content Placeholder 2", "sz=\"half\" idx=\"1\"", items),
            shown(picture),
        ]
        .concat(),
    };
    [HEAD, &shapes, TAIL].concat()
}

/// A placeholder with one paragraph for each text.
fn shape(id: u32, name: &str, placeholder: &str, texts: &[String]) -> String {
    let paragraphs: String = texts.iter().map(|text| paragraph(text)).collect();
    format!(
        "<p:sp><p:nvSpPr><p:cNvPr id=\"{id}\" name=\"{name}\"/><p:cNvSpPr><a:spLocks noGrp=\"1\"/></p:cNvSpPr>\
         <p:nvPr><p:ph {placeholder}/></p:nvPr></p:nvSpPr><p:spPr/>\
         <p:txBody><a:bodyPr/><a:lstStyle/>{paragraphs}</p:txBody></p:sp>"
    )
}

/// A text; its lines are separated by breaks.
fn paragraph(text: &str) -> String {
    let runs: Vec<String> =
        text.split('\n')
            .map(|line| {
                if line.is_empty() {
                    String::new()
                } else {
                    format!("<a:r><a:t>{}</a:t></a:r>", escaped(line))
                }
            })
            .collect();
    format!("<a:p>{}</a:p>", runs.join("<a:br/>"))
}

/// The picture in the middle of the second half.
fn shown(picture: &Picture) -> String {
    let [left, top, width, height] = HALF;
    let (across, down) = picture.fitted(width, height);
    let (x, y) = (left + (width - across) / 2, top + (height - down) / 2);
    format!(
        "<p:pic><p:nvPicPr><p:cNvPr id=\"4\" name=\"Picture 3\"/>\
         <p:cNvPicPr><a:picLocks noChangeAspect=\"1\"/></p:cNvPicPr><p:nvPr/></p:nvPicPr>\
         <p:blipFill><a:blip r:embed=\"rId2\"/><a:stretch><a:fillRect/></a:stretch></p:blipFill>\
         <p:spPr><a:xfrm><a:off x=\"{x}\" y=\"{y}\"/><a:ext cx=\"{across}\" cy=\"{down}\"/></a:xfrm>\
         <a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom></p:spPr></p:pic>"
    )
}

/// A text between tags. Characters that XML 1.0 cannot hold are left out.
fn escaped(text: &str) -> String {
    let mut xml = String::new();
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\t' => xml.push('\t'),
            '\u{fffe}' | '\u{ffff}' => {}
            _ if character.is_control() => {}
            _ => xml.push(character),
        }
    }
    xml
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::office::picture::Kind;

    #[test]
    fn texts_are_escaped_and_lines_are_broken() {
        assert_eq!(
            paragraph("a<b\u{1}\n&"),
            "<a:p><a:r><a:t>a&lt;b</a:t></a:r><a:br/><a:r><a:t>&amp;</a:t></a:r></a:p>"
        );
        assert_eq!(paragraph(""), "<a:p></a:p>");
    }

    #[test]
    fn a_picture_is_in_the_middle_of_its_half() {
        let picture = Picture { bytes: Vec::new(), kind: Kind::Png, size: (100, 10) };
        let page =
            Page { title: "T".to_owned(), content: Content::ItemsAndPicture(vec!["i".to_owned()], picture) };
        let xml = xml(&page);
        assert_eq!(layout(&page), Layout::TwoContents);
        assert!(
            xml.contains("<a:off x=\"6172200\" y=\"3742214\"/><a:ext cx=\"5181600\" cy=\"518160\"/>"),
            "{xml}"
        );
    }
}
