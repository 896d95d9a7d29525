//! All attached boards of a workbench: those that are plugged in, and those that somebody named.
//!
//! Every board has an actor and an engine from the moment it is listed; its port stays closed until somebody takes the
//! board or flashes it. One visitor at a time has a board. Who may do what is decided here, so that every way to a board
//! goes by the same rules.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::{Board, BoardRefusal};
use crate::bucket::Bucket;
use crate::feed::Feed;
use crate::store::VisitorId;
use ports::attached_engine::{AttachedEngine, Plug, Presence};
use ports::discovery::{self, Access, AttachedPort, Named};
use ports::flash::Image;
use ports::serial::PortAddress;
use workbench::state::{BoardId, BoardState, BoardStatus, Device};

/// Free ports are looked at so often at once, and so often a second for long.
const LOOKS_AT_ONCE: f64 = 8.0;
const LOOKS_PER_SECOND: f64 = 2.0;

/// Why somebody does not get what they ask for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareRefusal {
    /// There is no such board.
    #[error("there is no board {0:?}")]
    Unknown(String),
    /// Somebody else has it.
    #[error("somebody else has the board")]
    Taken,
    /// It is being flashed.
    #[error("the board is being flashed")]
    Flashing,
    /// Only whoever began it, or the class host, may do this.
    #[error("only the class host may do this")]
    HostOnly,
    /// It was found by itself, and only what was named can be removed.
    #[error("the board was not named by anybody")]
    NotNamed,
    /// The board does not do it.
    #[error(transparent)]
    Board(#[from] BoardRefusal),
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Their number.
    pub visitor: VisitorId,
    /// Whether they are the class host, who may take boards back.
    pub host: bool,
}

/// A board in the list, as one visitor sees it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// What is known of it.
    pub status: BoardStatus,
    /// Who has it.
    pub user: User,
    /// Whether somebody named it, so that it can be removed.
    pub named: bool,
    /// Whether the asker began the flashing job that goes on.
    pub flashed_by_asker: bool,
}

impl Listed {
    /// A visitor's own virtual board, as they see it.
    #[must_use]
    pub fn own(status: BoardStatus) -> Self {
        Self { status, user: User::Asker, named: false, flashed_by_asker: false }
    }

    /// Another visitor's virtual board, as the class host sees it.
    #[must_use]
    pub fn of_another(status: BoardStatus) -> Self {
        Self { status, user: User::Another, named: false, flashed_by_asker: false }
    }
}

/// Who has a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    /// Nobody.
    Nobody,
    /// The one who asks.
    Asker,
    /// Another visitor.
    Another,
}

/// The attached boards. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AttachedBoards {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    entries: Mutex<BTreeMap<String, Entry>>,
    /// Counts changes of the list and of every board in it.
    changes: watch::Sender<u64>,
    /// How many looks at free ports there may be; one goes on at a time.
    looks: tokio::sync::Mutex<Bucket>,
}

#[derive(Debug)]
struct Entry {
    board: Board,
    plug: watch::Sender<Plug>,
    named: bool,
    holder: Option<VisitorId>,
    flasher: Option<VisitorId>,
}

impl Entry {
    fn is_flashing(&self) -> bool {
        matches!(self.board.status().state, BoardState::Flashing(_))
    }
}

/// A board that a visitor has. Dropping it gives the board back.
#[derive(Debug)]
pub struct Claim {
    boards: AttachedBoards,
    id: String,
    /// The board.
    pub board: Board,
    returned: bool,
}

impl AttachedBoards {
    /// The boards behind `ports`, as far as they are plugged in at each moment, and the named ones. Needs a runtime.
    #[must_use]
    pub fn new(mut ports: watch::Receiver<Vec<AttachedPort>>, named: &[PortAddress]) -> Self {
        let shared = Shared {
            entries: Mutex::default(),
            changes: watch::Sender::new(0),
            looks: tokio::sync::Mutex::new(Bucket::full(LOOKS_AT_ONCE, Instant::now())),
        };
        let boards = Self { shared: Arc::new(shared) };
        for port in named {
            boards.add(port.clone());
        }
        boards.plugged(&ports.borrow_and_update());
        let weak = Arc::downgrade(&boards.shared);
        tokio::spawn(async move {
            while ports.changed().await.is_ok() {
                let Some(shared) = weak.upgrade() else { return };
                let plugged_in = ports.borrow_and_update().clone();
                Self { shared }.plugged(&plugged_in);
            }
        });
        boards
    }

    /// Tells of every change of the list and of the boards in it.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Every board, in the order of ids; ports that do not look like a board come last.
    #[must_use]
    pub fn list(&self, visitor: VisitorId) -> Vec<Listed> {
        let mut list: Vec<Listed> = self
            .entries()
            .values()
            .map(|entry| Listed {
                status: entry.board.status(),
                user: match entry.holder {
                    None => User::Nobody,
                    Some(holder) if holder == visitor => User::Asker,
                    Some(_) => User::Another,
                },
                named: entry.named,
                flashed_by_asker: entry.flasher == Some(visitor),
            })
            .collect();
        list.sort_by_key(|listed| !listed.status.device.likely);
        list
    }

    /// Sees again, for boards that nobody has, whether their ports could be opened. However many ask, it is done
    /// [`LOOKS_PER_SECOND`] times a second: who has a port open is found by going through all processes.
    pub async fn look(&self) {
        let mut looks = self.shared.looks.lock().await;
        if !looks.take(1.0, LOOKS_AT_ONCE, LOOKS_PER_SECOND, Instant::now()) {
            return;
        }
        let free: Vec<Board> = {
            let entries = self.entries();
            entries.values().filter(|entry| entry.holder.is_none()).map(|entry| entry.board.clone()).collect()
        };
        for board in free {
            board.look().await;
        }
    }

    /// Adds a port that somebody named; returns its id. Adding it again changes nothing.
    pub fn add(&self, port: PortAddress) -> String {
        let id = port.to_string();
        let mut entries = self.entries();
        if entries.contains_key(&id) {
            return id;
        }
        let device = Device { port: Some(id.clone()), name: String::new(), likely: true };
        let presence = match port {
            PortAddress::Local(_) => Presence::Out,
            PortAddress::Network(_) => Presence::In,
        };
        let named = Named { port: port.clone(), product_id: None };
        let plug = Plug { device, port: named, presence };
        let entry = self.entry(&id, plug, true);
        let sender = entry.plug.clone();
        entries.insert(id.clone(), entry);
        drop(entries);
        self.changed();
        tokio::spawn(async move {
            let present = |access: Option<Access>| {
                let presence = access.map_or(Presence::Out, presence_of);
                // Also without a change: a path may lead to another device than before.
                sender.send_modify(|plug| plug.presence = presence);
            };
            discovery::follow(port, present, sender.closed()).await;
        });
        id
    }

    /// Removes a port that somebody named.
    ///
    /// # Errors
    /// There is no such board, it was not named, or somebody has it.
    pub fn remove(&self, id: &str) -> Result<(), ShareRefusal> {
        let mut entries = self.entries();
        let entry = entries.get(id).ok_or_else(|| ShareRefusal::Unknown(id.to_owned()))?;
        if !entry.named {
            return Err(ShareRefusal::NotNamed);
        }
        if entry.holder.is_some() {
            return Err(ShareRefusal::Taken);
        }
        if entry.is_flashing() {
            return Err(ShareRefusal::Flashing);
        }
        entries.remove(id);
        drop(entries);
        self.changed();
        Ok(())
    }

    /// Takes a free board for a visitor: its port is open when this returns.
    ///
    /// # Errors
    /// Somebody else has it, it is being flashed, or its port cannot be opened.
    pub async fn take(&self, id: &str, visitor: VisitorId) -> Result<Claim, ShareRefusal> {
        let claim = {
            let mut entries = self.entries();
            let entry = entries.get_mut(id).ok_or_else(|| ShareRefusal::Unknown(id.to_owned()))?;
            if entry.holder.is_some() {
                return Err(ShareRefusal::Taken);
            }
            if entry.is_flashing() {
                return Err(ShareRefusal::Flashing);
            }
            entry.holder = Some(visitor);
            Claim { boards: self.clone(), id: id.to_owned(), board: entry.board.clone(), returned: false }
        };
        self.changed();
        match claim.board.open().await {
            Ok(()) => Ok(claim),
            Err(refusal) => {
                claim.give_back().await;
                Err(refusal.into())
            }
        }
    }

    /// Who has a board.
    ///
    /// # Errors
    /// There is no such board.
    pub fn holder(&self, id: &str) -> Result<Option<VisitorId>, ShareRefusal> {
        let entries = self.entries();
        entries.get(id).map(|entry| entry.holder).ok_or_else(|| ShareRefusal::Unknown(id.to_owned()))
    }

    /// Begins to flash a board that is free or the asker's.
    ///
    /// # Errors
    /// Somebody else has it, or it runs or is being flashed.
    pub async fn flash(&self, id: &str, asker: Asker, images: Arc<[Image]>) -> Result<(), ShareRefusal> {
        let board = {
            let mut entries = self.entries();
            let entry = entries.get_mut(id).ok_or_else(|| ShareRefusal::Unknown(id.to_owned()))?;
            if entry.holder.is_some_and(|holder| holder != asker.visitor) {
                return Err(ShareRefusal::Taken);
            }
            if entry.is_flashing() {
                return Err(ShareRefusal::Flashing);
            }
            entry.flasher = Some(asker.visitor);
            entry.board.clone()
        };
        Ok(board.flash(images).await?)
    }

    /// Asks for the end of a flashing job.
    ///
    /// # Errors
    /// Somebody else began it, or nothing is being flashed.
    pub async fn cancel_flash(&self, id: &str, asker: Asker) -> Result<(), ShareRefusal> {
        let board = {
            let entries = self.entries();
            let entry = entries.get(id).ok_or_else(|| ShareRefusal::Unknown(id.to_owned()))?;
            if entry.flasher != Some(asker.visitor) && !asker.host {
                return Err(ShareRefusal::HostOnly);
            }
            entry.board.clone()
        };
        Ok(board.cancel_flash().await?)
    }

    /// What is plugged in now.
    fn plugged(&self, ports: &[AttachedPort]) {
        let mut entries = self.entries();
        for port in ports {
            let device =
                Device { port: Some(port.port.to_string()), name: port.name.clone(), likely: port.bridge.is_some() };
            let presence = presence_of(port.access.clone());
            let plug = Plug { device, port: Named { port: port.port.clone(), product_id: port.product_id }, presence };
            match entries.get(&port.id) {
                Some(entry) => _ = entry.plug.send_if_modified(|known| replace_if_other(known, plug)),
                None => _ = entries.insert(port.id.clone(), self.entry(&port.id, plug, false)),
            }
        }
        // A board that somebody has stays in the list while it is away; the others are just gone.
        entries.retain(|id, entry| {
            if entry.named || ports.iter().any(|port| port.id == *id) {
                return true;
            }
            entry.plug.send_if_modified(|plug| {
                let gone = plug.presence != Presence::Out;
                plug.presence = Presence::Out;
                gone
            });
            entry.holder.is_some() || entry.is_flashing()
        });
        drop(entries);
        self.changed();
    }

    /// Starts the engine and the actor of a board.
    fn entry(&self, id: &str, plug: Plug, named: bool) -> Entry {
        let status = BoardStatus::new_attached(BoardId(id.to_owned()), plug.device.clone());
        let (plug, plugs) = watch::channel(plug);
        let (engine, reports) = AttachedEngine::start(plugs);
        let board = Board::spawn(status, engine, reports, Arc::new(Feed::default()), Box::new(|_| {}));
        let mut status = board.watch();
        let weak = Arc::downgrade(&self.shared);
        tokio::spawn(async move {
            while status.changed().await.is_ok() {
                let Some(shared) = weak.upgrade() else { return };
                Self { shared }.changed();
            }
        });
        Entry { board, plug, named, holder: None, flasher: None }
    }

    fn free(&self, id: &str) {
        let mut entries = self.entries();
        if let Some(entry) = entries.get_mut(id) {
            entry.holder = None;
            if !entry.named && entry.plug.borrow().presence == Presence::Out {
                entries.remove(id);
            }
        }
        drop(entries);
        self.changed();
    }

    fn changed(&self) {
        self.shared.changes.send_modify(|count| *count += 1);
    }

    /// The list stays consistent wherever a holder of the lock could panic.
    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.shared.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// The board's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Ends what runs on the board, lets its port go, and gives it back: it is free when this returns.
    pub async fn give_back(mut self) {
        self.returned = true;
        give_back(self.boards.clone(), self.id.clone(), self.board.clone()).await;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.returned {
            return;
        }
        // Without a runtime the process ends, and its ports with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(give_back(self.boards.clone(), self.id.clone(), self.board.clone()));
        }
    }
}

async fn give_back(boards: AttachedBoards, id: String, board: Board) {
    // The run's end still goes to the visitor's own feed; only then does the board leave it. A board that is gone has
    // nothing left to close.
    _ = board.close().await;
    _ = board.join(Arc::new(Feed::default()), Box::new(|_| {})).await;
    boards.free(&id);
}

fn presence_of(access: Access) -> Presence {
    match access {
        Access::Granted => Presence::In,
        Access::Denied { command } => Presence::Denied(command),
    }
}

fn replace_if_other(known: &mut Plug, plug: Plug) -> bool {
    let other = *known != plug;
    *known = plug;
    other
}
