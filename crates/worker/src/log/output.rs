//! Where lines end up: a stream of the process, a file that may be rotated, a named pipe.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::options::LogTarget;

/// How often a file's name is looked at, and how often trouble is spoken of.
const LOOK: Duration = Duration::from_secs(1);
const COMPLAIN: Duration = Duration::from_secs(60);
/// How long to wait for a stream that somebody made non-blocking.
const BUSY: Duration = Duration::from_millis(10);
/// What a pipe takes in one piece, so that lines of several writers do not mix (`PIPE_BUF` of Linux).
const PIECE: usize = 4096;

/// An open destination. Only its writer's thread touches it, and only that thread waits for it.
pub(super) struct Output {
    target: LogTarget,
    file: File,
    /// A regular file, which may be renamed away; anything else is written in pieces.
    regular: bool,
    /// The last line written is not whole.
    torn: bool,
    looked: Option<Instant>,
    complained: Option<Instant>,
}

impl Output {
    pub(super) fn open(target: LogTarget) -> io::Result<Self> {
        let file = open(&target)?;
        let regular = file.metadata().is_ok_and(|metadata| metadata.is_file());
        Ok(Self { target, file, regular, torn: false, looked: None, complained: None })
    }

    /// Writes whole lines; answers how many were lost.
    pub(super) fn write(&mut self, lines: &[u8], reopen: bool) -> u64 {
        self.follow(reopen);
        if self.torn && self.write_all(b"\n").is_err() {
            return count(lines);
        }
        self.torn = false;
        match self.write_all(lines) {
            Ok(()) => 0,
            Err((rest, error)) => {
                self.torn = rest.len() < lines.len() && !ends_a_line(lines, rest);
                let lost = count(rest);
                self.complain(&error, lost);
                lost
            }
        }
    }

    /// Writes everything; answers what is left when that is not possible.
    fn write_all<'a>(&mut self, mut rest: &'a [u8]) -> Result<(), (&'a [u8], io::Error)> {
        while !rest.is_empty() {
            let end = if self.regular { rest.len() } else { piece(rest) };
            match self.file.write(rest.get(..end).unwrap_or(rest)) {
                Ok(0) => return Err((rest, ErrorKind::WriteZero.into())),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(BUSY),
                Err(error) => return Err((rest, error)),
            }
        }
        Ok(())
    }

    /// Opens the file again when it was renamed away or removed, or when told to. One that cannot be opened stays as it is.
    fn follow(&mut self, reopen: bool) {
        let LogTarget::File(path) = &self.target else { return };
        let due = self.looked.is_none_or(|looked| looked.elapsed() >= LOOK);
        if !self.regular || !(reopen || due) {
            return;
        }
        self.looked = Some(Instant::now());
        if !reopen && is_at(&self.file, path) {
            return;
        }
        match open(&self.target) {
            Ok(file) => (self.file, self.torn) = (file, false),
            Err(error) => self.complain(&error, 0),
        }
    }

    fn complain(&mut self, error: &io::Error, lost: u64) {
        if self.complained.is_none_or(|complained| complained.elapsed() >= COMPLAIN) {
            self.complained = Some(Instant::now());
            tracing::warn!(error = %error, lost.lines = lost, destination = %self.target, "a log cannot be written");
        }
    }
}

fn open(target: &LogTarget) -> io::Result<File> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot write logs to {target}: {error}"));
    let opened = match target {
        LogTarget::Stdout => io::stdout().as_fd().try_clone_to_owned().map(File::from),
        LogTarget::Stderr => io::stderr().as_fd().try_clone_to_owned().map(File::from),
        // Opened for reading too, a named pipe does not wait for its reader.
        LogTarget::File(path) if is_pipe(path) => OpenOptions::new().read(true).write(true).open(path),
        LogTarget::File(path) => OpenOptions::new().create(true).append(true).open(path),
    };
    opened.map_err(named)
}

fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// Whether `path` still names the open file.
fn is_at(file: &File, path: &Path) -> bool {
    let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    file.metadata().map(id).ok() == fs::metadata(path).map(id).ok()
}

fn count(lines: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', lines).count() as u64
}

/// Whether what was written before `rest` ends with a whole line.
fn ends_a_line(lines: &[u8], rest: &[u8]) -> bool {
    let written = lines.len().saturating_sub(rest.len());
    written.checked_sub(1).and_then(|last| lines.get(last)) == Some(&b'\n')
}

/// As many whole lines as fit in one piece; a longer line is a piece of its own.
fn piece(rest: &[u8]) -> usize {
    let fitting = rest.get(..PIECE.min(rest.len())).and_then(|head| memchr::memrchr(b'\n', head));
    fitting.or_else(|| memchr::memchr(b'\n', rest)).map_or(rest.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_renamed_away_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (dir.path().join("log"), dir.path().join("log.1"));
        let mut output = Output::open(LogTarget::File(path.clone())).unwrap();

        output.write(b"one\n", false);
        fs::rename(&path, &old).unwrap();
        output.write(b"two\n", true);
        output.write(b"three\n", false);

        assert_eq!(fs::read_to_string(old).unwrap(), "one\n");
        assert_eq!(fs::read_to_string(path).unwrap(), "two\nthree\n");
    }

    #[test]
    fn a_rename_is_noticed_without_being_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut output = Output::open(LogTarget::File(path.clone())).unwrap();

        fs::remove_file(&path).unwrap();
        output.write(b"one\n", false);

        assert_eq!(fs::read_to_string(path).unwrap(), "one\n");
    }

    #[test]
    fn pieces_end_with_lines() {
        let two = [vec![b'a'; 4000], vec![b'\n'], vec![b'b'; 200], vec![b'\n']].concat();
        let long = [vec![b'a'; 5000], vec![b'\n'], b"b\n".to_vec()].concat();

        assert_eq!(piece(&two), 4001);
        assert_eq!(piece(&long), 5001);
        assert_eq!(piece(b"a\nb\n"), 4);
        assert!(ends_a_line(b"a\nb\n", b"b\n") && !ends_a_line(b"a\nb\n", b"\n"));
    }
}
