//! Where a command writes: standard output and standard error, or a test's buffers. A reader that has gone (`| head`)
//! is no error. Does not decide what is said.

use super::paint::Paint;
use std::io::{self, ErrorKind, Write};

/// The two streams of a command and what they can show.
pub struct Console<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    /// What the output can show.
    pub paint: Paint,
    quiet: bool,
}

impl<'a> Console<'a> {
    /// A console; `quiet` leaves only warnings and errors.
    pub fn new(out: &'a mut dyn Write, err: &'a mut dyn Write, paint: Paint, quiet: bool) -> Console<'a> {
        Console { out, err, paint, quiet }
    }

    /// Writes to standard output, unless `--quiet` was given.
    ///
    /// # Errors
    /// The output cannot be written, for another reason than that nobody reads it any more.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        if self.quiet { Ok(()) } else { forgive(self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush())) }
    }

    /// Writes one JSON value and a line end to standard output, unless `--quiet` was given.
    ///
    /// # Errors
    /// As [`Console::say`].
    pub fn say_json(&mut self, value: &serde_json::Value) -> io::Result<()> {
        self.say(&format!("{value:#}\n"))
    }

    /// Writes to standard error what is no result and no trouble, unless `--quiet` was given. Lost like a warning.
    pub fn remark(&mut self, text: &str) {
        if !self.quiet {
            let _ = self.err.write_all(text.as_bytes());
        }
    }

    /// Writes a line to standard error, `--quiet` or not. One that cannot be written is lost: there is nowhere else.
    pub fn warn(&mut self, text: &str) {
        let _ = writeln!(self.err, "{text}");
    }
}

fn forgive(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
