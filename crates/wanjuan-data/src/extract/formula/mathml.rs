//! [`to_tex`]: converts presentation MathML (W3C MathML Core) to TeX, for formulas that do not carry their source.

use super::symbols::{accent, command, letters};
use crate::extract::dom::{Dom, NodeId, WalkEvent};

/// Maximum nesting. Deeper elements count as rows, because the cost grows with the square of the depth.
const MAX_DEPTH: usize = 128;

/// An open element and the TeX of its children.
struct Frame {
    tag: String,
    id: NodeId,
    children: Vec<String>,
    text: String,
}

/// Converts the children of a `math` element.
pub(crate) fn to_tex(dom: &Dom, math: NodeId) -> String {
    let mut frames =
        vec![Frame { tag: "mrow".to_owned(), id: math, children: Vec::new(), text: String::new() }];
    let mut walk = dom.walk(math);
    walk.next();
    while let Some(event) = walk.next() {
        match event {
            WalkEvent::Enter(id) if !enter(dom, id, &mut frames) => walk.skip_children(id),
            WalkEvent::Enter(_) => {}
            WalkEvent::Leave(id) => {
                if frames.len() > 1 && frames.last().is_some_and(|frame| frame.id == id) {
                    let tex = frames.pop().map(|frame| convert(dom, frame)).unwrap_or_default();
                    if let Some(outer) = frames.last_mut() {
                        outer.children.push(tex);
                    }
                }
            }
        }
    }
    frames.pop().map_or_else(String::new, |frame| join(&frame.children)).trim().to_owned()
}

/// Opens an element or takes a text. Returns whether the children belong to the formula.
fn enter(dom: &Dom, id: NodeId, frames: &mut Vec<Frame>) -> bool {
    let depth = frames.len();
    let Some(outer) = frames.last_mut() else { return false };
    match dom.tag(id) {
        None => outer.text.push_str(dom.text(id).unwrap_or_default()),
        // Empty positions and the separator of `mmultiscripts`.
        Some("none") => outer.children.push(String::new()),
        Some("mprescripts") => outer.children.push("\0".to_owned()),
        Some("annotation" | "annotation-xml" | "mphantom") => return false,
        Some(tag) if depth < MAX_DEPTH => {
            frames.push(Frame { tag: tag.to_owned(), id, children: Vec::new(), text: String::new() });
        }
        Some(_) => {}
    }
    !matches!(dom.tag(id), Some("none" | "mprescripts"))
}

fn convert(dom: &Dom, frame: Frame) -> String {
    let Frame { tag, id, children, text } = frame;
    let child = |index: usize| children.get(index).map_or("", String::as_str);
    let attribute = |name| dom.attribute(id, name).unwrap_or_default();
    match tag.as_str() {
        "mi" => identifier(text.trim(), attribute("mathvariant")),
        "mo" => operator(text.trim()),
        "mn" | "ms" => symbols(text.trim()),
        "mtext" => quoted(&text),
        "mspace" if attribute("linebreak") == "newline" => "\\\\".to_owned(),
        "mspace" => "\\ ".to_owned(),
        "mfrac" if attribute("linethickness").starts_with('0') => {
            format!("{{{} \\atop {}}}", child(0), child(1))
        }
        "mfrac" => format!("\\frac{{{}}}{{{}}}", child(0), child(1)),
        "msqrt" => format!("\\sqrt{{{}}}", join(&children)),
        "mroot" => format!("\\sqrt[{}]{{{}}}", child(1), child(0)),
        "msup" => format!("{}^{}", base(child(0)), script(child(1))),
        "msub" => format!("{}_{}", base(child(0)), script(child(1))),
        "msubsup" => format!("{}_{}^{}", base(child(0)), script(child(1)), script(child(2))),
        "munder" => under_over(child(0), Some(child(1)), None),
        "mover" => under_over(child(0), None, Some(child(1))),
        "munderover" => under_over(child(0), Some(child(1)), Some(child(2))),
        "mmultiscripts" => scripts(&children),
        "mtable" => format!("\\begin{{matrix}}{}\\end{{matrix}}", children.join(" \\\\ ")),
        "mtr" => children.join(" & "),
        "mlabeledtr" => children.get(1..).unwrap_or_default().join(" & "),
        "mfenced" => fenced(dom, id, &children),
        "menclose" if attribute("notation").contains("radical") => format!("\\sqrt{{{}}}", join(&children)),
        "menclose" if attribute("notation").contains("box") => format!("\\boxed{{{}}}", join(&children)),
        _ => join(&children),
    }
}

/// Concatenates. A command needs a space before a letter and reads better with one before a digit.
fn join(parts: &[String]) -> String {
    let mut out = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for part in parts {
        if ends_in_command(&out) && part.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            out.push(' ');
        }
        out.push_str(part);
    }
    out
}

fn ends_in_command(tex: &str) -> bool {
    let letters = tex.len() - tex.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
    letters > 0 && tex[..tex.len() - letters].ends_with('\\')
}

/// The base of a script: one symbol, or a group in braces.
fn base(tex: &str) -> String {
    if is_single(tex) { tex.to_owned() } else { format!("{{{tex}}}") }
}

fn script(tex: &str) -> String {
    if tex.chars().count() == 1 { tex.to_owned() } else { format!("{{{tex}}}") }
}

/// Whether TeX takes this as one unit: a character, a number, a command, or a group with its brackets.
fn is_single(tex: &str) -> bool {
    let command = tex.strip_prefix('\\').is_some_and(|name| {
        name.chars().all(|c| c.is_ascii_alphabetic())
            || (name.ends_with('}') && name.matches('{').count() == 1 && !name.contains(['^', '_']))
    });
    tex.chars().count() == 1
        || command
        || tex.chars().all(|c| c.is_ascii_digit())
        || (tex.starts_with("\\left") && tex.matches("\\left").count() == 1 && tex.contains("\\right"))
}

fn identifier(text: &str, variant: &str) -> String {
    let tex = letters(text);
    let one = text.chars().count() == 1;
    match variant {
        "bold" => format!("\\mathbf{{{tex}}}"),
        "bold-italic" => format!("\\boldsymbol{{{tex}}}"),
        "double-struck" => format!("\\mathbb{{{tex}}}"),
        "script" => format!("\\mathcal{{{tex}}}"),
        "fraktur" => format!("\\mathfrak{{{tex}}}"),
        "sans-serif" => format!("\\mathsf{{{tex}}}"),
        "normal" if one && text.is_ascii() => format!("\\mathrm{{{tex}}}"),
        _ if one || tex.starts_with('\\') => tex,
        _ if text.chars().all(char::is_alphabetic) && !text.is_empty() => format!("\\mathrm{{{tex}}}"),
        _ => tex,
    }
}

fn operator(text: &str) -> String {
    match text {
        "{" => "\\{".to_owned(),
        "}" => "\\}".to_owned(),
        // Function application, invisible times, separator and plus.
        "\u{2061}" | "\u{2062}" | "\u{2063}" | "\u{2064}" => String::new(),
        _ if text.chars().count() > 1 && text.chars().all(|c| c.is_ascii_alphabetic()) => {
            identifier(text, "")
        }
        _ => symbols(text),
    }
}

/// Translates characters one by one; those that have a command become it.
fn symbols(text: &str) -> String {
    let parts: Vec<String> = text
        .chars()
        .map(|c| match c {
            '%' | '#' | '&' | '$' | '_' | '{' | '}' => format!("\\{c}"),
            '\\' => "\\backslash".to_owned(),
            '−' => "-".to_owned(),
            _ => command(c).map_or_else(|| c.to_string(), |name| format!("\\{name}")),
        })
        .collect();
    join(&parts)
}

fn quoted(text: &str) -> String {
    if text.trim().is_empty() {
        return "\\ ".to_owned();
    }
    let mut out = "\\text{".to_owned();
    for c in text.chars() {
        match c {
            _ if !c.is_whitespace() => out.push(c),
            _ if out.ends_with(' ') => {}
            _ => out.push(' '),
        }
    }
    out + "}"
}

fn under_over(base: &str, under: Option<&str>, over: Option<&str>) -> String {
    let limits =
        ["\\sum", "\\prod", "\\int", "\\oint", "\\bigcup", "\\bigcap", "\\bigoplus", "\\coprod", "\\lim"];
    let names = ["\\max", "\\min", "\\sup", "\\inf", "\\limsup", "\\liminf", "\\operatorname", "\\mathrm"];
    if limits.iter().chain(&names).any(|name| base.starts_with(name)) {
        let under = under.map(|under| format!("_{}", script(under))).unwrap_or_default();
        let over = over.map(|over| format!("^{}", script(over))).unwrap_or_default();
        return format!("{base}{under}{over}");
    }
    let mut tex = base.to_owned();
    if let Some(over) = over {
        tex = match accent(over, tex.chars().count() > 1) {
            Some(name) => format!("\\{name}{{{tex}}}"),
            None => format!("\\overset{{{over}}}{{{tex}}}"),
        };
    }
    if let Some(under) = under {
        tex = match under {
            "\\_" | "\u{332}" | "¯" | "―" => format!("\\underline{{{tex}}}"),
            "\\underbrace" | "⏟" => format!("\\underbrace{{{tex}}}"),
            _ => format!("\\underset{{{under}}}{{{tex}}}"),
        };
    }
    tex
}

/// `mmultiscripts`: the base, pairs of lower and upper scripts, and after the separator the pairs before the base.
fn scripts(children: &[String]) -> String {
    let Some((first, rest)) = children.split_first() else { return String::new() };
    let mut parts = rest.split(|part| part == "\0");
    let pairs = |part: &[String]| -> String {
        part.chunks(2)
            .map(|pair| {
                let one = |index: usize, sign: &str| {
                    let tex = pair.get(index).filter(|tex| !tex.is_empty());
                    tex.map(|tex| format!("{sign}{}", script(tex))).unwrap_or_default()
                };
                one(0, "_") + &one(1, "^")
            })
            .collect()
    };
    let after = parts.next().map(pairs).unwrap_or_default();
    let before = parts.next().map(pairs).filter(|before| !before.is_empty());
    format!("{}{}{after}", before.map(|before| format!("{{}}{before}")).unwrap_or_default(), base(first))
}

fn fenced(dom: &Dom, id: NodeId, children: &[String]) -> String {
    let side = |name, default| {
        let sign = dom.attribute(id, name).unwrap_or(default).trim();
        match sign {
            "" => ".".to_owned(),
            "{" | "}" => format!("\\{sign}"),
            _ => symbols(sign),
        }
    };
    let signs = dom.attribute(id, "separators").unwrap_or(",");
    let signs: Vec<char> = signs.chars().filter(|c| !c.is_whitespace()).collect();
    let mut inside = Vec::new();
    for (index, child) in children.iter().enumerate() {
        if index > 0
            && let Some(sign) = signs.get(index - 1).or(signs.last())
        {
            inside.push(sign.to_string());
        }
        inside.push(child.clone());
    }
    let (open, close) = (side("open", "("), side("close", ")"));
    join(&[format!("\\left{open}"), join(&inside), format!("\\right{close}")])
}

#[cfg(test)]
mod tests;
