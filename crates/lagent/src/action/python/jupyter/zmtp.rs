//! The client's side of ZMTP 3.0 (RFC 23 of ZeroMQ) with the NULL mechanism, over a connected stream.
//!
//! A connection starts with a greeting of 64 bytes from each side and one READY command from each side. Afterwards
//! each message is a list of frames: flags, length, bytes. That is all that talking to a Jupyter kernel takes.

use std::io::{self, ErrorKind, Read, Write};

/// Signature, version 3.0, mechanism and the empty rest.
const GREETING: usize = 64;
const SIGNATURE: [u8; 12] = [0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0];
const MECHANISM: &[u8] = b"NULL";
/// Flags of a frame.
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;
/// Maximum number of frames of a message, and of the bytes of all its frames: the other side may send anything.
const FRAMES: usize = 64;
const BYTES: u64 = 32 << 20;

/// A kind of socket of ZeroMQ, as the READY command names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SocketType {
    /// Sends requests and receives replies, in any order.
    Dealer,
    /// Receives what is published.
    Sub,
}

impl SocketType {
    fn name(self) -> &'static str {
        match self {
            Self::Dealer => "DEALER",
            Self::Sub => "SUB",
        }
    }
}

/// Exchanges greetings and READY commands. A subscriber subscribes to everything.
pub(super) fn shake_hands(stream: &mut (impl Read + Write), kind: SocketType) -> io::Result<()> {
    let mut greeting = [0; GREETING];
    greeting[..SIGNATURE.len()].copy_from_slice(&SIGNATURE);
    greeting[SIGNATURE.len()..SIGNATURE.len() + MECHANISM.len()].copy_from_slice(MECHANISM);
    stream.write_all(&greeting)?;
    let mut theirs = [0; GREETING];
    stream.read_exact(&mut theirs)?;
    if theirs[0] != 0xff || theirs[9] != 0x7f || theirs[10] < 3 {
        return Err(wrong("the greeting of another protocol"));
    }
    if theirs[SIGNATURE.len()..].iter().take_while(|byte| **byte != 0).ne(MECHANISM) {
        return Err(wrong("another mechanism than NULL"));
    }
    let mut ready = property_name("READY");
    for (name, value) in [("Socket-Type", kind.name()), ("Identity", "")] {
        ready.extend(property_name(name));
        ready.extend((value.len() as u32).to_be_bytes());
        ready.extend(value.as_bytes());
    }
    write_frame(stream, COMMAND, &ready)?;
    let (flags, body) = read_frame(stream, BYTES)?;
    if flags & COMMAND == 0 || !body.starts_with(&property_name("READY")) {
        return Err(wrong("no READY command"));
    }
    match kind {
        // One byte: subscribe. No further bytes: to every topic.
        SocketType::Sub => write_frame(stream, 0, &[1]),
        SocketType::Dealer => Ok(()),
    }
}

/// Sends one message.
pub(super) fn send(stream: &mut impl Write, frames: &[impl AsRef<[u8]>]) -> io::Result<()> {
    let mut bytes = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        let flags = if index + 1 < frames.len() { MORE } else { 0 };
        write_frame(&mut bytes, flags, frame.as_ref())?;
    }
    stream.write_all(&bytes)
}

/// Receives one message. Commands in between, such as those of heartbeats, are skipped.
pub(super) fn receive(stream: &mut impl Read) -> io::Result<Vec<Vec<u8>>> {
    let (mut frames, mut left) = (Vec::new(), BYTES);
    loop {
        let (flags, body) = read_frame(stream, left)?;
        if flags & COMMAND != 0 {
            continue;
        }
        left -= body.len() as u64;
        frames.push(body);
        if flags & MORE == 0 {
            return Ok(frames);
        }
        if frames.len() == FRAMES {
            return Err(wrong("a message of too many frames"));
        }
    }
}

/// The name of a command or of a property: its length and its letters.
fn property_name(name: &str) -> Vec<u8> {
    [&[name.len() as u8], name.as_bytes()].concat()
}

fn write_frame(stream: &mut impl Write, flags: u8, body: &[u8]) -> io::Result<()> {
    match u8::try_from(body.len()) {
        Ok(length) => stream.write_all(&[flags, length])?,
        Err(_) => {
            stream.write_all(&[flags | LONG])?;
            stream.write_all(&(body.len() as u64).to_be_bytes())?;
        }
    }
    stream.write_all(body)
}

fn read_frame(stream: &mut impl Read, limit: u64) -> io::Result<(u8, Vec<u8>)> {
    let mut flags = [0];
    stream.read_exact(&mut flags)?;
    let length = if flags[0] & LONG == 0 {
        let mut length = [0];
        stream.read_exact(&mut length)?;
        u64::from(length[0])
    } else {
        let mut length = [0; 8];
        stream.read_exact(&mut length)?;
        u64::from_be_bytes(length)
    };
    if length > limit {
        return Err(wrong("a message of too many bytes"));
    }
    let mut body = Vec::new();
    // Takes memory only for what really arrives.
    let read = stream.by_ref().take(length).read_to_end(&mut body)?;
    if read as u64 != length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok((flags[0], body))
}

fn wrong(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("found {what}, expected ZMTP 3.0"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn messages_of_any_length_come_back() {
        let frames = [Vec::new(), vec![1; 255], vec![2; 256], vec![3; 70_000]];
        let mut bytes = Vec::new();
        write_frame(&mut bytes, COMMAND, b"\x04PING").expect("writes");
        send(&mut bytes, &frames).expect("writes");
        assert_eq!(receive(&mut bytes.as_slice()).expect("reads"), frames);
        for cut in [0, 1, 8, 300, bytes.len() - 1] {
            assert!(receive(&mut &bytes[..cut]).is_err(), "{cut}");
        }
    }

    #[test]
    fn what_is_too_long_is_refused_before_it_is_read() {
        let mut huge = vec![LONG];
        huge.extend(u64::MAX.to_be_bytes());
        assert!(receive(&mut huge.as_slice()).expect_err("too long").to_string().contains("too many bytes"));
        let endless = [MORE, 0].repeat(FRAMES + 1);
        assert!(
            receive(&mut endless.as_slice()).expect_err("endless").to_string().contains("too many frames")
        );
    }

    #[test]
    fn both_sides_of_a_connection_greet_each_other() {
        let (mut one, mut other) = UnixStream::pair().expect("a pair");
        let peer = std::thread::spawn(move || shake_hands(&mut other, SocketType::Dealer).map(|()| other));
        shake_hands(&mut one, SocketType::Sub).expect("greets");
        let mut other = peer.join().expect("ends").expect("greets");
        assert_eq!(receive(&mut other).expect("a subscription"), [vec![1]]);
        let (mut one, mut other) = UnixStream::pair().expect("a pair");
        other.write_all(&[b'x'; 64]).expect("writes");
        assert!(shake_hands(&mut one, SocketType::Sub).is_err());
    }
}
