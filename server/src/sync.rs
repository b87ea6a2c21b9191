//! The worker: takes the connections that are due, reads their tenants, and says what came of it.

use std::{collections::BTreeSet, num::NonZeroUsize, sync::Arc, time::Duration};

use app::domain::{
    Access, DataSet, Phase, Problem, ReconnectReason,
    schedule::{CONSENT_SETTLES_WITHIN, Round, after_round, jitter},
};
use secrecy::SecretString;
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{
    clock::Clock,
    microsoft::{Graph, GraphError, Microsoft, MicrosoftError},
    store::{
        Store, StoreError,
        connections::{Connection, Settled},
        tenant_data::LEASE,
    },
    vault::Vault,
};

mod domains;
mod licences;
mod organisation;
mod secure_score;
mod users;

/// How often the worker looks for what is due, when nobody wakes it.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How often old attempts are forgotten.
const TIDY_EVERY: Duration = Duration::from_hours(1);

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
    concurrency: NonZeroUsize,
    work: Arc<Notify>,
}

/// How reading a data set can fail.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Graph(#[from] GraphError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

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

impl From<MicrosoftError> for NoGrant {
    fn from(error: MicrosoftError) -> Self {
        tracing::info!(details = error.details(), "no token");
        Self::Round(error.as_round())
    }
}

impl From<StoreError> for NoGrant {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Worker {
    /// A worker that reads every company `every` so often, and `concurrency` of them at once.
    pub fn new(
        store: Store,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
        microsoft: Microsoft,
        every: Duration,
        concurrency: NonZeroUsize,
        work: Arc<Notify>,
    ) -> Self {
        Self { inner: Arc::new(Inner { store, vault, clock, microsoft, every, concurrency, work }) }
    }

    /// Works until `stop`. What is being read then is read again by whoever starts next.
    pub async fn run(self, stop: CancellationToken) {
        let mut rounds = JoinSet::new();
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = look.tick() => {}
                () = self.inner.work.notified() => {}
                Some(_) = rounds.join_next() => {}
            }
            while rounds.try_join_next().is_some() {}
            let free = self.inner.concurrency.get().saturating_sub(rounds.len());
            match self.claim(free).await {
                Ok(claimed) => {
                    for connection in claimed {
                        rounds.spawn(self.clone().round(connection));
                    }
                }
                Err(error) => tracing::error!(%error, "the worker can't look for what is due"),
            }
        }
        rounds.shutdown().await;
    }

    async fn claim(&self, free: usize) -> Result<Vec<Connection>, StoreError> {
        if free == 0 {
            return Ok(Vec::new());
        }
        self.inner.store.claim_due(free as u64, LEASE).await
    }

    /// One round of one connection.
    async fn round(self, connection: Connection) {
        let span = tracing::info_span!("round", company = %connection.company, tenant = %connection.tenant);
        async {
            match self.inner.read_and_settle(&connection).await {
                Ok(()) => {}
                Err(StoreError::TakenOver) => tracing::info!("the connection was taken over; nothing more is written"),
                // The lease ends, and the round is repeated.
                Err(error) => tracing::error!(%error, "a round could not be stored"),
            }
        }
        .instrument(span)
        .await;
    }
}

impl Inner {
    async fn read_and_settle(&self, connection: &Connection) -> Result<(), StoreError> {
        let (phase, round, granted) = match self.grant(connection).await {
            Ok(grant) => {
                // Boxed: it holds the pages of five data sets.
                let (phase, round) = Box::pin(self.read(connection, &grant)).await?;
                (phase, round, Some(grant.permissions))
            }
            Err(NoGrant::Round(round)) => (connection.phase, round, None),
            Err(NoGrant::Store(error)) => return Err(error),
        };
        let now = self.clock.now();
        let next = after_round(phase, connection.connected_at, connection.tries, &round, now, self.every);
        // A person waits for the first answer; later ones are spread.
        let after = if next.phase == Phase::Verifying { next.after } else { jitter(next.after, rand::random()) };
        tracing::info!(?round, phase = ?next.phase, next_in_secs = after.as_secs(), "a round ended");
        let settled = Settled { phase: next.phase, due: now.plus(after), tries: next.tries, granted };
        self.store.settle_round(connection, &settled).await
    }

    /// A new token: permissions are baked into tokens, and those may have changed.
    async fn grant(&self, connection: &Connection) -> Result<Grant, NoGrant> {
        match connection.access {
            Access::Application => {
                let token = self.microsoft.app_token(connection.tenant).await?;
                if token.roles.is_empty() {
                    return Err(NoGrant::Round(Round::NoGrant(ReconnectReason::ConsentRemoved)));
                }
                Ok(Grant { token: token.token, permissions: token.roles })
            }
            Access::Delegated => {
                let sealed = connection.sealed_refresh_token.as_deref().unwrap_or_default();
                let refresh_token = self.vault.open(connection.id.uuid(), sealed).map_err(|error| {
                    StoreError::Unexpected(format!("the refresh token of connection {}: {error}", connection.id))
                })?;
                let refreshed = self.microsoft.refresh(connection.tenant, &refresh_token).await?;
                if let Some(newer) = refreshed.refresh_token {
                    let sealed = self.vault.seal(connection.id.uuid(), &newer);
                    self.store.keep_refresh_token(connection, sealed).await?;
                }
                Ok(Grant { token: refreshed.access_token, permissions: refreshed.scopes })
            }
        }
    }

    /// Reads every data set; each fails by itself. Answers where the connection stands meanwhile, and what it came to.
    async fn read(&self, connection: &Connection, grant: &Grant) -> Result<(Phase, Round), StoreError> {
        let graph = self.microsoft.graph(grant.token.clone());
        let settling = connection.phase == Phase::Verifying
            && self.clock.now().since(connection.connected_at) < CONSENT_SETTLES_WITHIN;
        let permitted = |data_set: DataSet| {
            data_set.permissions(connection.access).iter().any(|wanted| grant.permissions.contains(*wanted))
        };
        if settling && !DataSet::ALL.into_iter().all(permitted) {
            return Ok((connection.phase, not_yet()));
        }
        // The organisation tells whether the grant is in effect at Graph too, at the cost of one request.
        let organisation = organisation::read(&self.store, connection, &graph).await;
        if settling
            && matches!(
                organisation,
                Err(ReadError::Graph(GraphError::PermissionMissing(_) | GraphError::Unauthorized(_)))
            )
        {
            return Ok((connection.phase, not_yet()));
        }
        let mut phase = connection.phase;
        if phase == Phase::Verifying && organisation.is_ok() {
            self.store.verified(connection).await?;
            phase = Phase::Active;
        }
        let (licences, domains, secure_score, users) = tokio::join!(
            licences::read(&self.store, connection, &graph),
            domains::read(&self.store, connection, &graph),
            secure_score::read(&self.store, connection, &graph),
            users::read(&self.store, connection, &graph),
        );
        let mut problems = Vec::new();
        let mut refused = false;
        let mut wait = None;
        for (data_set, outcome) in [
            (DataSet::Organisation, organisation),
            (DataSet::Licences, licences),
            (DataSet::Domains, domains),
            (DataSet::SecureScore, secure_score),
            (DataSet::Users, users),
        ] {
            let error = match outcome {
                Ok(()) => continue,
                Err(ReadError::Store(error)) => return Err(error),
                Err(ReadError::Graph(error)) => error,
            };
            tracing::info!(data_set = data_set.key(), %error, "a data set could not be read");
            refused |= matches!(error, GraphError::Unauthorized(_));
            wait = wait.max(error.retry_after());
            // A token that is refused, and a delta link that is refused twice, are tried again with new ones.
            let problem = error.problem().unwrap_or(Problem::Temporary);
            self.store.put_problem(connection, data_set, problem).await?;
            problems.push(problem);
        }
        if refused && connection.tries > 0 {
            return Ok((phase, Round::NoGrant(ReconnectReason::Refused)));
        }
        if problems.len() == DataSet::ALL.len() && problems.iter().all(|problem| *problem == Problem::Temporary) {
            return Ok((phase, Round::Unavailable { retry_after: wait }));
        }
        Ok((phase, Round::Read { problems, retry_after: wait }))
    }
}

/// The grant is not in effect yet.
fn not_yet() -> Round {
    Round::Read { problems: vec![Problem::PermissionMissing], retry_after: None }
}

/// Ends what time ends: attempts past their deadline, and those that an interrupted server left behind.
pub async fn sweep(store: Store, stop: CancellationToken) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut tidy = tokio::time::interval(TIDY_EVERY);
    loop {
        let swept = tokio::select! {
            () = stop.cancelled() => return,
            _ = look.tick() => sweep_up(&store).await,
            _ = tidy.tick() => tidy_up(&store).await,
        };
        if let Err(error) = swept {
            tracing::error!(%error, "what is over can't be swept");
        }
    }
}

/// Tells the rows whose attempt or link ran out of time.
async fn sweep_up(store: &Store) -> Result<(), StoreError> {
    store.sweep_attempts().await?;
    store.sweep_links().await
}

/// Forgets what nobody needs any more.
async fn tidy_up(store: &Store) -> Result<(), StoreError> {
    store.forget_old_attempts().await?;
    store.forget_old_links().await?;
    store.forget_old_sessions().await?;
    store.forget_old_invitations().await?;
    store.forget_old_tries().await?;
    store.forget_old_refusals().await
}
