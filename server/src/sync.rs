//! The worker: takes the connections that are due, reads their tenants, and says what came of it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::domain::{
    Access, CompanyId, ConnectionId, DataSet, Phase, Problem, ReconnectReason, Timestamp,
    schedule::{CONSENT_SETTLES_WITHIN, Next, Pace, Round, Standpoint, after_failure, after_round, probe_before},
};
use secrecy::SecretString;
use tokio::{
    sync::Notify,
    task::{Id, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{
    clock::Clock,
    config::SyncConfig,
    metrics,
    microsoft::{Graph, GraphError, Microsoft, MicrosoftError, Refreshed, TenantData, Wanted},
    request_id::RequestId,
    store::{
        Store, StoreError,
        connections::{Connection, Lease, Settled},
        presence::Retreat,
        tenant_data::{DataSets, Failure, Findings, LEASE, SetState},
    },
    vault::Vault,
};

mod licences;
mod probe;
pub(crate) mod reconcile;
mod secure_score;
mod users;

/// How often the worker looks for what is due, when nobody wakes it.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often old attempts are forgotten.
const TIDY_EVERY: Duration = Duration::from_hours(1);

/// By how much a clock may be set without a word.
const JUMP: Duration = Duration::from_mins(1);

/// The longest that a connection waits for its next round, if it is not read less often anyway: its grant is gone.
const LONGEST_WAIT: Duration = Duration::from_hours(12);

/// Reads tenants.
#[derive(Clone)]
pub struct Worker {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    microsoft: Microsoft,
    every: Duration,
    probe_every: Duration,
    concurrency: NonZeroUsize,
    work: Arc<Notify>,
    /// Access tokens of people, until they end, and when the grant was given that each came of.
    people_tokens: Mutex<HashMap<ConnectionId, (Timestamp, Arc<Refreshed>)>>,
}

/// How reading a data set can fail.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Graph(#[from] GraphError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An access token that ends sooner is not begun with: a round may take a while.
const TOKEN_MARGIN: Duration = Duration::from_mins(5);

/// Tokens and permissions for one round.
struct Grant {
    token: SecretString,
    permissions: BTreeSet<String>,
}

/// Why there is no grant.
enum NoGrant {
    Round(Round),
    Store(StoreError),
}

impl From<StoreError> for NoGrant {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What Graph thinks of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Taken,
    Refused,
    /// And a new one too, or the one before it some time ago.
    RefusedTwice,
}

/// What became of the data sets that were asked for.
struct Reading {
    /// Where the connection stands now.
    phase: Phase,
    /// How many were asked for.
    asked: usize,
    problems: Vec<Problem>,
    /// What Graph thinks of the token.
    token: Verdict,
    /// Whether the grant is not in effect yet, so that nothing was kept.
    not_yet: bool,
    /// Whether a probe could read what could not be read before.
    regained: bool,
}

impl Reading {
    const fn of(phase: Phase) -> Self {
        Self { phase, asked: 0, problems: Vec::new(), token: Verdict::Taken, not_yet: false, regained: false }
    }
}

impl Worker {
    /// A worker of this store.
    pub fn new(
        store: Store,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        microsoft: Microsoft,
        config: &SyncConfig,
        work: Arc<Notify>,
    ) -> Self {
        let SyncConfig { every, probe_every, concurrency, .. } = *config;
        let people_tokens = Mutex::default();
        Self {
            inner: Arc::new(Inner {
                store,
                vault,
                clock,
                microsoft,
                every,
                probe_every,
                concurrency,
                work,
                people_tokens,
            }),
        }
    }

    /// Works until `stop`. What is being read then is handed back, and goes on where somebody else takes it.
    pub async fn run(self, stop: CancellationToken) {
        let mut rounds = JoinSet::new();
        let mut held: HashMap<Id, Lease> = HashMap::new();
        // What goes on sooner than the next look: a slice of a large tenant, or what Microsoft asked to wait for.
        let mut soon: BTreeSet<Instant> = BTreeSet::new();
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let presence = self.inner.store.presence().clone();
        let mut retreat = Retreat::default();
        while !stop.is_cancelled() {
            let wake = soon.first().copied();
            let ended = tokio::select! {
                () = stop.cancelled() => break,
                _ = look.tick() => None,
                () = self.inner.work.notified() => None,
                () = until(wake) => None,
                Some(ended) = rounds.join_next_with_id() => Some(ended),
            };
            let mut next = ended;
            while let Some(ended) = next {
                match ended {
                    Ok((id, due)) => {
                        held.remove(&id);
                        soon.extend(due);
                    }
                    Err(error) => {
                        held.remove(&error.id());
                        tracing::error!(%error, "a round broke off; it goes on when its lease ends");
                    }
                }
                next = rounds.try_join_next_with_id();
            }
            soon = soon.split_off(&Instant::now());
            let free = self.inner.concurrency.get().saturating_sub(rounds.len());
            match self.inner.store.unless_away(self.claim(free)).await {
                Ok(claimed) => {
                    retreat.forget();
                    for connection in claimed {
                        let lease = connection.lease;
                        held.insert(rounds.spawn(self.clone().round(connection)).id(), lease);
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "the worker can't look for what is due");
                    stop.run_until_cancelled(retreat.wait(&presence)).await;
                }
            }
        }
        rounds.shutdown().await;
        let store = &self.inner.store;
        if let Err(error) = store.unless_away(store.hand_back(held.into_values())).await {
            tracing::warn!(%error, "what was being read can't be handed back; it goes on when the leases end");
        }
    }

    async fn claim(&self, free: usize) -> Result<Vec<Connection>, StoreError> {
        if free == 0 {
            return Ok(Vec::new());
        }
        self.inner.store.claim_due(free as u64, LEASE).await
    }

    /// One round of one connection, or as much of it as its turn allows. Answers when to look again, if that is soon.
    async fn round(self, connection: Connection) -> Option<Instant> {
        // As long as a turn: a round may take several.
        let job = RequestId::random();
        let span = tracing::info_span!("round", %job, company = %connection.company, tenant = %connection.tenant);
        async {
            let outcome = tokio::select! {
                outcome = self.inner.store.unless_away(self.inner.read_and_settle(&connection)) => outcome,
                lost = self.inner.keep_lease(&connection) => Err(lost),
            };
            match outcome {
                Ok(due) => {
                    let after = due.since(self.inner.clock.now());
                    // A little later: both clocks round.
                    (after < LEASE).then(|| Instant::now() + after + Duration::from_millis(1))
                }
                Err(StoreError::TakenOver) => {
                    tracing::info!("the connection was taken over; nothing more is written");
                    None
                }
                // The lease ends, and the round is repeated.
                Err(error) => {
                    tracing::error!(%error, "a round could not be stored");
                    None
                }
            }
        }
        .instrument(span)
        .await
    }
}

/// What a round came to. `again` is when something of it is still to be read.
fn came_to(connection: &Connection, reading: &Reading, again: Option<Timestamp>, now: Timestamp) -> Round {
    if reading.not_yet {
        return Round::NotYet;
    }
    if reading.token != Verdict::Taken {
        // Part of Graph has taken a new grant by then, and not all of it has.
        let settling = reading.phase == Phase::Active && now.since(connection.connected_at) < CONSENT_SETTLES_WITHIN;
        // Twice in a row: it is not one token that is refused.
        return if reading.token == Verdict::RefusedTwice && !settling {
            Round::NoGrant(ReconnectReason::Refused)
        } else {
            Round::Unavailable { retry_after: None }
        };
    }
    let temporary = |problem: &Problem| *problem == Problem::Temporary;
    match again {
        Some(again) if reading.problems.len() == reading.asked && reading.problems.iter().all(temporary) => {
            Round::Unavailable { retry_after: Some(again.since(now)) }
        }
        again => Round::Read { problems: reading.problems.clone(), again },
    }
}

/// A token that came before then says too little: the company was connected again since, or somebody wants to
/// know how things are now.
fn good_since(connection: &Connection) -> Timestamp {
    if connection.asked_for { connection.due.max(connection.connected_at) } else { connection.connected_at }
}

async fn until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}

impl Inner {
    /// Renews the lease while a round waits for Microsoft. Ends when the lease is lost.
    async fn keep_lease(&self, connection: &Connection) -> StoreError {
        loop {
            tokio::time::sleep(LEASE / 3).await;
            match self.store.renew_lease(connection).await {
                Err(StoreError::TakenOver) => return StoreError::TakenOver,
                Err(error) => tracing::warn!(%error, "a lease can't be renewed"),
                Ok(()) => {}
            }
        }
    }

    async fn read_and_settle(&self, connection: &Connection) -> Result<Timestamp, StoreError> {
        let read = self.read_with_grant(connection).await;
        let DataSets { states: sets, .. } = self.store.data_sets(connection).await?;
        let now = self.clock.now();
        let is_probe = connection.probe_until.is_some();
        let mut regained = false;
        let (phase, round, granted) = match read {
            Ok((reading, permissions)) => {
                let wanted = sets.values().filter_map(|set| set.standing.wanted_at(connection.round));
                let again = wanted.min().map(|at| at.max(now)).filter(|_| !is_probe);
                regained = reading.regained;
                (reading.phase, came_to(connection, &reading, again, now), Some(permissions))
            }
            Err(NoGrant::Round(round)) => (connection.phase, round, None),
            Err(NoGrant::Store(error)) => return Err(error),
        };
        let pace = self.pace(connection.company);
        let renewal = phase == Phase::Verifying && self.store.is_renewal(connection).await?;
        let from = Standpoint { phase, since: connection.connected_at, tries: connection.tries, renewal };
        let mut next = after_round(from, &round, now, &pace);
        let full_due = if regained { None } else { self.full_due(connection, &mut next, now, &pace) };
        if regained {
            next.due = now;
        }
        metrics::round(&round);
        tracing::info!(?round, phase = ?next.phase, next_in_ms = next.due.since(now).as_millis(), "a round ended");
        let settled = Settled {
            phase: next.phase,
            due: next.due,
            full_due,
            complete: next.complete,
            readable: next.phase != Phase::Verifying && !is_probe && !sets.values().any(|set| set.standing.under_way),
            tries: next.tries,
            granted,
        };
        self.store.settle_round(connection, &settled).await?;
        Ok(next.due)
    }

    /// When everything is read again, if a probe comes before that; then that is what is due.
    fn full_due(&self, connection: &Connection, next: &mut Next, now: Timestamp, pace: &Pace) -> Option<Timestamp> {
        if next.phase != Phase::Active {
            return None;
        }
        if !next.complete {
            // A probe that got no answer is repeated as what it is.
            return connection.probe_until;
        }
        let full = connection.probe_until.unwrap_or(next.due);
        let probe = probe_before(full, now, self.probe_every, pace);
        next.due = probe.unwrap_or(full);
        probe.map(|_| full)
    }

    fn pace(&self, company: CompanyId) -> Pace {
        // The last bytes of an id are random.
        let [.., a, b, c, d] = *company.uuid().as_bytes();
        Pace { every: self.every, place: u32::from_be_bytes([a, b, c, d]), dice: rand::random() }
    }

    /// Reads with the token at hand, and once more with a new one if Graph does not take that.
    async fn read_with_grant(&self, connection: &Connection) -> Result<(Reading, BTreeSet<String>), NoGrant> {
        let grant = self.grant(connection).await?;
        // Boxed: it holds the pages of five data sets.
        let mut reading = Box::pin(self.read(connection, &grant)).await?;
        if reading.token == Verdict::Taken {
            return Ok((reading, grant.permissions));
        }
        self.forget_tokens(connection);
        if reading.phase != connection.phase {
            // The organisation was read, and what comes after that is for another round.
            return Ok((reading, grant.permissions));
        }
        if matches!(connection.phase, Phase::NeedsReconnect(_)) {
            // Nobody expects more of it.
            reading.token = Verdict::RefusedTwice;
            return Ok((reading, grant.permissions));
        }
        let grant = self.grant(connection).await?;
        let mut reading = Box::pin(self.read(connection, &grant)).await?;
        if reading.token == Verdict::Refused {
            self.forget_tokens(connection);
            reading.token = Verdict::RefusedTwice;
        }
        Ok((reading, grant.permissions))
    }

    fn forget_tokens(&self, connection: &Connection) {
        self.microsoft.forget_app_token(connection.tenant);
        self.people_tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(&connection.id);
    }

    async fn grant(&self, connection: &Connection) -> Result<Grant, NoGrant> {
        if connection.phase != Phase::Active || connection.ends_fault {
            // Permissions are baked into tokens, and those may have changed; and what is at hand proves nothing of us.
            self.forget_tokens(connection);
        }
        let grant = match connection.access {
            Access::Application => {
                self.microsoft.forget_app_token_of_before(connection.tenant, good_since(connection));
                let token = match self.microsoft.cached_app_token(connection.tenant).await {
                    Ok(token) => token,
                    Err(error) => return Err(self.no_token(connection, &error).await),
                };
                Grant { token: token.token.clone(), permissions: token.roles.clone() }
            }
            Access::Delegated => {
                let token = self.persons_token(connection).await?;
                Grant { token: token.access_token.clone(), permissions: token.scopes.clone() }
            }
        };
        if connection.ends_fault {
            self.store.platform_fault_over().await?;
            self.work.notify_one();
        }
        if grant.permissions.is_empty() && connection.access == Access::Application {
            self.microsoft.forget_app_token(connection.tenant);
            return Err(NoGrant::Round(Round::NoGrant(ReconnectReason::ConsentRemoved)));
        }
        Ok(grant)
    }

    /// The access token of who connected, kept until shortly before its end. The lease makes it one refresh at a time.
    async fn persons_token(&self, connection: &Connection) -> Result<Arc<Refreshed>, NoGrant> {
        let now = self.clock.now();
        {
            let mut tokens = self.people_tokens.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.retain(|_, (_, token)| now.plus(TOKEN_MARGIN) < token.expires_at);
            // A reconnect that did not work goes back to an older grant.
            let known = tokens.get(&connection.id).filter(|(of, _)| *of == connection.connected_at);
            if let Some((_, token)) = known.filter(|(_, token)| token.issued_at >= good_since(connection)) {
                return Ok(token.clone());
            }
        }
        let sealed = connection.sealed_refresh_token.as_deref().unwrap_or_default();
        let refresh_token = self.vault.open(connection.id.uuid(), sealed).map_err(|error| {
            StoreError::Unexpected(format!("the refresh token of connection {}: {error}", connection.id))
        })?;
        let refreshed = self.microsoft.refresh(connection.tenant, &refresh_token).await;
        metrics::token(refreshed.is_ok());
        let refreshed = match refreshed {
            Ok(refreshed) => Arc::new(refreshed),
            Err(error) => return Err(self.no_token(connection, &error).await),
        };
        // Stored before anything is done with it. Until then the old one is good, also for who comes after a crash.
        if let Some(newer) = &refreshed.refresh_token {
            let sealed = self.vault.seal(connection.id.uuid(), newer);
            self.store.keep_refresh_token(connection, sealed).await?;
        }
        let kept = (connection.connected_at, refreshed.clone());
        self.people_tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(connection.id, kept);
        Ok(refreshed)
    }

    /// What a refusal means to the round. One that is about our own app registration is noted for all.
    async fn no_token(&self, connection: &Connection, error: &MicrosoftError) -> NoGrant {
        let details = error.details();
        tracing::info!(details, "no token");
        let Some(fault) = error.platform_fault() else { return NoGrant::Round(error.as_round()) };
        match self.store.platform_fault_seen(Some(connection.tenant), fault, &details).await {
            Ok(true) => NoGrant::Round(Round::AppRegistration),
            Ok(false) => NoGrant::Round(Round::Unavailable { retry_after: None }),
            Err(error) => NoGrant::Store(error),
        }
    }

    /// Reads the data sets of this round that are to be asked for now; each fails by itself.
    async fn read(&self, connection: &Connection, grant: &Grant) -> Result<Reading, StoreError> {
        let graph = self.microsoft.graph(grant.token.clone());
        let mut reading = Reading::of(connection.phase);
        let settling = connection.phase == Phase::Verifying
            && self.clock.now().since(connection.connected_at) < CONSENT_SETTLES_WITHIN;
        let permitted = |data_set: DataSet| {
            data_set.permissions(connection.access).iter().any(|wanted| grant.permissions.contains(*wanted))
        };
        if settling && !DataSet::ALL.into_iter().all(permitted) {
            return Ok(Reading { not_yet: true, ..reading });
        }
        let DataSets { states: sets, users } = self.store.data_sets(connection).await?;
        if connection.probe_until.is_some() && connection.phase == Phase::Active {
            return self.probe(connection, &sets, &graph).await;
        }
        let now = self.clock.now();
        let is_wanted = |data_set: &DataSet| {
            let at = sets.get(data_set).and_then(|set| set.standing.wanted_at(connection.round));
            at.is_some_and(|at| at <= now)
        };
        let mut wanted: BTreeSet<DataSet> = DataSet::ALL.into_iter().filter(is_wanted).collect();
        let with_users = wanted.remove(&DataSet::Users);
        let together = Wanted {
            organisation: wanted.contains(&DataSet::Organisation),
            licences: wanted.contains(&DataSet::Licences),
            domains: wanted.contains(&DataSet::Domains),
            score_days: wanted
                .contains(&DataSet::SecureScore)
                .then(|| secure_score::days(sets.get(&DataSet::SecureScore).and_then(|set| set.source_date), now)),
        };
        let (verifying, doubtful) = (connection.phase == Phase::Verifying, connection.phase != Phase::Active);
        if doubtful {
            // The organisation tells whether the grant is in effect at Graph too.
            if verifying && !together.organisation {
                return Ok(reading);
            }
            let data = graph.tenant_data(together).await;
            let no_effect =
                matches!(data.organisation, Some(Err(GraphError::PermissionMissing(_) | GraphError::Unauthorized(_))));
            if settling && no_effect {
                return Ok(Reading { not_yet: true, ..reading });
            }
            if verifying && matches!(data.organisation, Some(Ok(_))) {
                self.store.verified(connection).await?;
                reading.phase = Phase::Active;
            }
            self.keep(connection, &sets, data, &mut reading).await?;
            // A token that is refused is not tried twice.
            if with_users && reading.token == Verdict::Taken {
                let read = users::read(&self.store, connection, &graph, users).await;
                self.keep_users(connection, &sets, read, &mut reading).await?;
            }
        } else {
            let read_users = async {
                if with_users { Some(users::read(&self.store, connection, &graph, users).await) } else { None }
            };
            let read_others = async {
                let mut reading = Reading::of(connection.phase);
                if !wanted.is_empty() {
                    let data = graph.tenant_data(together).await;
                    self.keep(connection, &sets, data, &mut reading).await?;
                }
                Ok::<_, StoreError>(reading)
            };
            let (read, others) = tokio::join!(read_users, read_others);
            reading = others?;
            if let Some(read) = read {
                self.keep_users(connection, &sets, read, &mut reading).await?;
            }
        }
        Ok(reading)
    }

    /// Stores what was read at once, and what could not be.
    async fn keep(
        &self,
        connection: &Connection,
        sets: &BTreeMap<DataSet, SetState>,
        data: TenantData,
        reading: &mut Reading,
    ) -> Result<(), StoreError> {
        let mut failed = Vec::new();
        let mut take = |data_set, error| self.failure(connection, sets, data_set, &error, reading, &mut failed);
        let findings = Findings {
            organisation: sort(data.organisation, DataSet::Organisation, &mut take),
            licences: sort(data.licences, DataSet::Licences, &mut take).map(|licences| {
                let in_use = licences::in_use(&licences);
                (licences, in_use)
            }),
            domains: sort(data.domains, DataSet::Domains, &mut take),
            secure_score: sort(data.secure_score, DataSet::SecureScore, &mut take),
            failed: Vec::new(),
        };
        for (data_set, read) in [
            (DataSet::Organisation, findings.organisation.is_some()),
            (DataSet::Licences, findings.licences.is_some()),
            (DataSet::Domains, findings.domains.is_some()),
            (DataSet::SecureScore, findings.secure_score.is_some()),
        ] {
            if read {
                reading.asked += 1;
                metrics::data_set(data_set, None);
            }
        }
        self.store.put_findings(connection, &Findings { failed, ..findings }).await
    }

    async fn keep_users(
        &self,
        connection: &Connection,
        sets: &BTreeMap<DataSet, SetState>,
        read: Result<(), ReadError>,
        reading: &mut Reading,
    ) -> Result<(), StoreError> {
        let error = match read {
            Ok(()) => {
                reading.asked += 1;
                metrics::data_set(DataSet::Users, None);
                return Ok(());
            }
            Err(ReadError::Store(error)) => return Err(error),
            Err(ReadError::Graph(error)) => error,
        };
        let mut failed = Vec::new();
        self.failure(connection, sets, DataSet::Users, &error, reading, &mut failed);
        self.store.put_findings(connection, &Findings { failed, ..Findings::default() }).await
    }

    /// What is kept of a failure, and when the data set is asked for again.
    fn failure(
        &self,
        connection: &Connection,
        sets: &BTreeMap<DataSet, SetState>,
        data_set: DataSet,
        error: &GraphError,
        reading: &mut Reading,
        failed: &mut Vec<(DataSet, Failure)>,
    ) {
        tracing::info!(data_set = data_set.key(), %error, "a data set could not be read");
        reading.asked += 1;
        if matches!(error, GraphError::Unauthorized(_)) {
            // It says nothing about the data set, and is dealt with for all of them.
            reading.token = Verdict::Refused;
            return;
        }
        // A delta link that is refused where there is none is out of order.
        let problem = probe::named(connection, data_set, error.problem().unwrap_or(Problem::Temporary));
        metrics::data_set(data_set, Some(problem));
        let passes = matches!(problem, Problem::Temporary | Problem::Unreadable);
        let tries = sets.get(&data_set).map_or(0, |set| set.tries).saturating_add(1);
        let retry_at =
            passes.then(|| after_failure(tries, error.retry_after(), self.clock.now(), &self.pace(connection.company)));
        failed.push((data_set, Failure { problem, retry_at, tries: if passes { tries } else { 0 } }));
        reading.problems.push(problem);
    }
}

/// What was read, if it was; what failed is handed to `failed`.
fn sort<T>(
    read: Option<Result<T, GraphError>>,
    data_set: DataSet,
    failed: &mut impl FnMut(DataSet, GraphError),
) -> Option<T> {
    match read? {
        Ok(read) => Some(read),
        Err(error) => {
            failed(data_set, error);
            None
        }
    }
}

/// Ends what time ends: attempts past their deadline, and those that an interrupted server left behind.
pub async fn sweep(store: Store, every: Duration, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut tidy = tokio::time::interval(TIDY_EVERY);
    let mut retreat = Retreat::default();
    let sweeping = async {
        loop {
            let swept = tokio::select! {
                _ = look.tick() => store.unless_away(sweep_up(&store)).await,
                _ = tidy.tick() => store.unless_away(tidy_up(&store, every)).await,
            };
            match swept {
                Ok(()) => retreat.forget(),
                Err(error) => {
                    tracing::error!(%error, "what is over can't be swept");
                    retreat.wait(store.presence()).await;
                }
            }
        }
    };
    Box::pin(stop.run_until_cancelled(sweeping)).await;
}

/// Brings back what this machine's clock left in the future, as soon as it is right again.
pub async fn watch_clock(store: Store, every: Duration, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut retreat = Retreat::default();
    let mut clock = ClockWatch::begin(store.now());
    let mut jumped = false;
    let watching = async {
        loop {
            look.tick().await;
            if let Some(seconds) = clock.jump(store.now()) {
                tracing::warn!(seconds, "the machine's clock was changed, or it slept");
                jumped = true;
            }
            if !jumped {
                continue;
            }
            match store.unless_away(bring_back(&store, every)).await {
                Ok(()) => {
                    jumped = false;
                    retreat.forget();
                }
                Err(error) => {
                    tracing::error!(%error, "what lies too far ahead can't be brought back");
                    retreat.wait(store.presence()).await;
                }
            }
        }
    };
    stop.run_until_cancelled(watching).await;
}

/// Notices when the clock of the machine goes another way than time does.
struct ClockWatch {
    at: Instant,
    said: Timestamp,
}

impl ClockWatch {
    fn begin(now: Timestamp) -> Self {
        Self { at: Instant::now(), said: now }
    }

    /// By how many seconds the clock went ahead or back since it was looked at last, if that is more than clocks are set by.
    fn jump(&mut self, now: Timestamp) -> Option<i64> {
        let passed = i64::try_from(self.at.elapsed().as_millis()).unwrap_or(i64::MAX);
        let jump = (now.as_millis() - self.said.as_millis() - passed) / 1_000;
        *self = Self::begin(now);
        (jump.unsigned_abs() > JUMP.as_secs()).then_some(jump)
    }
}

/// Tells the rows whose attempt or link ran out of time.
async fn sweep_up(store: &Store) -> Result<(), StoreError> {
    store.sweep_attempts().await?;
    store.sweep_links().await
}

/// Brings back what a clock that was ahead left in the future.
async fn bring_back(store: &Store, every: Duration) -> Result<(), StoreError> {
    let brought_back = store.bring_back(every.max(LONGEST_WAIT) * 3 / 2).await?;
    if brought_back > 0 {
        tracing::warn!(times = brought_back, "times that lie too far ahead were brought back: a clock was wrong");
    }
    Ok(())
}

/// Forgets what nobody needs any more.
async fn tidy_up(store: &Store, every: Duration) -> Result<(), StoreError> {
    bring_back(store, every).await?;
    store.forget_old_attempts().await?;
    store.forget_old_campaigns().await?;
    store.forget_old_links().await?;
    store.forget_old_sessions().await?;
    store.forget_old_api_tokens().await?;
    store.forget_old_api_answers().await?;
    store.forget_old_invitations().await?;
    store.forget_old_tries().await?;
    store.forget_old_refusals().await?;
    store.forget_old_notices().await?;
    store.forget_old_deliveries().await?;
    store.forget_old_mails().await
}
