//! Where a thread of the express lane is handed connections, and told what others want of it.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mio::{Registry, Token, Waker};

use super::Arrival;

/// What others leave for a thread.
pub(super) struct Inbox {
    mail: Mutex<Mail>,
    waker: Waker,
}

#[derive(Default)]
pub(super) struct Mail {
    /// Connections.
    pub(super) arrivals: Vec<Arrival>,
    /// Nothing more is taken: the thread is to end, or has ended.
    pub(super) is_closed: bool,
    /// Others wait for the places of silent connections.
    pub(super) is_room_wanted: bool,
}

impl Inbox {
    /// An inbox whose mail is an event of `registry` with the token `wake`.
    pub(super) fn new(registry: &Registry, wake: Token) -> io::Result<Self> {
        Ok(Self {
            mail: Mutex::default(),
            waker: Waker::new(registry, wake)?,
        })
    }

    /// Hands a connection over, or gives it back when nothing more is taken.
    pub(super) fn put(&self, arrival: Arrival) -> Result<(), Arrival> {
        {
            let mut mail = self.mail();
            if mail.is_closed {
                return Err(arrival);
            }
            mail.arrivals.push(arrival);
        }
        self.wake();
        Ok(())
    }

    /// Tells the thread that others wait for the places of silent connections.
    pub(super) fn make_room(&self) {
        self.mail().is_room_wanted = true;
        self.wake();
    }

    /// Takes nothing more, and tells the thread to end.
    pub(super) fn close(&self) {
        self.mail().is_closed = true;
        self.wake();
    }

    /// What has come since the last call.
    pub(super) fn take(&self) -> Mail {
        let mut mail = self.mail();
        Mail {
            arrivals: std::mem::take(&mut mail.arrivals),
            is_closed: mail.is_closed,
            is_room_wanted: std::mem::take(&mut mail.is_room_wanted),
        }
    }

    fn mail(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            tracing::error!("a thread that answers visits cannot be woken: {error}");
        }
    }
}
