//! What systemd hands over at the start: the listening socket that it kept over a restart of the agent
//! (sd_listen_fds(3)) or opened for it. It opens no socket itself and tells systemd nothing.

use std::net::TcpListener;

use listenfd::ListenFd;
use rustix::net::sockopt::socket_acceptconn;

/// The name of the health socket among the passed ones (`LISTEN_FDNAMES`).
const HEALTH: &str = "health";

/// Most descriptors that may be passed. systemd's store holds two of ours; a larger number is somebody's mistake.
const MOST_PASSED: usize = 64;

/// Something was passed that cannot be the health port.
#[derive(Debug, thiserror::Error)]
pub enum PassedError {
    /// `LISTEN_FDS` is no number of descriptors.
    #[error("LISTEN_FDS={0}: not a number from 0 to {MOST_PASSED}; start the agent without it or by systemd")]
    Count(String),
    /// The descriptor is no TCP socket.
    #[error("the descriptor passed as `{HEALTH}` is no TCP socket ({0}); see Listen* in the socket unit")]
    NotTcp(std::io::Error),
    /// The socket is one of a connection, not a listening one.
    #[error("the socket passed as `{HEALTH}` does not listen; use Accept=no in the socket unit")]
    NotListening,
}

/// Takes the health port's listening socket, if one was passed to this process: the one that `LISTEN_FDNAMES` calls
/// `health`; where no names are given at all, the only one. `None` when there is none: open the port.
///
/// Call it once, before any other thread runs: it takes `LISTEN_FDS` out of the environment, so that no child takes
/// it for its own.
///
/// # Errors
/// [`PassedError`] when the variables or the descriptor are not what they should be.
pub fn listener_passed() -> Result<Option<TcpListener>, PassedError> {
    let variable = |name: &str| std::env::var(name).ok();
    let passed =
        Passed { process: variable("LISTEN_PID"), count: variable("LISTEN_FDS"), names: variable("LISTEN_FDNAMES") };
    let Some(index) = passed.health(std::process::id())? else {
        return Ok(None);
    };
    let Some(listener) = ListenFd::from_env().take_tcp_listener(index).map_err(PassedError::NotTcp)? else {
        return Ok(None);
    };
    match socket_acceptconn(&listener) {
        Ok(true) => Ok(Some(listener)),
        Ok(false) => Err(PassedError::NotListening),
        Err(errno) => Err(PassedError::NotTcp(errno.into())),
    }
}

/// The variables of sd_listen_fds(3).
struct Passed {
    process: Option<String>,
    count: Option<String>,
    names: Option<String>,
}

impl Passed {
    /// Which of the passed descriptors is the health socket. Descriptors meant for another process are not looked at:
    /// they were left in the environment by a parent.
    fn health(&self, own_pid: u32) -> Result<Option<usize>, PassedError> {
        let meant_for = self.process.as_deref().and_then(|pid| pid.parse::<u32>().ok());
        let Some(count) = self.count.as_deref().filter(|_| meant_for == Some(own_pid)) else {
            return Ok(None);
        };
        let passed = count.parse::<usize>().ok().filter(|passed| *passed <= MOST_PASSED);
        let passed = passed.ok_or_else(|| PassedError::Count(count.to_owned()))?;
        let named = match &self.names {
            Some(names) => names.split(':').position(|name| name == HEALTH),
            None if passed == 1 => Some(0),
            None => None,
        };
        Ok(named.filter(|index| *index < passed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn health(process: &str, count: &str, names: Option<&str>) -> Option<usize> {
        let passed = Passed {
            process: Some(process.to_owned()),
            count: Some(count.to_owned()),
            names: names.map(str::to_owned),
        };
        passed.health(7).expect("good variables")
    }

    #[test]
    fn the_health_socket_is_found_by_its_name() {
        assert_eq!(health("7", "2", Some("other:health")), Some(1));
        assert_eq!(health("7", "1", Some("health")), Some(0));
        assert_eq!(health("7", "1", Some("unknown")), None, "a socket with another name is another's");
        assert_eq!(health("7", "1", Some("other:health")), None, "a name without a descriptor");
    }

    #[test]
    fn without_any_names_the_only_socket_is_taken() {
        assert_eq!(health("7", "1", None), Some(0));
        assert_eq!(health("7", "2", None), None, "which of them?");
        assert_eq!(health("7", "0", None), None);
    }

    #[test]
    fn what_was_passed_to_another_process_is_not_taken() {
        assert_eq!(health("8", "1", Some("health")), None);
        assert_eq!(health("", "1", Some("health")), None);
        let none = Passed { process: None, count: None, names: None };
        assert_eq!(none.health(7).expect("nothing passed"), None);
    }

    #[test]
    fn an_impossible_count_is_an_error() {
        for count in ["-1", "65", "many", ""] {
            let passed = Passed { process: Some("7".into()), count: Some(count.into()), names: None };
            let error = passed.health(7).expect_err(count).to_string();
            assert!(error.starts_with(&format!("LISTEN_FDS={count}: not a number from 0 to 64")), "{error}");
        }
    }

    /// Set in the child: how the socket is expected to come.
    const IN_CHILD: &str = "RDALB_TEST_PASSED";

    /// Takes the place of systemd: opens a socket, puts it on descriptor 3 and starts this test there. In Python, for
    /// neither is possible in Rust without unsafe code.
    const SYSTEMD: &str = "import os,socket,sys\n\
        s=socket.socket(); s.bind(('127.0.0.1',0))\n\
        if sys.argv[1]!='silent': s.listen()\n\
        port=s.getsockname()[1]\n\
        if sys.argv[1]=='file': s=open('/dev/null')\n\
        fd=os.dup(s.fileno()); os.dup2(fd,3); os.set_inheritable(3,True)\n\
        os.environ.update(LISTEN_PID=str(os.getpid()),LISTEN_FDS='1',LISTEN_FDNAMES='health',\n\
            RDALB_TEST_PASSED=sys.argv[1]+':'+str(port))\n\
        os.execv(sys.argv[2],sys.argv[2:])";

    #[test]
    fn a_socket_passed_by_a_parent_is_taken_once() {
        if let Ok(expected) = std::env::var(IN_CHILD) {
            return in_the_child(&expected);
        }
        let this_test = std::env::current_exe().expect("this test's file");
        for kind in ["listening", "silent", "file"] {
            let run = Command::new("python3")
                .args(["-c", SYSTEMD, kind])
                .arg(&this_test)
                .args(["--exact", "systemd::tests::a_socket_passed_by_a_parent_is_taken_once"])
                .output()
                .expect("python3");
            let said = String::from_utf8_lossy(&run.stdout);
            assert!(run.status.success() && said.contains("1 passed"), "{kind}: {said}");
        }
    }

    fn in_the_child(expected: &str) {
        let (kind, port) = expected.split_once(':').expect("kind:port");
        match (kind, listener_passed()) {
            ("listening", Ok(Some(listener))) => {
                assert_eq!(listener.local_addr().expect("an address").port().to_string(), port);
                assert!(listener_passed().expect("nothing left").is_none(), "taken twice");
                assert!(std::env::var("LISTEN_FDS").is_err(), "a child would take it");
            }
            ("silent", Err(PassedError::NotListening)) | ("file", Err(PassedError::NotTcp(_))) => {}
            (_, other) => panic!("{expected}: {other:?}"),
        }
    }
}
