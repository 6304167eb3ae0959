//! `xtuner chat`: a conversation with a model and its adapter, or with a server.

mod input;
mod local;
mod remote;
mod system;

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use internlm_kit::{out, outln};
use internlm_model::chat::Message;

use self::input::{Entry, Input};
use self::local::Local;
use self::remote::Remote;
use self::system::SystemTemplate;

/// Commands and examples under `--help`.
const EXAMPLES: &str =
    "An empty line ends a message. A line that is EXIT leaves, RESET forgets the conversation.

Examples:
  xtuner chat runs/tiny/finetune/hf
  xtuner chat base --adapter runs/mine/adapter --bits 4 --system 'Answer in one sentence.'
  printf 'What is 12*34?\\n' | xtuner chat runs/tiny/finetune/hf --temperature 0
  xtuner chat --api-url http://127.0.0.1:23333";

/// What a person sees before a message.
const PROMPT: &str = "\ndouble enter to end input (EXIT: exit chat, RESET: reset history) >>> ";

/// Arguments of the verb.
#[derive(Args, Debug)]
#[command(override_usage = "xtuner chat <MODEL | --api-url URL> [OPTIONS]", after_help = EXAMPLES)]
pub(super) struct Chat {
    /// Folder or GGUF file of the model.
    #[arg(required_unless_present = "api_url", conflicts_with = "api_url")]
    model: Option<PathBuf>,
    /// Chat with the server at this address instead, such as `http://127.0.0.1:23333`.
    #[arg(long, value_name = "URL", conflicts_with_all = ["adapter", "prompt_template", "bits", "device"])]
    api_url: Option<String>,
    /// Send this bearer token to the server.
    #[arg(long, value_name = "KEY", conflicts_with = "model")]
    api_key: Option<String>,
    /// Folder of a PEFT adapter to put on the model.
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// Name of the prompt template, such as `internlm2_chat`; default: the model's own.
    #[arg(long, value_name = "NAME")]
    prompt_template: Option<String>,
    /// System message of the conversation.
    #[arg(long, value_name = "TEXT", conflicts_with = "system_template")]
    system: Option<String>,
    /// System message by its name.
    #[arg(long, value_enum, value_name = "NAME")]
    system_template: Option<SystemTemplate>,
    /// Hold the matrices of the blocks in codes of this many bits.
    #[arg(long, value_enum)]
    bits: Option<Bits>,
    /// Maximum number of tokens of an answer.
    #[arg(long, visible_alias = "max-tokens", default_value_t = 2048)]
    max_new_tokens: u32,
    /// Logits are divided by this number; 0 decodes greedily.
    #[arg(long, default_value_t = 0.1, allow_negative_numbers = true)]
    temperature: f32,
    /// Sample among this number of most likely tokens; 0 keeps all.
    #[arg(long, default_value_t = 40)]
    top_k: u32,
    /// Sample among the most likely tokens that together have this probability.
    #[arg(long, default_value_t = 0.75, allow_negative_numbers = true)]
    top_p: f32,
    /// Weaken tokens that occurred before by this factor; 1 changes nothing.
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    repetition_penalty: f32,
    /// Seed of the sampling; the same seed gives the same conversation.
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// End an answer before this text; may be repeated.
    #[arg(long, value_name = "TEXT")]
    stop_words: Vec<String>,
    /// Device to compute on.
    #[arg(long, default_value = "cpu", value_name = "cpu|cuda:N|vulkan:N")]
    device: String,
}

/// Bits of a packed weight.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Bits {
    /// NF4 with double quantization.
    #[value(name = "4")]
    Four,
    /// Blocks of 8-bit codes.
    #[value(name = "8")]
    Eight,
}

/// Who answers.
trait Partner {
    /// The answer to the last of `messages`, which is number `turn` of the session; `show` gets the text as it comes.
    fn answer(
        &self,
        messages: &[Message],
        turn: u32,
        show: &mut dyn FnMut(&str) -> io::Result<()>,
    ) -> anyhow::Result<Message>;
}

impl Chat {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let partner: Box<dyn Partner> = match (&self.model, &self.api_url) {
            (Some(model), _) => Box::new(Local::load(&self, model)?),
            (None, url) => Box::new(Remote::new(&self, url.as_deref().unwrap_or_default())?),
        };
        let mut input = Input::start();
        let is_dialog = io::stdin().is_terminal() && io::stdout().is_terminal();
        let (mut messages, mut turn) = (self.instructions(), 0);
        loop {
            if is_dialog {
                out!("{PROMPT}")?;
            }
            match input.entry()? {
                Entry::Leave => break,
                Entry::Reset => messages = self.instructions(),
                Entry::Say(text) => {
                    messages.push(Message::user(text));
                    let answer = partner.answer(&messages, turn, &mut |text: &str| out!("{text}"))?;
                    outln!()?;
                    messages.push(answer);
                    turn += 1;
                }
            }
        }
        Ok(())
    }

    /// The messages of a conversation that has not begun.
    fn instructions(&self) -> Vec<Message> {
        let named = self.system_template.map(SystemTemplate::text);
        self.system.as_deref().or(named).map(Message::system).into_iter().collect()
    }
}
