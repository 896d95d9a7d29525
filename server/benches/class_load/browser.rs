//! As much of a browser as the load needs: cookies, one connection for requests that is kept open, another for events.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Error, ErrorKind, Result};
use tokio::net::{TcpSocket, TcpStream};

/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser at an address.
pub(crate) struct Browser {
    to: SocketAddr,
    from: Ipv4Addr,
    cookies: Vec<(String, String)>,
    connection: Option<BufReader<TcpStream>>,
}

/// What was answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) body: String,
    /// From the first byte of the request to the last one of the answer.
    pub(crate) took: Duration,
    cookies: Vec<(String, String)>,
    length: Option<usize>,
    chunked: bool,
    closes: bool,
}

impl Answer {
    /// What stands between two texts of a page.
    pub(crate) fn between(&self, before: &str, after: &str) -> Option<&str> {
        self.body.split_once(before)?.1.split_once(after).map(|(text, _)| text)
    }
}

/// The events of a page.
pub(crate) struct Events(BufReader<TcpStream>);

impl Browser {
    pub(crate) fn new(to: SocketAddr, from: Ipv4Addr) -> Self {
        Self { to, from, cookies: Vec::new(), connection: None }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer> {
        self.ask("GET", path, "", "").await
    }

    pub(crate) async fn submit(&mut self, path: &str, form: &str) -> Result<Answer> {
        self.ask("POST", path, "application/x-www-form-urlencoded", form).await
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, body: &Value) -> Result<Answer> {
        self.ask(method, path, "application/json", &body.to_string()).await
    }

    /// Opens a stream of events on a connection of its own.
    pub(crate) async fn events(&self, path: &str) -> Result<Events> {
        let mut stream = self.connect().await?;
        stream.write_all(self.head("GET", path, "", 0).as_bytes()).await?;
        let answer = head(&mut stream).await?;
        if answer.status == 200 { Ok(Events(stream)) } else { Err(no_http(&format!("{path}: {}", answer.status))) }
    }

    async fn ask(&mut self, method: &str, path: &str, kind: &str, body: &str) -> Result<Answer> {
        let begun = Instant::now();
        let request = self.head(method, path, kind, body.len()) + body;
        let kept = self.connection.take();
        let again = kept.is_some();
        let mut exchanged = self.exchange(kept, &request).await;
        if exchanged.is_err() && again {
            // The server may have closed a connection that was idle; a browser opens another one.
            exchanged = self.exchange(None, &request).await;
        }
        let mut answer = exchanged?;
        answer.took = begun.elapsed();
        for (name, value) in &answer.cookies {
            self.cookies.retain(|(kept, _)| kept != name);
            self.cookies.push((name.clone(), value.clone()));
        }
        Ok(answer)
    }

    async fn exchange(&mut self, kept: Option<BufReader<TcpStream>>, request: &str) -> Result<Answer> {
        let exchange = async {
            let mut stream = match kept {
                Some(stream) => stream,
                None => self.connect().await?,
            };
            stream.write_all(request.as_bytes()).await?;
            let mut answer = head(&mut stream).await?;
            answer.body = body(&mut stream, &answer).await?;
            if !answer.closes {
                self.connection = Some(stream);
            }
            Ok(answer)
        };
        tokio::time::timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
    }

    async fn connect(&self) -> Result<BufReader<TcpStream>> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((self.from, 0).into())?;
        let stream = socket.connect(self.to).await?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }

    fn head(&self, method: &str, path: &str, kind: &str, length: usize) -> String {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let kind = if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
        let (to, cookies) = (self.to, cookies.join("; "));
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {to}\r\nCookie: {cookies}\r\nAccept-Language: en\r\n{kind}Content-Length: {length}\r\n\r\n"
        )
    }
}

impl Events {
    /// The next event: its name and its data.
    pub(crate) async fn next(&mut self) -> Result<(String, String)> {
        let (mut name, mut data) = (String::new(), String::new());
        loop {
            let line = line(&mut self.0).await?;
            // The sizes of chunks stand between, and are none of these.
            if let Some(value) = line.strip_prefix("event:") {
                value.trim().clone_into(&mut name);
            } else if let Some(value) = line.strip_prefix("data:") {
                value.trim().clone_into(&mut data);
            } else if line.is_empty() && !data.is_empty() {
                return Ok((name, data));
            }
        }
    }

    /// Waits for the next event of a kind.
    pub(crate) async fn until(&mut self, wanted: &str) -> Result<Value> {
        loop {
            let (name, data) = self.next().await?;
            if name == wanted {
                return Ok(serde_json::from_str(&data)?);
            }
        }
    }
}

async fn line(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end().len());
    Ok(line)
}

async fn head(stream: &mut BufReader<TcpStream>) -> Result<Answer> {
    let first = line(stream).await?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut answer = Answer { status: status.ok_or_else(|| no_http(&first))?, ..Answer::default() };
    loop {
        let line = line(stream).await?;
        if line.is_empty() {
            return Ok(answer);
        }
        let Some((name, value)) = line.split_once(": ") else { continue };
        match name.to_ascii_lowercase().as_str() {
            "location" => value.clone_into(&mut answer.location),
            "content-length" => answer.length = value.parse().ok(),
            "transfer-encoding" => answer.chunked = value == "chunked",
            "connection" => answer.closes = value.eq_ignore_ascii_case("close"),
            "set-cookie" => {
                let pair = value.split(';').next().and_then(|pair| pair.split_once('='));
                answer.cookies.extend(pair.map(|(name, value)| (name.to_owned(), value.to_owned())));
            }
            _ => {}
        }
    }
}

async fn body(stream: &mut BufReader<TcpStream>, answer: &Answer) -> Result<String> {
    let mut bytes = Vec::new();
    if answer.chunked {
        loop {
            let size = line(stream).await?;
            let size = usize::from_str_radix(&size, 16).map_err(|_| no_http(&size))?;
            let from = bytes.len();
            bytes.resize(from + size, 0);
            stream.read_exact(&mut bytes[from..]).await?;
            line(stream).await?;
            if size == 0 {
                break;
            }
        }
    } else {
        bytes.resize(answer.length.unwrap_or(0), 0);
        stream.read_exact(&mut bytes).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn no_http(line: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("no HTTP: {line}"))
}
