//! The answer of `inspect` as one self-contained HTML page.

use std::fmt::Write as _;

use super::inspect_summary::Summary;
use crate::extract::{BlockReport, Explanation};

/// Light and dark by the reader's setting; nothing is loaded from anywhere.
const STYLE: &str = "
:root { color-scheme: light dark; --line: #d5d9de; --kept: #e3f4e4; --edge: #2f8f46; --dim: #78818c;
  --label: #fff3d6; --ink: #1b1f24; --paper: #fff; --side: #f6f7f9 }
@media (prefers-color-scheme: dark) { :root { --line: #363c44; --kept: #17301d; --edge: #4cba68; --dim: #8b95a1;
  --label: #3d3216; --ink: #e4e8ec; --paper: #16191d; --side: #1d2126 } }
* { box-sizing: border-box }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
header { padding: 16px 24px; border-bottom: 1px solid var(--line); background: var(--side) }
h1 { margin: 0 0 8px; font-size: 20px } h2 { margin: 0 0 12px; font-size: 14px; color: var(--dim) }
dl { display: flex; flex-wrap: wrap; gap: 2px 28px; margin: 0 } dl div { display: flex; gap: 8px }
dt { color: var(--dim) } dd { margin: 0; overflow-wrap: anywhere }
label { display: inline-block; margin-top: 10px; cursor: pointer }
main { display: grid; grid-template-columns: 1fr 1fr }
section { padding: 16px 24px; min-width: 0 }
section + section { border-left: 1px solid var(--line); position: sticky; top: 0; max-height: 100vh;
  overflow: auto; align-self: start }
.block { margin: 0 0 6px; padding: 4px 10px; border-left: 3px solid transparent; overflow-wrap: anywhere }
.kept { background: var(--kept); border-color: var(--edge) }
.dropped { color: var(--dim); padding-block: 0 }
.why { margin-right: 8px; padding: 0 6px; border-radius: 4px; font-size: 12px; color: var(--ink);
  background: var(--label) }
body:has(#kept-only:checked) .dropped { display: none }
pre { margin: 0; font: 13px/1.55 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
@media (max-width: 800px) { main { grid-template-columns: 1fr } section + section { border-left: 0; position: static; max-height: none } }
";

/// Left the blocks of the page, right the text that came of it, metadata and numbers above.
pub(super) fn to_html(summary: &Summary, explanation: &Explanation) -> String {
    let title = escape(&summary.title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\n\
         <style>{STYLE}</style></head>\n<body><header><h1>{title}</h1><dl>\n"
    );
    for (name, value) in &summary.rows {
        push(&mut out, format_args!("<div><dt>{name}</dt><dd>{}</dd></div>\n", escape(value)));
    }
    out.push_str(
        "</dl><label><input type=\"checkbox\" id=\"kept-only\"> show only what was kept</label></header>\n\
         <main><section><h2>Blocks of the page</h2>\n",
    );
    let mut last = None;
    for block in &explanation.blocks {
        push_block(&mut out, block, if last == Some(&block.reason) { Label::Said } else { Label::New });
        last = Some(&block.reason);
    }
    let text = escape(&explanation.page.text);
    push(
        &mut out,
        format_args!("</section><section><h2>Text</h2><pre dir=\"auto\">{text}</pre></section></main>"),
    );
    out.push_str("</body></html>\n");
    out
}

/// Whether the block before was dropped for the same reason.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Label {
    New,
    Said,
}

fn push_block(out: &mut String, block: &BlockReport, label: Label) {
    let class = if block.kept { "kept" } else { "dropped" };
    let score = block.score.map_or_else(String::new, |score| format!(" ({score:.3})"));
    let reason = escape(&block.reason) + &score;
    let why = if block.kept || reason.is_empty() || label == Label::Said {
        String::new()
    } else {
        format!("<span class=\"why\">{reason}</span>")
    };
    let hint =
        format!("{class}{}{reason} — {}", if reason.is_empty() { "" } else { ": " }, escape(&block.path));
    let text = escape(&block.text);
    push(out, format_args!("<p class=\"block {class}\" dir=\"auto\" title=\"{hint}\">{why}{text}</p>\n"));
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes all");
}

/// Text as HTML, in elements and in attributes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{ExtractConfig, explain};

    #[test]
    fn pages_cannot_break_out_of_the_report() {
        let page =
            b"<title>a</title><nav>\"><script>x</script> &lt;b onload=1&gt;</nav><p>1 &lt; 2 &amp;amp; 3</p>";
        let explanation = explain(page, None, &ExtractConfig::default());
        let summary = Summary { title: "<i>".to_owned(), rows: vec![("file", "a\"b".to_owned())] };
        let html = to_html(&summary, &explanation);
        assert!(!html.contains("<i>") && !html.contains("<b onload") && !html.contains("<script"), "{html}");
        assert!(html.contains("1 &lt; 2 &amp;amp; 3") && html.contains("inside nav"), "{html}");
    }
}
