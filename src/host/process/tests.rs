//! Command lines as packages start Rundeck, and processes that only look like it.

use super::*;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};

/// The launcher's command lines, by the init scripts in rundeck/rundeck `packaging/lib`.
const DEB: &str = "/usr/bin/java -Drundeck.jaaslogin=true \
    -Djava.security.auth.login.config=/etc/rundeck/jaas-loginmodule.conf \
    -Dloginmodule.name=RDpropertyfilelogin -Drdeck.config=/etc/rundeck -Drundeck.server.configDir=/etc/rundeck \
    -Dserver.datastore.path=/var/lib/rundeck/data/rundeck -Drundeck.server.serverDir=/var/lib/rundeck \
    -Drdeck.projects=/var/lib/rundeck/projects -Drdeck.runlogs=/var/lib/rundeck/logs \
    -Drundeck.config.location=/etc/rundeck/rundeck-config.properties -Djava.io.tmpdir=/tmp/rundeck \
    -Drundeck.server.workDir=/tmp/rundeck -Dserver.http.port=4440 -Drdeck.base=/var/lib/rundeck -Xmx1024m -Xms256m \
    -server -jar /var/lib/rundeck/bootstrap/rundeck-5.20.1-20260101.war --skipinstall";
const DOCKER: &str = "java -XX:+UnlockExperimentalVMOptions -XX:MaxRAMPercentage=75 \
    -Dlog4j.configurationFile=/home/rundeck/server/config/log4j2.properties -Dlogging.config=file:/x \
    -Dloginmodule.conf.name=jaas-loginmodule.conf -Drundeck.jaaslogin=true -jar rundeck.war";
const WAR: &str = "java -Xmx4g -jar /opt/rundeck/rundeck-4.17.6-20240101.war";

fn words(line: &str) -> Vec<&str> {
    line.split_ascii_whitespace().collect()
}

fn ports(line: &str) -> Option<Vec<u16>> {
    recognise(OsStr::new("java"), &words(line)).map(|launch| launch.ports)
}

#[test]
fn every_packagings_jvm_is_recognised() {
    assert_eq!(ports(DEB), Some(vec![4440]));
    assert_eq!(ports(DOCKER), Some(vec![]));
    assert_eq!(ports(WAR), Some(vec![]));
    assert_eq!(ports("java -Drdeck.base=/srv -cp a:b some.Main"), Some(vec![]), "no -jar is asked for");
}

#[test]
fn the_rpms_runuser_and_a_shell_that_repeat_the_text_are_not_rundeck() {
    let launch = format!(". /etc/rundeck/profile; {DEB} &>>/var/log/rundeck/service.log");
    let arguments = ["runuser", "-s", "/bin/bash", "-l", "rundeck", "-c", &launch];
    assert_eq!(recognise(OsStr::new("runuser"), &arguments), None);
    assert_eq!(recognise(OsStr::new("bash"), &words(DEB)), None);
}

/// A process table with this first process, if it may be read, and this mount.
fn table(readable: bool, options: &str) -> tempfile::TempDir {
    let proc = tempfile::tempdir().expect("a folder");
    let write = |file: &str, text: &str| {
        let file = proc.path().join(file);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(file, text).expect("written");
    };
    std::fs::create_dir_all(proc.path().join("1")).expect("made");
    if readable {
        write("1/stat", "1 (init) S 0");
    }
    let mounts = format!(
        "21 1 8:1 / / rw,hidepid=2 - ext4 /dev/root rw\n22 21 0:20 / /proc rw - proc proc rw,hidepid=2\n\
         23 21 0:21 / /proc rw,nosuid shared:12 master:3 - proc proc {options}\n\
         24 23 0:35 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw,hidepid=2\n"
    );
    write("self/mountinfo", &mounts);
    proc
}

#[test]
fn a_table_that_hides_other_users_processes_is_told_from_one_that_shows_them() {
    let owner = std::fs::metadata(table(true, "rw").path()).expect("made").uid();
    let (ours, theirs) = (owner.max(1), owner + 1);
    for options in ["rw", "rw,hidepid=2", "rw,hidepid=invisible"] {
        assert!(is_hidden(table(false, options).path(), theirs), "the first process cannot be read: {options}");
        assert!(!is_hidden(table(true, options).path(), theirs), "somebody else's can be read: {options}");
    }
    assert!(!is_hidden(table(true, "rw,hidepid=2").path(), ROOT), "root sees all");
    for hiding in ["hidepid=1", "hidepid=2", "hidepid=4", "hidepid=noaccess", "hidepid=invisible,gid=7"] {
        let mounts = std::fs::read_to_string(table(true, &format!("rw,{hiding}")).path().join("self/mountinfo"));
        assert!(hides(&mounts.expect("written")), "{hiding}");
        if owner == ours {
            assert!(is_hidden(table(true, &format!("rw,{hiding}")).path(), ours), "{hiding}");
        }
    }
    for showing in ["rw", "rw,hidepid=0", "rw,hidepid=off", "rw,hidepid=2,hidepid=0"] {
        let mounts = std::fs::read_to_string(table(true, showing).path().join("self/mountinfo"));
        assert!(!hides(&mounts.expect("written")), "{showing}");
    }
}

#[test]
fn this_machines_table_shows_its_first_process_or_is_told_to_hide_it() {
    let shown = std::fs::read("/proc/1/stat").is_ok();
    assert!(shown || is_hidden(Path::new("/proc"), rustix::process::geteuid().as_raw()));
    assert!(is_hidden(Path::new("/proc/self/net"), ROOT), "that is no process table");
}

#[test]
fn other_jvms_are_not_rundeck() {
    assert_eq!(ports("java -Dserver.http.port=4440 -jar /opt/jenkins/jenkins.war"), None);
    assert_eq!(ports("java -jar /opt/tools/rundeck-cli-2.0.8-all.jar system info"), None);
    assert_eq!(ports("java -Dnote=-Drdeck.base=/srv -jar a.war"), None, "only an argument's beginning counts");
    assert_eq!(ports("java /opt/rundeck.war -jar"), None);
}

#[test]
fn ports_are_read_off_the_command_line_and_the_last_one_counts() {
    let line = "java -Drdeck.base=/srv -Dserver.http.port=1 -Dserver.https.port=4443 -Dserver.http.port=4450";
    assert_eq!(ports(line), Some(vec![4450, 4443]));
    assert_eq!(ports("java -Drdeck.base=/srv -Dserver.http.port=many"), Some(vec![]));
}

#[test]
fn several_rundecks_are_told_apart_by_port() {
    let launch = |ports: &[u16]| Launch { ports: ports.to_vec() };
    let two = [(10, launch(&[4440, 4443])), (11, launch(&[5440]))];
    let claimed = |pids: &[u32]| (How::ByArguments, pids.to_vec());
    assert_eq!(of_port(4440, &two), claimed(&[10]));
    assert_eq!(of_port(4443, &two), claimed(&[10]));
    assert_eq!(of_port(5440, &two), claimed(&[11]));
    assert_eq!(of_port(6440, &two), claimed(&[]));
    assert_eq!(of_port(4440, &[(10, launch(&[])), (11, launch(&[4440]))]), claimed(&[10, 11]), "both claim it");
    assert_eq!(of_port(4440, &[(10, launch(&[]))]), claimed(&[10]), "Rundeck's port where none is named");
    let alone = (How::Alone, vec![10]);
    assert_eq!(of_port(8080, &[(10, launch(&[]))]), alone, "its configuration names the port");
    assert_eq!(of_port(8080, &[(10, launch(&[])), (11, launch(&[]))]), claimed(&[]), "which of them?");
    assert_eq!(of_port(8080, &[(10, launch(&[4440]))]), claimed(&[]));
}

/// A process that listens on a port of its own, with so many threads more, as a Rundeck has 200.
pub(in crate::host) struct Server {
    pub(in crate::host) child: Child,
    pub(in crate::host) rundeck: Endpoint,
}

impl Server {
    pub(in crate::host) fn start(threads: u32) -> Self {
        let program = "import socket,sys,threading\n\
            for _ in range(int(sys.argv[1])): threading.Thread(target=threading.Event().wait,daemon=True).start()\n\
            s=socket.socket(); s.bind(('127.0.0.1',0)); s.listen()\n\
            print(s.getsockname()[1],flush=True); sys.stdin.read()";
        let mut child = Command::new("python3")
            .args(["-c", program, &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("stdout")).read_line(&mut line).expect("a port");
        let port = line.trim().parse().expect("a number");
        Self { child, rundeck: Endpoint { address: Some(Ipv4Addr::LOCALHOST.into()), port } }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_process_that_listens_is_found_by_its_socket_whatever_it_is_called() {
    let mut server = Server::start(0);
    let rundeck = server.rundeck;
    let Found::One(jvm) = find_rundeck(rundeck).expect("a scan") else {
        panic!("not found by its socket");
    };
    // The launcher of a Python of several versions execs, so the pid is the child's.
    assert_eq!((jvm.pid, jvm.how), (server.child.id(), How::BySocket));
    assert!(jvm.memory_bytes > 100_000 && jvm.threads >= 1 && jvm.user_id.is_some(), "{jvm:?}");

    server.child.kill().and_then(|()| server.child.wait().map(drop)).expect("ended");
    assert_eq!(find_rundeck(rundeck).expect("a scan"), Found::None);
}

#[test]
fn the_agent_is_never_its_own_rundeck() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let rundeck = Endpoint { address: Some(address.ip()), port: address.port() };
    // A child that another test is starting just now may hold a copy of the socket until it has become its program.
    assert!((0..100).any(|_| find_rundeck(rundeck).expect("a scan") == Found::None));
}
