//! The file of a presentation: parts and their relations in a zip archive (ECMA-376, part 2).

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::deck::{Deck, Page};
use super::slide::{layout, xml};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const MAIN: &str = "application/vnd.openxmlformats-officedocument.presentationml";
/// Parts that are the same in every file.
const FIXED: [(&str, &str); 5] = [
    ("ppt/theme/theme1.xml", include_str!("parts/theme.xml")),
    ("ppt/slideMasters/slideMaster1.xml", include_str!("parts/slide_master.xml")),
    ("ppt/slideLayouts/slideLayout1.xml", include_str!("parts/layout_title.xml")),
    ("ppt/slideLayouts/slideLayout2.xml", include_str!("parts/layout_text.xml")),
    ("ppt/slideLayouts/slideLayout3.xml", include_str!("parts/layout_two.xml")),
];
/// Number of the layouts.
const LAYOUTS: usize = 3;

/// A relation of a part: its kind and its target.
type Relation = (&'static str, String);

/// The bytes of a presentation.
///
/// # Errors
/// A part that is too large for the format.
pub(super) fn bytes(deck: &Deck) -> Result<Vec<u8>, String> {
    let mut archive = Archive { writer: ZipWriter::new(Cursor::new(Vec::new())) };
    write(&mut archive, deck).map_err(|error| error.to_string())?;
    let cursor = archive.writer.finish().map_err(|error| error.to_string())?;
    Ok(cursor.into_inner())
}

fn write(archive: &mut Archive, deck: &Deck) -> zip::result::ZipResult<()> {
    archive.part("[Content_Types].xml", content_types(deck).as_bytes())?;
    archive.part(
        "_rels/.rels",
        relations(&[("officeDocument", "ppt/presentation.xml".to_owned())]).as_bytes(),
    )?;
    archive.part("ppt/presentation.xml", presentation(deck.pages.len()).as_bytes())?;
    let slides = (1..=deck.pages.len()).map(|number| ("slide", format!("slides/slide{number}.xml")));
    let mut targets = vec![("slideMaster", "slideMasters/slideMaster1.xml".to_owned())];
    targets.extend(slides);
    targets.push(("theme", "theme/theme1.xml".to_owned()));
    archive.part("ppt/_rels/presentation.xml.rels", relations(&targets).as_bytes())?;
    for (name, content) in FIXED {
        archive.part(name, content.as_bytes())?;
    }
    let layouts =
        (1..=LAYOUTS).map(|number| ("slideLayout", format!("../slideLayouts/slideLayout{number}.xml")));
    let mut targets: Vec<Relation> = layouts.collect();
    targets.push(("theme", "../theme/theme1.xml".to_owned()));
    archive.part("ppt/slideMasters/_rels/slideMaster1.xml.rels", relations(&targets).as_bytes())?;
    let master = relations(&[("slideMaster", "../slideMasters/slideMaster1.xml".to_owned())]);
    for number in 1..=LAYOUTS {
        archive.part(&format!("ppt/slideLayouts/_rels/slideLayout{number}.xml.rels"), master.as_bytes())?;
    }
    for (number, page) in (1..).zip(&deck.pages) {
        slide(archive, number, page)?;
    }
    Ok(())
}

/// One page, its relations and its picture.
fn slide(archive: &mut Archive, number: usize, page: &Page) -> zip::result::ZipResult<()> {
    archive.part(&format!("ppt/slides/slide{number}.xml"), xml(page).as_bytes())?;
    let layout = layout(page) as u8;
    let mut targets = vec![("slideLayout", format!("../slideLayouts/slideLayout{layout}.xml"))];
    if let Some(picture) = page.picture() {
        let name = format!("image{number}.{}", picture.kind.extension());
        archive.part(&format!("ppt/media/{name}"), &picture.bytes)?;
        targets.push(("image", format!("../media/{name}")));
    }
    archive.part(&format!("ppt/slides/_rels/slide{number}.xml.rels"), relations(&targets).as_bytes())
}

/// The media types of all parts.
fn content_types(deck: &Deck) -> String {
    let mut overrides = vec![("/ppt/presentation.xml".to_owned(), format!("{MAIN}.presentation.main+xml"))];
    overrides.push(("/ppt/slideMasters/slideMaster1.xml".to_owned(), format!("{MAIN}.slideMaster+xml")));
    let theme = "application/vnd.openxmlformats-officedocument.theme+xml".to_owned();
    overrides.push(("/ppt/theme/theme1.xml".to_owned(), theme));
    for number in 1..=LAYOUTS {
        let name = format!("/ppt/slideLayouts/slideLayout{number}.xml");
        overrides.push((name, format!("{MAIN}.slideLayout+xml")));
    }
    for number in 1..=deck.pages.len() {
        overrides.push((format!("/ppt/slides/slide{number}.xml"), format!("{MAIN}.slide+xml")));
    }
    let overrides: String = overrides
        .iter()
        .map(|(name, kind)| format!("<Override PartName=\"{name}\" ContentType=\"{kind}\"/>"))
        .collect();
    let relations = "application/vnd.openxmlformats-package.relationships+xml";
    format!(
        "{DECLARATION}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
         <Default Extension=\"rels\" ContentType=\"{relations}\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/>\
         <Default Extension=\"png\" ContentType=\"image/png\"/><Default Extension=\"jpeg\" ContentType=\"image/jpeg\"/>\
         {overrides}</Types>\n"
    )
}

/// The list of pages. Relation 1 is the master, the pages follow.
fn presentation(pages: usize) -> String {
    let ids: String =
        (0..pages).map(|page| format!("<p:sldId id=\"{}\" r:id=\"rId{}\"/>", 256 + page, 2 + page)).collect();
    format!(
        "{DECLARATION}<p:presentation xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\" \
         xmlns:r=\"{RELATIONS}\" xmlns:p=\"http://schemas.openxmlformats.org/presentationml/2006/main\">\
         <p:sldMasterIdLst><p:sldMasterId id=\"2147483648\" r:id=\"rId1\"/></p:sldMasterIdLst>\
         <p:sldIdLst>{ids}</p:sldIdLst><p:sldSz cx=\"12192000\" cy=\"6858000\"/>\
         <p:notesSz cx=\"6858000\" cy=\"9144000\"/></p:presentation>\n"
    )
}

/// Relations of a part, numbered from 1 in their order.
fn relations(targets: &[Relation]) -> String {
    let relations: String = (1..)
        .zip(targets)
        .map(|(number, (kind, target)): (usize, &Relation)| {
            format!("<Relationship Id=\"rId{number}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>")
        })
        .collect();
    format!(
        "{DECLARATION}<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
         {relations}</Relationships>\n"
    )
}

struct Archive {
    writer: ZipWriter<Cursor<Vec<u8>>>,
}

impl Archive {
    fn part(&mut self, name: &str, content: &[u8]) -> zip::result::ZipResult<()> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        self.writer.start_file(name, options)?;
        self.writer.write_all(content)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::action::office::deck::Content;

    #[test]
    fn the_same_pages_are_the_same_bytes() {
        let page = Page { title: "A".to_owned(), content: Content::Subtitle("b".to_owned()) };
        let deck = Deck { location: PathBuf::from("x.pptx"), pages: vec![page.clone(), page] };
        let first = bytes(&deck).expect("writes");
        assert_eq!(bytes(&deck).expect("writes"), first);
        assert!(first.starts_with(b"PK"));
        assert!(presentation(2).contains("<p:sldId id=\"257\" r:id=\"rId3\"/>"));
        assert!(content_types(&deck).contains("/ppt/slides/slide2.xml"));
    }
}
