//! Sends mail through a server that the settings name (SMTP).

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
    transport::smtp::{
        self,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use url::Url;

use crate::store::mail::Letter;

pub mod letter;

/// How long each step of talking to the server may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(15);

/// How long it may take in all to try whether mail works.
pub const TRIED_WITHIN: Duration = Duration::from_secs(45);

/// How long a mail may take in all. Many servers look through it before they say that they took it, and RFC 5321 (section
/// 4.5.3.2.6) lets them: whoever hangs up before that sends it again, and it comes twice.
pub const SENT_WITHIN: Duration = Duration::from_mins(5);

/// How the way to the server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    /// From the first byte.
    Tls,
    /// After STARTTLS, without which nothing is sent.
    StartTls,
    /// Not at all.
    Plain,
}

/// A mail server: `smtps://…`, or `smtp://…` with STARTTLS.
#[derive(Clone)]
pub struct SmtpServer {
    /// With the password.
    url: SecretString,
    host: String,
    port: u16,
    security: Security,
    /// Certificates that are trusted besides the system's.
    roots: Vec<Certificate>,
    /// Where the URL was read from, if it was a file: a new one may be put there at any time.
    file: Option<PathBuf>,
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpServer").field("host", &self.host).field("security", &self.security).finish_non_exhaustive()
    }
}

impl SmtpServer {
    /// Takes a URL. What is wrong with it is told without it: it holds a password.
    pub fn parse(text: &str) -> Result<Self, String> {
        const SHAPE: &str = "it must be a URL such as smtps://user:password@host or smtp://user:password@host";
        let mut url = Url::parse(text).map_err(|_| SHAPE)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SHAPE)?.to_owned();
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(SHAPE.to_owned());
        }
        let security = match (url.scheme(), url.query()) {
            ("smtps", None) => Security::Tls,
            ("smtp", None | Some("tls=required")) => Security::StartTls,
            ("smtp", Some("tls=none")) if url.password().is_none() => Security::Plain,
            ("smtp", Some("tls=none")) => {
                return Err("a password is not sent without TLS: leave it out, or leave tls=none out".to_owned());
            }
            ("smtp" | "smtps", Some(_)) => {
                return Err("only ?tls=none is known, for smtp:// without a password".to_owned());
            }
            _ => return Err(SHAPE.to_owned()),
        };
        let port = url.port().unwrap_or(match security {
            Security::Tls => 465,
            Security::StartTls => 587,
            Security::Plain => 25,
        });
        url.set_query(None);
        Ok(Self { url: String::from(url).into(), host, port, security, roots: Vec::new(), file: None })
    }

    /// Takes the URL in this file. The error names the file and holds nothing of it.
    pub fn read(file: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(file).map(SecretString::from);
        let text = text.map_err(|error| format!("{} can't be read: {error}", file.display()))?;
        Ok(Self { file: Some(file.to_owned()), ..Self::parse(text.expose_secret().trim())? })
    }

    /// Where it is: host and port.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Trusts the certificates in this file too.
    pub fn trust(mut self, file: &str) -> Result<Self, String> {
        let pem = fs::read(file).map_err(|error| format!("{file} can't be read: {error}"))?;
        let none = || format!("{file} holds no certificate (PEM)");
        if !pem.windows(11).any(|text| text == b"-----BEGIN ") {
            return Err(none());
        }
        self.roots.push(Certificate::from_pem(&pem).map_err(|_| none())?);
        Ok(self)
    }
}

/// Why a mail could not be sent.
#[derive(Debug, Error)]
pub enum MailError {
    /// The address is none for mail.
    #[error("This is not an address that mail can be sent to.")]
    Address,
    /// The certificate is not the server's, not trusted, or expired; or the server does not speak TLS.
    #[error(
        "The mail server's certificate could not be verified, or it offers no TLS, so nothing was sent. Look at the host \
         in TENANTRY_SMTP_URL; a certificate of your own goes into TENANTRY_SMTP_CA_FILE."
    )]
    Tls(#[source] smtp::Error),
    /// User and password are refused.
    #[error("The mail server does not take the user and password in TENANTRY_SMTP_URL.")]
    Credentials(#[source] smtp::Error),
    /// It refuses this mail, for good.
    #[error("The mail server refuses the mail ({code}). Look at TENANTRY_MAIL_FROM and at the address.")]
    Refused {
        /// The code of its answer.
        code: u16,
        /// What it said.
        #[source]
        source: smtp::Error,
    },
    /// It can't now.
    #[error("The mail server can't take the mail now ({code}).")]
    Later {
        /// The code of its answer.
        code: u16,
        /// What it said.
        #[source]
        source: smtp::Error,
    },
    /// There is no answer.
    #[error("The mail server can't be reached. Look at TENANTRY_SMTP_URL.")]
    Unreachable(#[source] smtp::Error),
    /// It takes too long.
    #[error("The mail server did not answer in time.")]
    TooSlow,
}

impl MailError {
    fn of(error: smtp::Error) -> Self {
        let code = error.status().map(u16::from);
        match code {
            Some(530 | 534 | 535 | 538) => Self::Credentials(error),
            Some(code) if error.is_permanent() => Self::Refused { code, source: error },
            Some(code) => Self::Later { code, source: error },
            None if error.is_tls() || is_certificate(&error) => Self::Tls(error),
            // It offers no STARTTLS, or no way to sign in that we know.
            None if error.is_client() => Self::Tls(error),
            None if error.is_timeout() => Self::TooSlow,
            None => Self::Unreachable(error),
        }
    }

    /// Whether another try can't do better.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Address)
    }

    /// Whether the same mail to the same address would be refused again.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Address | Self::Refused { .. })
    }

    /// What happened, for the log: the kind of failure, not what was said. A server may repeat what it was sent.
    pub const fn details(&self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Tls(_) => "tls",
            Self::Credentials(_) => "credentials",
            Self::Refused { .. } => "refused",
            Self::Later { .. } => "later",
            Self::Unreachable(_) => "unreachable",
            Self::TooSlow => "too slow",
        }
    }
}

/// rustls' errors arrive as those of the network.
fn is_certificate(error: &smtp::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(inner) = cause {
        let io = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if inner.is::<rustls::Error>() || io.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>) {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// Sends mails.
#[derive(Clone)]
pub struct Mailer {
    /// The way to the server, and what it was made of.
    held: Arc<Mutex<Held>>,
    from: Mailbox,
    hello: String,
}

struct Held {
    transport: Transport,
    server: SmtpServer,
    /// When the file with the URL had been written, as of the last look.
    written: Option<SystemTime>,
}

type Transport = AsyncSmtpTransport<Tokio1Executor>;

impl Mailer {
    /// `hello` is what we call ourselves there.
    pub fn new(server: &SmtpServer, from: Mailbox, hello: &str) -> Result<Self, smtp::Error> {
        let (transport, written) = (Self::transport_to(server, hello)?, written(server).ok());
        let held = Arc::new(Mutex::new(Held { transport, server: server.clone(), written }));
        Ok(Self { held, from, hello: hello.to_owned() })
    }

    fn transport_to(server: &SmtpServer, hello: &str) -> Result<Transport, smtp::Error> {
        let mut tls = TlsParameters::builder(server.host.clone());
        for root in &server.roots {
            tls = tls.add_root_certificate(root.clone());
        }
        let tls = match server.security {
            Security::Tls => Tls::Wrapper(tls.build()?),
            Security::StartTls => Tls::Required(tls.build()?),
            Security::Plain => Tls::None,
        };
        let transport = Transport::from_url(server.url.expose_secret())?
            .port(server.port)
            .tls(tls)
            .hello_name(ClientId::Domain(hello.to_owned()))
            .timeout(Some(STEP_TIMEOUT))
            .build();
        Ok(transport)
    }

    /// The way to the server, by what the file with the URL holds now. One that can't be used changes nothing: somebody may
    /// be writing it.
    fn transport(&self) -> Transport {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = held.server.file.clone()
            && let Ok(written) = written(&held.server)
            && held.written != Some(written)
        {
            held.written = Some(written);
            let new = SmtpServer::read(&file).map(|new| SmtpServer { roots: held.server.roots.clone(), ..new });
            let made = new.and_then(|server| {
                let transport = Self::transport_to(&server, &self.hello).map_err(|_| "it can't be used".to_owned())?;
                Ok((server, transport))
            });
            match made {
                Ok((server, transport)) => {
                    tracing::info!("the file with the mail server's URL was read again");
                    (held.server, held.transport) = (server, transport);
                }
                Err(why) => {
                    tracing::warn!(
                        why,
                        "the file with the mail server's URL can't be used; the one from before is kept"
                    );
                }
            }
        }
        held.transport.clone()
    }

    /// Who the mail is from.
    pub const fn from(&self) -> &Mailbox {
        &self.from
    }

    /// Tries the way there: the connection, TLS, user and password. Nothing is sent.
    pub async fn try_out(&self) -> Result<(), MailError> {
        match tokio::time::timeout(TRIED_WITHIN, self.transport().test_connection()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(MailError::of(error)),
            Err(_) => Err(MailError::TooSlow),
        }
    }

    /// Sends a mail to one address.
    pub async fn send(&self, recipient: &str, letter: &Letter) -> Result<(), MailError> {
        self.send_for(None, recipient, letter).await
    }

    /// Sends a mail in the name of somebody, whom answers go to.
    pub async fn send_for(&self, sender: Option<&str>, recipient: &str, letter: &Letter) -> Result<(), MailError> {
        let to: Mailbox = recipient.parse().map_err(|_| MailError::Address)?;
        let mut message = Message::builder().from(self.from.clone()).to(to);
        // An account's address is one for mail as a rule, and need not be.
        if let Some(Ok(sender)) = sender.map(str::parse) {
            message = message.reply_to(sender);
        }
        let message = message
            .subject(&letter.subject)
            // Answers by programs, such as "out of office", are not wanted.
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(letter.plain.clone(), letter.html.clone()))
            .map_err(|_| MailError::Address)?;
        match tokio::time::timeout(SENT_WITHIN, self.transport().send(message)).await {
            Ok(sent) => sent.map(drop).map_err(MailError::of),
            Err(_) => Err(MailError::TooSlow),
        }
    }
}

/// When the file with the URL was written.
fn written(server: &SmtpServer) -> io::Result<SystemTime> {
    fs::metadata(server.file.as_deref().unwrap_or(Path::new("")))?.modified()
}

/// That no person wrote it (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a step that fails is the test's failure")]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_is_spoken_to_over_tls() {
        for (text, expected) in [
            ("smtps://kim:secret@mail.example.com", Ok((Security::Tls, 465))),
            ("smtps://mail.example.com:2465", Ok((Security::Tls, 2465))),
            ("smtp://kim:secret@mail.example.com", Ok((Security::StartTls, 587))),
            ("smtp://mail.example.com:25?tls=required", Ok((Security::StartTls, 25))),
            ("smtp://127.0.0.1?tls=none", Ok((Security::Plain, 25))),
            ("smtp://kim:secret@127.0.0.1?tls=none", Err("without TLS")),
            ("smtp://mail.example.com?tls=opportunistic", Err("tls=none")),
            ("smtps://mail.example.com?tls=none", Err("tls=none")),
            ("https://mail.example.com", Err("smtps://")),
            ("smtp:///path", Err("smtps://")),
            ("mail.example.com", Err("smtps://")),
        ] {
            match (SmtpServer::parse(text), expected) {
                (Ok(server), Ok(expected)) => assert_eq!((server.security, server.port), expected, "{text}"),
                (Err(why), Err(hint)) => assert!(why.contains(hint) && !why.contains("secret"), "{text}: {why}"),
                (server, _) => panic!("{text}: {server:?}"),
            }
        }
        let server = SmtpServer::parse("smtps://kim:secret@mail.example.com").unwrap();
        assert!(!format!("{server:?}").contains("secret"));
    }

    #[test]
    fn a_file_with_another_url_is_used_and_a_broken_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("smtp");
        let write = |text: &str, second: u64| {
            fs::write(&file, text).unwrap();
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            fs::File::options().write(true).open(&file).unwrap().set_modified(at).unwrap();
        };
        write("smtp://one.example.com?tls=none\n", 1);
        let server = SmtpServer::read(&file).unwrap();
        let mailer = Mailer::new(&server, "kim@example.com".parse().unwrap(), "localhost").unwrap();
        let host = || {
            drop(mailer.transport());
            mailer.held.lock().unwrap().server.host.clone()
        };
        assert_eq!(host(), "one.example.com");
        write("smtp://two.example.com?tls=none", 2);
        assert_eq!(host(), "two.example.com");
        write("smtp://kim:secret@three.exam", 3);
        write("nothing", 4);
        assert_eq!(host(), "two.example.com");
        fs::remove_file(&file).unwrap();
        assert_eq!(host(), "two.example.com");
        let error = SmtpServer::read(&file).unwrap_err();
        assert!(error.contains("can't be read") && !error.contains("secret"), "{error}");
    }
}
