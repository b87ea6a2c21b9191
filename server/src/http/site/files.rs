//! The files of the web app, as they are sent: read once, from a folder or from the program itself.

use std::{borrow::Cow, collections::HashMap, io, path::Path};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

use super::super::security::NOTHING;

/// What a file is called beside the one that it is the compressed form of, and what HTTP calls that. The best first.
const ENCODINGS: [(&str, &str); 2] = [(".br", "br"), (".gz", "gzip")];

const SHELL: &str = "index.html";

/// Files by their path below a program's folder.
pub type Contents = HashMap<String, Cow<'static, [u8]>>;

/// A file and its compressed forms.
#[derive(Debug)]
struct File {
    kind: HeaderValue,
    plain: Bytes,
    /// In the order of [`ENCODINGS`].
    compressed: [Option<Bytes>; ENCODINGS.len()],
}

/// The page that loads a program. The same for everybody, so it is asked for with what is known of it and seldom sent.
#[derive(Debug)]
struct Shell {
    file: File,
    etag: String,
    /// As a source of `script-src`, each script that stands in it.
    scripts: String,
}

/// The files of one program.
#[derive(Debug, Default)]
pub struct Files {
    shell: Option<Shell>,
    others: HashMap<String, File>,
}

impl File {
    fn take(name: &str, contents: &mut Contents) -> Option<Self> {
        let kind = mime_guess::from_path(name).first_or_octet_stream().essence_str().parse().ok()?;
        let mut take = |name: &str| contents.remove(name).map(bytes);
        let plain = take(name)?;
        Some(Self { kind, plain, compressed: ENCODINGS.map(|(suffix, _)| take(&format!("{name}{suffix}"))) })
    }

    fn respond(&self, asked: &HeaderMap) -> Response {
        let accepted = ENCODINGS
            .iter()
            .zip(&self.compressed)
            .find(|((_, encoding), bytes)| bytes.is_some() && accepts(asked, encoding));
        let mut response = match accepted {
            Some(((_, encoding), Some(bytes))) => {
                ([(header::CONTENT_ENCODING, HeaderValue::from_static(encoding))], Body::from(bytes.clone()))
                    .into_response()
            }
            _ => Body::from(self.plain.clone()).into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, self.kind.clone());
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        response
    }
}

impl Files {
    /// Reads the folder that Trunk built a program into.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut contents = Contents::new();
        collect(folder, "", &mut contents)?;
        Ok(Self::of(contents))
    }

    /// Takes what was read.
    pub fn of(mut contents: Contents) -> Self {
        let shell = File::take(SHELL, &mut contents).map(|file| {
            let digest = Sha256::digest(&file.plain);
            let etag = format!("\"{}\"", STANDARD.encode(&digest[..12]));
            let scripts = inline_scripts(&String::from_utf8_lossy(&file.plain)).map(source).collect();
            Shell { file, etag, scripts }
        });
        let is_compressed = |name: &str| ENCODINGS.iter().any(|(suffix, _)| name.ends_with(suffix));
        let names: Vec<String> = contents.keys().filter(|name| !is_compressed(name)).cloned().collect();
        let file = |name: String| File::take(&name, &mut contents).map(|file| (name, file));
        Self { shell, others: names.into_iter().filter_map(file).collect() }
    }

    /// The shell, with what its scripts are called in a content security policy; or that it has not changed.
    pub fn shell(&self, asked: &HeaderMap, policy: impl FnOnce(&str) -> Option<HeaderValue>) -> Option<Response> {
        let shell = self.shell.as_ref()?;
        let known = names(asked, &header::IF_NONE_MATCH, &shell.etag) == Some(true);
        let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { shell.file.respond(asked) };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, HeaderValue::from_str(&shell.etag).ok()?);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Some(policy) = policy(&shell.scripts) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        Some(response)
    }

    /// Any other file. Its name contains a hash of its content, so it never changes.
    pub fn file(&self, name: &str, asked: &HeaderMap) -> Option<Response> {
        let mut response = self.others.get(name)?.respond(asked);
        for (name, value) in [
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            // Shown by itself, it loads nothing.
            (header::CONTENT_SECURITY_POLICY, NOTHING),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        Some(response)
    }
}

fn bytes(content: Cow<'static, [u8]>) -> Bytes {
    match content {
        Cow::Borrowed(content) => Bytes::from_static(content),
        Cow::Owned(content) => content.into(),
    }
}

fn collect(folder: &Path, below: &str, contents: &mut Contents) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), contents)?;
        } else {
            contents.insert(name, std::fs::read(entry.path())?.into());
        }
    }
    Ok(())
}

/// Whether a client takes this encoding (RFC 9110, section 12.5.3).
pub fn accepts(asked: &HeaderMap, encoding: &str) -> bool {
    let lists = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_it = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(encoding));
        is_it && !parts.any(|part| part.strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0)))
    })
}

/// Whether one of the states that a header names, `If-Match` or `If-None-Match`, is the one of this tag. None: there is no
/// such header.
pub fn names(asked: &HeaderMap, name: &HeaderName, tag: &str) -> Option<bool> {
    let mut lines = asked.get_all(name).iter().peekable();
    lines.peek()?;
    let tags = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
    // A proxy that compresses marks a tag as weak.
    Some(tags.map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag))
}

/// The scripts that stand in a page, as they stand there.
fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    html.split("<script").skip(1).filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (script, _) = rest.split_once("</script")?;
        (!attributes.contains("src=")).then_some(script)
    })
}

/// A script as a source of `script-src`, with a blank before it (CSP level 3, section 8.3).
fn source(script: &str) -> String {
    format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(script)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    fn files() -> Files {
        let content = |text: &'static str| Cow::Borrowed(text.as_bytes());
        Files::of(Contents::from([
            (SHELL.to_owned(), content("<script>a()</script><script src=\"b.js\"></script>")),
            ("a-1f.js".to_owned(), content("plain")),
            ("a-1f.js.br".to_owned(), content("brotli")),
            ("a-1f.js.gz".to_owned(), content("gzip")),
        ]))
    }

    #[test]
    fn a_file_is_sent_in_the_best_form_that_the_client_takes() {
        for (accepted, encoding) in [
            ("gzip, deflate, br", Some("br")),
            ("gzip;q=0.5", Some("gzip")),
            ("br;q=0, GZIP", Some("gzip")),
            ("br; q=0.0", None),
            ("identity", None),
        ] {
            let response = files().file("a-1f.js", &asking(&[(header::ACCEPT_ENCODING, accepted)])).expect("a file");
            let sent = response.headers().get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
            assert_eq!(sent, encoding, "{accepted}");
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/javascript");
            assert_eq!(response.headers()[header::VARY], "accept-encoding");
        }
        assert!(files().file("a-1f.js.br", &HeaderMap::new()).is_none(), "a form is no file of its own");
        assert!(files().file(SHELL, &HeaderMap::new()).is_none());
    }

    #[test]
    fn a_shell_that_is_known_is_not_sent_again() {
        let policy = |scripts: &str| HeaderValue::from_str(&format!("script-src{scripts}")).ok();
        let first = files().shell(&HeaderMap::new(), policy).expect("a shell");
        assert_eq!(first.status(), StatusCode::OK);
        let tag = first.headers()[header::ETAG].to_str().expect("a tag").to_owned();
        // echo -n 'a()' | openssl dgst -sha256 -binary | base64
        let hash = STANDARD.encode(Sha256::digest("a()"));
        assert_eq!(first.headers()[header::CONTENT_SECURITY_POLICY], format!("script-src 'sha256-{hash}'"));
        for tags in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            let mut asked = HeaderMap::new();
            asked.insert(header::IF_NONE_MATCH, tags.parse().expect("a value"));
            let again = files().shell(&asked, policy).expect("a shell");
            assert_eq!(
                (again.status(), &again.headers()[header::ETAG]),
                (StatusCode::NOT_MODIFIED, &first.headers()[header::ETAG])
            );
        }
        let lines = [HeaderValue::from_static("\"x\""), tag.parse().expect("a value")];
        let lines = HeaderMap::from_iter(lines.map(|line| (header::IF_NONE_MATCH, line)));
        assert_eq!(files().shell(&lines, policy).expect("a shell").status(), StatusCode::NOT_MODIFIED);
        let other = asking(&[(header::IF_NONE_MATCH, "\"x\"")]);
        assert_eq!(files().shell(&other, policy).expect("a shell").status(), StatusCode::OK);
    }
}
