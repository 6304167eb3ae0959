//! What the attempts try to reach: a folder, sockets and a process of this machine.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

const SECRET: &str = "this is the secret";

/// Everything outside that an attempt could reach, open to every user of the machine.
#[derive(Debug)]
pub(super) struct World {
    folder: TempDir,
    victim: Child,
    tcp: TcpListener,
    udp: UdpSocket,
    stream: UnixListener,
    datagrams: UnixDatagram,
}

impl World {
    pub(super) fn build() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let open = |path: &std::path::Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("opens to everybody");
        };
        open(folder.path(), 0o777);
        let secret = folder.path().join("secret");
        fs::write(&secret, SECRET).expect("writes");
        open(&secret, 0o666);
        let (stream, datagrams) = (folder.path().join("stream"), folder.path().join("datagrams"));
        let world = Self {
            victim: Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("starts"),
            tcp: TcpListener::bind("127.0.0.1:0").expect("a free port"),
            udp: UdpSocket::bind("127.0.0.1:0").expect("a free port"),
            stream: UnixListener::bind(&stream).expect("binds"),
            datagrams: UnixDatagram::bind(&datagrams).expect("binds"),
            folder,
        };
        open(&stream, 0o777);
        open(&datagrams, 0o777);
        world.tcp.set_nonblocking(true).expect("a socket");
        world.udp.set_nonblocking(true).expect("a socket");
        world.stream.set_nonblocking(true).expect("a socket");
        world.datagrams.set_nonblocking(true).expect("a socket");
        world
    }

    /// Puts the names and numbers of this world into an attempt.
    pub(super) fn fill(&self, code: &str) -> String {
        let port =
            |address: std::io::Result<std::net::SocketAddr>| address.expect("bound").port().to_string();
        code.replace("OUTSIDE", &self.folder.path().to_string_lossy())
            .replace("VICTIM", &self.victim.id().to_string())
            .replace("HOST", &std::process::id().to_string())
            .replace("TCP", &port(self.tcp.local_addr()))
            .replace("UDP", &port(self.udp.local_addr()))
    }

    /// What the attempts changed outside, whatever they say themselves.
    pub(super) fn damage(mut self) -> Vec<String> {
        let mut damage = Vec::new();
        let mut found = |what: &str, is_damaged: bool| {
            if is_damaged {
                damage.push(what.to_owned());
            }
        };
        let secret = fs::read_to_string(self.folder.path().join("secret")).unwrap_or_default();
        found("the secret was changed", secret != SECRET);
        let files = fs::read_dir(self.folder.path()).expect("lists").count();
        found("files were made or removed outside", files != 3);
        found("the victim is dead", self.victim.try_wait().expect("waits").is_some());
        found("a TCP connection", self.tcp.accept().is_ok());
        found("a UDP packet", self.udp.recv(&mut [0; 9]).is_ok());
        found("a connection to a Unix socket", self.stream.accept().is_ok());
        found("a datagram to a Unix socket", self.datagrams.recv(&mut [0; 9]).is_ok());
        damage
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}
