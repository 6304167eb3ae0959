//! Attempts to reach anybody over a socket, of every family of the kernel's headers.

use super::Attempt;
use super::Holds::Everywhere;

/// Families of `linux/socket.h`.
const FAMILIES: std::ops::Range<u32> = 1..46;

const OTHERS: [(&str, &str); 15] = [
    ("a TCP connection", "socket.create_connection(('127.0.0.1', TCP), 1); return 'connected'"),
    (
        "a UDP packet",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', UDP)); return 'sent'",
    ),
    ("a raw socket", "return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)"),
    ("a packet socket", "return socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"),
    ("a route socket", "return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)"),
    ("an audit socket", "return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9)"),
    ("a name looked up", "return socket.gethostbyname('example.com')"),
    ("a server", "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); return 'listens'"),
    (
        "a Unix socket outside",
        "s = socket.socket(socket.AF_UNIX); s.connect('OUTSIDE/stream'); return 'connected'",
    ),
    (
        "one end of a pair connected outside",
        "s = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0]; s.connect('OUTSIDE/datagrams'); s.send(b'x'); return 'sent'",
    ),
    (
        "one end of a pair that sends outside",
        "s = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0]; s.sendto(b'x', 'OUTSIDE/datagrams'); return 'sent'",
    ),
    (
        "a message from one end of a pair",
        "s = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0]; s.sendmsg([b'x'], [], 0, 'OUTSIDE/datagrams'); return 'sent'",
    ),
    (
        "one end of a pair bound",
        "s = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0]; s.bind('bound'); return 'bound'",
    ),
    (
        "an abstract name",
        "s = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0]; s.bind('\\0lagent-escape'); return 'bound'",
    ),
    ("files in flight", "a, b = socket.socketpair(); socket.send_fds(a, [b'x'], [0]); return 'sent'"),
];

pub(super) fn attempts() -> Vec<Attempt> {
    let families = FAMILIES.flat_map(|family| {
        let code = format!("return [kind for kind in (1, 2, 3, 5) if libc.socket({family}, kind, 0) >= 0]");
        [Attempt::new("network families", Everywhere, format!("family {family}"), code)]
    });
    let others = OTHERS.iter().map(|(name, code)| Attempt::new("network", Everywhere, *name, *code));
    families.chain(others).collect()
}
