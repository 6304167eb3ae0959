//! Runs as one HTML page without scripts. Everything that others wrote is escaped.

use super::{Part, RecordedRun, facts, parts, shown};

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<title>Transcript</title>
<style>
body { font: 15px/1.5 sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f3f3f3; padding: .5rem .75rem; margin: .25rem 0; }
.answer pre { background: #e3f2e3; } .failure pre { background: #f7e1e1; } .call pre { background: #e6ecf7; }
h3 { font-size: 1rem; margin: 1rem 0 0; } p { color: #555; }
</style>
</head>
<body>
<h1>Transcript</h1>
";

/// All runs as one page.
pub(super) fn page(runs: &[RecordedRun]) -> String {
    let mut page = HEAD.to_owned();
    for run in runs {
        page.push_str(&format!("<h2>{}</h2>\n<p>{}</p>\n", escaped(&run.header.id), escaped(&facts(run))));
        for part in parts(run) {
            let (heading, body) = shown(&part);
            let (class, heading, body) = (class(&part), escaped(&heading), escaped(body.trim_end()));
            page.push_str(&format!("<div class=\"{class}\"><h3>{heading}</h3>\n<pre>{body}</pre></div>\n"));
        }
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn class(part: &Part<'_>) -> &'static str {
    match part {
        Part::Message(..) => "message",
        Part::Call(..) => "call",
        Part::Answer(..) => "answer",
        Part::Denied(_) | Part::Failure(_) => "failure",
    }
}

/// A text without a meaning in HTML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}
