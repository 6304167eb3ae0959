//! `opencompass serve-report`: shows the report of a run to a browser on another machine.
//!
//! The report is one file, so a browser on the same machine opens it directly. The server has nothing but this file:
//! one answer for every request, on the standard library's sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use internlm_kit::{file, outln};

use crate::RunFolder;
use crate::report::write_report;

/// Maximum time that a browser may take for one read or write.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum number of bytes of a request's head.
const MAX_HEAD: u64 = 1 << 16;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  opencompass serve-report runs/tiny/evaluate\n  \
                        opencompass serve-report runs/tiny/evaluate --address 0.0.0.0:8000")]
pub(super) struct Arguments {
    /// Folder of the run.
    run: PathBuf,
    /// Address and port to listen on; port 0 chooses a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    address: String,
    /// Number of requests to answer before the verb ends [default: until it is stopped].
    #[arg(long, value_name = "N")]
    requests: Option<usize>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let page = file::read(write_report(&[&RunFolder::new(&arguments.run)])?)?;
    let invalid = |error| internlm_kit::exit::UsageError(format!("--address {}: {error}", arguments.address));
    let listener = TcpListener::bind(&arguments.address).map_err(invalid)?;
    outln!("http://{}/", listener.local_addr()?)?;
    let most = arguments.requests.unwrap_or(usize::MAX);
    for stream in listener.incoming().take(most) {
        // A browser that leaves in the middle is not an error of the verb.
        if let Err(error) = stream.and_then(|stream| answer(stream, &page)) {
            tracing::info!("a request failed: {error}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the head of a request and sends the page.
fn answer(mut stream: TcpStream, page: &[u8]) -> std::io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut lines = BufReader::new(stream.try_clone()?.take(MAX_HEAD)).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let mut words = request.split(' ');
    let (status, body): (&str, &[u8]) = match (words.next(), words.next()) {
        (Some("GET" | "HEAD"), Some("/" | "/index.html")) => ("200 OK", page),
        (Some("GET" | "HEAD"), _) => ("404 Not Found", &b"not found\n"[..]),
        _ => ("405 Method Not Allowed", &b"only GET\n"[..]),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )?;
    if !request.starts_with("HEAD ") {
        stream.write_all(body)?;
    }
    stream.flush()
}
