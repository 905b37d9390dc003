//! Replacing a file so that a reader sees the old content or the new one, never a part.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;

/// Writes a file beside `path` and renames it over it (rename(2) replaces in one step).
///
/// # Errors
/// What the kernel said; `path` is then as it was.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    // Hidden, and with the process in its name: two copies may run side by side.
    let mut name = OsString::from(".");
    name.push(path.file_name().ok_or(io::ErrorKind::InvalidInput)?);
    name.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(name);
    let written = std::fs::File::create(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        std::fs::rename(&beside, path)
    });
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::replace;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left_behind() {
        let directory = std::env::temp_dir().join(format!("nodens-replace-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("Corefile");
        replace(&path, "old").unwrap();
        replace(&path, "new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
        std::fs::remove_dir_all(&directory).unwrap();
        assert!(replace(&path, "new").is_err());
    }
}
