//! Room on the file system of one directory, and whether that file system is this machine's own.
//!
//! Blocking, and on a network file system whose server is gone for ever: call it on a worker that may be given up.

use std::io;
use std::path::Path;

use rundeck_alb_core::Room;

/// A file system as seen from one of its directories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its number: two directories of one file system have the same.
    pub device: u64,
    /// What room it has.
    pub room: Room,
}

/// Types of file systems whose room all nodes may share, by the kernel's numbers: those that `stat -f` of GNU coreutils
/// calls remote (`src/stat.c`), without overlay, aufs and the kernel's own, and 9p and orangefs of `linux/magic.h`.
/// FUSE is among them: GlusterFS, S3 and SSH come by it, and what is behind one of them nobody can tell.
const NETWORK: [u32; 24] = [
    0x0000_6969, // nfs, nfs4 (EFS)
    0xff53_4d42, // cifs
    0xfe53_4d42, // smb2, smb3
    0x0000_517b, // smbfs
    0x6573_5546, // fuse.* (glusterfs, sshfs, mount-s3 …), virtiofs
    0x00c3_6400, // ceph
    0x0bd0_0bd0, // lustre (FSx)
    0x0102_1997, // 9p
    0x5346_414f, // afs (OpenAFS)
    0x6b41_4653, // afs (the kernel's)
    0x7375_7245, // coda
    0x0000_564c, // ncpfs
    0x4750_4653, // gpfs
    0x1983_0326, // fhgfs (BeeGFS)
    0x2003_0528, // orangefs
    0xaad7_aaea, // panfs
    0x6163_6673, // acfs
    0x0116_1970, // gfs2
    0x7461_636f, // ocfs2
    0xa501_fcf5, // vxfs
    0x0131_11a8, // ibrix
    0xbeef_dead, // snfs
    0xbacb_acbc, // vmhgfs
    0x7c7c_6673, // prl_fs
];

/// Looks at the file system that this directory is on. Its numbers are asked for only where it is local.
///
/// # Errors
/// The directory is not there, or a directory above it may not be searched by the agent's user.
pub fn volume(directory: &Path) -> io::Result<Volume> {
    let device = rustix::fs::stat(directory)?.st_dev;
    if is_network(rustix::fs::statfs(directory)?.f_type) {
        return Ok(Volume { device, room: Room::Network });
    }
    let numbers = rustix::fs::statvfs(directory)?;
    let bytes = |blocks: u64| blocks.saturating_mul(numbers.f_frsize);
    let room = Room::Local {
        // What is kept for root is not Rundeck's.
        free: bytes(numbers.f_bavail),
        total: bytes(numbers.f_blocks),
        inodes_free: numbers.f_favail,
        inodes: numbers.f_files,
    };
    Ok(Volume { device, room })
}

/// The number has 32 bits; the kernel's word for it is wider on some machines and has a sign on others.
fn is_network(kind: rustix::fs::FsWord) -> bool {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "these are the 32 bits")]
    NETWORK.contains(&(kind as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_room_is_what_df_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let Volume { device, room } = volume(folder.path()).expect("seen");
        let Room::Local { free, total, inodes_free, inodes } = room else { panic!("not local: {room:?}") };
        let df =
            Command::new("df").args(["-B1", "--output=size,avail,itotal"]).arg(folder.path()).output().expect("df");
        let text = String::from_utf8(df.stdout).expect("text");
        let numbers: Vec<u64> =
            text.lines().nth(1).expect("a line").split_ascii_whitespace().flat_map(str::parse).collect();
        assert_eq!(numbers.first(), Some(&total), "{text}");
        // Other tests write meanwhile.
        let avail = numbers.get(1).expect("avail");
        assert!(avail.abs_diff(free) < 1 << 30 && free <= total && inodes_free <= inodes, "{free} {text}");
        assert_eq!(volume(Path::new(".")).expect("seen").device == device, same_df(folder.path()));
    }

    fn same_df(other: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        let device = |path: &Path| std::fs::metadata(path).expect("there").dev();
        device(other) == device(Path::new("."))
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = volume(&folder.path().join("missing")).expect_err("not there");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn network_file_systems_are_told_from_local_ones() {
        for local in [0xef53, 0x5846_5342, 0x9123_683e_u32, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1] {
            assert!(!is_network(rustix::fs::FsWord::from(local)), "{local:#x}");
        }
        for kind in [0x6969, 0xff53_4d42_u32, 0xfe53_4d42, 0x6573_5546, 0x0bd0_0bd0] {
            assert!(is_network(rustix::fs::FsWord::from(kind)), "{kind:#x}");
        }
        let narrow: rustix::fs::FsWord = -0xac_b2be; // 0xff534d42 where the word has 32 bits and a sign
        assert!(is_network(narrow));
    }
}
