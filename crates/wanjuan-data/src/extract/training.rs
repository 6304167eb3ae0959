//! [`training_data`]: the blocks of a page and their features, as the training script wants them.

use serde::Serialize;

use super::blocks::{Blocks, Knowledge};
use super::charset::decode;
use super::containers::{LEVELS, path_of};
use super::dom::Dom;
use super::features::{Features, WIDTH};

/// The blocks of one page, one entry per block in each list.
#[derive(Debug, Default, Serialize)]
pub struct PageBlocks {
    /// Text, white space as in the source.
    pub texts: Vec<String>,
    /// Features row after row, in the order of [`super::feature_names`], the learned ones 0.
    pub features: Vec<f32>,
    /// Numbers of the elements that are the containers of each block.
    pub containers: Vec<[u32; LEVELS]>,
    /// Path of each block.
    pub paths: Vec<u64>,
    /// Number of the last heading before each block, or of the block itself; -1 for none.
    pub headings: Vec<i32>,
    /// What the shipped model thinks of each block, 0 to 1.
    pub scores: Vec<f32>,
    /// Number of the element right around each block.
    pub innermost: Vec<u32>,
    /// Number of the table, list or `pre` around each block, the outermost; -1 for none.
    pub units: Vec<i64>,
    /// Parent and names (class names and ids, lower case, digits left out) of every element.
    pub elements: Vec<(u32, Vec<String>)>,
}

/// Cuts a page into blocks.
#[must_use]
pub fn training_data(bytes: &[u8]) -> PageBlocks {
    let dom = Dom::parse(&decode(bytes, None));
    let blocks = Blocks::of(&dom, Knowledge { words: &|_| None, names: &|_| None, leave_out: &|_| false });
    let mut features = Features::of(&blocks);
    let text = |range: &std::ops::Range<u32>| -> String {
        blocks.texts[range.start as usize..range.end as usize]
            .iter()
            .filter_map(|id| dom.text(*id))
            .collect::<Vec<_>>()
            .concat()
    };
    let scores = super::block_model::scores(&dom, &|_| false).scores;
    let mut page = PageBlocks { scores, ..PageBlocks::default() };
    while let Some((_, rows)) = features.next_rows() {
        page.features.extend_from_slice(rows);
    }
    let since = super::feature_names().iter().position(|name| name == "place-blocks-since-heading");
    for (at, block) in blocks.list.iter().enumerate() {
        page.texts.push(text(&block.texts));
        page.containers.push(block.containers.map(|container| container.element));
        page.innermost.push(block.innermost);
        page.units.push(unit(&dom, &blocks, block.innermost));
        page.paths.push(path_of(&blocks, block));
        let steps = since.map_or(99.0, |column| page.features[at * *WIDTH + column]);
        page.headings.push(if steps < 50.0 { at as i32 - steps as i32 } else { -1 });
    }
    for number in 0..blocks.elements.len() as u32 {
        let element = blocks.elements.get(number);
        page.elements.push((element.parent, names(&dom, element.node)));
    }
    page
}

fn names(dom: &Dom, node: super::NodeId) -> Vec<String> {
    let values = [dom.attribute(node, "class"), dom.attribute(node, "id")];
    let names = values.into_iter().flatten().flat_map(|value| value.split_ascii_whitespace().take(12));
    let names = names.map(|name| name.to_ascii_lowercase().chars().filter(|c| !c.is_ascii_digit()).collect());
    names.filter(|name: &String| !name.is_empty()).collect()
}

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
