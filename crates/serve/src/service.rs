//! The service: workers, started together, given new configurations, ended together.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nodens_resolve::Resolver;
use nodens_sys::usable_cpus;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::heartbeat::Heartbeats;
use crate::listen::{ListenAddress, ListenError, Placement, Sockets, check_unique};
use crate::mailbox::{Letter, Post};
use crate::observer::Observer;
use crate::worker::Plan;

/// How a service is to be run.
#[derive(Clone, Copy, Debug)]
pub struct ServiceOptions {
    /// How many workers; by default one for each CPU the process may use.
    pub workers: NonZeroUsize,
    /// How many client connections are kept at most, by all workers together.
    pub client_connections: usize,
    /// The clock of the process.
    pub clock: Clock,
}

/// Why a service could not be started, or could not take a new configuration.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A worker could not be made.
    #[error("start worker {index}")]
    Worker {
        /// Which one.
        index: usize,
        /// What the kernel said.
        source: io::Error,
    },
}

/// The workers that answer clients. Dropping it ends them at once.
pub struct Service {
    crew: Crew<nodens_resolve::Worker>,
}

impl ServiceOptions {
    /// As many workers as CPUs, and [`Self::CLIENT_CONNECTIONS`].
    pub fn new(clock: Clock) -> Self {
        Self {
            workers: usable_cpus(),
            client_connections: Self::CLIENT_CONNECTIONS,
            clock,
        }
    }

    /// Client connections by default: each costs a descriptor, some 300 bytes here and a few
    /// kilobytes in the kernel.
    pub const CLIENT_CONNECTIONS: usize = 20_000;
}

impl Service {
    /// Listens on all addresses and starts the workers. The index of an address in `listen` is
    /// its index in [`Resolver::servers`]. `observer` makes each worker's observer.
    ///
    /// # Errors
    ///
    /// When an address cannot be listened on or a thread cannot be started; nothing is left
    /// running then.
    pub fn start<O: Observer + Send + 'static>(
        resolver: &Arc<Resolver>,
        listen: &[ListenAddress],
        options: &ServiceOptions,
        observer: impl FnMut(u16) -> O,
    ) -> Result<Self, StartError> {
        Ok(Self {
            crew: Crew::start(resolver, listen, options, observer)?,
        })
    }

    /// Takes a new configuration. Addresses that stay keep their sockets; new ones are opened
    /// before old ones are left. Each worker takes it at its next turn, so for a moment both are
    /// in use.
    ///
    /// # Errors
    ///
    /// When a new address cannot be listened on; everything is then as it was.
    pub fn replace(
        &mut self,
        resolver: &Arc<Resolver>,
        listen: &[ListenAddress],
    ) -> Result<(), StartError> {
        self.crew.replace(resolver, listen)
    }

    /// Takes no new questions, finishes what is under way, and ends, after `patience` at the
    /// latest. Gives whether all workers ended in time.
    pub fn drain(self, patience: Duration) -> bool {
        self.crew.drain(patience)
    }

    /// When each worker was last seen alive.
    pub fn heartbeats(&self) -> Heartbeats {
        self.crew.heartbeats.clone()
    }

    /// The addresses listened on, in the order of the configuration: a port of 0 is replaced by
    /// the one the kernel chose.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.crew.addresses()
    }
}

/// The workers, for any engine.
pub(crate) struct Crew<E: Engine> {
    threads: Vec<JoinHandle<()>>,
    post: Post<E::Generation>,
    pub(crate) heartbeats: Heartbeats,
    clock: Clock,
    listening: Vec<Listening>,
    next_id: u64,
}

/// An address that is listened on.
#[derive(Clone, Copy, Debug)]
struct Listening {
    id: u64,
    wanted: SocketAddr,
    bound: SocketAddr,
}

impl<E: Engine> Crew<E> {
    pub(crate) fn start<O: Observer + Send + 'static>(
        generation: &Arc<E::Generation>,
        listen: &[ListenAddress],
        options: &ServiceOptions,
        mut observer: impl FnMut(u16) -> O,
    ) -> Result<Self, StartError> {
        let workers = options.workers.get().min(usize::from(u16::MAX));
        let failed = |index| move |source| StartError::Worker { index, source };
        let mut crew = Self {
            threads: Vec::new(),
            post: Post::new(workers).map_err(failed(0))?,
            heartbeats: Heartbeats::new(workers, options.clock.now()),
            clock: options.clock,
            listening: Vec::new(),
            next_id: 0,
        };
        let (listening, placements) = crew.place(listen, workers)?;
        crew.listening = listening;
        let mut prepared = Vec::new();
        for (index, listeners) in placements.into_iter().enumerate() {
            let number = u16::try_from(index).unwrap_or(u16::MAX);
            let plan: Plan<E, O> = Plan {
                index: number,
                clock: options.clock,
                generation: Arc::clone(generation),
                observer: observer(number),
                listeners,
                post: crew.post.clone(),
                heartbeats: crew.heartbeats.clone(),
                client_limit: options.client_connections.div_ceil(workers),
            };
            prepared.push(plan.prepare().map_err(failed(index))?);
        }
        for (index, worker) in prepared.into_iter().enumerate() {
            let builder = thread::Builder::new().name(format!("worker-{index}"));
            let thread = builder.spawn(move || worker.run()).map_err(failed(index))?;
            crew.threads.push(thread);
        }
        Ok(crew)
    }

    pub(crate) fn replace(
        &mut self,
        generation: &Arc<E::Generation>,
        listen: &[ListenAddress],
    ) -> Result<(), StartError> {
        let (listening, placements) = self.place(listen, self.threads.len())?;
        self.listening = listening;
        for (worker, listeners) in placements.into_iter().enumerate() {
            let generation = Arc::clone(generation);
            self.post.send(
                worker,
                Letter::Replace {
                    generation,
                    listeners,
                },
            );
        }
        Ok(())
    }

    pub(crate) fn drain(mut self, patience: Duration) -> bool {
        self.end(patience);
        let deadline = Instant::now() + patience + GRACE;
        while Instant::now() < deadline {
            if self.threads.iter().all(JoinHandle::is_finished) {
                return true;
            }
            thread::sleep(Duration::from_millis(1));
        }
        false
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.listening
            .iter()
            .map(|listening| listening.bound)
            .collect()
    }

    /// Opens the sockets of addresses that are not listened on yet, and says for each worker what
    /// it is to listen on.
    fn place(
        &mut self,
        listen: &[ListenAddress],
        workers: usize,
    ) -> Result<(Vec<Listening>, Vec<Vec<Placement>>), StartError> {
        check_unique(listen)?;
        let mut listening = Vec::new();
        let mut placements: Vec<Vec<Placement>> = (0..workers).map(|_| Vec::new()).collect();
        for (server, wanted) in listen.iter().enumerate() {
            let server = u16::try_from(server).unwrap_or(u16::MAX);
            let known = self
                .listening
                .iter()
                .find(|known| known.wanted == wanted.address);
            let (known, mut sockets) = if let Some(known) = known {
                (*known, Vec::new())
            } else {
                let sockets = Sockets::open_all(wanted.address, workers)?;
                let bound = sockets.first().map_or(wanted.address, |first| first.bound);
                self.next_id += 1;
                (
                    Listening {
                        id: self.next_id,
                        wanted: wanted.address,
                        bound,
                    },
                    sockets,
                )
            };
            listening.push(known);
            for placements in &mut placements {
                placements.push(Placement {
                    id: known.id,
                    server,
                    timeouts: wanted.timeouts,
                    sockets: sockets.pop(),
                });
            }
        }
        Ok((listening, placements))
    }

    fn end(&mut self, patience: Duration) {
        let latest = self.clock.now() + patience;
        for worker in 0..self.threads.len() {
            self.post.send(worker, Letter::Drain(latest));
        }
    }
}

impl<E: Engine> Drop for Crew<E> {
    /// Workers whose service is gone end; nobody waits for them.
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

/// What a worker needs beyond its deadline to notice it and close its sockets.
const GRACE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests;
