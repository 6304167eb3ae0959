//! Files written by us read back; hostile files refused without harm. Files of PyTorch itself are compared by hand.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use super::archive::Archive;
use super::{TorchFile, Value, write_state_dict, write_value};
use crate::Error;
use crate::weights::{Encoding, TensorInfo, TensorSource};

/// `torch._utils._rebuild_tensor_v2` over ten floats of storage `0`: offset, then the opcodes of size and stride.
fn view(offset: u8, place: &[u8]) -> Vec<u8> {
    let mut out = b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\n".to_vec();
    out.extend(b"X\x01\0\0\x000X\x03\0\0\0cpuK\x0atQK");
    out.push(offset);
    out.extend(place);
    out.extend(b"\x89NtR");
    out
}

/// A dict of one tensor, `w`.
fn one(offset: u8, place: &[u8]) -> Vec<u8> {
    [b"\x80\x02}X\x01\0\0\0w", &view(offset, place)[..], b"s."].concat()
}

/// Writes `pickle` with storage `0` of the floats 0 to 9, and opens it.
fn open(pickle: &[u8]) -> Result<TorchFile, Error> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.pt");
    fs::write(&path, archive(pickle)).expect("writes");
    TorchFile::open(&path)
}

fn archive(pickle: &[u8]) -> Vec<u8> {
    let storage: Vec<u8> = (0_u8..10).flat_map(|value| f32::from(value).to_le_bytes()).collect();
    let mut archive = Archive::new(Vec::new());
    archive.entry("x/data.pkl", pickle).expect("a vector takes all");
    archive.entry("x/data/0", &storage).expect("a vector takes all");
    archive.finish().expect("a vector takes all")
}

fn refused(pickle: &[u8], expected: &str) {
    let message = open(pickle).expect_err("must be refused").to_string();
    assert!(message.contains(expected), "found `{message}`, expected `{expected}`");
}

fn w(pickle: &[u8]) -> (Vec<usize>, Vec<f32>) {
    let file = open(pickle).expect("opens");
    (file.info("w").expect("is there").shape, file.read_f32("w").expect("reads"))
}

const WRITABLE: [Encoding; 13] = Encoding::SAFETENSORS;

fn state_dict(path: &Path) -> Vec<(String, Vec<u8>)> {
    let tensors: Vec<(String, TensorInfo)> = WRITABLE
        .into_iter()
        .map(|encoding| (format!("layer.{encoding}"), TensorInfo { shape: vec![2, 1, 3], encoding }))
        .chain([
            ("scalar".to_owned(), TensorInfo { shape: vec![], encoding: Encoding::F32 }),
            ("empty".to_owned(), TensorInfo { shape: vec![3, 0], encoding: Encoding::Bf16 }),
        ])
        .collect();
    let bytes: Vec<(String, Vec<u8>)> = tensors
        .iter()
        .map(|(name, info)| {
            let length = info.encoding.byte_length(&info.shape).expect("small");
            (name.clone(), (0..length).map(|index| (index * 7 + name.len()) as u8).collect())
        })
        .collect();
    let mut next = bytes.iter();
    write_state_dict(path, &tensors, &mut |name| {
        let (expected, bytes) = next.next().expect("asked once per tensor");
        assert_eq!(name, expected);
        Ok(Cow::Borrowed(&bytes[..]))
    })
    .expect("writes");
    bytes
}

#[test]
fn every_type_round_trips_borrowed_aligned_and_repeatably() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model_tp0_pp0.pt");
    let written = state_dict(&path);
    let file = TorchFile::open(&path).expect("opens");
    assert_eq!(file.names().len(), written.len());
    for (name, bytes) in &written {
        let read = file.read_bytes(name).expect("reads");
        assert!(matches!(read, Cow::Borrowed(_)) && read[..] == bytes[..], "{name}");
        let span = file.root().get(name).and_then(Value::as_tensor).expect("is there").span();
        assert_eq!(span.start as u64 % super::archive::ALIGNMENT, 0, "{name}");
    }
    let first = fs::read(&path).expect("reads");
    state_dict(&path);
    assert!(first == fs::read(&path).expect("reads"));
}

#[test]
fn plain_values_round_trip() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model_config.pt");
    let text = |text: &str| Value::Text(text.to_owned());
    let numbers = [0, 255, 256, 65535, 65536, -1, i64::from(i32::MIN), i64::MIN, i64::MAX];
    let value = Value::Dict(vec![
        (text("num_layers"), Value::Int(32)),
        (text("mlp_ratio"), Value::Float(3.5)),
        (text("no_bias"), Value::Bool(true)),
        (text("dtype"), Value::DType(Encoding::Bf16)),
        (text("name"), text("größe")),
        (text("nothing"), Value::None),
        (text("numbers"), Value::List(numbers.into_iter().map(Value::Int).collect())),
        (text("seed"), Value::BigInt(vec![0, 0, 0, 0, 0, 0, 0, 0x80, 0])),
        (text("raw"), Value::Bytes(vec![0, 127, 128, 255])),
        (text("pair"), Value::Tuple(vec![Value::Set(vec![Value::Int(1)]), Value::Device("cuda:0".into())])),
    ]);
    write_value(&path, &value).expect("writes");
    let file = TorchFile::open(&path).expect("opens");
    assert_eq!(*file.root(), value);
    assert!(file.names().is_empty());
    assert_eq!(file.root().get("num_layers").and_then(Value::as_u64), Some(32));
}

#[test]
fn views_are_gathered() {
    // Size (2, 3) at 1 with strides (4, 1), then (3, 2) with strides (1, 4): a transpose.
    let rows = (vec![2, 3], vec![1., 2., 3., 5., 6., 7.]);
    assert_eq!(w(&one(1, b"K\x02K\x03\x86K\x04K\x01\x86")), rows);
    let columns = (vec![3, 2], vec![1., 5., 2., 6., 3., 7.]);
    assert_eq!(w(&one(1, b"K\x03K\x02\x86K\x01K\x04\x86")), columns);
    let deep = (vec![2, 1, 2, 2], vec![0., 2., 1., 3., 5., 7., 6., 8.]);
    assert_eq!(w(&one(0, b"(K\x02K\x01K\x02K\x02t(K\x05K\x63K\x01K\x02t")), deep);
    // An expanded tensor repeats one element.
    assert_eq!(w(&one(9, b"K\x03\x85K\x00\x85")), (vec![3], vec![9., 9., 9.]));
}

#[test]
fn a_parameter_one_level_down_is_a_tensor() {
    let tensor = view(2, b"K\x02\x85K\x01\x85");
    let parameter = [b"ctorch._utils\n_rebuild_parameter\n(", &tensor[..], b"\x88NtR"].concat();
    let inner = [b"}X\x01\0\0\0w", &parameter[..], b"s"].concat();
    let root = [b"\x80\x02}X\x0a\0\0\0state_dict", &inner[..], b"s."].concat();
    assert_eq!(w(&root), (vec![2], vec![2., 3.]));
}

#[test]
fn tensors_outside_of_their_storage_are_all_reported() {
    let past = view(8, b"K\x03\x85K\x01\x85");
    let huge = view(0, b"J\xff\xff\xff\x7f\x85K\x00\x85");
    let wraps = view(0, b"K\x02\x85\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85");
    let pickle =
        [b"\x80\x02}(X\x01\0\0\0a", &past[..], b"X\x01\0\0\0b", &huge, b"X\x01\0\0\0c", &wraps, b"u."]
            .concat();
    match open(&pickle) {
        Err(Error::Weights { problems, .. }) => {
            assert_eq!(problems.len(), 3, "{problems:?}");
            assert!(
                problems[0].starts_with("tensor a: ") && problems[1].contains("more bytes than the file")
            );
        }
        other => panic!("found {other:?}"),
    }
    refused(&one(0, b"J\xff\xff\xff\xff\x85K\x01\x85"), "expected whole numbers of 0 or more");
}

#[test]
fn other_globals_are_refused_by_name() {
    refused(b"\x80\x02cposix\nsystem\nX\x02\0\0\0ls\x85R.", "global: found posix.system");
    refused(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.", "global: found builtins.eval");
    refused(b"\x80\x02ctorch\nFloatStorage\n.", "itself as a value");
    refused(b"\x80\x02ccollections\nOrderedDict\nK\x01K\x02\x86R.", "cannot be called");
    refused(b"\x80\x02X\x01\0\0\0xQ.", "persistent id");
}

#[test]
fn malformed_pickles_name_the_byte() {
    for (pickle, expected) in [
        (&b""[..], "protocol"),
        (b"\x80\x01.", "expected 2 to 5"),
        (b"\x80\x02.", "the stack has none"),
        (b"\x80\x02(.", "the stack has none"),
        (b"\x80\x02K\x01(\x85.", "the stack has fewer"),
        (b"\x80\x02t.", "none is open"),
        (b"\x80\x02h\x07.", "memo entry 7"),
        (b"\x80\x02X\xff\xff\xff\xffab", "truncated: a text needs 4294967295 bytes"),
        (b"\x80\x02X\x01\0\0\0\xff.", "not UTF-8"),
        (b"\x80\x02}(K\x01u.", "without a value"),
        (b"\x80\x02)K\x01a.", "another kind"),
        (b"\x80\x02]}b.", "state for an object"),
        (b"\x80\x02\xff.", "opcode: found 0xff"),
        (b"\x80\x02]q\x00h\x00a.", "contains itself"),
        (b"\x80\x02\x96\xff\xff\xff\xff\xff\xff\xff\xff", "truncated"),
    ] {
        refused(pickle, expected);
    }
    // `data.pkl` begins at byte 64.
    refused(b"\x80\x02h\x07.", "at byte 66: ");
}

#[test]
fn shared_lists_do_not_blow_up_and_depth_is_bounded() {
    let mut laughs = b"\x80\x02K\x01".to_vec();
    for number in 0..40 {
        laughs.extend([b'q', number, b'0', b']', b'h', number, b'a', b'h', number, b'a']);
    }
    laughs.push(b'.');
    refused(&laughs, "too many values");
    // A dict of a long list, copied a thousand times.
    let long = [b"(", &b"N"[..].repeat(2000)[..], b"l"].concat();
    let copies = b"0c__builtin__\nlist\nh\x00\x85R".repeat(1000);
    refused(&[b"\x80\x02", &long[..], b"q\x00", &copies, b"."].concat(), "copies its objects");
    let nested = |levels: usize| [b"\x80\x02N", &b"\x85".repeat(levels)[..], b"."].concat();
    assert!(open(&nested(100)).is_ok());
    refused(&nested(101), "nesting");
    refused(&nested(10_000), "nesting");
    refused(&[b"\x80\x02", &b"(".repeat(1_000_000)[..]].concat(), "truncated");
}

#[test]
fn damaged_files_are_errors_or_other_values_but_never_a_panic() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.pt");
    let whole = archive(&one(1, b"K\x02K\x03\x86K\x04K\x01\x86"));
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).expect("writes");
        assert!(TorchFile::open(&path).is_err(), "{length} bytes");
    }
    for index in 0..whole.len() {
        for mask in [0x01, 0x10, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[index] ^= mask;
            fs::write(&path, &damaged).expect("writes");
            if let Ok(file) = TorchFile::open(&path) {
                file.names().iter().for_each(|name| drop(file.read_bytes(name)));
            }
        }
    }
}

#[test]
fn compressed_legacy_and_other_files_are_told_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.pt");
    let refused = |bytes: &[u8], expected: &str| {
        fs::write(&path, bytes).expect("writes");
        let message = TorchFile::open(&path).expect_err("must be refused").to_string();
        assert!(message.contains(expected), "found `{message}`, expected `{expected}`");
    };
    refused(b"\x80\x02\x8a\x0a", "before 1.6");
    refused(b"", "not a torch checkpoint");
    // The method is at byte 8 of the local header, and at byte 10 of the first record of the directory.
    let mut compressed = archive(b"\x80\x02N.");
    let record = compressed.windows(4).position(|bytes| bytes == b"PK\x01\x02").expect("has a directory");
    (compressed[8], compressed[record + 10]) = (8, 8);
    refused(&compressed, "expected stored as it is");
    let mut other = Archive::new(Vec::new());
    other.entry("word/document.xml", b"").expect("a vector takes all");
    refused(&other.finish().expect("a vector takes all"), "not saved by torch.save");
    let mut big = Archive::new(Vec::new());
    big.entry("x/data.pkl", b"\x80\x02N.").expect("a vector takes all");
    big.entry("x/byteorder", b"big").expect("a vector takes all");
    refused(&big.finish().expect("a vector takes all"), "byteorder: found `big`");
}

#[test]
fn the_writer_refuses_what_torch_could_not_load() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("x.pt");
    let info = |encoding| TensorInfo { shape: vec![32], encoding };
    let write = |tensors: &[(&str, Encoding)]| {
        let tensors: Vec<_> = tensors.iter().map(|(name, kind)| ((*name).to_owned(), info(*kind))).collect();
        let result = write_state_dict(&path, &tensors, &mut |_| Ok(Cow::Owned(vec![0; 64])));
        result.map_err(|error| error.to_string())
    };
    assert_eq!(write(&[("a", Encoding::Bf16)]), Ok(()));
    let twice = write(&[("a", Encoding::Bf16), ("a", Encoding::Bf16)]);
    assert!(twice.expect_err("refused").contains("tensor a: given twice"));
    assert!(write(&[("a", Encoding::Q4_0)]).expect_err("refused").contains("Q4_0"));
    assert!(write(&[("a", Encoding::F32)]).expect_err("refused").contains("found 64 bytes, expected 128"));
    assert!(TorchFile::open(&path).is_ok_and(|file| file.names() == ["a"]));
    let tensor = TorchFile::open(&path).expect("opens").root().get("a").expect("is there").clone();
    assert!(write_value(&path, &tensor).is_err());
}
