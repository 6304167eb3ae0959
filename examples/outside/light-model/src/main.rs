//! A tokenizer and a chat format without a tensor library.

use std::error::Error;

use internlm_model::Tokenizer;
use internlm_model::chat::{ChatTemplate, Message, Prompt};
use internlm_model::tokenizer::{BpeTrainConfig, Special, train_bpe};

fn main() -> Result<(), Box<dyn Error>> {
    let sums = (0..200).map(|number| format!("{number} plus {number} is {}", 2 * number));
    let mut config = BpeTrainConfig::default();
    config.vocab_size = 400;
    let trained = train_bpe(sums, &config)?;

    let folder = tempfile::tempdir()?;
    trained.save(folder.path())?;
    let tokenizer = Tokenizer::load(folder.path())?;
    let ids = tokenizer.encode("12 plus 12 is 24");
    assert_eq!(ids, trained.encode("12 plus 12 is 24"));
    assert!(ids.len() < 16, "common words are single ids: {ids:?}");
    assert_eq!(tokenizer.decode(&ids, Special::Skip), "12 plus 12 is 24");

    let question = [Message::user("12 plus 12?")];
    let prompt = ChatTemplate::InternLm2.encode(&tokenizer, &question, Prompt::Generate)?;
    let text = tokenizer.decode(&prompt, Special::Keep);
    assert!(text.contains("<|im_start|>user\n12 plus 12?<|im_end|>"), "{text}");
    assert!(text.ends_with("<|im_start|>assistant\n"), "{text}");
    Ok(())
}
