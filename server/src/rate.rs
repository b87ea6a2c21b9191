//! How much may be asked: by an address and by an account of everything, by an address of the links' pages, by a token
//! of the programming interface. Kept in memory: what a restart forgets is no secret and no data, and each server counts
//! for itself.

use std::{
    collections::HashMap,
    convert::Infallible,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::domain::{AccountId, ApiTokenId, Timestamp};

use crate::{clock::Clock, throttle::network};

/// How long somebody has to wait as they are told it, in seconds: never too short, and never not at all.
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// How many addresses are remembered at most. That takes about 4 MB.
const ADDRESSES: usize = 50_000;

/// What an address may do at once: an office whose scanner opens a link in every mail that it finds is no attack.
const AT_ONCE: u32 = 600;

/// How fast that comes back.
const A_MINUTE: u32 = 240;

/// What asking costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// A page is looked at.
    Look,
    /// Something is done.
    Deed,
    /// A link, or a token, that there is not was asked for: thirty of them are all that there is at once.
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

/// What somebody has used up, which wears off with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Used {
    /// In thousandths of a unit.
    millis: u64,
    at: Timestamp,
}

/// Counts what each of many uses up.
struct Counter<Who> {
    clock: Arc<dyn Clock>,
    a_minute: u32,
    used: Mutex<HashMap<Who, Used>>,
}

impl<Who: Copy + Eq + Hash> Counter<Who> {
    fn new(clock: Arc<dyn Clock>, a_minute: u32) -> Self {
        Self { clock, a_minute, used: Mutex::default() }
    }

    fn as_of(&self, used: Used, now: Timestamp) -> u64 {
        let worn_off = now.since(used.at).as_millis().saturating_mul(u128::from(self.a_minute)) / 60;
        used.millis.saturating_sub(u64::try_from(worn_off).unwrap_or(u64::MAX))
    }

    /// How long it takes until so much has worn off.
    fn wears_off_in(&self, millis: u64) -> Duration {
        Duration::from_millis(millis.saturating_mul(60).div_ceil(u64::from(self.a_minute.max(1))))
    }

    /// Replaces what somebody has used up.
    fn count<E>(&self, who: Who, count: impl FnOnce(u64) -> Result<u64, E>) -> Result<u64, E> {
        let now = self.clock.now();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = used.get_mut(&who) {
            // The clock may have been put back: it wears off from now on, also of who is refused.
            used.at = used.at.min(now);
            let millis = count(self.as_of(*used, now))?;
            *used = Used { millis, at: now };
            return Ok(millis);
        }
        let millis = count(0)?;
        if used.len() >= ADDRESSES {
            self.make_room(&mut used, now);
        }
        used.insert(who, Used { millis, at: now });
        Ok(millis)
    }

    /// Forgets those who have used the least, half of all.
    fn make_room(&self, used: &mut HashMap<Who, Used>, now: Timestamp) {
        let mut amounts: Vec<u64> = used.values().map(|used| self.as_of(*used, now)).collect();
        let middle = amounts.len() / 2;
        let (_, median, _) = amounts.select_nth_unstable(middle);
        let median = *median;
        used.retain(|_, used| self.as_of(*used, now) > median);
    }
}

/// How much each address may ask.
pub struct Rate(Counter<IpAddr>);

impl Rate {
    /// By this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Counter::new(clock, A_MINUTE))
    }

    /// Lets somebody go on, or says how long they have to wait.
    pub fn admit(&self, address: IpAddr, cost: Cost) -> Result<(), Duration> {
        let limit = u64::from(AT_ONCE) * 1_000;
        let counted = self.0.count(network(address), |used| {
            let after = used + u64::from(cost.units()) * 1_000;
            if after <= limit { Ok(after) } else { Err(self.0.wears_off_in(after - limit)) }
        });
        counted.map(|_| ())
    }

    /// Counts what turned out to be worse than it looked.
    pub fn charge(&self, address: IpAddr, cost: Cost) {
        // Many at once get into debt, but not for ever.
        let most = u64::from(AT_ONCE) * 2_000;
        let Ok(_) =
            self.0.count::<Infallible>(network(address), |used| Ok((used + u64::from(cost.units()) * 1_000).min(most)));
    }
}

/// How much each of many may ask: so much in a minute, and as much at once.
pub struct RequestRate<Who>(Counter<Who>);

/// Who is counted.
pub trait Counted: Copy + Eq + Hash {
    /// As what.
    #[must_use]
    fn as_one(self) -> Self {
        self
    }
}

impl Counted for AccountId {}

impl Counted for IpAddr {
    fn as_one(self) -> Self {
        network(self)
    }
}

impl<Who: Counted> RequestRate<Who> {
    /// By this clock.
    pub fn new(clock: Arc<dyn Clock>, a_minute: u32) -> Self {
        Self(Counter::new(clock, a_minute))
    }

    /// Lets a request go on that counts as so many, or says how long it has to wait.
    pub fn admit(&self, who: Who, units: u32) -> Result<(), Duration> {
        let (limit, wanted) = (u64::from(self.0.a_minute) * 1_000, u64::from(units) * 1_000);
        let counted = self.0.count(who.as_one(), |used| match used + wanted {
            // Who has asked nothing yet may ask for what costs more than all that they have.
            after if after <= limit || used == 0 => Ok(after),
            after => Err(self.0.wears_off_in((after - limit).min(used))),
        });
        counted.map(|_| ())
    }
}

/// How much each token may ask: so many requests in a minute, and as many at once.
pub struct TokenRate(Counter<ApiTokenId>);

/// What a token may still ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How much it may ask in a minute.
    pub limit: u32,
    /// How much it may ask now.
    pub remaining: u32,
    /// When it may ask all of it again.
    pub whole_in: Duration,
}

impl TokenRate {
    /// By this clock.
    pub fn new(clock: Arc<dyn Clock>, a_minute: u32) -> Self {
        Self(Counter::new(clock, a_minute))
    }

    /// Lets a request through, or says how long it has to wait.
    pub fn admit(&self, token: ApiTokenId) -> (Allowance, Result<(), Duration>) {
        let limit = self.0.a_minute;
        let most = u64::from(limit) * 1_000;
        let counted = self.0.count(token, |used| if used + 1_000 <= most { Ok(used + 1_000) } else { Err(used) });
        let used = *counted.as_ref().unwrap_or_else(|used| used);
        let remaining = u32::try_from(most.saturating_sub(used) / 1_000).unwrap_or(limit);
        let allowance = Allowance { limit, remaining, whole_in: self.0.wears_off_in(used) };
        (allowance, counted.map(|_| ()).map_err(|used| self.0.wears_off_in((used + 1_000).saturating_sub(most))))
    }
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
    fn a_wait_is_told_never_too_short() {
        for (millis, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2)] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), seconds, "{millis}");
        }
        assert_eq!(whole_seconds(Duration::MAX), u64::MAX);
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
    fn who_is_refused_waits_no_longer_when_the_clock_is_put_back() {
        let clock = Arc::new(Frozen(AtomicI64::new(86_400_000)));
        let rate = Rate::new(clock.clone());
        while rate.admit(address(1), Cost::Look).is_ok() {}
        clock.0.store(0, Ordering::Relaxed);
        assert_eq!(rate.admit(address(1), Cost::Look), Err(Duration::from_millis(250)));
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
        for number in 1..=120_000 {
            assert_eq!(rate.admit(address(number), Cost::Look), Ok(()));
        }
        assert!(rate.0.used.lock().is_ok_and(|used| used.len() <= ADDRESSES));
        assert!(rate.admit(address(0), Cost::Deed).is_err());
    }

    #[test]
    fn an_office_has_an_allowance_for_all_and_a_network_of_ipv6_one() {
        let clock = Arc::new(Frozen::default());
        let rate = RequestRate::new(clock.clone(), 60);
        let ip = |text: &str| text.parse::<IpAddr>().unwrap_or(IpAddr::from([0; 4]));
        for number in 0..60 {
            assert_eq!(rate.admit(ip(&format!("2001:db8::{number}")), 1), Ok(()));
        }
        assert_eq!(rate.admit(ip("2001:db8::ffff"), 1), Err(Duration::from_secs(1)));
        assert_eq!(rate.admit(ip("2001:db8::ffff"), 30), Err(Duration::from_secs(30)));
        assert_eq!(rate.admit(ip("2001:db8:0:1::1"), 1), Ok(()));
        clock.0.store(30_000, Ordering::Relaxed);
        assert_eq!(rate.admit(ip("2001:db8::1"), 30), Ok(()));
        assert_eq!(rate.admit(ip("2001:db8::1"), 1), Err(Duration::from_secs(1)));
    }

    #[test]
    fn what_costs_more_than_there_is_waits_for_all_of_it() {
        let clock = Arc::new(Frozen::default());
        let rate = RequestRate::new(clock.clone(), 10);
        assert_eq!((rate.admit(address(1), 30), rate.admit(address(1), 1)), (Ok(()), Err(Duration::from_secs(126))));
        clock.0.store(171_000, Ordering::Relaxed);
        let wait = rate.admit(address(1), 30);
        assert_eq!(wait, Err(Duration::from_secs(9)));
        clock.0.store(180_000, Ordering::Relaxed);
        assert_eq!(rate.admit(address(1), 30), Ok(()));
    }

    #[test]
    fn a_token_waits_when_it_asked_too_much_and_others_do_not() {
        let clock = Arc::new(Frozen::default());
        let rate = TokenRate::new(clock.clone(), 60);
        let (one, other) = [1, 2].map(|number| ApiTokenId::from_uuid(uuid::Uuid::from_u128(number))).into();
        for asked in 1..=60 {
            let (allowance, admitted) = rate.admit(one);
            let whole_in = Duration::from_secs(u64::from(asked));
            assert_eq!((allowance, admitted), (Allowance { limit: 60, remaining: 60 - asked, whole_in }, Ok(())));
        }
        let (allowance, admitted) = rate.admit(one);
        assert_eq!((allowance.remaining, admitted), (0, Err(Duration::from_secs(1))));
        assert_eq!(rate.admit(other).1, Ok(()));
        clock.0.store(1_000, Ordering::Relaxed);
        assert_eq!(rate.admit(one).1, Ok(()));
        assert!(rate.admit(one).1.is_err());
    }
}
