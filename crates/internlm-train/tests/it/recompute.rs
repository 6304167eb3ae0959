//! Layers that are differentiated one by one, kept or recomputed, give the bits of one graph of the whole model,
//! whatever is trained, and whatever is random.

use internlm_kit::rng::CounterRng;
use internlm_model::attend::Causal;
use internlm_model::decoder::EmbeddingNoise;
use internlm_model::kernels::Labels;
use internlm_model::linear::{LoraConfig, Magnitude};
use internlm_model::packed::PackedFormat;
use internlm_model::parameter::{Training, numbers};
use internlm_model::{Decoder, Device, ModelConfig, ModelSize, TokenId};
use internlm_train::{
    Head, LossGradients, Objective, Pass, PassLoss, Recompute, Result, Row, Trainer, TrainerConfig,
};

fn model() -> ModelConfig {
    let size = ModelSize { hidden: 32, layers: 3, heads: 4, inter: 48, vocab: 40 };
    ModelConfig::new(size).with_kv_heads(2)
}

fn rows() -> Vec<Row> {
    let row = |seed: u32, length: u32| {
        Row::sample(&Vec::from_iter((0..length).map(|i| TokenId((i * 7 + seed) % 40))))
    };
    let mut weighted = row(5, 14);
    weighted.weights = Some((0..14).map(|place| 0.25 * (place % 3) as f32).collect());
    let mut packed = row(1, 9);
    packed.append(&row(2, 30));
    vec![packed, weighted, row(11, 6)]
}

fn trainer(decoder: Decoder, pass_tokens: usize, recompute: Recompute) -> Trainer {
    let model = decoder.config().clone();
    let config = TrainerConfig::new(10, 1e-2).with_pass_tokens(pass_tokens).with_recompute(recompute);
    Trainer::new(model, decoder, config).expect("has parameters")
}

/// Freezes everything whose name does not contain one of `trained`.
fn frozen(mut decoder: Decoder, trained: &[&str]) -> Decoder {
    for (name, mut parameter) in decoder.parameters_mut() {
        if !trained.iter().any(|part| name.contains(part)) {
            parameter.set_training(Training::Frozen);
        }
    }
    decoder
}

fn adapted(decoder: Decoder, lora: &LoraConfig, format: Option<PackedFormat>) -> Decoder {
    let mut decoder = frozen(decoder, &[]);
    let noise = decoder.noise().clone();
    for (name, linear) in decoder.linears_mut() {
        let base = match format.filter(|_| name != "output") {
            Some(format) => linear.clone().pack(format),
            None => linear.clone(),
        };
        *linear = base;
        if !name.ends_with("wo") {
            *linear = linear.clone().inject_lora(lora, &name, &noise);
        }
    }
    // B is zero at first, and A would have no gradient.
    for (name, mut parameter) in decoder.parameters_mut() {
        if name.contains("lora_B") {
            let count = parameter.get().to_vec().len();
            parameter.set((0..count).map(|i| 0.01 * (i % 7) as f32 - 0.03).collect());
        }
    }
    decoder
}

/// Decoders by what is special about them.
fn decoders() -> Vec<(&'static str, Decoder)> {
    let device = Device::flex();
    let plain = || Decoder::init(&model(), 1, &device);
    let lora = LoraConfig::new(4, 8.0).with_seed(3);
    let noise = EmbeddingNoise { alpha: 5.0, rng: CounterRng::new(1, "noise") };
    vec![
        ("full", plain()),
        ("tied", Decoder::init(&model().with_tied_output(), 1, &device)),
        ("noise on embeddings", plain().with_embedding_noise(noise)),
        ("last layer", frozen(plain(), &["layers.2."])),
        ("embedding and a norm", frozen(plain(), &["tok_embeddings", "layers.1.attention_norm"])),
        ("head", frozen(plain(), &["model.norm", "output"])),
        ("tied, last layer", frozen(Decoder::init(&model().with_tied_output(), 1, &device), &["layers.2."])),
        ("adapters", adapted(plain(), &lora, None)),
        ("dropout", adapted(plain(), &lora.with_dropout(0.3), None)),
        ("packed", adapted(plain(), &lora.with_dropout(0.3), Some(PackedFormat::Nf4))),
        ("magnitudes", adapted(plain(), &lora.with_magnitude(Magnitude::Trained), Some(PackedFormat::Int8))),
        (
            "magnitudes and dropout",
            adapted(plain(), &lora.with_magnitude(Magnitude::Trained).with_dropout(0.3), None),
        ),
    ]
}

fn bits(found: &LossGradients) -> (u64, Vec<(&str, Vec<u32>)>) {
    let of = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect();
    let gradients = found.gradients.iter().map(|(name, values)| (name.as_str(), of(values)));
    (found.loss.to_bits(), gradients.collect())
}

/// Gradients by one graph of the whole model.
fn whole_graph(decoder: &Decoder, row: &Row) -> Vec<(String, Vec<u32>)> {
    decoder.noise().begin(0);
    let ids = decoder.ids(&row.ids, &Device::flex()).expect("ids of the model");
    let hidden = decoder.forward(ids, &mut Causal::packed(&row.cu_seqlens));
    let labels = Labels::new(&row.labels).with_weights(row.weights.as_deref());
    let mut tape = decoder.cross_entropy(hidden, labels).sum.div_scalar(row.weight()).backward();
    let parameters = decoder.parameters().into_iter();
    let trained = parameters.filter(|(_, parameter)| parameter.training() == Training::Trained);
    let gradients = trained.filter_map(|(name, parameter)| {
        let gradient = parameter.take_gradient(&mut tape)?;
        Some((name, numbers(gradient).into_iter().map(f32::to_bits).collect()))
    });
    gradients.collect()
}

#[test]
fn layers_one_by_one_have_the_bits_of_one_graph() {
    let [mut row, weighted, short]: [Row; 3] = rows().try_into().expect("three rows");
    row.append(&weighted);
    row.append(&short);
    for (name, decoder) in decoders() {
        let kept = trainer(decoder.clone(), 4096, Recompute::None);
        let expected = whole_graph(kept.decoder(), &row);
        let again = trainer(decoder, 4096, Recompute::Layers);
        for trainer in [kept, again] {
            let found = trainer.gradients(std::slice::from_ref(&row)).expect("gradients");
            let found = bits(&found).1.into_iter().map(|(name, bits)| (name.to_owned(), bits));
            assert!(found.collect::<Vec<_>>() == expected, "{name}");
        }
    }
}

#[test]
fn gradients_have_the_same_bits() {
    for (name, decoder) in decoders() {
        for pass_tokens in [1, 50, 4096] {
            let kept = trainer(decoder.clone(), pass_tokens, Recompute::None);
            let again = trainer(decoder.clone(), pass_tokens, Recompute::Layers);
            let (expected, found) = (kept.gradients(&rows()), again.gradients(&rows()));
            let (expected, found) = (expected.expect("gradients"), found.expect("gradients"));
            assert!(!expected.gradients.is_empty(), "{name}");
            assert_eq!(bits(&found), bits(&expected), "{name}, passes of {pass_tokens}");
        }
    }
}

/// A loss that is not linear in the head's numbers.
struct Squares(Head);

impl Objective for Squares {
    fn head(&self) -> Head {
        self.0
    }

    fn loss(&mut self, pass: &Pass<'_>, outputs: &[f32]) -> Result<PassLoss> {
        let labeled = |place: usize| pass.row.labels[place].is_some() && !place.is_multiple_of(3);
        let values: Vec<f32> =
            outputs.iter().enumerate().map(|(place, x)| if labeled(place) { *x } else { 0.0 }).collect();
        let loss = values.iter().map(|x| f64::from(*x).powi(2)).sum();
        Ok(PassLoss { loss, gradient: values.into_iter().map(|x| 2.0 * x).collect() })
    }
}

#[test]
fn objectives_have_the_same_bits() {
    for (name, decoder) in decoders() {
        for head in [Head::LogProbabilities, Head::Values] {
            let compute = |recompute| {
                let trainer = trainer(decoder.clone(), 50, recompute);
                trainer.gradients_with(&rows(), &mut Squares(head)).expect("gradients")
            };
            assert_eq!(bits(&compute(Recompute::Layers)), bits(&compute(Recompute::None)), "{name} {head:?}");
        }
    }
}

#[test]
fn steps_have_the_same_bits_and_rows_without_labels_have_no_gradient() {
    let mut silent = Row::sample(&[1, 2, 3].map(TokenId));
    silent.labels = vec![None; 3];
    let rows: Vec<Row> = [rows(), vec![silent.clone()]].concat();
    for (name, decoder) in decoders() {
        let run = |recompute| {
            let mut trainer = trainer(decoder.clone(), 20, recompute);
            let losses: Vec<f64> = (0..3).map(|_| trainer.step(&rows).expect("steps").loss).collect();
            (losses, trainer.snapshot().values)
        };
        assert_eq!(run(Recompute::Layers), run(Recompute::None), "{name}");
    }
    let trainer = trainer(Decoder::init(&model(), 1, &Device::flex()), 20, Recompute::Layers);
    assert!(trainer.gradients(&[silent]).expect("nothing to compute").gradients.is_empty());
}
