//! `rewrite cname`: another target for an alias in the reply.

use nodens_dns::Name;

use super::pattern::NameTest;
use crate::stages::text;

/// Which aliases, and where they lead instead.
#[derive(Clone, Debug)]
pub(super) struct AliasRule {
    pub(super) test: NameTest,
    pub(super) replacement: String,
}

impl AliasRule {
    /// The target that replaces `target`; nothing when the rule is about others, or when what comes
    /// out is not a name.
    pub(super) fn target(&self, target: &Name) -> Option<Name> {
        let replaced = self.test.replace(&text::lower(target), &self.replacement)?;
        if replaced.is_empty() {
            None
        } else {
            replaced.parse().ok()
        }
    }
}
