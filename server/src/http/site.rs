//! The web app: the shell of the program that shows a page, and the programs' files.

use std::{io, path::Path};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use thiserror::Error;

use self::files::Files;
pub use self::files::{accepts, names};
use super::{AppState, page::COMPANIES_PATH, security};

mod files;

/// The program of the page M365 companies: the folder with its shell and its files.
const COMPANIES: &str = "companies";

/// The program of what was read of tenants.
const DATA: &str = "data";

/// The program of what is done to companies.
const RECORDS: &str = "records";

/// The program of links.
const LINKS: &str = "links";

/// The program of all other pages.
const PAGES: &str = "pages";

const PROGRAMS: [&str; 5] = [COMPANIES, DATA, RECORDS, LINKS, PAGES];

/// Where the web app is built, as long as it is not a part of this program.
#[cfg(not(feature = "embed"))]
const BUILT: &str = "target/site";

/// The web app.
#[derive(Debug)]
pub struct Site {
    /// In the order of [`PROGRAMS`].
    programs: [Files; PROGRAMS.len()],
}

/// Why the web app can't be served.
#[derive(Debug, Error)]
#[error("the web app can't be read from {folder}: {source}")]
pub struct SiteError {
    folder: String,
    source: io::Error,
}

/// What `make release` puts into the program.
#[cfg(feature = "embed")]
#[derive(rust_embed::Embed)]
#[folder = "$TENANTRY_BUILT_SITE"]
struct Embedded;

impl Site {
    /// Reads it from this folder, which has a folder for each program that Trunk built into. Without one, it is what is in
    /// this program. That it is not built yet is no failure: pages say so.
    pub fn open(folder: Option<&Path>) -> Result<Self, SiteError> {
        folder.map_or_else(Self::at_hand, Self::read)
    }

    #[cfg(feature = "embed")]
    #[expect(clippy::unnecessary_wraps, reason = "without the feature it is read")]
    fn at_hand() -> Result<Self, SiteError> {
        Ok(Self {
            programs: PROGRAMS.map(|program| {
                let file = |path: std::borrow::Cow<'static, str>| {
                    let name = path.strip_prefix(program)?.strip_prefix('/')?.to_owned();
                    Some((name, Embedded::get(&path)?.data))
                };
                Files::of(Embedded::iter().filter_map(file).collect())
            }),
        })
    }

    #[cfg(not(feature = "embed"))]
    fn at_hand() -> Result<Self, SiteError> {
        Self::read(Path::new(BUILT))
    }

    fn read(folder: &Path) -> Result<Self, SiteError> {
        let mut programs: [Files; PROGRAMS.len()] = Default::default();
        for (files, program) in programs.iter_mut().zip(PROGRAMS) {
            let folder = folder.join(program);
            match Files::read(&folder) {
                Ok(read) => *files = read,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    tracing::warn!(folder = %folder.display(), "a part of the web app is not built");
                }
                Err(source) => return Err(SiteError { folder: folder.display().to_string(), source }),
            }
        }
        Ok(Self { programs })
    }

    fn shell(&self, request: &Request) -> Response {
        let program = program(request.uri().path());
        let files = PROGRAMS.iter().zip(&self.programs).find_map(|(name, files)| (*name == program).then_some(files));
        files.and_then(|files| files.shell(request.headers(), security::policy)).unwrap_or_else(|| {
            let text = "The web app is not built. Build it with “make run”, or set TENANTRY_SITE_DIR.";
            (StatusCode::SERVICE_UNAVAILABLE, [(header::CACHE_CONTROL, "no-store")], axum::response::Html(text))
                .into_response()
        })
    }

    fn file(&self, request: &Request) -> Response {
        let name = request.uri().path().trim_start_matches('/');
        let missing = || {
            let no_store = HeaderValue::from_static("no-store");
            (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, no_store)]).into_response()
        };
        self.programs.iter().find_map(|files| files.file(name, request.headers())).unwrap_or_else(missing)
    }
}

/// A page path gets a shell; a path with an extension gets that file or 404, never a shell.
pub async fn serve(State(state): State<AppState>, request: Request) -> Response {
    if names_a_file(request.uri()) { state.site.file(&request) } else { state.site.shell(&request) }
}

/// The program that shows the page at this path. `/` leads to M365 companies.
fn program(path: &str) -> &'static str {
    match path.trim_end_matches('/') {
        "" | COMPANIES_PATH => COMPANIES,
        "/settings/links" | "/settings/links/new" | "/settings/campaigns" => LINKS,
        path if path.starts_with("/settings/campaigns/") => LINKS,
        path if path.starts_with("/settings/companies/") => RECORDS,
        path if path.starts_with("/companies/")
            && ["/disconnect", "/message", "/edit", "/archive"].into_iter().any(|end| path.ends_with(end)) =>
        {
            RECORDS
        }
        path if path.starts_with("/companies/") || path.starts_with("/microsoft-365/") => DATA,
        _ => PAGES,
    }
}

/// Whether it is a file of the web app, and no page. The shell itself is a page.
pub fn names_a_file(uri: &Uri) -> bool {
    uri.path() != "/index.html" && uri.path().rsplit('/').next().is_some_and(|name| name.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_has_its_program() {
        for path in ["/", COMPANIES_PATH, "/settings/integrations/microsoft-365/companies/"] {
            assert_eq!(program(path), COMPANIES, "{path}");
        }
        for path in ["/login", "/join/a", "/settings/team", "/index.html", "/no/such/page"] {
            assert_eq!(program(path), PAGES, "{path}");
        }
        for path in ["/settings/links", "/settings/links/new/", "/settings/campaigns", "/settings/campaigns/0193"] {
            assert_eq!(program(path), LINKS, "{path}");
        }
        for path in [
            "/settings/companies/new",
            "/companies/0193/disconnect",
            "/companies/0193/message",
            "/companies/0193/edit",
            "/companies/0193/archive",
        ] {
            assert_eq!(program(path), RECORDS, "{path}");
        }
        for path in ["/companies/0193", "/companies/0193/users", "/microsoft-365/users"] {
            assert_eq!(program(path), DATA, "{path}");
        }
    }

    #[test]
    fn a_path_with_an_extension_names_a_file() {
        assert!(names_a_file(&Uri::from_static("/pages-1a2b_bg.wasm")));
        assert!(names_a_file(&Uri::from_static("/favicon.ico?x=1")));
        assert!(!names_a_file(&Uri::from_static("/index.html")));
        assert!(!names_a_file(&Uri::from_static("/")));
        assert!(!names_a_file(&Uri::from_static("/companies/0193.5/users?q=a.b").clone()));
        assert!(!names_a_file(&Uri::from_static("/settings/integrations?file=a.b")));
    }
}
