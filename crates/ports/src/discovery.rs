//! Finds attached boards by their USB identity and says at once whether they may be used.
//!
//! A board's id is made from what the device says about itself, or else from the socket it is plugged into. So it stays
//! the same when the operating system gives the port another name. Ports that do not look like a board are listed after
//! the boards; nobody opens them unasked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serialport::{SerialPortInfo, SerialPortType, UsbPortInfo};
use tokio::sync::watch;

use super::serial::PortAddress;

/// How long after the last change in the device folder the ports are listed again: a port appears in several steps
/// (node, owner, permissions), and a hub brings several ports.
#[cfg(target_os = "linux")]
const SETTLE: Duration = Duration::from_millis(150);
/// How often ports are listed where the system does not tell of changes.
#[cfg(not(target_os = "linux"))]
const POLL_INTERVAL: Duration = Duration::from_millis(1500);

/// The chip between USB and the ESP32's serial port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bridge {
    /// Silicon Labs CP210x.
    Cp210x,
    /// WCH CH340, CH341, CH343, CH9102.
    Ch34x,
    /// FTDI FT232 and its family.
    Ftdi,
    /// The ESP32's own USB-serial-JTAG unit (C3, C6, H2, S3): no bridge at all.
    UsbSerialJtag,
    /// The ESP32's own USB, driven by the program on it (S2, S3 with TinyUSB).
    NativeUsb,
}

impl Bridge {
    /// The bridge with these USB ids; `None` for a device that is no ESP32 board as far as one can tell.
    #[must_use]
    pub const fn identify(vendor_id: u16, product_id: u16) -> Option<Self> {
        match (vendor_id, product_id) {
            (0x10C4, _) => Some(Self::Cp210x),
            (0x1A86, 0x5523 | 0x55D3 | 0x55D4 | 0x55D8 | 0x7522 | 0x7523) => Some(Self::Ch34x),
            (0x0403, 0x6001 | 0x6010 | 0x6011 | 0x6014 | 0x6015) => Some(Self::Ftdi),
            (0x303A, 0x1001) => Some(Self::UsbSerialJtag),
            (0x303A, _) => Some(Self::NativeUsb),
            _ => None,
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cp210x => "CP210x",
            Self::Ch34x => "CH34x",
            Self::Ftdi => "FTDI",
            Self::UsbSerialJtag => "ESP32 USB-serial-JTAG",
            Self::NativeUsb => "ESP32 native USB",
        }
    }

    /// The beginning of the board's id.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Cp210x => "cp210x",
            Self::Ch34x => "ch34x",
            Self::Ftdi => "ftdi",
            Self::UsbSerialJtag => "esp",
            Self::NativeUsb => "esp-usb",
        }
    }

    /// Where the driver comes from, on systems that do not bring it.
    #[must_use]
    pub const fn driver_hint(self) -> Option<&'static str> {
        match self {
            Self::Cp210x => Some("Silicon Labs \"CP210x VCP\" driver"),
            Self::Ch34x => Some("WCH \"CH341SER\" or \"CH343SER\" driver"),
            Self::Ftdi => Some("FTDI \"VCP\" driver"),
            Self::UsbSerialJtag | Self::NativeUsb => None,
        }
    }
}

/// Whether this user may open the port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "access", rename_all = "kebab-case")]
pub enum Access {
    /// It may be opened.
    Granted,
    /// It may not; the command mends that.
    Denied {
        /// A command for a shell, complete.
        command: String,
    },
}

/// A serial port that is plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedPort {
    /// Stays the same across replugging.
    pub id: String,
    /// What the USB device calls itself.
    pub name: String,
    /// The port to open now.
    pub port: PortAddress,
    /// What is between USB and the chip; `None` for a port that does not look like an ESP32 board.
    pub bridge: Option<Bridge>,
    /// USB product id, which decides the reset sequence.
    pub product_id: Option<u16>,
    /// Whether it may be opened.
    pub access: Access,
}

/// Lists the serial ports that are plugged in now: boards ordered by id, then those that do not look like one. Blocks
/// for some milliseconds.
///
/// # Errors
/// The system's, if it does not list ports.
pub fn list() -> Result<Vec<AttachedPort>, serialport::Error> {
    // The library takes this folder for granted; a container may lack it.
    if cfg!(target_os = "linux") && !Path::new("/sys/class/tty").is_dir() {
        return Ok(Vec::new());
    }
    Ok(identify(&serialport::available_ports()?, access))
}

/// A board as the user named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The port to open.
    pub port: PortAddress,
    /// USB product id, where the board is on this machine's USB.
    pub product_id: Option<u16>,
}

/// A name that belongs to no board.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no board {name:?}; `isrlab boards` lists those that are plugged in, and a port such as /dev/ttyUSB0 or rfc2217://host:port will do as well"
)]
pub struct UnknownBoard {
    name: String,
}

/// Finds the board that `name` means: an id, a port's path, or a remote port.
///
/// # Errors
/// [`UnknownBoard`].
pub fn resolve(name: &str, plugged_in: &[AttachedPort]) -> Result<Named, UnknownBoard> {
    let known = plugged_in.iter().find(|board| board.id == name || board.port.to_string() == name);
    match (known, name.parse()) {
        (Some(board), _) => Ok(Named { port: board.port.clone(), product_id: board.product_id }),
        (None, Ok(port)) => Ok(Named { port, product_id: None }),
        (None, Err(_)) => Err(UnknownBoard { name: name.to_owned() }),
    }
}

/// Tells the boards among the ports by their ids, and lists the others after them.
fn identify(ports: &[SerialPortInfo], access: impl Fn(&str) -> Access) -> Vec<AttachedPort> {
    let mut found: BTreeMap<String, Vec<(&SerialPortInfo, &UsbPortInfo, Bridge)>> = BTreeMap::new();
    let mut others = Vec::new();
    for port in ports {
        // macOS lists every port twice; the "cu" one does not wait for a carrier.
        if port.port_name.starts_with("/dev/tty.") {
            continue;
        }
        match &port.port_type {
            SerialPortType::UsbPort(usb) => match Bridge::identify(usb.vid, usb.pid) {
                Some(bridge) => found.entry(id(usb, bridge)).or_default().push((port, usb, bridge)),
                None => others.push(unlikely(port, Some(usb), &access)),
            },
            SerialPortType::BluetoothPort | SerialPortType::PciPort | SerialPortType::Unknown => {
                others.push(unlikely(port, None, &access));
            }
        }
    }
    let mut boards = Vec::new();
    for (id, mut same) in found {
        // Cheap bridges all carry the same serial number ("0001"), and some have two ports: then the socket decides.
        let alone = same.len() == 1;
        same.sort_by_key(|(port, ..)| port.port_name.clone());
        for (port, usb, bridge) in same {
            let id = if alone { id.clone() } else { format!("{id}-at-{}", socket(usb)) };
            boards.push(AttachedPort {
                id,
                name: usb.product.clone().unwrap_or_else(|| bridge.name().to_owned()),
                port: PortAddress::Local(port.port_name.clone()),
                bridge: Some(bridge),
                product_id: Some(usb.pid),
                access: access(&port.port_name),
            });
        }
    }
    others.sort_by(|a: &AttachedPort, b| a.id.cmp(&b.id));
    boards.extend(others);
    boards
}

/// A port that nothing says leads to an ESP32. Somebody may know better: its pins may be wired to one.
fn unlikely(port: &SerialPortInfo, usb: Option<&UsbPortInfo>, access: &impl Fn(&str) -> Access) -> AttachedPort {
    let short = port.port_name.rsplit('/').next().unwrap_or(&port.port_name);
    AttachedPort {
        id: format!("port-{short}"),
        name: usb.and_then(|usb| usb.product.clone()).unwrap_or_default(),
        port: PortAddress::Local(port.port_name.clone()),
        bridge: None,
        product_id: usb.map(|usb| usb.pid),
        access: access(&port.port_name),
    }
}

fn id(usb: &UsbPortInfo, bridge: Bridge) -> String {
    let own: String = usb
        .serial_number
        .iter()
        .flat_map(|serial| serial.chars())
        .filter(char::is_ascii_alphanumeric)
        .map(|character| character.to_ascii_lowercase())
        .collect();
    if own.is_empty() {
        format!("{}-at-{}", bridge.prefix(), socket(usb))
    } else {
        format!("{}-{own}", bridge.prefix())
    }
}

/// The socket a device is plugged into: bus, chain of hub ports, interface.
fn socket(usb: &UsbPortInfo) -> String {
    let mut socket = match &usb.location {
        Some(location) => {
            let chain: Vec<String> = location.port_chain().iter().map(u8::to_string).collect();
            format!("{}-{}", location.bus_id(), chain.join("."))
        }
        None => "unknown".to_owned(),
    };
    if let Some(interface) = usb.interface {
        socket.push_str(&format!(":{interface}"));
    }
    socket
}

#[cfg(unix)]
fn access(port: &str) -> Access {
    use rustix::fs::{Access as Wanted, access};
    match access(port, Wanted::READ_OK | Wanted::WRITE_OK) {
        Ok(()) => Access::Granted,
        Err(_) => Access::Denied { command: permission_command(Path::new(port)) },
    }
}

#[cfg(not(unix))]
fn access(_: &str) -> Access {
    Access::Granted
}

/// The command after which this user may open the port.
#[cfg(unix)]
pub(super) fn permission_command(port: &Path) -> String {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(port).ok();
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let group = metadata
        .as_ref()
        .filter(|metadata| metadata.mode() & 0o060 == 0o060)
        .and_then(|metadata| group_name(&groups, metadata.gid()));
    command_for(port, group.as_deref())
}

/// Joins the group that owns the port, which lasts; without such a group, gives this one port away.
#[cfg(unix)]
fn command_for(port: &Path, group: Option<&str>) -> String {
    match group {
        Some(group) if group != "root" => format!("sudo usermod -aG {group} \"$USER\" && exec su - \"$USER\""),
        _ => format!("sudo chown \"$USER\" {}", port.display()),
    }
}

/// The name of a group in the text of `/etc/group`.
#[cfg(unix)]
fn group_name(groups: &str, id: u32) -> Option<String> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    })
}

/// The program that holds a port open, where the system tells this user: name and process number.
#[must_use]
pub fn holder(port: &Path) -> Option<String> {
    let wanted = std::fs::canonicalize(port).ok()?;
    let holds = |process: &PathBuf| {
        std::fs::read_dir(process.join("fd"))
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == wanted))
    };
    let own = std::process::id();
    std::fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .filter(|(number, path)| *number != own && holds(path))
        .find_map(|(number, path)| {
            let name = std::fs::read_to_string(path.join("comm")).ok()?;
            Some(format!("{} (process {number})", name.trim()))
        })
}

/// Keeps the list up to date until all receivers are gone: a change is seen well within two seconds.
///
/// # Errors
/// The system's, if it lists no ports or cannot tell of changes.
pub fn watch() -> anyhow::Result<watch::Receiver<Vec<AttachedPort>>> {
    let (sender, receiver) = watch::channel(list()?);
    let mut changes = Changes::new(Path::new("/dev"), b"tty")?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                changed = changes.next() => {
                    if let Err(error) = changed {
                        tracing::error!(%error, "newly attached boards will not be noticed any more");
                        return;
                    }
                }
                () = sender.closed() => return,
            }
            match tokio::task::spawn_blocking(list).await {
                Ok(Ok(boards)) => {
                    sender.send_if_modified(|known| {
                        let modified = *known != boards;
                        *known = boards;
                        modified
                    });
                }
                Ok(Err(error)) => tracing::warn!(%error, "the serial ports cannot be listed"),
                Err(error) => tracing::error!(%error, "listing the serial ports failed"),
            }
        }
    });
    Ok(receiver)
}

/// Keeps up to date whether a port that the user named is there, until nobody asks any more. A port of another machine
/// counts as there: only trying can tell.
pub async fn follow(port: PortAddress, present: impl Fn(Option<Access>), gone: impl Future<Output = ()>) {
    let PortAddress::Local(path) = &port else {
        present(Some(Access::Granted));
        return;
    };
    let file = Path::new(path);
    let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else { return };
    let changes = Changes::new(folder, name.as_encoded_bytes());
    let look = || present((cfg!(windows) || file.exists()).then(|| access(path)));
    look();
    let mut changes = match changes {
        Ok(changes) => changes,
        Err(error) => {
            tracing::warn!(%error, %port, "it will not be noticed when this port comes or goes");
            return;
        }
    };
    let mut gone = std::pin::pin!(gone);
    loop {
        tokio::select! {
            changed = changes.next() => match changed {
                Ok(()) => look(),
                Err(error) => {
                    tracing::error!(%error, %port, "it will not be noticed any more when this port comes or goes");
                    return;
                }
            },
            () = &mut gone => return,
        }
    }
}

/// Tells of changes in a folder of devices.
#[cfg(target_os = "linux")]
struct Changes {
    events: tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>,
    /// How the names begin that matter.
    prefix: Vec<u8>,
}

#[cfg(target_os = "linux")]
impl Changes {
    fn new(folder: &Path, prefix: &[u8]) -> std::io::Result<Self> {
        use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
        let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        // Attributes too: udev sets owner and permissions after the node has appeared.
        inotify::add_watch(
            &events,
            folder,
            WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::ATTRIB | WatchFlags::MOVE,
        )?;
        Ok(Self { events: super::serial::watched(events)?, prefix: prefix.to_vec() })
    }

    /// Waits for a change that concerns a serial port, and until it has settled.
    async fn next(&mut self) -> std::io::Result<()> {
        loop {
            self.events.readable().await?.clear_ready();
            if self.concerns_a_port()? {
                break;
            }
        }
        tokio::time::sleep(SETTLE).await;
        self.concerns_a_port()?;
        Ok(())
    }

    /// Takes the events that are there; whether one of them is about a serial port.
    fn concerns_a_port(&self) -> std::io::Result<bool> {
        use rustix::fs::inotify;
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(self.events.get_ref(), &mut buffer);
        let mut concerns = false;
        loop {
            match reader.next() {
                Ok(event) => {
                    concerns |= event.file_name().is_none_or(|name| name.to_bytes().starts_with(&self.prefix));
                }
                Err(rustix::io::Errno::AGAIN) => return Ok(concerns),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Other systems are asked from time to time.
#[cfg(not(target_os = "linux"))]
struct Changes {
    interval: tokio::time::Interval,
}

#[cfg(not(target_os = "linux"))]
impl Changes {
    fn new(_: &Path, _: &[u8]) -> std::io::Result<Self> {
        Ok(Self { interval: tokio::time::interval(POLL_INTERVAL) })
    }

    async fn next(&mut self) -> std::io::Result<()> {
        self.interval.tick().await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serialport::Location;

    use super::*;

    fn usb(name: &str, ids: (u16, u16), serial: Option<&str>, chain: &[u8]) -> SerialPortInfo {
        SerialPortInfo {
            port_name: name.to_owned(),
            port_type: SerialPortType::UsbPort(UsbPortInfo {
                vid: ids.0,
                pid: ids.1,
                serial_number: serial.map(str::to_owned),
                manufacturer: None,
                product: None,
                interface: None,
                location: Some(Location::new("1".to_owned(), chain.to_vec())),
            }),
        }
    }

    /// Ids and ports of those that look like boards.
    fn ids(ports: &[SerialPortInfo]) -> Vec<(String, String)> {
        identify(ports, |_| Access::Granted)
            .into_iter()
            .filter(|board| board.bridge.is_some())
            .map(|board| (board.id, board.port.to_string()))
            .collect()
    }

    #[test]
    fn a_board_keeps_its_id_when_its_port_gets_another_name() {
        let before = [
            usb("/dev/ttyACM0", (0x303A, 0x1001), Some("7C:DF:A1:00:11:22"), &[1]),
            usb("/dev/ttyUSB0", (0x10C4, 0xEA60), Some("0001"), &[2]),
            usb("/dev/ttyUSB1", (0x1A86, 0x7523), None, &[3, 4]),
        ];
        let after = [
            usb("/dev/ttyUSB7", (0x1A86, 0x7523), None, &[3, 4]),
            usb("/dev/ttyACM3", (0x303A, 0x1001), Some("7C:DF:A1:00:11:22"), &[6]),
            usb("/dev/ttyUSB8", (0x10C4, 0xEA60), Some("0001"), &[2]),
        ];
        let names = |ports: &[SerialPortInfo]| ids(ports).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!(names(&before), ["ch34x-at-1-3.4", "cp210x-0001", "esp-7cdfa1001122"]);
        assert_eq!(names(&after), names(&before));
    }

    #[test]
    fn two_bridges_with_the_same_serial_number_are_told_apart_by_their_sockets() {
        let ports = [
            usb("/dev/ttyUSB1", (0x10C4, 0xEA60), Some("0001"), &[3]),
            usb("/dev/ttyUSB0", (0x10C4, 0xEA60), Some("0001"), &[2]),
        ];
        let expected = [("cp210x-0001-at-1-2", "/dev/ttyUSB0"), ("cp210x-0001-at-1-3", "/dev/ttyUSB1")];
        assert_eq!(ids(&ports), expected.map(|(id, port)| (id.to_owned(), port.to_owned())));
    }

    #[test]
    fn a_board_is_named_by_its_id_its_port_or_a_remote_port() {
        let plugged_in = identify(&[usb("/dev/ttyACM0", (0x303A, 0x1001), Some("7C"), &[1])], |_| Access::Granted);
        let named =
            |name: &str| resolve(name, &plugged_in).map(|named| (named.port.to_string(), named.product_id)).ok();
        assert_eq!(named("esp-7c"), Some(("/dev/ttyACM0".to_owned(), Some(0x1001))));
        assert_eq!(named("/dev/ttyACM0"), Some(("/dev/ttyACM0".to_owned(), Some(0x1001))));
        assert_eq!(named("/dev/pts/7"), Some(("/dev/pts/7".to_owned(), None)));
        assert_eq!(named("rfc2217://lab:4000"), Some(("rfc2217://lab:4000".to_owned(), None)));
        assert_eq!(named("esp-7d"), None);
    }

    #[test]
    fn other_devices_are_listed_but_not_taken_for_boards() {
        let modem = SerialPortInfo { port_name: "/dev/ttyS0".to_owned(), port_type: SerialPortType::PciPort };
        let ports = [
            modem,
            usb("/dev/ttyACM0", (0x2341, 0x0043), Some("55"), &[1]),
            usb("/dev/tty.usbserial-1", (0x0403, 0x6001), Some("A5"), &[1]),
        ];
        assert_eq!(ids(&ports), []);
        let others: Vec<_> = identify(&ports, |_| Access::Granted).into_iter().map(|port| port.id).collect();
        assert_eq!(others, ["port-ttyACM0", "port-ttyS0"]);
    }

    #[cfg(unix)]
    #[test]
    fn the_command_joins_the_group_that_owns_the_port() {
        let groups = "root:x:0:\ntty:x:5:\ndialout:x:20:anna\n";
        let port = Path::new("/dev/ttyUSB0");
        let dialout = group_name(groups, 20);
        assert_eq!(command_for(port, dialout.as_deref()), "sudo usermod -aG dialout \"$USER\" && exec su - \"$USER\"");
        assert_eq!(command_for(port, group_name(groups, 0).as_deref()), "sudo chown \"$USER\" /dev/ttyUSB0");
        assert_eq!(command_for(port, group_name(groups, 999).as_deref()), "sudo chown \"$USER\" /dev/ttyUSB0");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_port_that_appears_is_noticed_and_other_devices_wake_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let mut changes = Changes::new(folder.path(), b"tty").unwrap();
        std::fs::write(folder.path().join("sda1"), "").unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(300), changes.next()).await.is_err());
        std::fs::write(folder.path().join("ttyUSB0"), "").unwrap();
        tokio::time::timeout(Duration::from_secs(2), changes.next()).await.unwrap().unwrap();
        std::fs::remove_file(folder.path().join("ttyUSB0")).unwrap();
        tokio::time::timeout(Duration::from_secs(2), changes.next()).await.unwrap().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_program_that_holds_a_port_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(holder(file.path()), None);
        let mut reader = std::process::Command::new("sleep")
            .arg("30")
            .stdin(std::fs::File::open(file.path()).unwrap())
            .spawn()
            .unwrap();
        let named = holder(file.path());
        reader.kill().unwrap();
        reader.wait().unwrap();
        assert_eq!(named, Some(format!("sleep (process {})", reader.id())));
    }
}
