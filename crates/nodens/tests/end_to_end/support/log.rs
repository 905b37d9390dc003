//! Lines of the query log.

/// One line in CoreDNS's common format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogLine {
    /// Address and port of the client.
    pub(crate) remote: String,
    pub(crate) id: String,
    /// What stands between the quotation marks.
    pub(crate) question: String,
    /// Response code, flags and size.
    pub(crate) outcome: String,
    /// Seconds, ending in `s`.
    pub(crate) duration: String,
}

impl LogLine {
    /// Reads a line; nothing when it is another kind of line.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (client, rest) = line.strip_prefix("[INFO] ")?.split_once(" \"")?;
        let (remote, id) = client.split_once(" - ")?;
        let (question, rest) = rest.split_once("\" ")?;
        let (outcome, duration) = rest.rsplit_once(' ')?;
        Some(Self {
            remote: remote.into(),
            id: id.into(),
            question: question.into(),
            outcome: outcome.into(),
            duration: duration.into(),
        })
    }
}
