//! Content elements to text or markdown, in one walk.
//!
//! White space outside of `pre` collapses as in a browser; inside of `pre` every byte is kept. Blocks are
//! separated by an empty line, list items, table rows and `br` by a line break.

use super::config::TextFormat;
use super::dom::{Dom, NodeId, WalkEvent};
use super::tag::{Flow, flow, heading_level};

/// What has to come between the text so far and the next text.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Gap {
    Nothing,
    Space,
    Line,
    Paragraph,
}

/// An open list: its kind and the number of items so far.
struct List {
    ordered: bool,
    items: usize,
}

/// An open table: whether it is data or only layout, and where in it we are.
struct Table {
    data: bool,
    rows: usize,
    cells: usize,
}

struct Renderer<'a> {
    dom: &'a Dom,
    markdown: bool,
    /// Tables that only lay the page out.
    layout: Vec<bool>,
    out: String,
    gap: Gap,
    /// Marker of the item or heading whose first text has not come yet.
    marker: String,
    lists: Vec<List>,
    tables: Vec<Table>,
    /// How many `pre` are open, and where the text of the outermost starts.
    pre_depth: usize,
    pre_start: usize,
}

/// Renders what is not dropped below `root`.
pub(super) fn render(dom: &Dom, keeps: impl Fn(NodeId) -> bool, root: NodeId, format: TextFormat) -> String {
    let mut renderer = Renderer {
        dom,
        markdown: format == TextFormat::Markdown,
        layout: layout_tables(dom, root),
        out: String::new(),
        gap: Gap::Nothing,
        marker: String::new(),
        lists: Vec::new(),
        tables: Vec::new(),
        pre_depth: 0,
        pre_start: 0,
    };
    let mut walk = dom.walk(root);
    while let Some(event) = walk.next() {
        match event {
            WalkEvent::Enter(id) if !keeps(id) || is_permalink(dom, id) => walk.skip_children(id),
            WalkEvent::Enter(id) => {
                if let Some(text) = dom.text(id) {
                    renderer.text(text);
                } else if let Some(tag) = dom.tag(id) {
                    if renderer.formula(id, tag) {
                        walk.skip_children(id);
                    } else {
                        renderer.enter(id, tag);
                    }
                }
            }
            WalkEvent::Leave(id) => {
                if let Some(tag) = dom.tag(id) {
                    renderer.leave(tag);
                }
            }
        }
    }
    let length = renderer.out.trim_end().len();
    renderer.out.truncate(length);
    renderer.out
}

/// The mark that documentation generators put beside headings.
fn is_permalink(dom: &Dom, id: NodeId) -> bool {
    if dom.tag(id) != Some("a") {
        return false;
    }
    let mut children = dom.children(id);
    let text = children.next().and_then(|child| dom.text(child)).unwrap_or_default();
    matches!(text.trim(), "§" | "¶" | "#" | "🔗") && children.next().is_none()
}

/// Tables that hold blocks or other tables lay the page out; the others hold data. One walk.
fn layout_tables(dom: &Dom, root: NodeId) -> Vec<bool> {
    let mut layout = vec![false; dom.len()];
    let mut open: Vec<NodeId> = Vec::new();
    for event in dom.walk(root) {
        match event {
            WalkEvent::Enter(id) => {
                let Some(tag) = dom.tag(id) else { continue };
                let inner = matches!(
                    tag,
                    "table" | "div" | "section" | "article" | "pre" | "p" | "form" | "blockquote"
                ) || heading_level(tag).is_some();
                if let Some(table) = open.last().filter(|_| inner) {
                    layout[table.index()] = true;
                }
                if tag == "table" {
                    open.push(id);
                }
            }
            WalkEvent::Leave(id) => {
                if dom.tag(id) == Some("table") {
                    open.pop();
                }
            }
        }
    }
    layout
}

impl Renderer<'_> {
    fn enter(&mut self, id: NodeId, tag: &str) {
        match tag {
            "br" if self.pre_depth > 0 => self.out.push('\n'),
            "br" => self.separate(Gap::Line),
            "pre" => self.enter_pre(id),
            "li" => self.enter_item(),
            "ul" | "ol" => {
                self.separate(if self.lists.is_empty() { Gap::Paragraph } else { Gap::Line });
                self.lists.push(List { ordered: tag == "ol", items: 0 });
            }
            "table" => {
                self.separate(Gap::Paragraph);
                self.tables.push(Table { data: !self.layout[id.index()], rows: 0, cells: 0 });
            }
            "tr" => self.enter_row(),
            "td" | "th" => self.enter_cell(),
            "img" if self.markdown => self.image(id),
            "code" | "kbd" | "samp" if self.markdown && self.pre_depth == 0 => self.push_inline_mark("`"),
            "blockquote" if self.markdown => {
                self.separate(Gap::Paragraph);
                self.marker = "> ".to_owned();
            }
            _ => {
                if let Some(level) = heading_level(tag) {
                    self.separate(Gap::Paragraph);
                    self.marker =
                        if self.markdown { format!("{} ", "#".repeat(level)) } else { String::new() };
                } else if flow(tag) == Flow::Block {
                    self.separate(gap_of(tag));
                }
            }
        }
    }

    fn leave(&mut self, tag: &str) {
        match tag {
            "pre" => self.leave_pre(),
            "ul" | "ol" => {
                self.lists.pop();
                self.separate(if self.lists.is_empty() { Gap::Paragraph } else { Gap::Line });
            }
            "table" => {
                self.tables.pop();
                self.separate(Gap::Paragraph);
            }
            "tr" => self.leave_row(),
            "td" | "th" if self.in_data_table() => self.gap = Gap::Nothing,
            "code" | "kbd" | "samp" if self.markdown && self.pre_depth == 0 => {
                self.out.push('`');
            }
            _ if heading_level(tag).is_some() => {
                self.marker.clear();
                self.separate(Gap::Paragraph);
            }
            _ if flow(tag) == Flow::Block => self.separate(gap_of(tag)),
            _ => {}
        }
    }

    /// Asks for at least `gap` before the next text.
    fn separate(&mut self, gap: Gap) {
        if self.pre_depth == 0 && !self.in_data_table() {
            self.gap = self.gap.max(gap);
        } else if self.pre_depth == 0 {
            self.gap = self.gap.max(Gap::Space);
        }
    }

    /// Writes the gap and the marker that are due.
    fn open_text(&mut self) {
        if !self.out.is_empty() {
            match self.gap {
                Gap::Nothing => {}
                Gap::Space => self.out.push(' '),
                Gap::Line => self.out.push('\n'),
                Gap::Paragraph => self.out.push_str("\n\n"),
            }
        }
        self.gap = Gap::Nothing;
        self.out.push_str(&std::mem::take(&mut self.marker));
    }

    fn text(&mut self, text: &str) {
        if self.pre_depth > 0 {
            self.out.push_str(text);
            return;
        }
        if text.starts_with(is_space) {
            self.gap = self.gap.max(Gap::Space);
        }
        for word in text.split(is_space).filter(|word| !word.is_empty()) {
            self.open_text();
            self.out.push_str(word);
            self.gap = Gap::Space;
        }
        if !text.ends_with(is_space) {
            self.gap = Gap::Nothing;
        }
    }

    fn push_inline_mark(&mut self, mark: &str) {
        self.open_text();
        self.out.push_str(mark);
    }

    fn enter_pre(&mut self, id: NodeId) {
        if self.pre_depth == 0 {
            self.separate(Gap::Paragraph);
            self.open_text();
            if self.markdown {
                self.out.push_str("```");
                self.out.push_str(&code_language(self.dom, id));
                self.out.push('\n');
            }
            self.pre_start = self.out.len();
        }
        self.pre_depth += 1;
    }

    fn leave_pre(&mut self) {
        self.pre_depth = self.pre_depth.saturating_sub(1);
        if self.pre_depth > 0 {
            return;
        }
        let code = self.out[self.pre_start..].trim_end_matches(['\n', '\r']).len();
        self.out.truncate(self.pre_start + code);
        if self.markdown {
            self.out.push_str("\n```");
        }
        self.separate(Gap::Paragraph);
    }

    fn enter_item(&mut self) {
        self.separate(Gap::Line);
        let depth = self.lists.len().saturating_sub(1);
        if let Some(list) = self.lists.last_mut() {
            list.items += 1;
            if self.markdown {
                let sign = if list.ordered { format!("{}. ", list.items) } else { "- ".to_owned() };
                self.marker = "  ".repeat(depth.min(8)) + &sign;
            }
        }
    }

    fn in_data_table(&self) -> bool {
        self.tables.last().is_some_and(|table| table.data && table.rows > 0)
    }

    fn enter_row(&mut self) {
        let first = self.tables.last().is_none_or(|table| table.rows == 0);
        if !first {
            self.gap = self.gap.max(Gap::Line);
        }
        if let Some(table) = self.tables.last_mut() {
            table.rows += 1;
            table.cells = 0;
        }
    }

    fn enter_cell(&mut self) {
        if !self.in_data_table() {
            self.separate(Gap::Line);
            return;
        }
        let Some(table) = self.tables.last_mut() else { return };
        table.cells += 1;
        match (table.cells > 1, self.markdown) {
            (false, false) => {}
            (false, true) => self.push_inline_mark("| "),
            (true, false) => self.out.push('\t'),
            (true, true) => self.out.push_str(" | "),
        }
        if self.markdown || table_cells(self.tables.last()) > 1 {
            self.gap = Gap::Nothing;
        }
    }

    fn leave_row(&mut self) {
        if !self.in_data_table() {
            self.separate(Gap::Line);
            return;
        }
        let length = self.out.trim_end_matches(['\t', ' ']).len();
        if !self.markdown {
            self.out.truncate(length);
        } else if let Some(table) = self.tables.last().filter(|table| table.cells > 0) {
            self.out.push_str(" |");
            if table.rows == 1 {
                self.out.push('\n');
                self.out.push_str(&"| --- ".repeat(table.cells.min(1000)));
                self.out.push('|');
            }
        }
        self.gap = Gap::Line;
    }

    fn image(&mut self, id: NodeId) {
        if let Some(address) = self.dom.attribute(id, "src").filter(|address| !address.starts_with("data:")) {
            let image = format!("![]({address})");
            self.push_inline_mark(&image);
        }
    }

    /// MathML that carries its TeX source becomes `$...$`.
    fn formula(&mut self, id: NodeId, tag: &str) -> bool {
        if tag != "math" {
            return false;
        }
        let source = self.dom.walk(id).find_map(|event| match event {
            WalkEvent::Enter(id) if self.dom.tag(id) == Some("annotation") => {
                let tex = self.dom.attribute(id, "encoding").is_some_and(|kind| kind.contains("tex"));
                tex.then(|| self.dom.text_below(id))
            }
            _ => None,
        });
        let Some(source) = source else { return false };
        self.push_inline_mark("$");
        self.out.push_str(source.trim());
        self.out.push('$');
        true
    }
}

fn table_cells(table: Option<&Table>) -> usize {
    table.map_or(0, |table| table.cells)
}

/// White space that HTML collapses; a no-break space is text, but one that no tokenizer should see.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\u{a0}'
}

fn gap_of(tag: &str) -> Gap {
    match tag {
        "div" | "dt" | "dd" | "summary" | "figcaption" | "caption" | "legend" | "li" | "tr" | "td" | "th"
        | "tbody" | "thead" | "tfoot" | "header" | "hgroup" => Gap::Line,
        _ => Gap::Paragraph,
    }
}

/// `rust` of `<code class="language-rust ...">` directly inside a `pre`.
fn code_language(dom: &Dom, pre: NodeId) -> String {
    let code = dom.children(pre).find(|id| dom.tag(*id) == Some("code"));
    let classes = code.and_then(|id| dom.attribute(id, "class")).unwrap_or_default();
    let name = classes.split_ascii_whitespace().find_map(|class| class.strip_prefix("language-"));
    name.unwrap_or_default().split(',').next().unwrap_or_default().to_owned()
}
