//! [`FormatParser`]: one state machine for streamed and whole replies in every format.

use std::sync::Arc;

use internlm_model::tokenizer::Special;
use internlm_model::{TokenId, Tokenizer};

use super::buffer::{Buffer, Marks, Symbol};
use super::calls::{Calls, Step};
use super::delta::{Delta, Section};
use super::dsml::Dsml;
use super::functions::Functions;
use super::glm::Glm;
use super::kimi::Kimi;
use super::loose_json::LooseJson;
use super::output::Output;
use super::qwen_coder::QwenCoder;
use super::reasoning_format::{ReasoningFormat, THINK, THINK_END};
use super::tagged_json::TaggedJson;
use super::tool_format::ToolFormat;

/// Cuts a reply into content, reasoning and calls as it comes.
///
/// For any way to cut a reply into pieces, the deltas of all pieces add up to the same content, reasoning and calls.
pub trait Parser: std::fmt::Debug + Send {
    /// Takes the next piece and gives what became certain with it: `text` without special tokens, and the `ids` with
    /// which it became certain. A special token among them follows the text.
    fn push(&mut self, text: &str, ids: &[TokenId]) -> Vec<Delta>;

    /// Takes the end: a call that was cut off before it was certain becomes content.
    fn finish(&mut self) -> Vec<Delta>;
}

/// What a parser looks for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ParseOptions {
    /// How calls are written.
    pub tools: ToolFormat,
    /// How reasoning is written. Default: it is not looked for.
    pub reasoning: ReasoningFormat,
    /// Whether the content shows special tokens that are not marks. Default: it does not.
    pub special: Special,
    /// Where the reply begins: in its reasoning when the prompt has begun that. Default: content.
    pub start: Section,
    /// What the request offers; types of arguments come from here. Default: nothing.
    pub functions: Functions,
}

impl ParseOptions {
    /// Calls in one format, without reasoning.
    #[must_use]
    pub fn new(tools: ToolFormat) -> Self {
        Self {
            tools,
            reasoning: ReasoningFormat::None,
            special: Special::Skip,
            start: Section::Content,
            functions: Functions::default(),
        }
    }

    /// Sets how reasoning is written and where the reply begins.
    #[must_use]
    pub fn with_reasoning(self, reasoning: ReasoningFormat, start: Section) -> Self {
        Self { reasoning, start, ..self }
    }

    /// Sets whether the content shows special tokens.
    #[must_use]
    pub fn with_special(self, special: Special) -> Self {
        Self { special, ..self }
    }

    /// Sets what the request offers.
    #[must_use]
    pub fn with_functions(self, functions: Functions) -> Self {
        Self { functions, ..self }
    }
}

/// What is being read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Content or reasoning.
    Text,
    /// A call, or what looks like one.
    Call,
    /// What looked like a call and is text up to its end mark.
    Broken(Shown),
}

/// Whether the marks around text that is not a call are part of the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shown {
    /// They are: they marked nothing else.
    Yes,
    /// They are not: there was a call in front of the text.
    No,
}

/// A parser for one reply in one format.
#[derive(Debug)]
pub struct FormatParser {
    tokenizer: Tokenizer,
    special: Special,
    buffer: Buffer,
    output: Output,
    /// Where a reply is whose reasoning stays in the content; none when it does not.
    within: Option<Section>,
    calls: Option<Box<dyn Calls>>,
    state: State,
    /// The marks that are looked for in text.
    outside: Vec<&'static str>,
    /// The same with the one that ends calls.
    broken: Vec<&'static str>,
    /// What has been read of a call that is not certain.
    raw: String,
    /// Number of calls that had begun in front of the current one.
    before: usize,
}

impl FormatParser {
    /// A parser for one reply with the tokens of `tokenizer`.
    #[must_use]
    pub fn new(tokenizer: &Tokenizer, options: ParseOptions) -> Self {
        let thinking = options.reasoning.marks(options.start);
        let start = if thinking.is_empty() { Section::Content } else { options.start };
        let within = (options.reasoning == ReasoningFormat::InContent).then_some(start);
        let calls = calls(options.tools, &Arc::new(options.functions));
        let marks = calls.as_ref().map(|calls| (calls.all(), calls.opens(), calls.close()));
        let (all, opens, close) = marks.unwrap_or_default();
        let is_token = |mark: &&str| tokenizer.special(mark).is_some_and(|id| tokenizer.is_special(id));
        let tokens = all.iter().chain(thinking).copied().filter(is_token).collect();
        let outside: Vec<&'static str> = opens.iter().chain(thinking).copied().collect();
        let broken = outside.iter().copied().chain(close).collect();
        Self {
            tokenizer: tokenizer.clone(),
            special: options.special,
            buffer: Buffer::new(tokens),
            output: Output::new(if within.is_some() { Section::Content } else { start }),
            within,
            calls,
            state: State::Text,
            outside,
            broken,
            raw: String::new(),
            before: 0,
        }
    }

    /// Where the next character is, as far as is certain.
    #[must_use]
    pub fn section(&self) -> Section {
        self.within.unwrap_or_else(|| self.output.section())
    }

    /// Whether text is held back because it may be the beginning of a mark.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.buffer.holds()
    }

    /// Number of calls that are whole.
    #[must_use]
    pub fn complete(&self) -> usize {
        self.output.complete()
    }

    fn run(&mut self) {
        while let Some(symbol) = self.peek() {
            let is_read = match self.state {
                State::Text => self.text(symbol),
                State::Call => self.call(symbol),
                State::Broken(shown) => self.broken(symbol, shown),
            };
            if is_read {
                self.buffer.advance(symbol);
            }
        }
    }

    fn peek(&self) -> Option<Symbol> {
        self.buffer.peek(match (self.state, &self.calls) {
            (State::Call, Some(calls)) => calls.marks(),
            (State::Broken(_), _) => Marks::Written(&self.broken),
            _ => Marks::Written(&self.outside),
        })
    }

    /// Outside of calls. Like the other two it says whether the symbol has been read.
    fn text(&mut self, symbol: Symbol) -> bool {
        match symbol {
            Symbol::Mark(THINK) => self.turn(THINK, Section::Reasoning),
            Symbol::Mark(THINK_END) => self.turn(THINK_END, Section::Content),
            Symbol::Mark(_) => self.begin(symbol),
            Symbol::Text(character) if self.begins(character) => self.begin(symbol),
            Symbol::Text(character) => self.output.text(character),
            Symbol::Special(_) if self.special == Special::Skip => {}
            Symbol::Special(character) => self.output.text(character),
        }
        true
    }

    /// A mark of reasoning, which is text where reasoning stays in the content.
    fn turn(&mut self, mark: &str, section: Section) {
        match &mut self.within {
            Some(within) => {
                *within = section;
                self.output.verbatim(mark);
            }
            None => self.output.turn(section),
        }
    }

    /// Whether a character may begin calls without a mark. In reasoning, what looks like one is a draft.
    fn begins(&self, character: char) -> bool {
        let place = self.output.place();
        let begins = self.calls.as_ref().is_some_and(|calls| calls.begins(character, place));
        begins && self.section() == Section::Content
    }

    fn begin(&mut self, symbol: Symbol) {
        if let Some(calls) = &mut self.calls {
            calls.begin();
        }
        (self.state, self.before) = (State::Call, self.output.started());
        if !self.call(symbol) {
            symbol.write(&mut self.raw);
            self.give_up();
        }
    }

    fn call(&mut self, symbol: Symbol) -> bool {
        let step = self.calls.as_mut().map_or(Step::Broken, |calls| calls.step(symbol, &mut self.output));
        match step {
            Step::Pending => symbol.write(&mut self.raw),
            Step::Taken => self.raw.clear(),
            Step::Closed => {
                self.raw.clear();
                self.state = State::Text;
            }
            Step::Broken => {
                self.give_up();
                return false;
            }
        }
        true
    }

    /// What has been read and is not certain becomes text.
    fn give_up(&mut self) {
        let raw = std::mem::take(&mut self.raw);
        self.output.verbatim(&raw);
        let shown = if self.has_call() { Shown::No } else { Shown::Yes };
        let has_end = self.calls.as_ref().is_some_and(|calls| calls.close().is_some());
        self.state = if has_end { State::Broken(shown) } else { State::Text };
    }

    /// Whether a call has begun since the last mark that begins calls.
    fn has_call(&self) -> bool {
        self.output.started() > self.before
    }

    fn broken(&mut self, symbol: Symbol, shown: Shown) -> bool {
        match symbol {
            Symbol::Mark(THINK | THINK_END) => {
                self.state = State::Text;
                return false;
            }
            Symbol::Mark(mark) if !self.outside.contains(&mark) => {
                if shown == Shown::Yes {
                    self.output.verbatim(mark);
                }
                self.state = State::Text;
            }
            Symbol::Mark(_) => self.begin(symbol),
            Symbol::Special(_) if self.special == Special::Skip && shown == Shown::No => {}
            Symbol::Text(character) | Symbol::Special(character) => self.output.text(character),
        }
        true
    }
}

impl Parser for FormatParser {
    fn push(&mut self, text: &str, ids: &[TokenId]) -> Vec<Delta> {
        self.buffer.push(text);
        for id in ids.iter().filter(|id| self.tokenizer.is_special(**id)) {
            self.buffer.push_special(&self.tokenizer.decode(&[*id], Special::Keep));
        }
        self.run();
        self.output.take()
    }

    fn finish(&mut self) -> Vec<Delta> {
        if self.state == State::Call {
            // What is left is the beginning of a mark. In a call that has begun and is not whole, all that is not
            // certain belongs to the call.
            let rest = self.buffer.take_rest();
            let raw = std::mem::take(&mut self.raw);
            if !self.has_call() {
                self.output.verbatim(&(raw + &rest));
            } else if !self.output.is_open() {
                self.output.verbatim(&raw);
            }
            self.state = State::Text;
        }
        self.buffer.end();
        self.run();
        self.output.finish();
        self.output.take()
    }
}

/// The reader of a format.
fn calls(format: ToolFormat, functions: &Arc<Functions>) -> Option<Box<dyn Calls>> {
    let functions = Arc::clone(functions);
    Some(match format {
        ToolFormat::Internlm => Box::new(TaggedJson::internlm()),
        ToolFormat::Qwen => Box::new(TaggedJson::qwen()),
        ToolFormat::Llama3 => Box::new(LooseJson::llama3(functions)),
        ToolFormat::Qwen3Coder => Box::new(QwenCoder::new(functions)),
        ToolFormat::Glm47 => Box::new(Glm::new(functions)),
        ToolFormat::KimiK2 => Box::new(Kimi::new()),
        ToolFormat::DeepseekV32 => Box::new(Dsml::new(functions)),
        ToolFormat::Json => Box::new(LooseJson::json(functions)),
        ToolFormat::None => return None,
    })
}
