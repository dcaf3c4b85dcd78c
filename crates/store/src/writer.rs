//! The group-commit writer: one thread, one write connection, one commit for all jobs that wait.
//!
//! A commit costs one flush to the disk (about 2 ms), so while one runs the next group gathers by
//! itself. Nobody waits for company: a lone job is committed at once.

use crate::db::Conn;
use crate::error::{StoreError, Unavailable};
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Bounds of a group: jobs, and time spent on adding late ones.
const GROUP_JOBS: usize = 256;
const GROUP_TIME: Duration = Duration::from_millis(2);
/// Jobs that may wait: durable ones are refused beyond, statistics dropped.
const WAITING_DURABLE: usize = 8192;
const WAITING_STATISTICS: usize = 1024;
/// How long statistics gather.
const STATISTICS_PAUSE: Duration = Duration::from_millis(500);

/// The log file is cut to 64 MiB after a long reader let it grow …
const CAP_LOG: &str = "PRAGMA journal_size_limit = 67108864";
/// … but not to nothing at a clean close: a writer killed between the header and the first frame of
/// an empty log leaves 32 bytes that no reader without write permission gets past
/// (`SQLITE_PROTOCOL`) until the next writer comes.
const KEEP_LOG: &str = "PRAGMA journal_size_limit = -1";

/// How much a job's loss would matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// On the disk before it is acknowledged.
    Durable,
    /// May be lost with the machine's power.
    Statistics,
}

/// What the writer did so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriterCounts {
    /// Jobs run.
    pub jobs: u64,
    /// Commits made for them.
    pub commits: u64,
    /// Commits that failed.
    pub failed_commits: u64,
    /// Jobs refused because too many waited.
    pub overloaded: u64,
    /// Jobs waiting now.
    pub waiting: u64,
}

/// A job: runs on the connection, or is told by `None` that it cannot, and leaves what is to be
/// done once the commit is known.
type Job = Box<dyn FnOnce(Option<&mut Conn>) -> Done + Send>;

/// What a job leaves.
struct Done {
    keep: bool,
    answer: Answer,
}

/// Tells the caller how it ended: the job's own result if the commit succeeded.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

#[derive(Default)]
struct Queue {
    durable: VecDeque<Job>,
    statistics: VecDeque<Job>,
    /// When the oldest waiting statistics came.
    statistics_since: Option<Instant>,
    closed: bool,
    counts: WriterCounts,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl Writer {
    pub(crate) fn start(conn: Conn) -> Result<Self, StoreError> {
        conn.batch(CAP_LOG)?;
        let shared = Arc::new(Shared::default());
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                move || shared.work(conn)
            })
            .map_err(|e| Unavailable::Database(e.to_string()))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    pub(crate) async fn run<T, E, F>(&self, class: Class, job: F) -> Result<T, E>
    where
        F: AsyncFn(&mut Conn) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.shared.put(
            class,
            Box::new(move |conn| {
                let result = conn.map_or_else(
                    || Err(unavailable(Unavailable::WriterStopped)),
                    |conn| finish(&job, conn),
                );
                Done {
                    keep: result.is_ok(),
                    answer: Box::new(move |committed| {
                        // The caller may have gone away; the write stands all the same.
                        let _ = sender.send(match committed {
                            Ok(()) => result,
                            Err(error) => Err(E::from(error)),
                        });
                    }),
                }
            }),
        )?;
        receiver
            .await
            .unwrap_or_else(|_| Err(unavailable(Unavailable::WriterStopped)))
    }

    pub(crate) fn counts(&self) -> WriterCounts {
        let queue = self.shared.queue.lock();
        WriterCounts {
            waiting: (queue.durable.len() + queue.statistics.len()) as u64,
            ..queue.counts
        }
    }
}

/// Waits for what was accepted; then the connection is closed. Its files stay for readers of other
/// processes ([`crate::sqlite::open_writer`]).
impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.queue.lock().closed = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // A panic of the thread has nothing left to undo.
            let _ = thread.join();
        }
    }
}

/// Polls a job's future to its end. On SQLite store functions never wait, so a future that does is
/// a mistake in the job, and must not hold up everybody's writes.
fn finish<T, E, F>(job: &F, conn: &mut Conn) -> Result<T, E>
where
    F: AsyncFn(&mut Conn) -> Result<T, E>,
    E: From<StoreError>,
{
    let poll = catch_unwind(AssertUnwindSafe(|| {
        let future = pin!(job(conn));
        future.poll(&mut Context::from_waker(Waker::noop()))
    }));
    match poll {
        Ok(Poll::Ready(result)) => result,
        Ok(Poll::Pending) => Err(unfinished("it awaited something other than the store")),
        Err(_) => Err(unfinished("it panicked")),
    }
}

fn unfinished<E: From<StoreError>>(why: &'static str) -> E {
    tracing::error!(store.job.problem = why, "a write job did not finish");
    unavailable(Unavailable::Job(why))
}

fn unavailable<E: From<StoreError>>(why: Unavailable) -> E {
    StoreError::from(why).into()
}

impl Shared {
    fn put(&self, class: Class, job: Job) -> Result<(), StoreError> {
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err(Unavailable::WriterStopped.into());
        }
        let (waiting, bound) = match class {
            Class::Durable => (&mut queue.durable, WAITING_DURABLE),
            Class::Statistics => (&mut queue.statistics, WAITING_STATISTICS),
        };
        if waiting.len() >= bound {
            queue.counts.overloaded += 1;
            return Err(Unavailable::Overloaded.into());
        }
        waiting.push_back(job);
        if class == Class::Statistics && queue.statistics_since.is_none() {
            queue.statistics_since = Some(Instant::now());
        }
        drop(queue);
        self.wake.notify_one();
        Ok(())
    }

    fn work(&self, mut conn: Conn) {
        // Whatever ends this thread, nobody waits for it in vain.
        let _closing = Closing(self);
        let mut synchronous = Class::Durable;
        while let Some((class, jobs)) = self.next_group() {
            let begun = begin(&mut conn, class, &mut synchronous);
            self.run_group(&mut conn, class, jobs, begun);
        }
        // A log that is cut all the same is only worth a retry.
        let _ = conn.batch(KEEP_LOG);
    }

    /// Waits for work. `None` when the writer is closed and everything is done.
    fn next_group(&self) -> Option<(Class, VecDeque<Job>)> {
        let mut queue = self.queue.lock();
        loop {
            let due = queue.statistics_since.map(|since| since + STATISTICS_PAUSE);
            // Overdue statistics go before durable jobs, so that a busy store does not starve them.
            if due.is_some_and(|due| queue.closed || due <= Instant::now()) {
                queue.statistics_since = None;
                return Some((Class::Statistics, std::mem::take(&mut queue.statistics)));
            }
            if !queue.durable.is_empty() {
                return Some((Class::Durable, take_group(&mut queue.durable, GROUP_JOBS)));
            }
            if queue.closed {
                return None;
            }
            match due {
                Some(due) => drop(self.wake.wait_until(&mut queue, due)),
                None => self.wake.wait(&mut queue),
            }
        }
    }

    fn run_group(
        &self,
        conn: &mut Conn,
        class: Class,
        mut jobs: VecDeque<Job>,
        mut outcome: Result<(), StoreError>,
    ) {
        let started = Instant::now();
        let mut answers = Vec::with_capacity(jobs.len());
        while let Some(job) = jobs.pop_front() {
            answers.push(run_job(conn, job, &mut outcome));
            let room = GROUP_JOBS.saturating_sub(answers.len());
            if jobs.is_empty() && class == Class::Durable && started.elapsed() < GROUP_TIME {
                jobs = take_group(&mut self.queue.lock().durable, room);
            }
        }
        if outcome.is_ok() {
            outcome = conn.control("COMMIT");
        }
        let outcome = outcome.map_err(not_now);
        if let Err(error) = &outcome {
            tracing::error!(
                store.error = %error,
                store.jobs = answers.len(),
                "a group of writes failed"
            );
            if conn.in_transaction() {
                // If even this fails, the next BEGIN fails too and answers unavailable.
                let _ = conn.control("ROLLBACK");
            }
        }
        self.count(answers.len(), outcome.is_ok());
        for answer in answers {
            answer(outcome.clone().map_err(StoreError::from));
        }
    }

    fn count(&self, jobs: usize, committed: bool) {
        let counts = &mut self.queue.lock().counts;
        counts.jobs += jobs as u64;
        if committed {
            counts.commits += 1;
        } else {
            counts.failed_commits += 1;
        }
    }
}

/// Opens the transaction of a group. `synchronous` is what the connection is set to.
fn begin(conn: &mut Conn, class: Class, synchronous: &mut Class) -> Result<(), StoreError> {
    if class != *synchronous {
        // Not a cached statement: SQLite carries this pragma out while preparing it.
        conn.batch(match class {
            Class::Durable => "PRAGMA synchronous = FULL",
            Class::Statistics => "PRAGMA synchronous = NORMAL",
        })?;
        *synchronous = class;
    }
    // A deferred transaction that turns into a write fails at once when another process writes,
    // whatever the busy timeout.
    conn.control("BEGIN IMMEDIATE")
}

/// Runs one job in its savepoint. An error that ends the whole transaction goes into `outcome`,
/// and the jobs after it are not run at all.
fn run_job(conn: &mut Conn, job: Job, outcome: &mut Result<(), StoreError>) -> Answer {
    if outcome.is_ok() {
        *outcome = conn.control("SAVEPOINT job");
    }
    if outcome.is_err() {
        return job(None).answer;
    }
    let done = job(Some(conn));
    *outcome = if !conn.in_transaction() {
        Err(conn.failure().into())
    } else if done.keep {
        conn.control("RELEASE job")
    } else {
        conn.control("ROLLBACK TO job")
            .and_then(|()| conn.control("RELEASE job"))
    };
    done.answer
}

/// Whatever ends a whole group is no statement about a single job: unavailable.
fn not_now(error: StoreError) -> Unavailable {
    match error {
        StoreError::Unavailable(why) => why,
        other => Unavailable::Database(other.to_string()),
    }
}

fn take_group(waiting: &mut VecDeque<Job>, room: usize) -> VecDeque<Job> {
    let room = room.min(waiting.len());
    waiting.drain(..room).collect()
}

/// Lets go of everybody who waits when the writer's thread ends, however it ends.
struct Closing<'a>(&'a Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue.lock();
        queue.closed = true;
        let waiting = (
            std::mem::take(&mut queue.durable),
            std::mem::take(&mut queue.statistics),
        );
        drop(queue);
        drop(waiting);
    }
}
