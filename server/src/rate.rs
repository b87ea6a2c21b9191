//! How much one address may ask of the links' pages. Kept in memory: what a restart forgets is no secret and no data.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::domain::Timestamp;

use crate::{clock::Clock, throttle::network};

/// How many addresses are remembered at most.
const ADDRESSES: usize = 10_000;

/// What an address may do at once: an office whose scanner opens a link in every mail that it finds is no attack.
const AT_ONCE: u32 = 600;

/// How fast that comes back.
const A_SECOND: u32 = 4;

/// What asking costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// A page is looked at.
    Look,
    /// Something is done.
    Deed,
    /// A link that there is not was asked for: thirty of them are all that there is at once.
    Miss,
}

impl Cost {
    const fn units(self) -> u32 {
        match self {
            Self::Look => 1,
            Self::Deed => 5,
            Self::Miss => 19,
        }
    }
}

/// What an address has used up, which wears off with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Used {
    /// In thousandths of a unit.
    millis: u64,
    at: Timestamp,
}

impl Used {
    fn as_of(self, now: Timestamp) -> u64 {
        let worn_off = now.since(self.at).as_millis().saturating_mul(u128::from(A_SECOND));
        self.millis.saturating_sub(u64::try_from(worn_off).unwrap_or(u64::MAX))
    }
}

/// Counts what addresses ask.
pub struct Rate {
    clock: Arc<dyn Clock>,
    used: Mutex<HashMap<IpAddr, Used>>,
}

impl Rate {
    /// By this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, used: Mutex::default() }
    }

    /// Lets somebody go on, or says how long they have to wait.
    pub fn admit(&self, address: IpAddr, cost: Cost) -> Result<(), Duration> {
        let limit = u64::from(AT_ONCE) * 1_000;
        self.count(address, |used| {
            let after = used + u64::from(cost.units()) * 1_000;
            if after <= limit {
                Ok(after)
            } else {
                Err(Duration::from_millis((after - limit).div_ceil(u64::from(A_SECOND))))
            }
        })
    }

    /// Counts what turned out to be worse than it looked.
    pub fn charge(&self, address: IpAddr, cost: Cost) {
        // Many at once get into debt, but not for ever.
        let most = u64::from(AT_ONCE) * 2_000;
        let Ok(()) = self.count::<Infallible>(address, |used| Ok((used + u64::from(cost.units()) * 1_000).min(most)));
    }

    fn count<E>(&self, address: IpAddr, count: impl FnOnce(u64) -> Result<u64, E>) -> Result<(), E> {
        let now = self.clock.now();
        let network = network(address);
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let before = used.get(&network).map_or(0, |used| used.as_of(now));
        let millis = count(before)?;
        if used.len() >= ADDRESSES && !used.contains_key(&network) {
            make_room(&mut used, now);
        }
        used.insert(network, Used { millis, at: now });
        Ok(())
    }
}

/// Forgets those who have used the least, half of all.
fn make_room(used: &mut HashMap<IpAddr, Used>, now: Timestamp) {
    let mut amounts: Vec<u64> = used.values().map(|used| used.as_of(now)).collect();
    let middle = amounts.len() / 2;
    let (_, median, _) = amounts.select_nth_unstable(middle);
    let median = *median;
    used.retain(|_, used| used.as_of(now) > median);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Frozen(AtomicI64);

    impl Clock for Frozen {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(Ordering::Relaxed))
        }
    }

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn an_address_waits_when_it_asked_too_much_and_others_do_not() {
        let clock = Arc::new(Frozen::default());
        let rate = Rate::new(clock.clone());
        for _ in 0..AT_ONCE {
            assert_eq!(rate.admit(address(1), Cost::Look), Ok(()));
        }
        assert_eq!(rate.admit(address(1), Cost::Look), Err(Duration::from_millis(250)));
        assert_eq!(rate.admit(address(2), Cost::Look), Ok(()));
        clock.0.store(249, Ordering::Relaxed);
        assert_eq!(rate.admit(address(1), Cost::Look), Err(Duration::from_millis(1)));
        clock.0.store(250, Ordering::Relaxed);
        assert_eq!(rate.admit(address(1), Cost::Look), Ok(()));
    }

    #[test]
    fn who_tries_links_has_thirty_tries_and_then_one_every_five_seconds() {
        let clock = Arc::new(Frozen::default());
        let rate = Rate::new(clock.clone());
        let mut tries = 0;
        while rate.admit(address(1), Cost::Look).is_ok() {
            rate.charge(address(1), Cost::Miss);
            tries += 1;
        }
        assert_eq!(tries, 30);
        clock.0.store(5_000, Ordering::Relaxed);
        assert_eq!(rate.admit(address(1), Cost::Look), Ok(()));
    }

    #[test]
    fn any_number_of_addresses_takes_bounded_room_and_the_worst_is_not_forgotten() {
        let rate = Rate::new(Arc::new(Frozen::default()));
        while rate.admit(address(0), Cost::Deed).is_ok() {}
        for number in 1..=30_000 {
            assert_eq!(rate.admit(address(number), Cost::Look), Ok(()));
        }
        assert!(rate.used.lock().is_ok_and(|used| used.len() <= ADDRESSES));
        assert!(rate.admit(address(0), Cost::Deed).is_err());
    }
}
