//! One good input per reader: where mutations and fuzzing start.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::readers::Reader;

pub(crate) fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::new(level));
    writer.write_all(bytes).expect("writes to memory");
    writer.finish().expect("finishes")
}

/// A WARC record with the fields that matter.
pub(crate) fn record(kind: &str, uri: &str, block: &[u8]) -> Vec<u8> {
    let length = block.len();
    let head = format!(
        "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {uri}\r\nWARC-Date: 2024-05-01T00:00:00Z\r\n\
         WARC-Record-ID: <urn:uuid:{uri}>\r\nWARC-Block-Digest: sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ\r\n\
         Content-Type: application/http;\r\n msgtype={kind}\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), block, b"\r\n\r\n"].concat()
}

/// A response with coded payload in chunks of 100 bytes.
pub(crate) fn response(coding: &str, payload: &[u8]) -> Vec<u8> {
    let coded = match coding {
        "gzip" => gzip(payload, 6),
        "deflate" => {
            let mut writer = DeflateEncoder::new(Vec::new(), Compression::fast());
            writer.write_all(payload).expect("writes to memory");
            writer.finish().expect("finishes")
        }
        "zstd" => compress_to_vec(payload, CompressionLevel::Fastest),
        _ => payload.to_vec(),
    };
    let mut block = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\
         Content-Encoding: {coding}\r\n\r\n"
    )
    .into_bytes();
    for chunk in coded.chunks(100) {
        block.extend(format!("{:x}\r\n", chunk.len()).bytes());
        block.extend(chunk);
        block.extend(b"\r\n");
    }
    block.extend(b"0\r\n\r\n");
    block
}

/// Records of an archive: a description, responses in four codings, a request.
fn records() -> Vec<Vec<u8>> {
    let text = crate::site::page("A page", &crate::site::sentences(3, 12));
    let mut records = vec![record("warcinfo", "info", b"software: none\r\n")];
    for coding in ["gzip", "deflate", "zstd", "identity"] {
        records.push(record("response", &format!("http://a.b/{coding}"), &response(coding, text.as_bytes())));
    }
    records.push(record("request", "http://a.b/", b"GET / HTTP/1.1\r\nHost: a.b\r\n\r\n"));
    records
}

/// A good input of the reader's kind.
pub(crate) fn seed(reader: Reader) -> Vec<u8> {
    let text = crate::site::page("A page", &crate::site::sentences(4, 12));
    let records = records();
    match reader {
        Reader::Warc => records.concat(),
        Reader::Http => response("gzip", text.as_bytes()),
        Reader::Gzip => records.iter().flat_map(|record| gzip(record, 6)).collect(),
        Reader::Zstd => {
            let skipped = [&[0x5d, 0x2a, 0x4d, 0x18, 4, 0, 0, 0][..], b"dict"].concat();
            let frames = records.iter().map(|record| compress_to_vec(&record[..], CompressionLevel::Fastest));
            std::iter::once(skipped).chain(frames).flatten().collect()
        }
        Reader::Lz4 => {
            let mut all = Vec::new();
            for record in records {
                let mut writer = lz4_flex::frame::FrameEncoder::new(&mut all);
                writer.write_all(&record).expect("writes to memory");
                writer.finish().expect("finishes");
            }
            all
        }
        Reader::Arc => {
            let mut all = b"filedesc://x.arc 0.0.0.0 20240501000000 text/plain 9\n1 0 Test\n\n".to_vec();
            for (uri, block) in
                [("http://a.b/c d", response("gzip", text.as_bytes())), ("dns:a.b", b"a.b".to_vec())]
            {
                all.extend(format!("{uri} 1.2.3.4 20240501000000 text/html {}\n", block.len()).bytes());
                all.extend(block);
                all.push(b'\n');
            }
            all
        }
    }
}
