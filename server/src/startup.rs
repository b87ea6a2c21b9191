//! From settings to a server that listens. Used by the program and by the tests.

use std::{fs, io, net::SocketAddr, sync::Arc, time::Duration};

use app::api::{companies::Setup, sessions::SignInOptions};
use thiserror::Error;
use tokio::{net::TcpListener, sync::Notify, task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::{
    accounts::join_url,
    clock::Clock,
    companies::Companies,
    config::{Config, Network},
    connect::Connect,
    disconnections::Looks,
    http::{
        Answers, AppState, Parts, Rates, Site, SiteError, serve,
        v1::{Api, KeptPages, Lookups},
    },
    key_rotation::secrets_of_unknown_keys,
    links::LinkMaker,
    live_rows::LiveRows,
    mail::Mailer,
    metrics,
    microsoft::Microsoft,
    notices::Notifier,
    notifications::Telling,
    passwords::Passwords,
    places::Places,
    platform::Platform,
    products,
    rate::{Rate, RequestRate, TokenRate},
    sessions::{SignIn, Token},
    staff::Staff,
    store::{Store, StoreError, Trouble},
    sync::{Worker, sweep, watch_clock},
    tenant_data::TenantData,
    vault::{KeyFileError, Vault},
    webhooks::WebhookSender,
};

/// How long requests may take to end when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// How many event streams an account has at once: so many pages nobody looks at. Further pages ask every few seconds.
const STREAMS_OF_ONE: usize = 64;

/// How long the database may take to let go of its connections when the server stops. One that does not answer is left.
const CLOSES_WITHIN: Duration = Duration::from_secs(3);

/// What to do when secrets were sealed with a key that is not there.
pub const UNKNOWN_KEY: &str = "secrets in the database were sealed with a key that is not in the key file. Put that key \
                               back as a further line. If it is lost: delegated connections are to be reconnected, live \
                               links and the secrets of webhooks to be made anew.";

/// Why the server does not start, or stopped.
#[derive(Debug, Error)]
pub enum StartupError {
    /// The data directory can't be made.
    #[error("the data directory {path} can't be made: {source}")]
    DataDir {
        /// Which directory.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The key file can't be used.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database is there, or should be, and can't be used.
    #[error("{} ({source})", .trouble.say_at_start())]
    Database {
        /// What is wrong with it.
        trouble: Trouble,
        /// What it said.
        source: StoreError,
    },
    /// The client for Microsoft can't be made.
    #[error("the client for Microsoft can't be made: {0}")]
    Client(#[from] reqwest::Error),
    /// The mail server can't be used.
    #[error("the mail server can't be used: {0}")]
    Mail(#[from] lettre::transport::smtp::Error),
    /// The web app can't be served.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// Nothing can be read without an app registration.
    #[error("there is nothing to do: no app registration is configured, see TENANTRY_M365_CLIENT_ID")]
    NoAppRegistration,
    /// Something that works in the background ended in a panic.
    #[error("a part of the server failed; its log says why. Start it again")]
    PartFailed,
    /// The address is taken or can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A server that is about to serve.
pub struct Application {
    listener: TcpListener,
    answers: Answers,
    proxies: Arc<[Network]>,
    store: Store,
    worker: Option<(Worker, Looks)>,
    notifier: Notifier,
    sync_every: Duration,
    public_url: Url,
    stop: CancellationToken,
}

/// Opens the database that the settings name, and makes the data directory if need be.
pub async fn open_store(config: &Config, clock: Arc<dyn Clock>) -> Result<Store, StartupError> {
    let data_dir_error = |source| StartupError::DataDir { path: config.data_dir.display().to_string(), source };
    fs::create_dir_all(&config.data_dir).map_err(data_dir_error)?;
    Store::open(config.database_url.expose(), clock).await.map_err(|source| match source.trouble() {
        Some(trouble) => StartupError::Database { trouble, source },
        None => source.into(),
    })
}

/// Reads the key file, or makes it for a database without secrets. Says in the log how many secrets there are that none of
/// its keys opens.
pub async fn open_vault(config: &Config, store: &Store) -> Result<Vault, StartupError> {
    let path = &config.secret_key_file;
    let sealed_by = store.sealing_keys().await?;
    let vault = match Vault::read(path) {
        Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            if !sealed_by.is_empty() {
                return Err(KeyFileError::Lost { path: path.clone() }.into());
            }
            Vault::open_or_create(path)?
        }
        read => read?,
    };
    let lost = secrets_of_unknown_keys(&vault, &sealed_by);
    if lost > 0 {
        let file = path.display();
        tracing::error!(secrets = lost, %file, "{UNKNOWN_KEY}");
    }
    Ok(vault)
}

/// The client for Microsoft, if an app registration is configured.
pub fn microsoft(config: &Config, clock: Arc<dyn Clock>) -> Result<Option<Microsoft>, StartupError> {
    let client = config.m365.as_ref().map(|m365| Microsoft::new(m365.hosts.clone(), m365.app.clone(), clock));
    Ok(client.transpose()?)
}

/// Who sends mail, if a mail server is configured.
pub fn mailer(config: &Config) -> Result<Option<Mailer>, StartupError> {
    let hello = config.public_url.join("/").host_str().unwrap_or("localhost").to_owned();
    let mailer = config.mail.as_ref().map(|mail| Mailer::new(&mail.server, mail.from.clone(), &hello));
    Ok(mailer.transpose()?)
}

/// Reads tenants without serving anything, until `stopped`.
pub async fn run_worker(
    config: &Config,
    clock: Arc<dyn Clock>,
    stopped: impl Future<Output = ()> + Send,
) -> Result<(), StartupError> {
    let microsoft = microsoft(config, clock.clone())?.ok_or(StartupError::NoAppRegistration)?;
    let store = open_store(config, clock.clone()).await?;
    let vault = Arc::new(open_vault(config, &store).await?);
    // Nobody wakes it: a Sync now is seen at the next look.
    let work = Arc::new(Notify::new());
    let looks = Looks::new(store.clone(), Some(microsoft.clone()));
    let worker = Worker::new(store.clone(), vault, clock, microsoft, &config.sync, work);
    let stop = CancellationToken::new();
    let mut parts = JoinSet::new();
    parts.spawn(looks.run(stop.clone()));
    parts.spawn(worker.run(stop.clone()));
    parts.spawn(watch_clock(store.clone(), config.sync.every, stop.clone()));
    let (watching, until) = (store.clone(), stop.clone());
    parts.spawn(async move { watching.watch(until).await });
    let ended = stopped_or_broken(&mut parts, stopped).await;
    stop.cancel();
    let_end(&mut parts, Instant::now() + GRACE).await;
    close(store).await?;
    ended
}

impl Application {
    /// Opens the database, reads the keys, and takes the address.
    pub async fn build(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, StartupError> {
        metrics::install();
        let store = open_store(config, clock.clone()).await?;
        store.put_product_names(&products::names()).await?;
        let vault = Arc::new(open_vault(config, &store).await?);
        let microsoft = microsoft(config, clock.clone())?;
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|source| StartupError::Listen { address: config.listen, source })?;

        let stop = CancellationToken::new();
        let work = Arc::new(Notify::new());
        let access = config.m365.as_ref().map(|m365| m365.access).unwrap_or_default();
        let setup = if microsoft.is_some() { Setup::Ready } else { Setup::AppRegistrationMissing };
        let worker = microsoft.clone().filter(|_| config.sync.in_server).map(|microsoft| {
            let (store, vault, clock, work) = (store.clone(), vault.clone(), clock.clone(), work.clone());
            Worker::new(store, vault, clock, microsoft, &config.sync, work)
        });
        let looks = Looks::new(store.clone(), microsoft.clone());
        let staff = microsoft
            .clone()
            .zip(config.staff.clone())
            .map(|(microsoft, rules)| Staff::new(store.clone(), vault.clone(), clock.clone(), microsoft, rules));
        let sign_in = SignIn {
            store: store.clone(),
            clock: clock.clone(),
            passwords: Passwords::default(),
            options: SignInOptions { msp: config.msp.name.clone(), microsoft: staff.is_some() },
        };
        let public_url = config.public_url.join("/");
        let links = Arc::new(LinkMaker {
            store: store.clone(),
            vault: vault.clone(),
            clock: clock.clone(),
            public_url: public_url.clone(),
            msp: config.msp.name.clone(),
            lives: Duration::from_hours(24 * u64::from(config.link_days)),
            configured: microsoft.is_some(),
        });
        let platform = Platform::new(store.clone(), microsoft.clone());
        let webhooks = WebhookSender::new(vault.clone(), clock.clone(), config.webhook_private_addresses)?;
        let mailer = mailer(config)?;
        let tell = Arc::new(Notify::new());
        let telling = Telling {
            webhooks: webhooks.clone(),
            mailer: mailer.clone(),
            public_url: public_url.clone(),
            wake: tell.clone(),
        };
        let notifier = Notifier::new(links.clone(), webhooks, mailer, microsoft.clone(), tell);
        let state = AppState::from(Parts {
            telling: Arc::new(telling),
            links,
            api: Arc::new(Api {
                tokens: TokenRate::new(clock.clone(), config.api_requests),
                strangers: Rate::new(clock.clone()),
                vault: vault.clone(),
                lookups: Lookups::default(),
                pages: KeptPages::default(),
            }),
            link_rate: Arc::new(Rate::new(clock.clone())),
            rates: Arc::new(Rates {
                addresses: RequestRate::new(clock.clone(), config.address_requests),
                accounts: RequestRate::new(clock.clone(), config.account_requests),
            }),
            msp: Arc::new(config.msp.clone()),
            connect: Connect::new(store.clone(), vault, clock.clone(), microsoft, access, work.clone()),
            live_rows: LiveRows::follow(store.clone(), clock.clone(), platform.clone(), stop.clone()),
            tenant_data: Arc::new(TenantData::new(store.clone(), clock.clone(), config.sync.every)),
            companies: Arc::new(Companies::new(store.clone(), clock, setup, platform)),
            looks: looks.clone(),
            work,
            sign_in: Arc::new(sign_in),
            staff,
            streams: Arc::new(Places::new(STREAMS_OF_ONE)),
            trusted_proxies: config.trusted_proxies.clone().into(),
            site: Arc::new(Site::open(config.site_dir.as_deref())?),
            public_url: public_url.clone(),
            store: store.clone(),
            stop: stop.clone(),
        });
        let worker = worker.map(|worker| (worker, looks));
        let proxies = Arc::clone(&state.trusted_proxies);
        let sync_every = config.sync.every;
        Ok(Self {
            listener,
            answers: Answers::new(state),
            proxies,
            store,
            worker,
            notifier,
            sync_every,
            public_url,
            stop,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// The one-time link that makes the first owner. None once there is an account; a new one kills the one before.
    pub async fn setup_link(&self) -> Result<Option<Url>, StartupError> {
        if self.store.has_accounts().await? {
            return Ok(None);
        }
        let token = Token::random();
        let made = self.store.make_setup_link(token.hash()).await?;
        Ok(made.then(|| join_url(&self.public_url, &token)))
    }

    /// Serves and works until `stopped`, then lets requests end.
    pub async fn run_until(self, stopped: impl Future<Output = ()> + Send) -> Result<(), StartupError> {
        let Self { listener, answers, proxies, store, worker, notifier, sync_every, stop, .. } = self;
        let mut background = JoinSet::new();
        if let Some((worker, looks)) = worker {
            background.spawn(worker.run(stop.clone()));
            background.spawn(looks.run(stop.clone()));
        }
        background.spawn(notifier.run(stop.clone()));
        background.spawn(sweep(store.clone(), sync_every, stop.clone()));
        background.spawn(watch_clock(store.clone(), sync_every, stop.clone()));
        let watching = store.clone();
        let until = stop.clone();
        background.spawn(async move { watching.watch(until).await });
        background.spawn(metrics::tidy(stop.clone()));

        let serving = tokio::spawn(serve(listener, answers, proxies, stop.clone(), GRACE));
        let ended = stopped_or_broken(&mut background, stopped).await;
        stop.cancel();
        let until = Instant::now() + GRACE;
        drop(serving.await);
        let_end(&mut background, until).await;
        close(store).await?;
        ended
    }
}

/// Waits until it is to stop, or one of its parts has failed.
async fn stopped_or_broken(
    parts: &mut JoinSet<()>,
    stopped: impl Future<Output = ()> + Send,
) -> Result<(), StartupError> {
    tokio::select! {
        () = stopped => Ok(()),
        () = broken(parts) => Err(StartupError::PartFailed),
    }
}

/// Lets parts end that were told to, but not for ever.
async fn let_end(parts: &mut JoinSet<()>, until: Instant) {
    let all = async { while parts.join_next().await.is_some() {} };
    if tokio::time::timeout_at(until, all).await.is_err() {
        tracing::warn!("what was under way is broken off; it goes on when its leases end");
    }
}

/// Ends when one of these ends in a panic: half a server looks well and does nothing. Whoever watches over it starts another.
async fn broken(parts: &mut JoinSet<()>) {
    while let Some(ended) = parts.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a part of the server failed, and it stops");
            return;
        }
    }
    std::future::pending::<()>().await;
}

/// Closes the database, or leaves one that does not answer.
async fn close(store: Store) -> Result<(), StartupError> {
    if let Ok(closed) = tokio::time::timeout(CLOSES_WITHIN, store.close()).await {
        return Ok(closed?);
    }
    tracing::warn!("the database does not answer, and is left as it is");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_panics_is_noticed_and_one_that_ends_is_not() {
        let mut parts = JoinSet::new();
        parts.spawn(async {});
        let at_once = Duration::from_millis(50);
        assert!(tokio::time::timeout(at_once, broken(&mut parts)).await.is_err());
        parts.spawn(async { panic!("as in a bug") });
        broken(&mut parts).await;
    }

    #[tokio::test]
    async fn a_part_that_fails_stops_the_rest_which_is_not_waited_for_for_ever() {
        let mut parts = JoinSet::new();
        assert!(stopped_or_broken(&mut parts, async {}).await.is_ok());
        parts.spawn(std::future::pending());
        parts.spawn(async { panic!("as in a bug") });
        let ended = stopped_or_broken(&mut parts, std::future::pending()).await;
        assert!(matches!(ended, Err(StartupError::PartFailed)));
        let_end(&mut parts, Instant::now()).await;
        assert_eq!(parts.len(), 1);
    }
}
