//! The programs by themselves, as they are built beside this one.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::Context as _;

use crate::database::Empty;

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
        let child = beside("tenantry")?.arg("worker").envs(settings(empty, host)).stdout(Stdio::null()).spawn();
        Ok(Self(child.context("`tenantry` is built beside this program")?))
    }

    /// Serves at this port and reads tenants, with a log in this file.
    pub fn server(empty: &Empty, host: &str, site: &Path, port: u16, log: &Path) -> anyhow::Result<Self> {
        let child = beside("tenantry")?
            .arg("serve")
            .envs(settings(empty, host))
            .env("TENANTRY_LISTEN", format!("127.0.0.1:{port}"))
            .env("TENANTRY_PUBLIC_URL", format!("http://localhost:{port}"))
            .env("TENANTRY_SITE_DIR", site)
            .stdout(File::create(log)?)
            .spawn();
        Ok(Self(child.context("`tenantry` is built beside this program")?))
    }

    /// The most memory that it ever had, in megabytes.
    pub fn peak_memory(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("Linux says how much it was")?;
        let kilobytes: f64 = peak.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes / 1024.0)
    }
}

fn beside(name: &str) -> anyhow::Result<Command> {
    let folder = std::env::current_exe()?.parent().context("a folder")?.to_owned();
    Ok(Command::new(folder.join(name)))
}

/// What a program of ours is started with.
pub fn settings(empty: &Empty, host: &str) -> Vec<(String, String)> {
    [
        ("TENANTRY_DATA_DIR", empty.folder.path().display().to_string()),
        ("TENANTRY_DATABASE_URL", empty.url.clone()),
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
