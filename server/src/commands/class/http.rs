//! As much of a browser as a rehearsal needs: pages, forms, JSON, cookies and events over HTTP/1.0, where an answer ends with its
//! connection.

use std::net::SocketAddr;

use anyhow::Context as _;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// The longest answer that is read, in bytes: a page has some hundred kilobytes.
const MOST_BYTES: u64 = 16 << 20;

/// A browser with its cookies.
pub(super) struct Browser {
    at: SocketAddr,
    cookies: Vec<(String, String)>,
}

/// What was answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) location: Option<String>,
    cookies: Vec<(String, String)>,
    pub(super) body: String,
}

/// Events as they come.
pub(super) struct Stream(BufReader<TcpStream>);

impl Browser {
    /// Opens a page, by which the browser gets its cookie.
    pub(super) async fn open(at: SocketAddr) -> anyhow::Result<Self> {
        let mut browser = Self { at, cookies: Vec::new() };
        let answer = browser.get("/join").await?;
        anyhow::ensure!(answer.status == 200, "/join answers {}", answer.status);
        browser.keep_cookies(&answer);
        Ok(browser)
    }

    pub(super) fn keep_cookies(&mut self, answer: &Answer) {
        for (name, value) in &answer.cookies {
            self.cookies.retain(|(kept, _)| kept != name);
            self.cookies.push((name.clone(), value.clone()));
        }
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.answer("GET", path, "", "").await
    }

    pub(super) async fn submit(&self, path: &str, form: &str) -> anyhow::Result<Answer> {
        self.answer("POST", path, "application/x-www-form-urlencoded", form).await
    }

    pub(super) async fn send(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.answer(method, path, "application/json", &body.to_string()).await
    }

    /// Opens a stream of events.
    pub(super) async fn stream(&self, path: &str) -> anyhow::Result<Stream> {
        let mut stream = BufReader::new(self.ask("GET", path, "", "").await?);
        let (status, ..) = head(&mut stream).await?;
        anyhow::ensure!(status == 200, "{path} answers {status}");
        Ok(Stream(stream))
    }

    async fn answer(&self, method: &str, path: &str, kind: &str, body: &str) -> anyhow::Result<Answer> {
        let mut stream = BufReader::new(self.ask(method, path, kind, body).await?);
        let (status, location, cookies) = head(&mut stream).await?;
        let mut bytes = Vec::new();
        stream.take(MOST_BYTES).read_to_end(&mut bytes).await?;
        Ok(Answer { status, location, cookies, body: String::from_utf8_lossy(&bytes).into_owned() })
    }

    async fn ask(&self, method: &str, path: &str, kind: &str, body: &str) -> anyhow::Result<TcpStream> {
        let mut stream = TcpStream::connect(self.at).await?;
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let kind = if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nCookie: {}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
            self.at,
            cookies.join("; "),
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        Ok(stream)
    }
}

impl Stream {
    /// The next event: its name and its data.
    pub(super) async fn next(&mut self) -> Option<(String, String)> {
        let (mut name, mut data) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            if let Some(value) = line.strip_prefix("event:") {
                value.trim().clone_into(&mut name);
            } else if let Some(value) = line.strip_prefix("data:") {
                value.trim().clone_into(&mut data);
            } else if line.is_empty() && !name.is_empty() {
                return Some((name, data));
            }
        }
    }
}

type Head = (u16, Option<String>, Vec<(String, String)>);

async fn head(stream: &mut BufReader<TcpStream>) -> anyhow::Result<Head> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).context("this is no HTTP")?;
    let (mut location, mut cookies) = (None, Vec::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 || line.trim().is_empty() {
            return Ok((status, location, cookies));
        }
        let Some((name, value)) = line.trim().split_once(": ") else { continue };
        if name.eq_ignore_ascii_case("location") {
            location = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("set-cookie")
            && let Some((name, value)) = value.split(';').next().and_then(|pair| pair.split_once('='))
        {
            cookies.push((name.to_owned(), value.to_owned()));
        }
    }
}
