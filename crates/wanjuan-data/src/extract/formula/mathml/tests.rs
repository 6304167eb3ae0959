//! MathML and the TeX that it becomes.

use proptest::prelude::*;

use super::*;

fn tex(mathml: &str) -> String {
    let dom = Dom::parse(&format!("<math>{mathml}</math>"));
    let math = dom.walk(dom.root()).find_map(|event| match event {
        WalkEvent::Enter(id) if dom.tag(id) == Some("math") => Some(id),
        _ => None,
    });
    to_tex(&dom, math.expect("the element is there"))
}

#[test]
fn elements() {
    let cases = [
        ("", ""),
        ("<mi>x</mi>", "x"),
        ("<mi>sin</mi><mi>x</mi>", "\\sin x"),
        ("<mi>ab</mi>", "\\mathrm{ab}"),
        ("<mi mathvariant=bold>v</mi>", "\\mathbf{v}"),
        ("<mi mathvariant=bold-italic>v</mi>", "\\boldsymbol{v}"),
        ("<mi mathvariant=double-struck>R</mi>", "\\mathbb{R}"),
        ("<mi mathvariant=script>L</mi>", "\\mathcal{L}"),
        ("<mi mathvariant=fraktur>g</mi>", "\\mathfrak{g}"),
        ("<mi mathvariant=sans-serif>s</mi>", "\\mathsf{s}"),
        ("<mi mathvariant=normal>d</mi>", "\\mathrm{d}"),
        ("<mi>α</mi><mi>x</mi>", "\\alpha x"),
        ("<mn>12</mn><mo>+</mo><mn>3</mn>", "12+3"),
        ("<mo>−</mo>", "-"),
        ("<mo>{</mo><mi>x</mi><mo>}</mo>", "\\{x\\}"),
        ("<mi>f</mi><mo>&#x2061;</mo><mi>x</mi>", "fx"),
        ("<mo>%</mo>", "\\%"),
        ("<mo>max</mo>", "\\max"),
        ("<mtext>if  x</mtext>", "\\text{if x}"),
        ("<mtext> </mtext>", "\\"),
        ("<mfrac><mi>a</mi><mi>b</mi></mfrac>", "\\frac{a}{b}"),
        ("<msqrt><mi>x</mi><mn>2</mn></msqrt>", "\\sqrt{x2}"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", "\\sqrt[3]{x}"),
        ("<msup><mi>x</mi><mn>2</mn></msup>", "x^2"),
        ("<msup><mi>x</mi><mn>10</mn></msup>", "x^{10}"),
        ("<msub><mrow><mi>x</mi><mi>y</mi></mrow><mi>i</mi></msub>", "{xy}_i"),
        ("<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>", "x_i^2"),
        ("<munder><mo>∑</mo><mi>i</mi></munder>", "\\sum_i"),
        ("<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover>", "\\sum_i^n"),
        ("<mover><mi>x</mi><mo>¯</mo></mover>", "\\bar{x}"),
        ("<mover><mi>x</mi><mo>→</mo></mover>", "\\vec{x}"),
        ("<mover><mi>x</mi><mi>y</mi></mover>", "\\overset{y}{x}"),
        ("<munder><mi>x</mi><mi>y</mi></munder>", "\\underset{y}{x}"),
        (
            "<mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr><mtr><mtd><mi>c</mi></mtd></mtr></mtable>",
            "\\begin{matrix}a & b \\\\ c\\end{matrix}",
        ),
        ("<mfenced><mi>a</mi><mi>b</mi></mfenced>", "\\left(a,b\\right)"),
        ("<mfenced open='[' close=''><mi>a</mi></mfenced>", "\\left[a\\right."),
        (
            "<mfenced open='{' close='}' separators='|;'><mi>a</mi><mi>b</mi><mi>c</mi></mfenced>",
            "\\left\\{a|b;c\\right\\}",
        ),
        ("<menclose notation=radical><mi>a</mi></menclose>", "\\sqrt{a}"),
        ("<menclose notation=box><mi>a</mi></menclose>", "\\boxed{a}"),
        ("<mphantom><mi>a</mi></mphantom><mi>b</mi>", "b"),
        ("<mmultiscripts><mi>X</mi><mi>a</mi><mi>b</mi></mmultiscripts>", "X_a^b"),
        (
            "<mmultiscripts><mi>X</mi><none/><mi>b</mi><mprescripts/><mi>c</mi><none/></mmultiscripts>",
            "{}_cX^b",
        ),
        ("<mstyle><mi>a</mi></mstyle><unknown><mi>b</mi></unknown>", "ab"),
    ];
    for (mathml, expected) in cases {
        assert_eq!(tex(mathml), expected, "{mathml}");
    }
}

#[test]
fn incomplete_elements_are_converted_as_far_as_they_go() {
    for mathml in [
        "<mfrac></mfrac>",
        "<msup><mi>x</mi></msup>",
        "<msubsup></msubsup>",
        "<mmultiscripts></mmultiscripts>",
        "<munderover><mo>∑</mo></munderover>",
        "<mroot></mroot>",
        "<mfenced></mfenced>",
    ] {
        let tex = tex(mathml);
        assert_eq!(tex.matches('{').count(), tex.matches('}').count(), "{mathml}: {tex}");
    }
}

#[test]
fn commands_and_letters_do_not_run_together() {
    let parts = |parts: &[&str]| join(&parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
    assert_eq!(parts(&["\\alpha", "x"]), "\\alpha x");
    assert_eq!(parts(&["\\alpha", "2"]), "\\alpha 2");
    assert_eq!(parts(&["\\alpha", "\\beta"]), "\\alpha\\beta");
    assert_eq!(parts(&["x", "y"]), "xy");
    assert_eq!(parts(&["\\}", "y"]), "\\}y");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever the nesting, the braces of the result are balanced.
    #[test]
    fn braces_are_balanced(
        tokens in prop::collection::vec(prop::sample::select(&[
            "<mi>x</mi>", "<mn>1</mn>", "<mo>+</mo>", "<mo>{</mo>", "<mfrac>", "</mfrac>", "<msup>", "</msup>", "<mrow>",
            "</mrow>", "<msqrt>", "</msqrt>", "<mover>", "</mover>", "<mtable>", "</mtable>", "<mtr>", "</mtr>",
            "<mmultiscripts>", "</mmultiscripts>", "<mprescripts/>", "<none/>", "<mtext>a</mtext>", "α", " ",
        ][..]), 0..40),
    ) {
        let tex = tex(&tokens.concat());
        let mut depth = 0_i32;
        let mut escaped = false;
        for c in tex.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            prop_assert!(depth >= 0, "{}", tex);
        }
        prop_assert_eq!(depth, 0, "{}", tex);
    }
}
