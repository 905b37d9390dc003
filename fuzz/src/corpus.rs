//! Inputs on disk: one file each, in `fuzz/corpora/<target>`.
//!
//! Files whose name starts with `seed-` were made by hand (`seeds` of each target), those with `bug-`
//! once made their target panic: both stay. The others carry a hash of their contents as a name; growing
//! found them, and may replace them.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::signature::Signature;
use crate::targets::Target;

/// The inputs of one target.
#[derive(Clone, Debug)]
pub struct Corpus {
    directory: PathBuf,
    /// Each with its file name, ordered by it.
    inputs: Vec<(String, Vec<u8>)>,
}

impl Corpus {
    /// The committed inputs of a target, and its seeds whether they are on disk or not.
    ///
    /// # Errors
    /// When a file that is there cannot be read.
    pub fn load(target: &Target) -> Result<Self> {
        let directory = root().join("corpora").join(target.name);
        let mut inputs: Vec<(String, Vec<u8>)> = (target.seeds)()
            .into_iter()
            .map(|(name, bytes)| (format!("seed-{name}"), bytes))
            .collect();
        if directory.is_dir() {
            let entries = fs::read_dir(&directory)
                .with_context(|| format!("list {}", directory.display()))?;
            for entry in entries {
                let path = entry
                    .with_context(|| format!("list {}", directory.display()))?
                    .path();
                let name = path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
                if !inputs.iter().any(|(known, _)| *known == name) {
                    inputs.push((name, bytes));
                }
            }
        }
        inputs.sort();
        Ok(Self { directory, inputs })
    }

    /// The inputs with their names.
    pub fn inputs(&self) -> &[(String, Vec<u8>)] {
        &self.inputs
    }

    /// Puts on disk the seeds and, of `found`, the fewest that still show every feature; removes what
    /// is no longer needed. Gives how many files there are.
    ///
    /// # Errors
    /// When a file cannot be written or removed.
    pub fn save(&self, found: &[(Vec<u8>, Signature)]) -> Result<usize> {
        fs::create_dir_all(&self.directory)
            .with_context(|| format!("create {}", self.directory.display()))?;
        let kept = fewest(&self.inputs, found);
        for (name, bytes) in &kept {
            let path = self.directory.join(name);
            if fs::read(&path).ok().as_deref() != Some(bytes) {
                fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
            }
        }
        for (name, _) in self.inputs.iter().filter(|input| !kept.contains(input)) {
            let path = self.directory.join(name);
            if !path.exists() {
                continue;
            }
            fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
        }
        Ok(kept.len())
    }
}

/// What was made by hand, then those that show most, as long as they show something that none before did.
fn fewest(before: &[(String, Vec<u8>)], found: &[(Vec<u8>, Signature)]) -> Vec<(String, Vec<u8>)> {
    let stays = |name: &str| name.starts_with("seed-") || name.starts_with("bug-");
    let kept = before.iter().filter(|(name, _)| stays(name));
    let mut kept: Vec<_> = kept.cloned().collect();
    let mut ordered: Vec<_> = found
        .iter()
        .map(|(bytes, signature)| {
            let grown = !kept.iter().any(|(_, known)| known == bytes);
            (
                grown,
                Reverse(signature.features().len()),
                bytes.len(),
                bytes,
                signature,
            )
        })
        .collect();
    ordered.sort_by_key(|(grown, shown, length, bytes, _)| (*grown, *shown, *length, *bytes));
    let mut seen: HashSet<u32> = HashSet::new();
    let mut size = 0;
    for (grown, _, length, bytes, signature) in ordered {
        let new = signature
            .features()
            .iter()
            .any(|feature| !seen.contains(feature));
        let room = kept.len() < MOST_FILES && size + length <= MOST_BYTES;
        if grown && !(new && room) {
            continue;
        }
        seen.extend(signature.features());
        if grown {
            size += length;
            kept.push((hash_name(bytes), bytes.clone()));
        }
    }
    kept
}

/// The directory of this crate, where corpora and crashes are.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file name made from contents (FNV-1a, 64 bit).
pub fn hash_name(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// A corpus is replayed on every run of the tests, and read by whoever wonders what is in it.
const MOST_FILES: usize = 180;
/// All corpora together stay below a megabyte.
const MOST_BYTES: usize = 120 << 10;

#[cfg(test)]
mod tests {
    use super::fewest;
    use crate::signature::Signature;

    fn signature(features: &[u8]) -> Signature {
        let mut signature = Signature::new();
        for &feature in features {
            signature.note("feature", feature);
        }
        signature
    }

    #[test]
    fn what_was_made_by_hand_stays_and_of_the_rest_what_is_needed() {
        let before = [("seed-a", "a"), ("bug-b", "b"), ("0123", "c")];
        let before = before.map(|(name, bytes)| (name.to_owned(), bytes.as_bytes().to_vec()));
        let found = [
            ("a", &[1][..]),
            ("b", &[1]),
            ("c", &[2]),
            ("dd", &[2, 3]),
            ("eee", &[1, 2]),
        ];
        let found = found.map(|(bytes, features)| (bytes.as_bytes().to_vec(), signature(features)));
        let kept: Vec<Vec<u8>> = fewest(&before, &found)
            .into_iter()
            .map(|(_, bytes)| bytes)
            .collect();
        assert_eq!(kept, [&b"a"[..], b"b", b"dd"]);
    }
}
