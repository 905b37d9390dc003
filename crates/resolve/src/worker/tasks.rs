//! The tasks of a worker and their deadlines.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::errand::Errand;
use super::upkeep::Check;
use crate::ask::AskId;
use crate::time::Time;

/// Something under way.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "tasks are boxed, and nearly all are errands"
)]
pub(super) enum Task {
    /// A question.
    Errand(Errand),
    /// A health check.
    Check(Check),
}

/// A task's place and which of its successive holders is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TaskId {
    place: u32,
    serial: u32,
}

/// A slab of tasks and a heap of deadlines. A deadline in the heap is a hint: the task knows the real one.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    places: Vec<(u32, Option<Box<Task>>)>,
    free: Vec<u32>,
    deadlines: BinaryHeap<Reverse<(Time, TaskId)>>,
    waited_for: usize,
}

impl TaskId {
    /// Names a message of this task to the driver by its number, which wraps around.
    pub(super) fn ask(self, number: u8) -> AskId {
        let place = u64::from(self.place & 0xff_ffff);
        AskId(u64::from(self.serial) << 32 | place << 8 | u64::from(number))
    }

    /// The task and the number of the message that the driver means.
    pub(super) fn of(ask: AskId) -> (Self, u8) {
        let [number, p0, p1, p2, s0, s1, s2, s3] = ask.0.to_le_bytes();
        let place = u32::from_le_bytes([p0, p1, p2, 0]);
        let serial = u32::from_le_bytes([s0, s1, s2, s3]);
        (Self { place, serial }, number)
    }
}

impl Tasks {
    /// Finds a place for a task that the caller holds; [`Self::put_back`] or [`Self::end`] must
    /// follow. Whoever starts something asks [`Self::has_room`] first. An errand may bring a health
    /// check with it, so the limit is not enforced here, where an errand could only be lost.
    pub(super) fn reserve(&mut self) -> TaskId {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push((0, None));
            u32::try_from(self.places.len() - 1).expect("tasks are limited to some thousands")
        });
        let mut id = TaskId { place, serial: 0 };
        if let Some((serial, _)) = self.place(id) {
            *serial = serial.wrapping_add(1);
            id.serial = *serial;
        }
        id
    }

    /// Whether there is room for another task.
    pub(super) fn has_room(&self) -> bool {
        self.places.len() - self.free.len() < MAX_TASKS
    }

    /// Whether there is room for tasks that only wait for late answers.
    pub(super) fn has_room_for_late(&self) -> bool {
        self.places.len() - self.free.len() < MAX_TASKS / 2
    }

    /// Takes a task out to work on it; [`Self::put_back`] or [`Self::end`] must follow.
    pub(super) fn take(&mut self, id: TaskId) -> Option<Box<Task>> {
        let (serial, holder) = self.place(id)?;
        if *serial != id.serial {
            return None;
        }
        let task = holder.take()?;
        self.waited_for -= usize::from(task.is_waited_for());
        Some(task)
    }

    /// Puts a task back that goes on until `deadline`.
    pub(super) fn put_back(&mut self, id: TaskId, task: Box<Task>, deadline: Time) {
        self.waited_for += usize::from(task.is_waited_for());
        if let Some((_, holder)) = self.place(id) {
            *holder = Some(task);
        }
        self.deadlines.push(Reverse((deadline, id)));
        self.drop_outdated();
    }

    /// Frees the place of a task that was taken out.
    pub(super) fn end(&mut self, id: TaskId) {
        self.free.push(id.place);
    }

    /// When something is due.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.deadlines
            .peek()
            .map(|Reverse((deadline, _))| *deadline)
    }

    /// A task whose deadline has come.
    pub(super) fn due(&mut self, now: Time) -> Option<TaskId> {
        let Reverse((deadline, id)) = *self.deadlines.peek()?;
        if deadline > now {
            return None;
        }
        self.deadlines.pop();
        Some(id)
    }

    pub(super) fn waited_for(&self) -> usize {
        self.waited_for
    }

    fn place(&mut self, id: TaskId) -> Option<&mut (u32, Option<Box<Task>>)> {
        self.places.get_mut(usize::try_from(id.place).ok()?)
    }

    fn is_current(&self, id: TaskId) -> bool {
        usize::try_from(id.place)
            .ok()
            .and_then(|at| self.places.get(at))
            .is_some_and(|(serial, holder)| *serial == id.serial && holder.is_some())
    }

    /// Answered tasks leave their deadlines behind; too many of them are thrown out at once.
    fn drop_outdated(&mut self) {
        if self.deadlines.len() > 4 * self.places.len() + 64 {
            let mut deadlines = std::mem::take(&mut self.deadlines).into_vec();
            deadlines.retain(|Reverse((_, id))| self.is_current(*id));
            deadlines.sort_unstable();
            deadlines.dedup();
            self.deadlines = deadlines.into();
        }
    }
}

impl Task {
    fn is_waited_for(&self) -> bool {
        matches!(self, Self::Errand(errand) if !errand.answered && errand.origin.is_some())
    }
}

/// Questions under way in one worker. Each takes about a kilobyte; a flood beyond this is answered with SERVFAIL.
pub(super) const MAX_TASKS: usize = 16_384;
