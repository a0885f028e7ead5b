//! The life of a stand-in: boots, opens its port, bootstraps, serves, stops as its version stops, or is killed.
//!
//! What it answers meanwhile is not decided here; only which stage it is in and whether its port is open.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::pause::pause;
use super::port::Port;
use super::{Bootstrap, Config, Event, Fault, Life, State, connection};

/// An idle node is gone 0.4 to 0.9 s after SIGTERM (seen on the framework rig).
const IDLE_STOP: Duration = Duration::from_millis(300);
/// The port refuses this long after the last job's end (rig).
const PORT_CLOSE: Duration = Duration::from_millis(20);
/// The process is gone this long after its port refuses (rig).
const PROCESS_END: Duration = Duration::from_millis(100);
/// Spring Boot's graceful shutdown time: a 6.x finishes running requests for so long.
const GRACE: Duration = Duration::from_secs(30);
/// An accept that fails (no file descriptors) is tried again after this long.
const ACCEPT_RETRY: Duration = Duration::from_millis(10);

/// A client that has not finished its TLS greeting by then is dropped (Jetty's idle time-out).
const GREETING: Duration = Duration::from_secs(30);

/// How a process came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By SIGTERM, after its jobs: exit status 143.
    Stopped,
    /// Its bootstrap failed: exit status 1.
    BootstrapFailed,
    /// By SIGKILL, or because the handle was dropped.
    Killed,
}

/// A running stand-in. Dropping it kills it.
pub struct Rundeck {
    state: Arc<State>,
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    script: JoinHandle<End>,
    server: Option<JoinHandle<()>>,
}

impl Rundeck {
    /// Takes the address and begins to boot. Needs a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// The address cannot be had, or the certificate of the fixtures cannot be read.
    pub fn start(config: Config) -> io::Result<Rundeck> {
        let tls = config.tls.map(super::Certificate::acceptor).transpose()?;
        let port = Port::reserve(config.listen)?;
        let addr = port.addr();
        let state = Arc::new(State::new(config));
        let (stop, stopped) = watch::channel(false);
        let script = tokio::spawn(live(Arc::clone(&state), stopped));
        let server = Some(tokio::spawn(serve(Arc::clone(&state), port, tls)));
        Ok(Rundeck { state, addr, stop, script, server })
    }

    /// Where it listens, once it does.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://127.0.0.1:PORT` (or `https`) and the context path.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.state.config.scheme(), self.addr, self.state.config.context_path)
    }

    /// What it knows and counts, and its switches.
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// Waits until it has come to this stage of life or a later one, and gives the stage.
    pub async fn reach(&self, life: Life) -> Life {
        let mut now = self.state.life.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        now.wait_for(|now| *now >= life).await.map_or(Life::Gone, |now| *now)
    }

    /// SIGTERM. Acts only after the bootstrap; a second one changes nothing.
    pub fn terminate(&self) {
        self.stop.send_replace(true);
    }

    /// What `terminate` pulls, for the control endpoint.
    pub(super) fn stopper(&self) -> watch::Sender<bool> {
        self.stop.clone()
    }

    /// SIGKILL: sockets, sessions and jobs are lost at once; the port is free when this returns.
    pub async fn kill(&mut self) {
        self.state.jobs.kill_all();
        self.state.enter(Life::Gone);
        self.script.abort();
        if let Some(server) = self.server.take() {
            // The server task ends by itself at the last stage; only a panic in it could be seen here.
            let _ = server.await;
        }
    }

    /// Waits until the process is gone and says how it ended.
    pub async fn gone(&mut self) -> End {
        let end = (&mut self.script).await.unwrap_or(End::Killed);
        if let Some(server) = self.server.take() {
            // As in `kill`.
            let _ = server.await;
        }
        end
    }
}

impl Drop for Rundeck {
    fn drop(&mut self) {
        self.state.jobs.kill_all();
        self.state.enter(Life::Gone);
        self.script.abort();
    }
}

/// Moves the stages on, from boot to the end.
async fn live(state: Arc<State>, mut stop: watch::Receiver<bool>) -> End {
    let (phases, version) = (state.config.phases, state.config.version);
    pause(phases.boot).await;
    for (life, length) in
        [(Life::Plugins, phases.plugins), (Life::TokenFile, phases.token_file), (Life::Rest, phases.rest)]
    {
        if version.opens_port_before_bootstrap() {
            state.enter(life);
        }
        pause(length).await;
    }
    if state.config.bootstrap == Bootstrap::Succeeds {
        state.enter(Life::Ready);
        // The sender lives as long as the handle, and the handle's end aborts this task.
        let _ = stop.wait_for(|stop| *stop).await;
        leave(&state).await;
        return End::Stopped;
    }
    state.enter(Life::Wreck);
    if state.config.bootstrap == Bootstrap::FailsAndLingers {
        let _ = stop.wait_for(|stop| *stop).await;
    }
    pause(PROCESS_END).await;
    state.enter(Life::Gone);
    End::BootstrapFailed
}

/// After SIGTERM: first the jobs, without limit, then the port, then the process.
async fn leave(state: &State) {
    state.enter(Life::Stopping);
    tokio::join!(state.jobs.idle(), pause(IDLE_STOP));
    pause(PORT_CLOSE).await;
    state.enter(Life::Closing);
    if state.config.version.is_6() {
        let mut busy = state.busy.subscribe();
        // What still runs after the grace is cut.
        let _ = tokio::time::timeout(GRACE, busy.wait_for(|busy| *busy == 0)).await;
    }
    pause(PROCESS_END).await;
    state.enter(Life::Gone);
}

impl Life {
    /// Whether the port is open in this stage.
    #[must_use]
    pub fn listens(self) -> bool {
        (Life::Plugins..=Life::Stopping).contains(&self)
    }

    /// Whether running requests are cut in this stage.
    fn cuts(self, is_6: bool) -> bool {
        match self {
            Life::Closing => !is_6,
            Life::Wreck | Life::Gone => true,
            _ => false,
        }
    }
}

/// Opens and closes the port as stage and faults want it, and serves each connection in its own task.
async fn serve(state: Arc<State>, mut port: Port, tls: Option<TlsAcceptor>) {
    let mut life = state.life.subscribe();
    let mut faults = state.watch_faults();
    let mut connections = JoinSet::new();
    loop {
        let now = *life.borrow_and_update();
        let (refuse, hung) = {
            let faults = faults.borrow_and_update();
            (faults.has(Fault::Refuse), faults.has(Fault::Hung))
        };
        if now.cuts(state.config.version.is_6()) {
            connections.shutdown().await;
        }
        if now == Life::Gone {
            return;
        }
        let open = now.listens() && !refuse;
        match port.turn(open) {
            Ok(true) if open => (state.config.journal)(&Event::Listening(port.addr())),
            Ok(_) => {}
            Err(error) => (state.config.journal)(&Event::PortLost(error.to_string())),
        }
        tokio::select! {
            accepted = port.accept(), if !hung => match accepted {
                Ok(stream) => { connections.spawn(welcome(Arc::clone(&state), stream, tls.clone())); }
                Err(_) => pause(ACCEPT_RETRY).await,
            },
            _ = life.changed() => {}
            _ = faults.changed() => {}
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

/// Greets a new connection as the connector wants it.
async fn welcome(state: Arc<State>, stream: TcpStream, tls: Option<TlsAcceptor>) {
    // Without it an answer may wait for the peer's delayed acknowledgement; failing to set it costs only time.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return connection::serve(state, stream).await;
    };
    // Who speaks no TLS gets the alert that the library writes, then the close: a few bytes that are no HTTP.
    if let Ok(Ok(stream)) = tokio::time::timeout(GREETING, tls.accept(stream)).await {
        connection::serve(state, stream).await;
    }
}
