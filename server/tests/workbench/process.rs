//! A served workbench as a process of its own, and requests to it over real connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

pub(crate) struct Server {
    process: Child,
    printed: BufReader<ChildStdout>,
    /// Host and port of the address that was printed first.
    pub(crate) address: String,
}

impl Server {
    /// Starts a server; `command` names the program and its options.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let printed = BufReader::new(process.stdout.take().unwrap());
        let mut server = Self { process, printed, address: String::new() };
        let line = server.line();
        server.address = line.trim_start_matches("http://").trim_end_matches('/').to_owned();
        server
    }

    /// The next line that the server prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.printed.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// A request to the address that was printed first, as a page of the workbench makes it.
    pub(crate) fn ask(&self, method: &str, path: &str, cookie: &str, body: &str) -> Answer {
        ask(
            TcpStream::connect(&self.address).unwrap(),
            method,
            path,
            &[("Host", &self.address), ("Cookie", cookie)],
            body,
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL on Unix: the process gets no chance to tidy up.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The cookie that the answer sets, as a browser sends it back.
    pub(crate) fn cookie(&self) -> String {
        let cookie = self.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie is set");
        cookie.split(';').next().unwrap().to_owned()
    }
}

/// One request on a connection of its own.
pub(crate) fn ask(mut stream: TcpStream, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}
