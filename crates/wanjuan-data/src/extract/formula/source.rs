//! [`formula`]: finds the TeX source of a formula: MathML, KaTeX, MathJax, and images as in Wikipedia.

use super::mathml;
use crate::extract::dom::{Dom, NodeId, WalkEvent};

/// A formula in TeX.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Formula {
    /// The source, without delimiters.
    pub(crate) tex: String,
    /// Whether it is on its own line.
    pub(crate) display: bool,
}

/// The form in which an element represents a formula.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FormulaKind {
    /// A `math` element.
    MathMl,
    /// The source in `<script type="math/tex">`.
    Script,
    /// An element around several forms of one formula (KaTeX, Wikipedia, MathJax 3).
    Wrapper,
    /// What MathJax 2 draws. The source is in a neighboring script, unless that was removed.
    Rendered,
    /// A preview, which the drawing replaces.
    Preview,
    /// An element with the source in `data-tex`.
    Attribute,
    /// An image with the source as its alternative text.
    Image,
}

/// Recognizes an element that represents a formula, by its tag and class.
pub(crate) fn formula_kind(dom: &Dom, id: NodeId, tag: &str) -> Option<FormulaKind> {
    match tag {
        "math" => Some(FormulaKind::MathMl),
        "mjx-container" => Some(FormulaKind::Wrapper),
        "script" => is_math_script(dom, id).then_some(FormulaKind::Script),
        "img" => is_math_image(dom, id).then_some(FormulaKind::Image),
        "span" | "div" => {
            let class = dom.attribute(id, "class")?;
            match class.split_ascii_whitespace().next()? {
                "katex" | "katex-display" | "mwe-math-element" => Some(FormulaKind::Wrapper),
                "MathJax"
                | "MathJax_Display"
                | "MathJax_SVG"
                | "MathJax_SVG_Display"
                | "MathJax_CHTML"
                | "MJXc-display"
                | "mjx-chtml" => Some(FormulaKind::Rendered),
                "MathJax_Preview" => Some(FormulaKind::Preview),
                "ztext-math" => Some(FormulaKind::Attribute),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether an element is a script with MathJax source: its type begins with `math/tex` or `math/mml`.
pub(crate) fn is_math_script(dom: &Dom, id: NodeId) -> bool {
    dom.tag(id) == Some("script")
        && dom.attribute(id, "type").is_some_and(|kind| kind.trim_start().starts_with("math/"))
}

fn is_math_image(dom: &Dom, id: NodeId) -> bool {
    if dom.attribute(id, "alt").is_none_or(|alt| alt.trim().is_empty()) {
        return false;
    }
    let class = dom.attribute(id, "class").unwrap_or_default();
    let named = class
        .split_ascii_whitespace()
        .any(|class| matches!(class, "tex" | "latex") || class.starts_with("mwe-math-fallback-image"));
    let address = dom.attribute(id, "src").unwrap_or_default();
    let drawn = ["latex.php", "equation?tex=", "latex.codecogs.com"];
    named || (address.contains("tex") && drawn.iter().any(|part| address.contains(part)))
}

/// The formula of an element of this kind; `None` if the element contains no usable source.
pub(crate) fn formula(dom: &Dom, id: NodeId, kind: FormulaKind) -> Option<Formula> {
    let attribute = |name| dom.attribute(id, name).unwrap_or_default();
    match kind {
        FormulaKind::MathMl => {
            Some(Formula { tex: of_math(dom, id), display: attribute("display") == "block" })
        }
        FormulaKind::Script => {
            let (kind, text) = (attribute("type"), dom.text_below(id));
            let tex = if kind.contains("mml") { of_markup(&text)? } else { clean(&text) };
            Some(Formula { tex, display: kind.contains("mode=display") })
        }
        FormulaKind::Wrapper | FormulaKind::Rendered => {
            let Formula { tex, display } = of_parts(dom, id)?;
            let class = attribute("class");
            let block = class.contains("display") || class.contains("Display") || class.contains("-block");
            Some(Formula { tex, display: display || block || attribute("display") == "true" })
        }
        FormulaKind::Preview => Some(Formula { tex: String::new(), display: false }),
        FormulaKind::Attribute => {
            Some(Formula { tex: clean(dom.attribute(id, "data-tex")?), display: false })
        }
        FormulaKind::Image => {
            let display = attribute("class").contains("display");
            Some(Formula { tex: clean(attribute("alt")), display })
        }
    }
}

/// The first usable form below a wrapper: MathML, else an image of the formula.
fn of_parts(dom: &Dom, id: NodeId) -> Option<Formula> {
    let below = |wanted: fn(&Dom, NodeId) -> bool| {
        dom.walk(id).find_map(move |event| match event {
            WalkEvent::Enter(id) if wanted(dom, id) => Some(id),
            _ => None,
        })
    };
    if let Some(math) = below(|dom, id| dom.tag(id) == Some("math")) {
        let tex = of_math(dom, math);
        if !tex.is_empty() {
            return Some(Formula { tex, display: dom.attribute(math, "display") == Some("block") });
        }
    }
    let image = below(|dom, id| dom.tag(id) == Some("img") && is_math_image(dom, id))?;
    Some(Formula { tex: clean(dom.attribute(image, "alt")?), display: false })
}

/// TeX of a `math` element: from its annotation, else its alternative text, else converted from the MathML.
fn of_math(dom: &Dom, math: NodeId) -> String {
    let annotation = dom.walk(math).find_map(|event| match event {
        WalkEvent::Enter(id) if dom.tag(id) == Some("annotation") => {
            let encoding = dom.attribute(id, "encoding").unwrap_or_default();
            (encoding.contains("tex") || encoding.contains("TeX")).then(|| clean(&dom.text_below(id)))
        }
        _ => None,
    });
    // LaTeXML keeps the source in `alttext`; others keep a spoken reading there.
    let alternative =
        || dom.attribute(math, "alttext").filter(|text| text.contains(['\\', '^', '_'])).map(clean);
    annotation.filter(|tex| !tex.is_empty()).or_else(alternative).unwrap_or_else(|| mathml::to_tex(dom, math))
}

/// TeX of the MathML that a script contains as text.
fn of_markup(markup: &str) -> Option<String> {
    let dom = Dom::parse(markup);
    dom.walk(dom.root()).find_map(|event| match event {
        WalkEvent::Enter(id) if dom.tag(id) == Some("math") => Some(of_math(&dom, id)),
        _ => None,
    })
}

/// Collapses white space and removes delimiters, CDATA marks and `{\displaystyle ...}`.
fn clean(tex: &str) -> String {
    let tex = tex.trim().trim_start_matches("% <![CDATA[").trim_end_matches("% ]]>").trim();
    let tex = [("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")]
        .iter()
        .find_map(|(open, close)| tex.strip_prefix(open)?.strip_suffix(close))
        .unwrap_or(tex)
        .trim();
    let tex = ["{\\displaystyle ", "{\\textstyle "]
        .iter()
        .find_map(|open| tex.strip_prefix(open)?.strip_suffix('}').filter(|inner| is_balanced(inner)))
        .unwrap_or(tex);
    let mut out = String::with_capacity(tex.len());
    for word in tex.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Whether the braces are balanced.
fn is_balanced(tex: &str) -> bool {
    let mut depth = 0_i64;
    let mut escaped = false;
    for c in tex.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests;
