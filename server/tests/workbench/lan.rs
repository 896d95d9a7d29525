//! `isrlab serve --lan` as a second host sees it. Two network namespaces with a cable between them are two hosts;
//! the cable leads nowhere else, as in a classroom without the internet.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::json;

use super::process::{Server, ask};

const TEACHER: &str = "10.77.0.1";
const STUDENT: &str = "10.77.0.2";
/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A host: a network namespace that lives as long as the program in it, which waits for its input to end.
struct Host {
    holder: Child,
}

impl Host {
    fn new() -> Self {
        let mut holder = Command::new("unshare")
            .args(["--net", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare is there: install util-linux");
        // What comes back tells that the namespace is there.
        holder.stdin.as_mut().unwrap().write_all(b"!").unwrap();
        let mut byte = [0];
        let begun = holder.stdout.as_mut().unwrap().read_exact(&mut byte);
        begun.expect("a network namespace can be made: run as root, or allow user namespaces (kernel.unprivileged_userns_clone = 1)");
        Self { holder }
    }

    fn namespace(&self) -> String {
        format!("/proc/{}/ns/net", self.holder.id())
    }

    /// A program on this host.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.namespace())).arg(program);
        command
    }

    #[track_caller]
    fn ip(&self, arguments: &str) {
        let status = self.command("ip").args(arguments.split(' ')).status().unwrap();
        assert!(status.success(), "ip {arguments}: install iproute2 if it is missing");
    }

    /// Does something on this host.
    fn here<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| {
            let moved = scope.spawn(|| {
                let namespace = File::open(self.namespace()).unwrap();
                move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), Some(LinkNameSpaceType::Network))
                    .unwrap();
                work()
            });
            moved.join().unwrap()
        })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        self.holder.wait().unwrap();
    }
}

/// Teacher and student, with a cable.
fn hosts() -> (Host, Host) {
    let (teacher, student) = (Host::new(), Host::new());
    teacher.ip(&format!("link add cable type veth peer name cable netns {}", student.holder.id()));
    for (host, address) in [(&teacher, TEACHER), (&student, STUDENT)] {
        host.ip("link set lo up");
        host.ip(&format!("addr add {address}/24 dev cable"));
        host.ip("link set cable up");
    }
    (teacher, student)
}

fn server(host: &Host, options: &[&str]) -> (Server, tempfile::TempDir) {
    let data = tempfile::tempdir().unwrap();
    let mut command = host.command(env!("CARGO_BIN_EXE_isrlab"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).args(options);
    (Server::start(&mut command), data)
}

/// Each module of a code becomes a square of so many pixels, as a camera would see it.
const SCALE: usize = 4;

/// What a QR code made of half blocks says.
fn read_qr_code(lines: &[String]) -> String {
    let rows: Vec<Vec<char>> = lines.iter().map(|line| line.chars().collect()).collect();
    let width = rows[0].len();
    let dark = |x: usize, y: usize| match rows[y / SCALE / 2][x / SCALE] {
        '█' => true,
        '▀' => (y / SCALE).is_multiple_of(2),
        '▄' => !(y / SCALE).is_multiple_of(2),
        other => {
            assert_eq!(other, ' ');
            false
        }
    };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width * SCALE, 2 * rows.len() * SCALE, |x, y| {
        if dark(x, y) { 0 } else { 255 }
    });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code in\n{}", lines.join("\n"));
    grids[0].decode().unwrap().1
}

/// Without root the same test runs as root of a user namespace of its own.
fn as_root(test: &str) -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    let again = Command::new("unshare")
        .args(["--user", "--map-root-user"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .status()
        .expect("unshare is there: install util-linux");
    assert!(again.success(), "as root of a user namespace; on some systems those have to be allowed first");
    false
}

#[test]
fn another_host_opens_the_printed_address_and_only_that() {
    if !as_root("lan::another_host_opens_the_printed_address_and_only_that") {
        return;
    }
    let (teacher, student) = hosts();
    let (mut server, _data) = server(&teacher, &["--lan"]);
    let port = server.address.rsplit_once(':').unwrap().1.to_owned();
    let (address, url) = (format!("{TEACHER}:{port}"), format!("http://{TEACHER}:{port}/"));
    assert_eq!(server.line(), format!("On this network: {url}"));
    let first = server.line();
    let height = first.chars().count().div_ceil(2);
    let mut code = vec![first];
    code.resize_with(height, || server.line());
    assert_eq!(read_qr_code(&code), url);

    student.here(|| {
        let connect = || TcpStream::connect(&address).unwrap();
        let get = |path: &str, host: &str, cookie: &str| {
            ask(connect(), "GET", path, &[("Host", host), ("Cookie", cookie)], "")
        };
        let page = get("/", &address, "");
        assert_eq!(page.status, 200);
        let mut loaded = 0;
        for quoted in page.body.split('"').filter(|text| text.starts_with('/')) {
            if quoted.contains(".js") || quoted.contains(".css") || quoted.contains(".svg") {
                assert_eq!(get(quoted, &address, "").status, 200, "{quoted}");
                loaded += 1;
            }
        }
        assert!(loaded >= 3, "{loaded} files of the page");

        // Names that somebody else could point here, and pages of other sites, are refused.
        assert_eq!(get("/", "evil.example", "").status, 421);
        let cookie = page.cookie();
        let post = |path: &str, origin: &str, cookie: &str, body: &str| {
            ask(connect(), "POST", path, &[("Host", &address), ("Origin", origin), ("Cookie", cookie)], body)
        };
        let here = url.trim_end_matches('/');
        assert_eq!(post("/api/stop", "http://evil.example", &cookie, "{}").status, 403);
        assert_eq!(post("/api/stop", here, &cookie, "{}").status, 200);

        // A run, seen live by its own visitor.
        let mut events = connect();
        events.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(events, "GET /events HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n").unwrap();
        let mut events = BufReader::new(events).lines().map(Result::unwrap);
        assert!(events.any(|line| line.starts_with("data: ") && line.contains(r#""state":"ready""#)));
        let run = post("/api/run", here, &cookie, &json!({ "lesson": "lost-update", "seconds": 600 }).to_string());
        assert_eq!((run.status, run.json()["id"].as_u64()), (200, Some(1000)), "{}", run.body);
        assert!(events.any(|line| line.starts_with("data: ")
            && line.contains(r#""t":"sample""#)
            && line.contains(r#""run":1000"#)));

        // A neighbour sees and steers nothing of it.
        let neighbour = get("/", &address, "").cookie();
        assert_ne!(neighbour, cookie);
        let set = json!({ "lesson": "lost-update", "name": "rate", "value": 500 }).to_string();
        let refused = post("/api/set", here, &neighbour, &set);
        assert_eq!((refused.status, refused.json()["error"]["code"].as_str()), (409, Some("nothing-runs")));
        let set = post("/api/set", here, &cookie, &set);
        assert_eq!(set.status, 200, "{}", set.body);
    });
}

#[test]
fn without_lan_another_host_is_refused() {
    if !as_root("lan::without_lan_another_host_is_refused") {
        return;
    }
    let (teacher, student) = hosts();
    let (server, _data) = server(&teacher, &[]);
    let address = server.address.clone();
    let at_home = teacher.here(|| server.ask("GET", "/api/boards", "", ""));
    assert_eq!(at_home.status, 200);
    let port = address.rsplit_once(':').unwrap().1;
    let refused = student.here(|| TcpStream::connect(format!("{TEACHER}:{port}")).map(drop));
    assert_eq!(refused.map_err(|error| error.kind()), Err(ErrorKind::ConnectionRefused));
    // The host can be reached: it is the server that does not listen there.
    let listener = teacher.here(|| std::net::TcpListener::bind(format!("{TEACHER}:0")).unwrap());
    let open = listener.local_addr().unwrap();
    student.here(|| TcpStream::connect(open).map(drop)).unwrap();
}
