//! What can go wrong with an attached board, provoked on the virtual cable: each way has its stable code and says what to
//! try. What is refused before anything is erased, and an unplugged board, are in `flash.rs` and `faulty_link.rs`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use ports::attached;
use ports::discovery::Named;
use ports::serial::PortAddress;

use crate::foreign::isrlab;
use crate::link::{Bench, Faults, try_to_flash};
use crate::virtual_board::{VirtualBoard, flash_file};

/// Attaches to a board; the chip that it has, or the code of the fault.
async fn try_to_attach(port: PortAddress) -> Result<String, &'static str> {
    let runtime = tokio::runtime::Handle::current();
    let attach = move || {
        let drive = attached::open(&Named { port, product_id: None }, &runtime).map_err(|fault| {
            assert!(!fault.advice().is_empty());
            fault.code()
        })?;
        Ok(drive.session.hello().unwrap().chip.clone())
    };
    tokio::task::spawn_blocking(attach).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_chip_and_one_that_is_never_asked_for_a_download_are_told_apart() {
    let bench = Bench::start().await;
    // DTR is what asks for it.
    let link = bench.link(Faults { without_dtr: true, ..Faults::NONE }, 0).await;
    let [(_one, silent), (_other, also_silent)] = [(); 2].map(|()| {
        let (ours, theirs) = serialport::TTYPort::pair().unwrap();
        let port: PortAddress = serialport::SerialPort::name(&theirs).unwrap().parse().unwrap();
        (ours, port)
    });
    let dumb = link.port();
    let (wrong_mode, silent, attached) =
        tokio::join!(try_to_flash(&dumb, b"x"), try_to_flash(&silent, b"x"), try_to_attach(also_silent));
    assert_eq!(wrong_mode, Err("flash-wrong-boot-mode".to_owned()));
    assert_eq!((silent, attached), (Err("flash-no-answer".to_owned()), Err("board-no-answer")));
    drop(link);
    assert_eq!(try_to_flash(&bench.port(), b"x").await, Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flash_that_reads_back_differently_is_no_success() {
    /// Lets the stub take the MD5 of one byte more (SLIP frame, direction 0, command 0x13, size, checksum, address, length).
    fn of_one_more(mut bytes: Vec<u8>) -> Vec<u8> {
        if let Some(at) = bytes.windows(3).position(|window| window == [0xC0, 0x00, 0x13])
            && let Some(length) = bytes.get_mut(at + 13)
        {
            *length += 1;
        }
        bytes
    }
    let bench = Bench::start().await;
    let link = bench.link(Faults { to_board: of_one_more, ..Faults::NONE }, 0).await;
    assert_eq!(try_to_flash(&link.port(), &[7; 100]).await, Err("flash-verify-failed".to_owned()));
    drop(link);
    // It was right all the time.
    assert_eq!(try_to_flash(&bench.port(), &[7; 100]).await, Ok(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blank_chip_resets_in_a_loop_and_the_firmware_mends_it() {
    let bench = Bench::with_flash(&[]).await;
    assert_eq!(try_to_attach(bench.port()).await, Err("board-reset-loop"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_at_another_speed_is_found_if_anybody_uses_that_speed() {
    let bench = Bench::start().await;
    for (board_baud, outcome) in [(460_800, Ok("esp32c3".to_owned())), (31_250, Err("board-wrong-baud"))] {
        // The board answers at its own speed whatever it is asked for, so it must not be asked for a faster line.
        let deaf = |bytes: Vec<u8>| if bytes.windows(6).any(|part| part == b"\"baud\"") { Vec::new() } else { bytes };
        let faults = Faults { board_baud: Some(board_baud), to_board: deaf, ..Faults::NONE };
        let link = bench.link(faults, 0).await;
        assert_eq!(try_to_attach(link.port()).await, outcome, "{board_baud}");
    }
}

/// A program that this one's rights do not help: root may open every port.
struct Nobody {
    isrlab: PathBuf,
}

impl Nobody {
    fn new() -> Self {
        // Whoever nobody is must be able to reach the program.
        let reachable =
            std::env::temp_dir().join(format!("isrlab-{}-{:?}", std::process::id(), thread::current().id()));
        if std::fs::hard_link(isrlab(), &reachable).is_err() {
            std::fs::copy(isrlab(), &reachable).unwrap();
        }
        Self { isrlab: reachable }
    }

    fn command(&self, program: &Path) -> Command {
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        let mut command = Command::new(if is_root { Path::new("setpriv") } else { program });
        if is_root {
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(program);
        }
        command.current_dir(std::env::temp_dir());
        command
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        self.command(&self.isrlab).args(arguments).output().unwrap()
    }
}

impl Drop for Nobody {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.isrlab);
    }
}

fn set_mode(port: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(port, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_port_without_permission_names_the_command_that_grants_it() {
    let board = VirtualBoard::start(&["--pty"]);
    set_mode(&board.port, 0o000);
    let nobody = Nobody::new();
    let listed = said(&nobody.ask(&["boards", "--board", &board.port]));
    assert!(listed.contains("[port-permission]") && listed.contains("sudo "), "{listed}");
    let output = nobody.ask(&["flash", "--board", &board.port]);
    let said = said(&output);
    assert!(!output.status.success() && said.contains("[port-permission]") && said.contains("sudo "), "{said}");
}

#[test]
fn a_port_in_use_names_the_program() {
    let board = VirtualBoard::start(&["--pty"]);
    set_mode(&board.port, 0o666);
    let nobody = Nobody::new();
    let mut holder = nobody
        .command(Path::new("/usr/bin/env"))
        .args(["python3", "-c", HOLD, &board.port])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut held = [0; 1];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut held).unwrap();
    let output = nobody.ask(&["flash", "--board", &board.port]);
    drop(holder.stdin.take());
    holder.wait().unwrap();
    let said = said(&output);
    assert!(!output.status.success() && said.contains("[port-busy]"), "{said}");
    assert!(said.contains(&format!("python3 (process {})", holder.id())), "{said}");
}

/// Opens a port for itself alone until its input ends.
const HOLD: &str = "\
import fcntl, os, sys, termios
port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
fcntl.ioctl(port, termios.TIOCEXCL)
sys.stdout.write('x')
sys.stdout.flush()
sys.stdin.read()
";

#[test]
fn a_full_disk_is_told_and_no_file_is_spoilt() {
    let folder = tempfile::tempdir().unwrap();
    let flash = flash_file(folder.path(), &[0x5A; 0x1000]);
    let board = VirtualBoard::start(&["--rfc2217", "127.0.0.1:0", "--fast", "--flash", &flash]);
    let data = folder.path().join("data.bin");
    std::fs::write(&data, [0x42; 5000]).unwrap();
    let full = folder.path().join("full");
    std::fs::create_dir(&full).unwrap();
    // A disk of three pages, in a namespace of its own; the second command has a file to save there.
    let script = r#"
        set -e
        mount -t tmpfs -o size=12k tmpfs "$FULL"
        head -c 12288 /dev/zero > "$FULL/fills it" || true
        "$ISRLAB" flash --board "$PORT" --image "$IMAGE@0x200000" --data "$FULL"
        "$ISRLAB" serve --listen 127.0.0.1:0 --data "$FULL" && exit 1
        "$ISRLAB" virtual --flash "$FULL/new.bin" > "$FULL.port" &
        while ! test -s "$FULL.port"; do sleep 0.05; done
        kill -INT $!
        wait $! && exit 1
        ls -A "$FULL"
    "#;
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .env("FULL", &full)
        .env("ISRLAB", isrlab())
        .env("PORT", &board.port)
        .env("IMAGE", &data)
        .output()
        .unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("written at 921600 baud and verified"), "{said}");
    assert_eq!(said.matches("[disk-full]").count(), 3, "{said}");
    assert_eq!(said.lines().filter(|line| line.contains("fills it") || line.contains(".new")).count(), 1, "{said}");
}
