//! Opens the two admin listeners, the control socket and the TCP port on loopback, and hands them what they show: the
//! board, the counters, the receipts, the agent's own use. What they answer is `server/admin`'s.

use super::error::StartError;
use super::places::Places;
use crate::clock::Clock;
use crate::config::{Settings, parse_duration};
use crate::host::own_use;
use crate::server::admin::{self, Admin, OrderRequest, ReceiptAnswer, Receipts, bind_control};
use crate::server::{Board, Counters, ProcessFigures};
use crate::store::Store;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Orders are for the agent's user and its group (docs/SECURITY.md).
const SOCKET_MODE: u32 = 0o660;

/// What the pages are made from.
pub struct Inside {
    /// The published snapshot.
    pub board: Board,
    /// What was counted.
    pub counters: Arc<Counters>,
    /// For ages and wall times.
    pub clock: Clock,
    /// For receipts.
    pub store: Arc<Store>,
    /// To the loop.
    pub orders: mpsc::Sender<OrderRequest>,
}

/// Opens both listeners and serves them from now on; tells where the TCP one is.
///
/// # Errors
/// One that cannot be opened: the key to change is named.
pub fn open(settings: &Settings, places: &Places, inside: Inside) -> Result<Option<SocketAddr>, StartError> {
    let path = settings.admin.socket_in(&places.runtime_directory);
    // The store makes this folder where it can be opened at all; without it orders must be taken all the same.
    let _ = path.parent().map(std::fs::create_dir);
    let socket = bind_control(&path).map_err(|error| StartError::Control(error.to_string()))?;
    let mode = std::fs::Permissions::from_mode(SOCKET_MODE);
    std::fs::set_permissions(&path, mode)
        .map_err(|error| StartError::Control(format!("{}: {error}", path.display())))?;
    let tcp = settings.admin.listen.map(listen).transpose()?;
    let addr = tcp.as_ref().and_then(|listener| listener.local_addr().ok());
    let admin = Admin {
        board: inside.board,
        counters: inside.counters,
        clock: inside.clock,
        orders: inside.orders,
        receipts: Box::new(Shelf(inside.store)),
        own_use: Box::new(figures),
        parse_duration: |text| parse_duration(text).map_err(|error| error.to_string()),
    };
    tokio::spawn(async move {
        if let Err(error) = admin::serve(admin, socket, tcp).await {
            tracing::error!("the admin listeners ended: {error}");
        }
    });
    Ok(addr)
}

fn listen(addr: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(addr).map_err(|source| StartError::Admin { addr, source })
}

/// The receipts on disk.
struct Shelf(Arc<Store>);

impl Receipts for Shelf {
    fn list(&self) -> ReceiptAnswer<Vec<String>> {
        let answer = self.0.receipts();
        Box::pin(async move { answer.await.map_err(|error| error.to_string()) })
    }

    fn read(&self, id: &str) -> ReceiptAnswer<Option<Vec<u8>>> {
        let answer = self.0.receipt(id);
        Box::pin(async move { answer.await.map_err(|error| error.to_string()) })
    }
}

fn figures() -> Option<ProcessFigures> {
    own_use().map(|own| ProcessFigures {
        cpu_seconds: own.cpu_ms as f64 / 1000.0,
        resident_bytes: own.resident_bytes,
        virtual_bytes: own.virtual_bytes,
        open_fds: own.open_fds,
        max_fds: own.max_fds,
        threads: u64::from(own.threads),
        start_unix_seconds: own.start_unix_s as f64,
    })
}
