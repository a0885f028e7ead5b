//! The file of the control socket: one agent at a time, and no dead socket in its way.
//!
//! It sets no mode: whoever binds knows the group that may give orders.

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody listens there.
    #[error(
        "{} is answered by a running agent: stop it, or give this one a path of its own (admin.socket)", .0.display()
    )]
    Living(PathBuf),
    /// Something that is no socket has this name.
    #[error("{} is not a socket and is left alone: remove it, or choose another path (admin.socket)", .0.display())]
    NotASocket(PathBuf),
    /// The system refused.
    #[error(
        "cannot listen on {}: {source}; its directory must exist and be writable for the agent's user", path.display()
    )]
    Io {
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Listens on this path. A socket file that a dead agent left behind is replaced.
///
/// # Errors
/// When an agent answers there, when the path is taken by something else, or when the system refuses.
pub fn bind_control(path: &Path) -> Result<UnixListener, BindError> {
    let failed = |source| BindError::Io { path: path.into(), source };
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(BindError::NotASocket(path.into())),
        Ok(_) if is_living(path).map_err(failed)? => return Err(BindError::Living(path.into())),
        Ok(_) => fs::remove_file(path).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    UnixListener::bind(path).map_err(failed)
}

/// Asks without waiting: a living agent's queue may be full.
fn is_living(path: &Path) -> io::Result<bool> {
    let socket =
        socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
    match connect(&socket, &SocketAddrUnix::new(path)?) {
        Ok(()) | Err(Errno::AGAIN) => Ok(true),
        Err(Errno::CONNREFUSED) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_socket_is_replaced_and_a_living_one_respected() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("control.sock");
        let living = bind_control(&path).expect("the first");
        let error = bind_control(&path).expect_err("it lives").to_string();
        assert!(error.ends_with("(admin.socket)") && error.contains("running agent"), "{error}");
        drop(living);
        assert!(path.exists(), "a closed socket leaves its file");
        let again = bind_control(&path).expect("the dead one is replaced");
        assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
        drop(again);
    }

    #[test]
    fn a_full_queue_is_a_sign_of_life() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("control.sock");
        let _living = bind_control(&path).expect("the first");
        let mut waiting = Vec::new();
        loop {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).expect("a socket");
            if connect(&socket, &SocketAddrUnix::new(&path).expect("address")).is_err() {
                break;
            }
            waiting.push(socket);
        }
        assert!(matches!(bind_control(&path), Err(BindError::Living(_))), "{} wait", waiting.len());
    }

    #[test]
    fn what_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("control.sock");
        fs::write(&path, "precious").expect("write");
        assert!(matches!(bind_control(&path), Err(BindError::NotASocket(_))));
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).expect("link");
        assert!(matches!(bind_control(&link), Err(BindError::NotASocket(_))));
        assert_eq!(fs::read_to_string(&path).expect("read"), "precious");
    }

    #[test]
    fn a_missing_directory_is_named() {
        let error = bind_control(Path::new("/nonexistent/control.sock")).expect_err("no directory");
        assert!(error.to_string().starts_with("cannot listen on /nonexistent/control.sock: "), "{error}");
    }
}
