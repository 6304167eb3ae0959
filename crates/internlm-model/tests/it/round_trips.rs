//! What is written to a weight file is what is read from it: safetensors by two readers, GGUF by ours.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use internlm_kit::testing::TestRng;
use internlm_model::weights::gguf::{GgufFile, Value};
use internlm_model::weights::{
    Encoding, SafetensorsFile, Stored, TensorInfo, TensorSource, write_stored_file,
};
use proptest::prelude::*;
use safetensors::SafeTensors;

use crate::models::{self, Pair};

/// Every encoding that safetensors has a name for.
const ENCODINGS: [Encoding; 13] = [
    Encoding::F64,
    Encoding::F32,
    Encoding::F16,
    Encoding::Bf16,
    Encoding::I8,
    Encoding::I16,
    Encoding::I32,
    Encoding::I64,
    Encoding::U8,
    Encoding::U16,
    Encoding::U32,
    Encoding::U64,
    Encoding::Bool,
];

/// Tensors of up to three dimensions, some of them empty, in any encoding.
fn tensors() -> impl Strategy<Value = Vec<Stored>> {
    let info = (prop::collection::vec(0_usize..4, 0..4), prop::sample::select(ENCODINGS.to_vec()))
        .prop_map(|(shape, encoding)| TensorInfo { shape, encoding });
    prop::collection::btree_map("[a-z][a-z0-9._]{0,11}", info, 0..6)
        .prop_map(|tensors| tensors.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn safetensors_keep_names_shapes_types_bytes_and_metadata(
        tensors in tensors(), metadata in prop::collection::btree_map("[a-z]{1,5}", ".{0,9}", 0..3), seed in any::<u64>(),
    ) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("x.safetensors");
        let mut rng = TestRng::new(seed);
        let mut bytes: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        for (name, info) in &tensors {
            let count = info.encoding.byte_length(&info.shape).expect("no block encodings");
            bytes.insert(name.clone(), rng.bytes(count));
        }
        write_stored_file(&path, &tensors, &metadata, &mut |name| Ok(bytes[name].clone())).expect("writes");

        let ours = SafetensorsFile::open(&path).expect("opens");
        prop_assert_eq!(ours.names(), bytes.keys().cloned().collect::<Vec<_>>());
        prop_assert_eq!(ours.metadata(), &metadata);
        let file = fs::read(&path).expect("reads");
        let (_, header) = SafeTensors::read_metadata(&file).expect("a valid header");
        let theirs = SafeTensors::deserialize(&file).expect("a valid file");
        prop_assert_eq!(theirs.names().len(), tensors.len());
        let pairs: HashMap<String, String> = metadata.into_iter().collect();
        prop_assert_eq!(header.metadata().clone().unwrap_or_default(), pairs);
        for (name, info) in &tensors {
            prop_assert_eq!(ours.info(name), Some(info.clone()));
            prop_assert_eq!(&ours.read_bytes(name).expect("reads").into_owned(), &bytes[name]);
            let view = theirs.tensor(name).expect("is there");
            prop_assert_eq!(format!("{:?}", view.dtype()), info.encoding.name());
            prop_assert_eq!(view.shape(), &info.shape[..]);
            prop_assert_eq!(view.data(), &bytes[name][..]);
        }
    }

    #[test]
    fn gguf_metadata_and_tensors_are_read_as_they_were_written(
        (number, float, text) in (any::<u32>(), -1e30_f32..1e30, ".{0,12}"),
        texts in prop::collection::vec(".{0,12}", 0..6),
        numbers in prop::collection::vec(any::<i32>(), 0..9),
        sizes in prop::collection::vec((1_usize..5, 1_usize..5), 0..4),
        (version, seed) in (2_u32..4, any::<u64>()),
    ) {
        let list: Vec<&str> = texts.iter().map(String::as_str).collect();
        let pairs = [
            Pair::Number("a.number", number),
            Pair::Float("a.float", float),
            Pair::Text("a.text", &text),
            Pair::Texts("a.texts", &list),
            Pair::Numbers("a.numbers", &numbers),
        ];
        let names: Vec<String> = (0..sizes.len()).map(|index| format!("t{index}")).collect();
        let mut rng = TestRng::new(seed);
        let mut tensors = Vec::new();
        for (name, &(rows, columns)) in names.iter().zip(&sizes) {
            // The file lists the fastest dimension first.
            let values = rng.floats(rows * columns, 1.0);
            tensors.push((name.as_str(), vec![columns as u64, rows as u64], values));
        }
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("x.gguf");
        fs::write(&path, models::gguf(version, &pairs, &tensors)).expect("writes");

        let file = GgufFile::open(&path).expect("opens");
        let metadata = file.metadata();
        prop_assert_eq!((file.version(), metadata.iter().count()), (version, pairs.len()));
        prop_assert_eq!(metadata.get("a.number").cloned(), Some(Value::Unsigned(number.into())));
        prop_assert_eq!(metadata.get("a.float").cloned(), Some(Value::Float(float.into())));
        prop_assert_eq!(metadata.text("a.text"), Some(text.as_str()));
        prop_assert_eq!(metadata.texts("a.texts"), Some(texts.clone()));
        let expected: Vec<f64> = numbers.iter().map(|&number| f64::from(number)).collect();
        prop_assert_eq!(metadata.numbers("a.numbers"), Some(expected));
        prop_assert_eq!(file.names(), names.clone());
        for ((name, _, values), &(rows, columns)) in tensors.iter().zip(&sizes) {
            let info = TensorInfo { shape: vec![rows, columns], encoding: Encoding::F32 };
            prop_assert_eq!(file.info(name), Some(info));
            prop_assert_eq!(&file.read_f32(name).expect("reads"), values);
        }
    }
}
