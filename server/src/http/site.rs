//! The web app: the shell of the program that shows a page, with a fresh nonce, and the programs' files.

use std::path::PathBuf;

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse as _, Response},
};
use tower::ServiceExt as _;
use tower_http::services::ServeDir;

use super::{AppState, page::COMPANIES_PATH, security::Nonce};

/// What Trunk writes where the nonce of the response belongs.
const NONCE_PLACEHOLDER: &str = "{{__TRUNK NONCE__}}";

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

/// The built web app in a folder.
#[derive(Debug)]
pub struct Site {
    folder: PathBuf,
}

impl Site {
    /// The folder with a folder for each program, which Trunk built into.
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    async fn shell(&self, path: &str, nonce: &Nonce) -> Response {
        match tokio::fs::read_to_string(self.folder.join(program(path)).join("index.html")).await {
            Ok(html) => Html(html.replace(NONCE_PLACEHOLDER, nonce.as_str())).into_response(),
            Err(error) => {
                tracing::error!(folder = %self.folder.display(), %error, "the web app can't be read");
                let text = "The web app is not built. Build it with “make run”, or set TENANTRY_SITE_DIR.";
                (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
            }
        }
    }

    async fn file(&self, request: Request) -> Response {
        let files = |program| ServeDir::new(self.folder.join(program)).precompressed_br().precompressed_gzip();
        let others = files(DATA).fallback(files(RECORDS).fallback(files(LINKS).fallback(files(PAGES))));
        let Ok(response) = files(COMPANIES).fallback(others).oneshot(request).await;
        let mut response = response.into_response();
        // The name of a file of the web app contains a hash of its content.
        let cache = if response.status().is_success() { "public, max-age=31536000, immutable" } else { "no-store" };
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        response
    }
}

/// A page path gets a shell; a path with an extension gets that file or 404, never a shell.
pub async fn serve(State(state): State<AppState>, nonce: Nonce, request: Request) -> Response {
    if names_a_file(request.uri()) {
        return state.site.file(request).await;
    }
    let mut response = state.site.shell(request.uri().path(), &nonce).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
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
