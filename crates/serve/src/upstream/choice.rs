//! Which connection carries the next question to an upstream.
//!
//! RFC 7766 lets a server answer out of order, but many answer one question at a time on each
//! connection; CoreDNS, the usual upstream in a cluster, is one of them. There a question behind a
//! slow one waits for it. So questions go to connections that wait for nothing, or are being
//! answered; a connection on which nothing was heard for a while although it should be is passed
//! over, and another is opened beside it.

/// What is known of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// Questions that wait for an answer on it.
    pub(crate) outstanding: usize,
    /// Nothing was heard for a while, and something should have been.
    pub(crate) stalled: bool,
    /// It takes no new questions: idle for too long, or too old.
    pub(crate) expired: bool,
}

/// What to do with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Send it on the connection at this index.
    Use(usize),
    /// Open a connection for it.
    Open,
    /// No room anywhere.
    Full,
}

/// Chooses among the connections to an upstream; among equals the last in the list, so that those
/// not needed become idle and end.
pub(crate) fn choose(candidates: &[Candidate]) -> Choice {
    let usable = || {
        let room = |candidate: &Candidate| !candidate.expired && candidate.outstanding < PIPELINE;
        candidates
            .iter()
            .enumerate()
            .rev()
            .filter(move |(_, candidate)| room(candidate))
    };
    let shortest = |stalled: bool| {
        usable()
            .filter(|(_, candidate)| candidate.stalled == stalled)
            .min_by_key(|(_, candidate)| candidate.outstanding)
    };
    let lively = shortest(false);
    match lively {
        Some((index, candidate)) if candidate.outstanding == 0 => return Choice::Use(index),
        Some((index, _)) if candidates.len() >= SPREAD => return Choice::Use(index),
        _ if candidates.len() < MOST => return Choice::Open,
        _ => {}
    }
    lively
        .or_else(|| shortest(true))
        .map_or(Choice::Full, |(index, _)| Choice::Use(index))
}

/// So many connections are opened before questions are pipelined.
const SPREAD: usize = 2;
/// So many connections are opened at most, per worker and upstream.
const MOST: usize = 16;
/// So many questions wait on one connection at most.
const PIPELINE: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(outstanding: usize) -> Candidate {
        Candidate {
            outstanding,
            stalled: false,
            expired: false,
        }
    }

    fn stalled(outstanding: usize) -> Candidate {
        Candidate {
            outstanding,
            stalled: true,
            expired: false,
        }
    }

    #[test]
    fn an_idle_connection_is_used_before_another_is_opened() {
        assert_eq!(choose(&[]), Choice::Open);
        assert_eq!(choose(&[waiting(0)]), Choice::Use(0));
        assert_eq!(choose(&[waiting(3), waiting(0)]), Choice::Use(1));
        assert_eq!(choose(&[waiting(0), waiting(0)]), Choice::Use(1));
    }

    #[test]
    fn a_second_connection_is_opened_before_questions_are_pipelined() {
        assert_eq!(choose(&[waiting(1)]), Choice::Open);
        assert_eq!(choose(&[waiting(5), waiting(2)]), Choice::Use(1));
    }

    #[test]
    fn a_stalled_connection_is_passed_over() {
        assert_eq!(choose(&[stalled(1), waiting(20)]), Choice::Use(1));
        assert_eq!(choose(&[stalled(1), stalled(1)]), Choice::Open);
        assert_eq!(choose(&[stalled(7); MOST]), Choice::Use(MOST - 1));
    }

    #[test]
    fn an_expired_connection_takes_nothing() {
        let expired = Candidate {
            expired: true,
            ..waiting(0)
        };
        assert_eq!(choose(&[expired]), Choice::Open);
    }

    #[test]
    fn full_connections_take_nothing() {
        assert_eq!(
            choose(&[waiting(PIPELINE), waiting(PIPELINE)]),
            Choice::Open
        );
        assert_eq!(choose(&[waiting(PIPELINE); MOST]), Choice::Full);
    }
}
