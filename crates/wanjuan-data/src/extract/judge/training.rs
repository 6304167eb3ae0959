//! [`training_data`]: the blocks of a page and their features, as `training/train_blocks.py` reads them.

use serde::Serialize;

use super::blocks::{Blocks, LEVELS};
use super::columns::{WIDTH, feature_names};
use super::cutter::{Knowledge, cut};
use super::features::Features;
use super::model::score;
use crate::extract::charset::decode;
use crate::extract::dom::{Dom, NodeId};

/// Blocks after a heading that still count as its text.
const MAX_STEPS: f32 = 50.0;

/// The blocks of one page. Every list but the last has one entry per block.
#[derive(Debug, Default, Serialize)]
pub struct PageBlocks {
    /// Text of each block, white space as in the source.
    pub texts: Vec<String>,
    /// Features, one row after another, in the order of [`feature_names`]. Those that rest on learned weights are 0.
    pub features: Vec<f32>,
    /// Numbers of the elements that are the containers of each block, from the inside.
    pub containers: Vec<[u32; LEVELS]>,
    /// Hash of the tags and classes right around each block.
    pub paths: Vec<u64>,
    /// Number of the last block of a heading up to each block, itself included; -1 for none.
    pub headings: Vec<i32>,
    /// Probability that each block is content, by the shipped model.
    pub scores: Vec<f32>,
    /// Number of the element right around each block.
    pub innermost: Vec<u32>,
    /// Number of the outermost table, list or `pre` around each block; -1 for none.
    pub units: Vec<i64>,
    /// Number of the parent and names (class names and ids, lower case, digits left out) of every element.
    pub elements: Vec<(u32, Vec<String>)>,
}

/// Cuts a page into blocks and computes their features without the learned weights of words and names, which the
/// training is about to learn.
#[must_use]
pub fn training_data(bytes: &[u8]) -> PageBlocks {
    let dom = Dom::parse(&decode(bytes, None));
    let blocks = cut(&dom, Knowledge::NOTHING);
    let mut features = Features::of(&blocks);
    let scores = score(&dom, &|_| false).scores;
    let mut page = PageBlocks { scores, ..PageBlocks::default() };
    while let Some(rows) = features.next_rows() {
        page.features.extend_from_slice(rows.values);
    }
    let since = feature_names().iter().position(|name| name == "place-blocks-since-heading");
    for (at, block) in blocks.list.iter().enumerate() {
        page.texts.push(blocks.text(&dom, block));
        page.containers.push(block.containers.map(|container| container.element));
        page.innermost.push(block.innermost);
        page.units.push(unit(&dom, &blocks, block.innermost));
        page.paths.push(blocks.path(block));
        let steps = since.map_or(99.0, |column| page.features[at * *WIDTH + column]);
        page.headings.push(if steps < MAX_STEPS { at as i32 - steps as i32 } else { -1 });
    }
    for number in 0..blocks.elements.len() as u32 {
        let element = blocks.elements.get(number);
        page.elements.push((element.parent, names(&dom, element.node)));
    }
    page
}

/// Class names and ids of an element.
fn names(dom: &Dom, node: NodeId) -> Vec<String> {
    let values = [dom.attribute(node, "class"), dom.attribute(node, "id")];
    let names = values.into_iter().flatten().flat_map(|value| value.split_ascii_whitespace().take(12));
    let names = names.map(|name| name.to_ascii_lowercase().chars().filter(|c| !c.is_ascii_digit()).collect());
    names.filter(|name: &String| !name.is_empty()).collect()
}

/// The outermost element around element `number` that is rendered as one piece.
fn unit(dom: &Dom, blocks: &Blocks, mut number: u32) -> i64 {
    let mut found = -1;
    loop {
        let element = blocks.elements.get(number);
        if matches!(dom.tag(element.node), Some("table" | "pre" | "ul" | "ol" | "dl")) {
            found = i64::from(number);
        }
        if element.parent == number {
            return found;
        }
        number = element.parent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &[u8] = b"<title>Foxes</title><nav class='Menu7 top'><a href=/>Home</a></nav>\
        <article id=a1><h1>Foxes</h1><p>Foxes sleep.</p><table><tr><td>1<td>2</table></article>\
        <ul><li>x<ul><li>y</ul></ul>";

    #[test]
    fn every_list_has_one_entry_per_block() {
        let page = training_data(PAGE);
        let texts: Vec<&str> = page.texts.iter().map(String::as_str).collect();
        assert_eq!(texts, ["Home", "Foxes", "Foxes sleep.", "1", "2", "x", "y"]);
        let blocks = texts.len();
        assert_eq!(page.features.len(), blocks * *WIDTH);
        assert_eq!([page.containers.len(), page.paths.len(), page.headings.len()], [blocks; 3]);
        assert_eq!([page.scores.len(), page.innermost.len(), page.units.len()], [blocks; 3]);
        assert!(page.scores.iter().all(|score| (0.0..=1.0).contains(score)));
    }

    #[test]
    fn blocks_know_their_heading_and_unit() {
        let page = training_data(PAGE);
        assert_eq!(page.headings, [-1, 1, 1, 1, 1, 1, 1]);
        let name = |number: i64| page.elements[usize::try_from(number).expect("a number")].1.join(" ");
        assert_eq!(page.units[..3], [-1, -1, -1]);
        assert_eq!(page.units[3], page.units[4], "both cells are in the table");
        assert_eq!(page.units[5], page.units[6], "the outer list is the unit of both items");
        assert_eq!(name(i64::from(page.innermost[0])), "", "the link has no names");
    }

    #[test]
    fn names_are_lower_case_without_digits() {
        let page = training_data(PAGE);
        let names: Vec<String> = page.elements.iter().flat_map(|(_, names)| names.clone()).collect();
        assert_eq!(names, ["menu", "top", "a"]);
        for (number, (parent, _)) in page.elements.iter().enumerate() {
            assert!(*parent as usize <= number);
        }
    }

    #[test]
    fn columns_that_rest_on_learned_weights_are_zero() {
        let page = training_data(PAGE);
        let names = feature_names();
        for (column, name) in names.iter().enumerate() {
            if ["text-weight-mean", "text-weight-sum", "text-weight-least", "place-names-sum"]
                .contains(&name.as_str())
            {
                assert!(page.features.chunks(*WIDTH).all(|row| row[column] == 0.0), "{name}");
            }
        }
    }

    #[test]
    fn a_page_without_text_has_no_blocks() {
        for page in [&b""[..], b"<script>1</script>", b"<frameset><frame></frameset>"] {
            let page = training_data(page);
            assert!(page.texts.is_empty() && page.features.is_empty() && page.elements.is_empty());
        }
    }
}
