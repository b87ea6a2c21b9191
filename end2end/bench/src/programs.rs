//! The programs by themselves, as they are built beside this one.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::Context as _;

use crate::database::Empty;

/// What this program is called with to answer with nothing.
pub const NOTHING: &str = "serve-nothing";

/// A program that ends with this value.
pub struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Program {
    /// A stand-in for Microsoft, and where it listens. It is a process of its own: what it does must not stand in the way
    /// of what is measured, but for the processors that they share.
    pub fn sandbox() -> anyhow::Result<(Self, String)> {
        let mut child = beside("m365-sandbox")?
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .context("`m365-sandbox` is built beside this program")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output is piped")?).read_line(&mut line)?;
        let url = line.trim().rsplit(' ').next().unwrap_or_default().to_owned();
        Ok((Self(child), url))
    }

    /// Reads tenants and serves nothing.
    pub fn worker(empty: &Empty, host: &str) -> anyhow::Result<Self> {
        let child = beside("tenantry")?
            .arg("worker")
            .envs(settings(&empty.url, empty.folder.path(), host))
            .stdout(Stdio::null())
            .spawn();
        Ok(Self(child.context("`tenantry` is built beside this program")?))
    }

    /// Serves at this port and reads tenants, with a log in this file.
    pub fn server(empty: &Empty, host: &str, site: &Path, port: u16, log: &Path) -> anyhow::Result<Self> {
        let mut settings = settings(&empty.url, empty.folder.path(), host);
        settings.push(("TENANTRY_SITE_DIR".to_owned(), site.display().to_string()));
        Self::serve(&settings, port, Some(log))
    }

    /// Serves at this port with these settings, with a log in a file or none.
    pub fn serve(settings: &[(String, String)], port: u16, log: Option<&Path>) -> anyhow::Result<Self> {
        let child = beside("tenantry")?
            .arg("serve")
            .envs(settings.iter().cloned())
            .env("TENANTRY_LISTEN", format!("127.0.0.1:{port}"))
            .env("TENANTRY_PUBLIC_URL", format!("http://localhost:{port}"))
            .stdout(log.map_or_else(|| Ok(Stdio::null()), |log| File::create(log).map(Stdio::from))?)
            .spawn();
        Ok(Self(child.context("`tenantry` is built beside this program")?))
    }

    /// A server that answers with nothing, and where it listens.
    pub fn nothing() -> anyhow::Result<(Self, String)> {
        let mut child = Command::new(std::env::current_exe()?).arg(NOTHING).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output is piped")?).read_line(&mut line)?;
        Ok((Self(child), line.trim().to_owned()))
    }

    /// The most memory that it ever had, in megabytes.
    pub fn peak_memory(&self) -> anyhow::Result<f64> {
        self.status("VmHWM:")
    }

    /// The memory that it has, in megabytes.
    pub fn memory(&self) -> anyhow::Result<f64> {
        self.status("VmRSS:")
    }

    fn status(&self, name: &str) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let value = status.lines().find_map(|line| line.strip_prefix(name)).context("Linux says how much it is")?;
        let kilobytes: f64 = value.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes / 1024.0)
    }
}

fn beside(name: &str) -> anyhow::Result<Command> {
    let folder = std::env::current_exe()?.parent().context("a folder")?.to_owned();
    Ok(Command::new(folder.join(name)))
}

/// What a program of ours is started with.
pub fn settings(database: &str, folder: &Path, host: &str) -> Vec<(String, String)> {
    [
        ("TENANTRY_DATA_DIR", folder.display().to_string()),
        ("TENANTRY_DATABASE_URL", database.to_owned()),
        // As many as there may be.
        ("TENANTRY_API_REQUESTS", "100000000".to_owned()),
        ("TENANTRY_M365_CLIENT_ID", m365_sandbox::DEFAULT_CLIENT_ID.to_owned()),
        ("TENANTRY_M365_CLIENT_SECRET", m365_sandbox::DEFAULT_CLIENT_SECRET.to_owned()),
        ("TENANTRY_M365_LOGIN_URL", host.to_owned()),
        ("TENANTRY_M365_GRAPH_URL", host.to_owned()),
        ("TENANTRY_LOG", "warn".to_owned()),
        // One address and one account ask as fast as they can.
        ("TENANTRY_ADDRESS_REQUESTS", "100000000".to_owned()),
        ("TENANTRY_ACCOUNT_REQUESTS", "100000000".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
