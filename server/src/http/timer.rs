//! Tells when something took too long, with one timer for all that a connection waits for as long, one after the other: all
//! timers are in one place, at which each processor has to wait for the others, and nearly everything is there in time.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};

/// A timer of one connection, on which one thing is waited for at a time.
#[derive(Clone, Default)]
pub struct ConnectionTimer(Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>);

/// A wait for a point in time. The timer goes off then, or sooner: when somebody wanted who waits no more.
pub struct Wait {
    timer: ConnectionTimer,
    until: Instant,
}

impl ConnectionTimer {
    /// Resolves once it took so long.
    pub fn wait(&self, duration: Duration) -> Wait {
        Wait { timer: self.clone(), until: self.now() + duration }
    }
}

impl Timer for ConnectionTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(self.wait(duration))
    }

    fn sleep_until(&self, until: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Wait { timer: self.clone(), until })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let until = self.until.into();
        let mut timer = self.timer.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sleep = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if until < sleep.deadline() {
            sleep.as_mut().reset(until);
        }
        ready!(sleep.as_mut().poll(context));
        if sleep.deadline() < until {
            sleep.as_mut().reset(until);
            ready!(sleep.as_mut().poll(context));
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    const SHORT: Duration = Duration::from_millis(40);
    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn each_wait_takes_its_time_whatever_was_waited_for_before() {
        let timer = ConnectionTimer::default();
        // Waits that were given up leave the timer as it was: later than what is waited for next, or sooner, or gone off.
        for (first, given_up_after, next) in [
            (LONG, Duration::ZERO, SHORT),
            (SHORT, SHORT / 4, 2 * SHORT),
            (SHORT, 2 * SHORT, SHORT),
            (LONG, SHORT, SHORT),
        ] {
            drop(timeout(given_up_after, timer.sleep(first)).await);
            let begun = timer.now();
            tokio::select! {
                () = timer.sleep(next) => assert!(timer.now() - begun >= next),
                () = sleep(LONG) => panic!("it did not go off"),
            }
        }
    }
}
