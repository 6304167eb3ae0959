//! Every reader of untrusted files behind one function, for mutated inputs and for the fuzz targets.

use std::path::Path;

use internlm_model::chat::{ChatTemplate, JinjaTemplate, Message, Prompt};
use internlm_model::describe::Description;
use internlm_model::tokenizer::Special;
use internlm_model::weights::gguf::GgufFile;
use internlm_model::weights::torch::TorchFile;
use internlm_model::weights::{self, SafetensorsFile, TensorSource};
use internlm_model::{ModelConfig, Result, Tokenizer};

/// A kind of file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reader {
    /// Hugging Face `config.json`.
    Config,
    /// safetensors.
    Safetensors,
    /// GGUF: config, weights and vocabulary.
    Gguf,
    /// PyTorch's zip with a pickle.
    Torch,
    /// SentencePiece `.model`.
    SentencePiece,
    /// `tokenizer.json`.
    TokenizerJson,
    /// `tokenizer_config.json` next to a valid `tokenizer.json`.
    TokenizerConfig,
    /// `quantize_config.json` next to a valid model.
    QuantizeConfig,
    /// A chat template in jinja, parsed and rendered.
    ChatTemplate,
}

impl Reader {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Config,
        Self::Safetensors,
        Self::Gguf,
        Self::Torch,
        Self::SentencePiece,
        Self::TokenizerJson,
        Self::TokenizerConfig,
        Self::QuantizeConfig,
        Self::ChatTemplate,
    ];

    /// A file name this reader is chosen by.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Config => "config.json",
            Self::Safetensors => "model.safetensors",
            Self::Gguf => "model.gguf",
            Self::Torch => "model.pt",
            Self::SentencePiece => "tokenizer.model",
            Self::TokenizerJson => "tokenizer.json",
            Self::TokenizerConfig => "tokenizer_config.json",
            Self::QuantizeConfig => "quantize_config.json",
            Self::ChatTemplate => "chat_template.jinja",
        }
    }

    /// Maximum number of bytes in memory for a file of `length` bytes: ten times the file, and a fixed cost that does
    /// not depend on it; vocabularies come with tables and compiled patterns.
    pub fn memory_limit(self, length: usize) -> usize {
        let fixed = match self {
            Self::Config | Self::Safetensors | Self::Torch => 256 << 10,
            Self::Gguf | Self::SentencePiece | Self::TokenizerJson => 4 << 20,
            Self::TokenizerConfig | Self::QuantizeConfig | Self::ChatTemplate => 4 << 20,
        };
        10 * length + fixed
    }

    /// Opens the file and reads everything in it.
    ///
    /// # Errors
    /// What the reader says.
    pub fn read(self, path: &Path) -> Result<()> {
        match self {
            Self::Config => {
                let config = ModelConfig::from_hf(path)?;
                let _ = (config.parameters(), config.to_hf_json(), toml::to_string(&config));
                Ok(())
            }
            Self::Safetensors => tensors(&SafetensorsFile::open(path)?),
            Self::Torch => tensors(&TorchFile::open(path)?),
            Self::Gguf => {
                let file = GgufFile::open(path)?;
                let described = Description::of_gguf(&file);
                let texts = tokenizer(path);
                let model = weights::open(path).and_then(|(_, source)| tensors(source.as_ref()));
                tensors(&file)?;
                described.map(|_| ()).and(texts).and(model)
            }
            Self::SentencePiece | Self::TokenizerJson => tokenizer(path),
            Self::TokenizerConfig => tokenizer(folder(path)),
            Self::QuantizeConfig => weights::open_stored(folder(path)).map(drop),
            Self::ChatTemplate => {
                let source = internlm_kit::file::read_to_string(path)?;
                let template = JinjaTemplate::new(&source, Some("<s>".to_owned()), None)?;
                let messages =
                    [Message::system("Be brief."), Message::user("Hi"), Message::assistant("Hello")];
                ChatTemplate::Jinja(Box::new(template)).render(&messages, Prompt::Generate).map(drop)
            }
        }
    }
}

/// The folder that a file is in; for a bare name the current one.
fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or_else(|| Path::new("."))
}

fn tensors(source: &dyn TensorSource) -> Result<()> {
    for name in source.names() {
        // Integers are not weights: their error is not the file's.
        let _ = source.read_f32(&name);
        source.read_bytes(&name)?;
    }
    Ok(())
}

fn tokenizer(path: &Path) -> Result<()> {
    let tokenizer = Tokenizer::load(path)?;
    let text = "Hello, world!  12 你好\n\u{1f600} <|im_start|><s>";
    for ids in [tokenizer.encode(text), tokenizer.encode_with_special(text)] {
        let _ = tokenizer.decode(&ids, Special::Keep);
        let mut stream = tokenizer.stream_decoder(Special::Skip);
        let _: String = ids.iter().map(|&id| stream.push(id)).collect();
    }
    Ok(())
}
