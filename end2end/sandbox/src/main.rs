//! `m365-sandbox`: runs a sandbox until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use m365_sandbox::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Sandbox, SandboxOptions, StartError, Tls};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A stand-in for Entra ID and Microsoft Graph, for the demo, development and tests.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen; loopback addresses only.
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// The same seed gives the same tenants.
    #[arg(long, default_value_t = m365_sandbox::DEFAULT_SEED)]
    seed: u64,
    /// The app registration's id.
    #[arg(long, default_value = DEFAULT_CLIENT_ID)]
    client_id: String,
    /// The app registration's secret.
    #[arg(long, default_value = DEFAULT_CLIENT_SECRET)]
    client_secret: String,
    /// Where answers may be sent, compared exactly; may be given several times.
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// A certificate or public key (PEM) that may sign client assertions; may be given several times.
    #[arg(long = "client-certificate", value_name = "FILE")]
    client_certificates: Vec<PathBuf>,
    /// Answer HTTPS with a certificate made at the start.
    #[arg(long, conflicts_with = "tls_cert")]
    tls: bool,
    /// Answer HTTPS with this certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Write the certificate there, so that clients can trust it.
    #[arg(long, value_name = "FILE")]
    tls_cert_out: Option<PathBuf>,
    /// Keep consents and refresh tokens there, so that they outlive a restart.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

impl Arguments {
    fn options(self) -> anyhow::Result<SandboxOptions> {
        let tls = match (self.tls, self.tls_cert, self.tls_key) {
            (_, Some(certificate), Some(key)) => Tls::Files { certificate, key },
            (true, ..) => Tls::SelfSigned,
            _ => Tls::None,
        };
        let mut client_certificates = Vec::new();
        for file in &self.client_certificates {
            client_certificates
                .push(std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?);
        }
        Ok(SandboxOptions {
            listen: self.listen,
            seed: self.seed,
            client_id: self.client_id,
            client_secret: self.client_secret,
            redirect_uris: self.redirect_uris,
            client_certificates,
            tls,
            state_file: self.state,
        })
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("m365-sandbox: {error:#}");
            let usage = matches!(error.downcast_ref(), Some(StartError::NotLoopback(_) | StartError::RedirectUri(_)));
            if usage { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

#[tokio::main]
async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let certificate_out = arguments.tls_cert_out.clone();
    // Before the start, so that a signal during it is not lost.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let sandbox = Sandbox::start(arguments.options()?).await?;
    if let (Some(file), Some(certificate)) = (certificate_out, sandbox.certificate()) {
        std::fs::write(&file, certificate).with_context(|| format!("cannot write {}", file.display()))?;
    }
    println!("m365-sandbox listening on {}", sandbox.base_url());
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    sandbox.shutdown().await;
    Ok(())
}
