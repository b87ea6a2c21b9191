//! The program `tenantry`: which command, and how it ends.

use std::{
    fs::File,
    io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use app::domain::{
    CompanyField, Email, Role,
    company_import::{Counts, MAX_BYTES, Planned, Verdict, plan},
};
use clap::{Args, Parser, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use server::{
    check::{self, Outcome},
    clock::{Clock, SystemClock},
    config::Config,
    import::{CompanyFile, FileError, InOneLine, Mapping},
    key_rotation::seal_with_newest,
    microsoft,
    otlp::Traces,
    passwords::{self, Passwords},
    sessions::person_name,
    startup::{self, Application, UNKNOWN_KEY},
    store::{
        accounts::{Added, NewAccount},
        activity::Actor,
        company_records::Import,
    },
};
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Connects an MSP's client companies to their Microsoft 365 tenants.
///
/// Settings come from the environment (TENANTRY_…) and from the file that --config names.
#[derive(Parser)]
#[command(name = "tenantry", version)]
struct Cli {
    /// A TOML file with settings. The environment wins over it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the web app and sync tenants (the default).
    Serve,
    /// Sync tenants and serve nothing, beside servers with `sync_in_server = false`, or in addition to them.
    Worker,
    /// Say whether this configuration is able to connect a tenant, and what to mend.
    Check(Check),
    /// Work with companies.
    #[command(subcommand)]
    Companies(CompaniesCommand),
    /// Work with accounts.
    #[command(subcommand)]
    Accounts(AccountsCommand),
    /// Work with the keys that secrets in the database are sealed with.
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Put a new key into the key file, and seal everything with it. Servers may run meanwhile, and use it at once.
    ///
    /// The keys before it stay in the file, for they open the backups that were made before. If this is cut off, nothing
    /// is lost: repeat it.
    Rotate(RotateKeys),
    /// Take all keys but the newest out of the key file. Backups that were sealed with them can't be used any more then.
    ForgetOlder,
}

#[derive(Args)]
struct RotateKeys {
    /// Seal everything with the first key of the file as it is: for a file that something else writes.
    #[arg(long)]
    no_new_key: bool,
}

#[derive(Args)]
struct Check {
    /// A tenant, by domain or id, to try the credential at. One that is connected is used if none is named.
    #[arg(long, value_name = "DOMAIN")]
    tenant: Option<check::TenantName>,
}

#[derive(Subcommand)]
enum CompaniesCommand {
    /// Add companies from a CSV file or an Excel workbook, or update them.
    ///
    /// Its columns are known by their names: name, domain, `external_id`, contact, email, note, tags, and what other
    /// programs call them. Only the name is needed. A company is found again by its external id, else by its domain,
    /// else by its name. If a row is wrong, nothing is written.
    Import(ImportCompanies),
}

#[derive(Args)]
struct ImportCompanies {
    /// The file.
    file: PathBuf,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Which column is a field, such as `name=Client`, if its name does not tell. May be given several times.
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = column)]
    column: Vec<(CompanyField, String)>,
}

fn column(text: &str) -> Result<(CompanyField, String), String> {
    let keys = || CompanyField::ALL.map(CompanyField::key).join(", ");
    text.split_once('=')
        .and_then(|(key, header)| Some((CompanyField::from_key(key.trim())?, header.to_owned())))
        .ok_or_else(|| format!("it is FIELD=COLUMN, with one of the fields {}", keys()))
}

#[derive(Subcommand)]
enum AccountsCommand {
    /// Add an account. Asks for its password.
    Add(AddAccount),
}

#[derive(Args)]
struct AddAccount {
    /// Their e-mail address.
    #[arg(long, value_parser = Email::parse)]
    email: Email,
    /// What they may do: viewer, technician, settings or owner.
    #[arg(long, value_parser = role)]
    role: Role,
    /// Their name. What stands before the @ if none is given.
    #[arg(long, value_parser = person_name)]
    name: Option<String>,
    /// Read the password, one line, from standard input.
    #[arg(long)]
    password_stdin: bool,
}

fn role(text: &str) -> Result<Role, &'static str> {
    Role::from_key(text).ok_or("a role is viewer, technician, settings or owner")
}

/// How long after a new key a server may store what it sealed with an older one: as long as a request may take, and some.
const SERVERS_SEAL_FOR: Duration = Duration::from_mins(2);

const FAILED: u8 = 1;
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let config = match Config::load(cli.config.as_deref(), std::env::vars_os()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("tenantry: {error}");
            return ExitCode::from(USAGE);
        }
    };
    let command = cli.command.unwrap_or(Command::Serve);
    microsoft::install_crypto();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("tenantry: {error}");
            return ExitCode::from(FAILED);
        }
    };
    let is_server = matches!(command, Command::Serve | Command::Worker);
    let collector = config.otlp_endpoint.as_ref().filter(|_| is_server);
    let traces = match collector.map(|collector| Traces::start(collector, runtime.handle().clone())).transpose() {
        Ok(traces) => traces,
        Err(error) => {
            eprintln!("tenantry: {error}");
            return ExitCode::from(FAILED);
        }
    };
    log(&config, is_server, traces.as_ref());
    let done = runtime.block_on(async {
        match command {
            Command::Serve => serve(&config).await,
            Command::Worker => work(&config).await,
            Command::Check(check) => self::check(&config, check).await,
            Command::Companies(CompaniesCommand::Import(companies)) => import(&config, companies).await,
            Command::Accounts(AccountsCommand::Add(account)) => add_account(&config, account).await,
            Command::Keys(KeysCommand::Rotate(rotate)) => rotate_keys(&config, &rotate).await,
            Command::Keys(KeysCommand::ForgetOlder) => forget_older_keys(&config).await,
        }
    });
    if let Some(traces) = traces {
        traces.end();
    }
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tenantry: {}", in_words(&error));
            ExitCode::from(FAILED)
        }
    }
}

/// The error and its causes, but for those that repeat what was said.
fn in_words(error: &anyhow::Error) -> String {
    let mut words = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !words.contains(&cause) {
            words.push_str(": ");
            words.push_str(&cause);
        }
    }
    words
}

/// The log of a server is its output; that of another command must not stand between its results.
fn log(config: &Config, is_output: bool, traces: Option<&Traces>) {
    let mut filter = EnvFilter::new(&config.log);
    // PostgreSQL notices each time that the table of migrations is there already.
    for (quiet, wanted) in [("sqlx::postgres::notice=warn", true), ("sea_orm_migration=warn", !is_output)] {
        if let Some(quiet) = quiet.parse().ok().filter(|_| wanted) {
            filter = filter.add_directive(quiet);
        }
    }
    let lines = fmt::layer();
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match (is_output, io::stdout().is_terminal()) {
        (true, true) => lines.boxed(),
        (true, false) => lines.json().flatten_event(true).boxed(),
        (false, _) => lines.with_writer(io::stderr).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(traces.map(Traces::layer)).init();
}

async fn serve(config: &Config) -> anyhow::Result<ExitCode> {
    let application = Application::build(config, Arc::new(SystemClock)).await?;
    let url = config.public_url.join("/");
    if let Some(link) = application.setup_link().await? {
        say_setup_link(link.as_str());
    }
    tracing::info!(%url, listen = %application.address()?, "serving");
    application.run_until(stopped()).await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

async fn work(config: &Config) -> anyhow::Result<ExitCode> {
    tracing::info!(concurrency = config.sync.concurrency, "syncing");
    startup::run_worker(config, Arc::new(SystemClock), stopped()).await?;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// To whoever started the server, whatever is logged: without this link nobody can sign in.
fn say_setup_link(link: &str) {
    const SAY: &str =
        "There is no account yet. Make the first owner's within an hour, with this link, which works once";
    let words = if io::stdout().is_terminal() {
        format!("\n{SAY}:\n\n  {link}\n")
    } else {
        serde_json::json!({ "level": "WARN", "message": SAY, "setup_link": link }).to_string()
    };
    // A server goes on when nobody reads its output.
    drop(writeln!(io::stdout(), "{words}"));
}

/// Resolves when somebody wants the program to end: Ctrl-C, or SIGTERM.
async fn stopped() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

async fn check(config: &Config, check: Check) -> anyhow::Result<ExitCode> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = startup::open_store(config, clock.clone()).await?;
    let connected = store.tenants_with_application_access(3).await?;
    let findings = check::run(config, check.tenant.as_ref(), &connected, clock).await;
    let mut failed = false;
    for finding in findings {
        let mark = match finding.outcome {
            Outcome::Ok => "ok     ",
            Outcome::Failed => "FAILED ",
            Outcome::Unknown => "unknown",
        };
        failed |= finding.outcome == Outcome::Failed;
        println!("{mark}  {}: {}", finding.what, finding.say);
    }
    Ok(if failed { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

async fn rotate_keys(config: &Config, rotate: &RotateKeys) -> anyhow::Result<ExitCode> {
    let store = startup::open_store(config, Arc::new(SystemClock)).await?;
    let vault = startup::open_vault(config, &store).await?;
    if !rotate.no_new_key {
        vault.add_key()?;
    }
    let rotated = seal_with_newest(&store, &vault).await?;
    store.close().await?;
    println!("{} secrets are sealed anew, with the first key in {}.", rotated.anew, vault.path().display());
    if rotated.lost > rotated.damaged {
        bail!("{} {UNKNOWN_KEY}", rotated.lost - rotated.damaged);
    }
    if rotated.damaged > 0 {
        bail!(
            "{} secrets were changed since they were sealed, and can't be opened; the lines above name them",
            rotated.damaged
        );
    }
    println!("Keep a copy of that file apart from the database's backups.");
    Ok(ExitCode::SUCCESS)
}

async fn forget_older_keys(config: &Config) -> anyhow::Result<ExitCode> {
    let store = startup::open_store(config, Arc::new(SystemClock)).await?;
    let vault = startup::open_vault(config, &store).await?;
    let rotated = seal_with_newest(&store, &vault).await?;
    // A server did not know of the newest one, while the keys were rotated or since.
    if rotated.older_in_use || rotated.anew > 0 {
        bail!(
            "{} secrets were sealed with an older key since the keys were rotated, and are sealed anew now. See that every \
             server reads this key file, and try again in a few minutes",
            rotated.anew
        );
    }
    vault.forget_older_keys(rotated.sealed_with, SERVERS_SEAL_FOR)?;
    store.close().await?;
    println!("{} holds one key. Backups that were made before it can't be used any more.", vault.path().display());
    Ok(ExitCode::SUCCESS)
}

async fn import(config: &Config, companies: ImportCompanies) -> anyhow::Result<ExitCode> {
    let path = companies.file.display();
    let bytes = read_at_most(&companies.file).with_context(|| format!("{path} can't be read"))?;
    let file = CompanyFile::read(&bytes, &Mapping::Named(companies.column));
    let rows = file.and_then(|file| file.rows().ok_or(FileError::NoNameColumn));
    let rows = rows.with_context(|| format!("{path} was not imported"))?;
    let store = startup::open_store(config, Arc::new(SystemClock)).await?;
    let code = if companies.dry_run {
        let planned = plan(&store.present_companies().await?, &rows);
        for planned in planned.iter().filter(|planned| planned.verdict != Verdict::Unchanged) {
            println!("{}", InOneLine(planned));
        }
        let Counts { new, changed, unchanged, archived, wrong } = Counts::of(&planned);
        println!("{new} new, {changed} changed, {unchanged} unchanged, {archived} archived, {wrong} wrong");
        if wrong > 0 { ExitCode::from(FAILED) } else { ExitCode::SUCCESS }
    } else {
        match store.import_companies(&rows, |_| true, &Actor::command_line()).await? {
            Import::Done(Counts { new, changed, unchanged, archived, .. }) => {
                let left = if archived > 0 { format!(", {archived} archived and left alone") } else { String::new() };
                println!("{new} added, {changed} changed, {unchanged} unchanged{left}");
                ExitCode::SUCCESS
            }
            Import::Wrong(planned) => {
                let is_wrong = |planned: &&Planned| matches!(planned.verdict, Verdict::Wrong { .. });
                let lines: Vec<_> =
                    planned.iter().filter(is_wrong).map(|planned| InOneLine(planned).to_string()).collect();
                bail!("{path} was not imported: {}", lines.join("\n"));
            }
            Import::NotAsShown => bail!("the companies were changed meanwhile; import {path} again"),
        }
    };
    store.close().await?;
    Ok(code)
}

/// A file as far as it may be one: what is larger is refused by its size, and need not be read.
fn read_at_most(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

async fn add_account(config: &Config, new: AddAccount) -> anyhow::Result<ExitCode> {
    let store = startup::open_store(config, Arc::new(SystemClock)).await?;
    let taken = || format!("{} has an account already", new.email);
    // Before a password is asked for in vain.
    if store.account_by_email(&new.email).await?.is_some() {
        bail!(taken());
    }
    let password = if new.password_stdin { read_password()? } else { ask_for_password()? };
    passwords::check(&password, &new.email)?;
    let hash = Passwords::default().hash(&password).await?;
    let name = new.name.clone().unwrap_or_else(|| new.email.as_str().split('@').next().unwrap_or_default().to_owned());
    let account = NewAccount { email: new.email.clone(), name, role: new.role, password_hash: Some(hash) };
    let added = store.add_account(account, &Actor::command_line()).await?;
    store.close().await?;
    match added {
        Added::Made(account) => {
            println!("{} may sign in as {}", account.email, account.role.label());
            Ok(ExitCode::SUCCESS)
        }
        Added::EmailTaken => bail!(taken()),
    }
}

fn read_password() -> anyhow::Result<SecretString> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("the password can't be read")?;
    Ok(line.trim_end_matches(['\r', '\n']).into())
}

/// Twice, because nobody sees what they type.
fn ask_for_password() -> anyhow::Result<SecretString> {
    let ask =
        |prompt| rpassword::prompt_password(prompt).map(SecretString::from).context("the password can't be asked for");
    let password = ask("Password: ")?;
    if password.expose_secret() != ask("The same again: ")?.expose_secret() {
        bail!("the two are different");
    }
    Ok(password)
}
