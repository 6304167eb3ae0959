//! Tokens of a LaTeX formula.

/// What a token is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// Digits, with or without a decimal point.
    Number,
    /// A number with a percent sign.
    Percent,
    /// A number such as `6.02E23`.
    Scientific,
    /// A letter other than `e` and `E`.
    Letter,
    /// The letter `e`, which is Euler's number.
    LowerE,
    /// The letter `E`, which is a variable.
    UpperE,
    /// `d` with the letter after it.
    Differential,
    /// A Greek letter.
    Greek,
    /// Another symbol that names a variable, such as `\ell`.
    Other,
    /// Text or a decorated letter: `\text{yes}`, `\vec{v}`.
    Accent,
    /// A command of the grammar, such as `\frac`.
    Command,
    /// A sign; signs with several spellings have one character.
    Sign(char),
}

/// A token and its spelling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
}

/// Commands that are white space.
const SPACES: &str = "thinspace medspace thickspace quad qquad negthinspace negmedspace negthickspace vrule vcenter vbox \
    vskip vspace hfil";

/// Commands with arguments, which the parser knows.
const COMMANDS: &str = "frac dfrac tfrac cfrac sqrt binom tbinom dbinom boxed phantom begin end infty sum prod to circ \
    degree log ln exp sin cos tan csc sec cot arcsin arccos arctan arccsc arcsec arccot sinh cosh tanh \
    arsinh arcosh artanh arcsinh arccosh arctanh floor ceil gcd lcm max min mod";

/// Commands whose argument is a name.
const ACCENTS: &str = "acute bar overline breve check widecheck dot ddot grave hat tilde widetilde vec overrightarrow bm \
    boldsymbol text textit textbf textnormal mathbb mathbin mathbf mathcal mathclap mathclose mathfrak \
    mathinner mathit mathnormal mathop mathopen mathord mathpunct mathrel mathring mathrlap mathrm \
    mathscr mathsf mathtt mbox";

const GREEK: &str = "alpha beta gamma Gamma delta Delta epsilon varepsilon zeta eta theta Theta vartheta iota kappa \
    lambda Lambda mu nu xi Xi omicron pi Pi varpi rho varrho sigma Sigma varsigma tau upsilon Upsilon \
    phi Phi varphi chi psi Psi omega Omega";

/// Symbols that name a variable.
const OTHER: &str = "Bbbk wp nabla bigstar angle nexists eth clubsuit varnothing Diamond complement diamondsuit imath \
    triangledown heartsuit jmath triangle spadesuit ell hbar vartriangle hslash blacklozenge lozenge \
    blacksquare mho blacktriangle sharp prime Im flat square backprime Re natural surd circledS \
    measuredangle sphericalangle";

/// Signs and the commands that write them.
const SIGNS: &[(char, &str)] = &[
    ('*', "times cdot"),
    ('/', "div over"),
    ('(', "lgroup"),
    (')', "rgroup"),
    ('⦃', "lbrace"),
    ('⦄', "rbrace"),
    ('[', "lbrack"),
    (']', "rbrack"),
    ('|', "lvert rvert vert"),
    ('⌊', "lfloor llcorner"),
    ('⌋', "rfloor lrcorner"),
    ('⌈', "lceil ulcorner"),
    ('⌉', "rceil urcorner"),
    ('∈', "in"),
    ('∉', "notin"),
    ('=', "equiv"),
    ('≈', "approx"),
    ('<', "lt"),
    ('≤', "leq le leqslant"),
    ('>', "gt"),
    ('≥', "geq ge geqslant"),
    ('≠', "ne neq"),
    ('∪', "cup"),
    ('∩', "cap"),
    ('∖', "setminus"),
    ('±', "pm mp"),
    ('∅', "emptyset"),
];

/// Splits a formula into tokens; `None` if it contains anything that the grammar does not know.
pub(super) fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = if first == '\\' { command(rest)? } else { plain(rest, first)? };
        if let Some(kind) = kind {
            tokens.push(Token { kind, text: &rest[..length] });
        }
        rest = &rest[length..];
    }
    Some(tokens)
}

/// Reads a token that does not begin with a backslash. No kind means white space.
fn plain(rest: &str, first: char) -> Option<(Option<Kind>, usize)> {
    let length = first.len_utf8();
    let token = |kind| Some((Some(kind), length));
    match first {
        ' ' | '\t' | '\r' | '\n' | '\'' => Some((None, length)),
        '0'..='9' => Some(number(rest)),
        '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => Some(number(rest)),
        'd' => Some(differential(rest)),
        'e' => token(Kind::LowerE),
        'E' => token(Kind::UpperE),
        'a'..='z' | 'A'..='Z' => token(Kind::Letter),
        '<' | '>' | '!' | '=' | '~' => comparison(rest),
        '+' | '-' | '*' | '/' | '(' | ')' | '{' | '}' | '[' | ']' | '|' | '_' | '^' | ':' | ';' | ','
        | '&' | '°' => token(Kind::Sign(first)),
        '−' | '∸' => token(Kind::Sign('-')),
        '×' | '⋅' | '∗' | '⋆' | '∙' | '⊗' => token(Kind::Sign('*')),
        '÷' | '∕' => token(Kind::Sign('/')),
        '≈' | '≃' | '≅' => token(Kind::Sign('≈')),
        '≤' | '≦' | '≲' => token(Kind::Sign('≤')),
        '≥' | '≧' | '≳' => token(Kind::Sign('≥')),
        '≡' | '≔' => token(Kind::Sign('=')),
        '∓' => token(Kind::Sign('±')),
        '≠' | '∪' | '∩' | '∖' | '±' | '∅' | '∈' | '∉' | 'ℕ' | 'ℤ' | 'ℚ' | 'ℝ' | 'ℂ' | 'ℙ' => {
            token(Kind::Sign(first))
        }
        'α'..='ω' | 'Α'..='Ω' | 'ϵ' | 'ϑ' | 'ϖ' | 'ϱ' | 'ϕ' => token(Kind::Greek),
        _ => None,
    }
}

/// Reads `<`, `<=`, `!`, `!=`, `==`, `~=` and their kin.
fn comparison(rest: &str) -> Option<(Option<Kind>, usize)> {
    const SPELLINGS: &[(&str, char)] = &[
        ("<=", '≤'),
        (">=", '≥'),
        ("!==", '≠'),
        ("!=", '≠'),
        ("==", '='),
        ("~=", '≈'),
        ("<", '<'),
        (">", '>'),
        ("!", '!'),
        ("=", '='),
    ];
    let (spelling, sign) = SPELLINGS.iter().find(|(spelling, _)| rest.starts_with(spelling))?;
    Some((Some(Kind::Sign(*sign)), spelling.len()))
}

/// Reads a number, and the percent sign or the exponent after it.
fn number(rest: &str) -> (Option<Kind>, usize) {
    let bytes = rest.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut length = digits(0);
    if bytes.get(length) == Some(&b'.') && digits(length + 1) > 0 {
        length += 1 + digits(length + 1);
    }
    if bytes.get(length) == Some(&b'E') {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let from = length + 1 + sign;
        if from <= bytes.len() && digits(from) > 0 {
            return (Some(Kind::Scientific), from + digits(from));
        }
    }
    let space = usize::from(matches!(bytes.get(length), Some(b' ' | b'\t' | b'\r' | b'\n')));
    for sign in ["%", "\\%"] {
        if rest[length + space..].starts_with(sign) {
            return (Some(Kind::Percent), length + space + sign.len());
        }
    }
    (Some(Kind::Number), length)
}

/// Reads `d` and the letter or the command after it, if there is one.
fn differential(rest: &str) -> (Option<Kind>, usize) {
    let after = rest[1..].trim_start_matches([' ', '\t', '\r', '\n']);
    let spaces = rest.len() - 1 - after.len();
    if after.starts_with(|next: char| next.is_ascii_alphabetic()) {
        return (Some(Kind::Differential), 1 + spaces + 1);
    }
    let letters = after.strip_prefix('\\').map_or(0, letters);
    if letters > 0 {
        return (Some(Kind::Differential), 1 + spaces + 1 + letters);
    }
    (Some(Kind::Letter), 1)
}

/// Counts the letters at the beginning.
fn letters(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_alphabetic).count()
}

/// Reads a token that begins with a backslash.
fn command(rest: &str) -> Option<(Option<Kind>, usize)> {
    let length = 1 + letters(&rest[1..]);
    if length == 1 {
        let kind = match rest[1..].chars().next()? {
            ',' | ':' | ';' | '!' | '$' => None,
            '(' => Some(Kind::Sign('(')),
            ')' => Some(Kind::Sign(')')),
            '{' => Some(Kind::Sign('⦃')),
            '}' => Some(Kind::Sign('⦄')),
            '|' => Some(Kind::Sign('‖')),
            '\\' => Some(Kind::Sign('⏎')),
            _ => return None,
        };
        return Some((kind, 2));
    }
    let name = &rest[1..length];
    let token = |kind| Some((Some(kind), length));
    if let Some((sign, _)) = SIGNS.iter().find(|(_, spellings)| listed(spellings, name)) {
        return token(Kind::Sign(*sign));
    }
    if listed(ACCENTS, name) {
        return accent(rest, length);
    }
    match name {
        _ if listed(COMMANDS, name) => token(Kind::Command),
        _ if listed(GREEK, name) => token(Kind::Greek),
        _ if listed(OTHER, name) => token(Kind::Other),
        _ if listed(SPACES, name) => Some((None, length)),
        _ => None,
    }
}

/// Says whether a name is among words with spaces between them.
fn listed(words: &str, name: &str) -> bool {
    words.split_ascii_whitespace().any(|word| word == name)
}

/// Reads a decorated name up to the first closing brace, `\mathbb{R}` and its kin as one sign.
fn accent(rest: &str, length: usize) -> Option<(Option<Kind>, usize)> {
    const SETS: &[(&str, char)] = &[("N", 'ℕ'), ("Z", 'ℤ'), ("Q", 'ℚ'), ("R", 'ℝ'), ("C", 'ℂ'), ("P", 'ℙ')];
    let after = &rest[length..];
    let space = usize::from(after.starts_with([' ', '\t', '\r', '\n']));
    let inner = after[space..].strip_prefix('{')?;
    let mut escaped = false;
    let close = inner.find(|letter: char| {
        let closes = letter == '}' && !escaped;
        escaped = letter == '\\' && !escaped;
        closes
    })?;
    let end = length + space + 1 + close + 1;
    let set = SETS.iter().find(|(name, _)| &rest[..length] == "\\mathbb" && inner[..close] == **name);
    Some((Some(set.map_or(Kind::Accent, |(_, sign)| Kind::Sign(*sign))), end))
}
