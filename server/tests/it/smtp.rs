//! A mail server.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use serde::Deserialize;
use tempfile::TempDir;

use crate::harness::PATIENCE;

/// Who may send, and their password.
pub const LOGIN: (&str, &str) = ("tenantry", "hunter2-not-to-be-seen");

/// A mail that was taken.
#[derive(Clone, Debug, Deserialize)]
pub struct Taken {
    pub from: String,
    pub to: Vec<String>,
    pub header_to: String,
    pub reply_to: Option<String>,
    pub subject: String,
    pub plain: String,
    pub html: String,
    pub tls: bool,
    pub user: Option<String>,
}

/// A certificate for `127.0.0.1`, or for another name, and the authority that vouches for it.
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    pub fn new(name: &str) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        write("ca.pem", authority.as_ref().pem());
        write("certificate.pem", certificate.pem());
        write("key.pem", key.serialize_pem());
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// The file for `TENANTRY_SMTP_CA_FILE`.
    pub fn authority(&self) -> String {
        self.path("ca.pem")
    }
}

/// The mail server. It ends when this is dropped.
pub struct MailServer {
    pub port: u16,
    script: Child,
    taken: Arc<Mutex<Vec<Taken>>>,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        drop(self.script.kill());
        drop(self.script.wait());
    }
}

/// A Python that has what the mail server needs. It is made the first time, which takes a while.
fn python() -> &'static str {
    static PYTHON: OnceLock<String> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let made = Command::new("make")
            .args(["--silent", "--no-print-directory", "-C"])
            .arg(root)
            .arg("smtp-python")
            .stderr(Stdio::inherit())
            .output()
            .expect("make can be run");
        String::from_utf8(made.stdout).expect("it is a path").lines().last().expect("it says where").to_owned()
    })
}

impl MailServer {
    /// `mode`: plain, starttls or tls. Anything but plain wants [`LOGIN`].
    pub async fn start(mode: &str, certificates: Option<&Certificates>) -> Self {
        let mut command = Command::new(tokio::task::spawn_blocking(python).await.unwrap());
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/smtp.py")).arg(mode);
        if let Some(certificates) = certificates {
            command.args([certificates.path("certificate.pem"), certificates.path("key.pem")]);
            command.args([LOGIN.0, LOGIN.1]);
        }
        let mut script =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("tests/smtp.py can be run");
        let mut output = BufReader::new(script.stdout.take().expect("its output is piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("it says where it is");
        let port = line.trim().parse().expect("it started; what it said is above");
        let taken = Arc::new(Mutex::new(Vec::new()));
        let all = taken.clone();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                all.lock().unwrap().push(serde_json::from_str(&line).expect("it is a mail"));
            }
        });
        Self { port, script, taken }
    }

    /// What the server is called in the settings.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}:{}@127.0.0.1:{}", LOGIN.0, LOGIN.1, self.port)
    }

    /// It refuses mails with this code, or takes them again.
    pub fn refuse(&mut self, code: Option<u16>) {
        self.tell(&code.map(|code| code.to_string()).unwrap_or_default());
    }

    /// It takes mails, and does not say so until it is told something else.
    pub fn hold(&mut self) {
        self.tell("hold");
    }

    fn tell(&mut self, line: &str) {
        writeln!(self.script.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// What it has taken.
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// Waits until it has taken so many mails.
    pub async fn has(&self, count: usize) -> Vec<Taken> {
        let wait = async {
            while self.taken().len() < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, wait).await.is_ok();
        assert!(came, "{count} were expected: {:?}", self.taken());
        self.taken()
    }
}
