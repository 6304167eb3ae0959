//! TeX names of mathematical characters.

/// Functions whose name is a command.
const FUNCTIONS: &[&str] = &[
    "arccos", "arcsin", "arctan", "arg", "cos", "cosh", "cot", "coth", "csc", "deg", "det", "dim", "exp",
    "gcd", "hom", "inf", "ker", "lg", "lim", "liminf", "limsup", "ln", "log", "max", "min", "Pr", "sec",
    "sin", "sinh", "sup", "tan", "tanh",
];

/// TeX of an identifier: functions and Greek letters become commands.
pub(crate) fn letters(text: &str) -> String {
    if FUNCTIONS.contains(&text) {
        return format!("\\{text}");
    }
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => command(c).map_or_else(|| text.to_owned(), |name| format!("\\{name}")),
        _ => text.to_owned(),
    }
}

/// The command of a character, without its backslash.
pub(crate) fn command(c: char) -> Option<&'static str> {
    greek(c).or_else(|| relation(c)).or_else(|| operator(c))
}

fn greek(c: char) -> Option<&'static str> {
    const SMALL: [&str; 25] = [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "varepsilon",
        "zeta",
        "eta",
        "theta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "omicron",
        "pi",
        "rho",
        "varsigma",
        "sigma",
        "tau",
        "upsilon",
        "varphi",
        "chi",
        "psi",
        "omega",
    ];
    Some(match c {
        'α'..='ω' => SMALL[(c as u32 - 'α' as u32) as usize],
        'ϕ' => "phi",
        'ϵ' => "epsilon",
        'ϑ' => "vartheta",
        'Γ' => "Gamma",
        'Δ' => "Delta",
        'Θ' => "Theta",
        'Λ' => "Lambda",
        'Ξ' => "Xi",
        'Π' => "Pi",
        'Σ' => "Sigma",
        'Υ' => "Upsilon",
        'Φ' => "Phi",
        'Ψ' => "Psi",
        'Ω' => "Omega",
        'ℏ' => "hbar",
        'ℓ' => "ell",
        'ℜ' => "Re",
        'ℑ' => "Im",
        'ℵ' => "aleph",
        _ => return None,
    })
}

fn relation(c: char) -> Option<&'static str> {
    Some(match c {
        '≤' | '⩽' => "leq",
        '≥' | '⩾' => "geq",
        '≠' => "neq",
        '≈' => "approx",
        '≡' => "equiv",
        '∼' => "sim",
        '≃' => "simeq",
        '≅' => "cong",
        '∝' => "propto",
        '≪' => "ll",
        '≫' => "gg",
        '∈' => "in",
        '∉' => "notin",
        '∋' => "ni",
        '⊂' => "subset",
        '⊆' => "subseteq",
        '⊃' => "supset",
        '⊇' => "supseteq",
        '⊥' => "perp",
        '∥' => "parallel",
        '∣' => "mid",
        '⊢' => "vdash",
        '⊨' => "models",
        '→' => "to",
        '←' => "leftarrow",
        '↔' => "leftrightarrow",
        '⇒' => "Rightarrow",
        '⇐' => "Leftarrow",
        '⇔' => "Leftrightarrow",
        '↦' => "mapsto",
        '⟶' => "longrightarrow",
        '↑' => "uparrow",
        '↓' => "downarrow",
        _ => return None,
    })
}

fn operator(c: char) -> Option<&'static str> {
    Some(match c {
        '×' => "times",
        '÷' => "div",
        '±' => "pm",
        '∓' => "mp",
        '·' | '⋅' => "cdot",
        '∘' => "circ",
        '∗' => "ast",
        '⊕' => "oplus",
        '⊗' => "otimes",
        '∪' => "cup",
        '∩' => "cap",
        '∖' => "setminus",
        '∧' => "wedge",
        '∨' => "vee",
        '¬' => "neg",
        '∑' => "sum",
        '∏' => "prod",
        '∐' => "coprod",
        '∫' => "int",
        '∬' => "iint",
        '∮' => "oint",
        '⋃' => "bigcup",
        '⋂' => "bigcap",
        '⨁' => "bigoplus",
        '√' => "surd",
        '∞' => "infty",
        '∂' => "partial",
        '∇' => "nabla",
        '∀' => "forall",
        '∃' => "exists",
        '∅' => "emptyset",
        '∠' => "angle",
        '…' => "ldots",
        '⋯' => "cdots",
        '⋮' => "vdots",
        '⋱' => "ddots",
        '′' => "prime",
        '⟨' | '〈' => "langle",
        '⟩' | '〉' => "rangle",
        '⌊' => "lfloor",
        '⌋' => "rfloor",
        '⌈' => "lceil",
        '⌉' => "rceil",
        '‖' => "|",
        _ => return None,
    })
}

/// The accent that an over-script stands for. Some have a wide form over more than one character.
pub(crate) fn accent(over: &str, wide: bool) -> Option<&'static str> {
    Some(match (over, wide) {
        ("¯" | "‾" | "―" | "\u{304}" | "\u{305}", false) => "bar",
        ("¯" | "‾" | "―" | "\u{304}" | "\u{305}" | "\\_", _) => "overline",
        ("^" | "ˆ" | "\u{302}", false) => "hat",
        ("^" | "ˆ" | "\u{302}", true) => "widehat",
        ("~" | "˜" | "\u{303}" | "\\sim", false) => "tilde",
        ("~" | "˜" | "\u{303}" | "\\sim", true) => "widetilde",
        ("\\to" | "\u{20d7}" | "⇀", false) => "vec",
        ("\\to" | "\u{20d7}" | "⇀", true) => "overrightarrow",
        ("." | "˙" | "\u{307}", _) => "dot",
        ("¨" | "\u{308}", _) => "ddot",
        ("ˇ" | "\u{30c}", _) => "check",
        ("⏞", _) => "overbrace",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greek_letters_have_the_names_of_tex() {
        for (c, name) in [
            ('α', "alpha"),
            ('β', "beta"),
            ('π', "pi"),
            ('σ', "sigma"),
            ('ω', "omega"),
            ('Γ', "Gamma"),
            ('Ω', "Omega"),
        ] {
            assert_eq!(command(c), Some(name), "{c}");
        }
        assert_eq!((command('a'), command('汉'), command('1')), (None, None, None));
    }

    #[test]
    fn functions_become_commands() {
        assert_eq!(letters("lim"), "\\lim");
        assert_eq!(letters("limes"), "limes");
        assert_eq!(letters("λ"), "\\lambda");
        assert_eq!([letters(""), letters("x")], ["", "x"]);
        assert!(FUNCTIONS.iter().all(|name| letters(name) == format!("\\{name}")));
    }

    #[test]
    fn accents_are_wide_over_several_characters() {
        for (over, narrow, wide) in [
            ("¯", Some("bar"), Some("overline")),
            ("^", Some("hat"), Some("widehat")),
            ("~", Some("tilde"), Some("widetilde")),
            ("\\to", Some("vec"), Some("overrightarrow")),
            ("˙", Some("dot"), Some("dot")),
            ("¨", Some("ddot"), Some("ddot")),
            ("⏞", Some("overbrace"), Some("overbrace")),
            ("x", None, None),
        ] {
            assert_eq!((accent(over, false), accent(over, true)), (narrow, wide), "{over}");
        }
    }
}
