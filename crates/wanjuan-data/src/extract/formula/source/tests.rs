//! Elements that are formulas, and the TeX found in them.

use super::*;

/// The first element below the body that is a formula, with its kind and what it gives.
fn first(html: &str) -> Option<(FormulaKind, Option<Formula>)> {
    let dom = Dom::parse(html);
    dom.walk(dom.body()?).find_map(|event| match event {
        WalkEvent::Enter(id) => {
            let kind = formula_kind(&dom, id, dom.tag(id)?)?;
            Some((kind, formula(&dom, id, kind)))
        }
        WalkEvent::Leave(_) => None,
    })
}

fn tex(html: &str) -> Option<String> {
    first(html)?.1.map(|formula| formula.tex)
}

#[test]
fn kinds_by_tag_and_class() {
    use FormulaKind::{Attribute, Image, MathMl, Preview, Rendered, Script, Wrapper};
    let cases = [
        ("<math><mi>x</mi></math>", Some(MathMl)),
        ("<mjx-container></mjx-container>", Some(Wrapper)),
        ("<span class=katex></span>", Some(Wrapper)),
        ("<span class='katex-display x'></span>", Some(Wrapper)),
        ("<span class=mwe-math-element></span>", Some(Wrapper)),
        ("<div class=MathJax_Display></div>", Some(Rendered)),
        ("<span class=MathJax></span>", Some(Rendered)),
        ("<span class=mjx-chtml></span>", Some(Rendered)),
        ("<span class=MathJax_Preview></span>", Some(Preview)),
        ("<span class=ztext-math data-tex=x></span>", Some(Attribute)),
        ("<p><script type='math/tex'>x</script>", Some(Script)),
        ("<p><script type=' math/mml'>x</script>", Some(Script)),
        ("<p><script type='text/javascript'>x</script>", None),
        ("<p><script>x</script>", None),
        ("<img class=tex alt=x>", Some(Image)),
        ("<img class='a latex' alt=x>", Some(Image)),
        ("<img class=mwe-math-fallback-image-inline alt=x>", Some(Image)),
        ("<img src='https://example.org/latex.php?latex=x' alt=x>", Some(Image)),
        ("<img src='//latex.codecogs.com/x' alt=x>", Some(Image)),
        ("<img src='/equation?tex=x' alt=x>", Some(Image)),
        ("<img class=tex>", None),
        ("<img class=tex alt=' '>", None),
        ("<img src=/context.png alt=x>", None),
        ("<p class=katex></p>", None),
        ("<span class='x katex'></span>", None),
        ("<span></span>", None),
    ];
    for (html, kind) in cases {
        assert_eq!(first(html).map(|(kind, _)| kind), kind, "{html}");
    }
}

#[test]
fn the_source_is_preferred_to_conversion() {
    let annotated = "<math><semantics><mi>y</mi><annotation encoding='application/x-tex'>x^2</annotation></semantics></math>";
    let cases = [
        (annotated, Some("x^2")),
        ("<math alttext='\\alpha'><mi>y</mi></math>", Some("\\alpha")),
        ("<math alttext='x squared'><mi>y</mi></math>", Some("y")),
        ("<math><mi>y</mi><annotation encoding=application/x-maple>z</annotation></math>", Some("y")),
        ("<math><mi>y</mi><annotation encoding=TeX> </annotation></math>", Some("y")),
        ("<p><script type='math/tex'> a  +\n b </script>", Some("a + b")),
        ("<p><script type='math/mml'><math><mi>a</mi></math></script>", Some("a")),
        ("<p><script type='math/mml'>no markup</script>", None),
        ("<span class=ztext-math data-tex='a+b'>x</span>", Some("a+b")),
        ("<span class=ztext-math>x</span>", None),
        ("<span class=MathJax_Preview>x</span>", Some("")),
        ("<img class=tex alt='$a$'>", Some("a")),
        ("<span class=katex><span><math><mi>a</mi></math></span><span>drawn</span></span>", Some("a")),
        ("<span class=mwe-math-element><img class=tex alt='{\\displaystyle a}'></span>", Some("a")),
        ("<span class=katex>nothing</span>", None),
        ("<span class=katex><math></math></span>", None),
    ];
    for (html, expected) in cases {
        assert_eq!(tex(html).as_deref(), expected, "{html}");
    }
}

#[test]
fn formulas_on_their_own_line() {
    let cases = [
        ("<math><mi>a</mi></math>", false),
        ("<math display=block><mi>a</mi></math>", true),
        ("<math display=inline><mi>a</mi></math>", false),
        ("<p><script type='math/tex'>a</script>", false),
        ("<p><script type='math/tex; mode=display'>a</script>", true),
        ("<span class=katex-display><math><mi>a</mi></math></span>", true),
        ("<span class=katex><math><mi>a</mi></math></span>", false),
        ("<span class=katex><math display=block><mi>a</mi></math></span>", true),
        ("<mjx-container display=true><math><mi>a</mi></math></mjx-container>", true),
        ("<img class='tex display' alt=a>", true),
        ("<img class=tex alt=a>", false),
    ];
    for (html, display) in cases {
        let formula = first(html).and_then(|(_, formula)| formula).expect("is a formula");
        assert_eq!(formula, Formula { tex: "a".to_owned(), display }, "{html}");
    }
}

#[test]
fn sources_are_cleaned() {
    let cases = [
        ("  a \n b ", "a b"),
        ("$a$", "a"),
        ("$$a$$", "a"),
        ("\\(a\\)", "a"),
        ("\\[ a \\]", "a"),
        ("% <![CDATA[ a % ]]>", "a"),
        ("{\\displaystyle a}", "a"),
        ("{\\textstyle {a}}", "{a}"),
        ("{\\displaystyle a} + {b}", "{\\displaystyle a} + {b}"),
        ("$a", "$a"),
        ("", ""),
    ];
    for (source, expected) in cases {
        assert_eq!(clean(source), expected, "{source}");
    }
}

#[test]
fn braces_are_balanced_or_not() {
    for (tex, balanced) in [
        ("", true),
        ("{}", true),
        ("{a{b}c}", true),
        ("\\{", true),
        ("\\\\{}", true),
        ("{", false),
        ("}", false),
        ("}{", false),
        ("{\\}", false),
        ("\\\\}", false),
    ] {
        assert_eq!(is_balanced(tex), balanced, "{tex}");
    }
}
