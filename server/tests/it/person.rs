//! Somebody with a browser: cookies, redirects, and forms to fill in.

use std::sync::Arc;

use app::domain::CompanyId;
use reqwest::{Client, Response, StatusCode, Url, cookie::Jar, header, redirect::Policy};

use server::sessions::Token;

use crate::harness::{Account, App};

/// What browsers call themselves.
pub const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

const X_FORWARDED_FOR: header::HeaderName = header::HeaderName::from_static("x-forwarded-for");

/// A browser with its own cookies.
pub struct Person {
    http: Client,
    app_url: String,
}

/// What the browser shows.
#[derive(Debug)]
pub struct Page {
    pub url: Url,
    pub status: StatusCode,
    pub html: String,
}

impl Page {
    pub fn heading(&self) -> String {
        self.text_of("h1")
    }

    pub fn text_of(&self, element: &str) -> String {
        let (_, rest) =
            self.html.split_once(&format!("<{element}>")).unwrap_or_else(|| panic!("{element} in {self:?}"));
        unescape(rest.split_once(&format!("</{element}>")).unwrap().0)
    }

    pub fn says(&self, text: &str) -> bool {
        unescape(&self.html).contains(text)
    }

    /// The form that has this field or button.
    fn form(&self, marker: &str) -> (Url, Vec<(String, String)>) {
        let form = self
            .html
            .split("<form ")
            .skip(1)
            .map(|form| form.split("</form>").next().unwrap())
            .find(|form| form.contains(marker))
            .unwrap_or_else(|| panic!("a form with {marker} in {self:?}"));
        // A form without an address sends to the page's own.
        let action = attribute(form, "action")
            .map_or_else(|| self.url.clone(), |action| self.url.join(&unescape(action)).unwrap());
        let hidden = form.split("<input ").skip(1).filter(|input| attribute(input, "type") == Some("hidden"));
        let fields = hidden
            .map(|input| (attribute(input, "name").unwrap().to_owned(), unescape(attribute(input, "value").unwrap())))
            .collect();
        (action, fields)
    }
}

impl Person {
    /// The owner of the MSP's Tenantry.
    pub fn new(app: &App) -> Self {
        Self::signed_in_as(app, Some(&app.session))
    }

    /// Somebody who is not signed in.
    pub fn stranger(app: &App) -> Self {
        Self::signed_in_as(app, None)
    }

    /// The same, somewhere else on the internet, as far as a proxy says so.
    pub fn stranger_at(app: &App, address: &str) -> Self {
        let headers = header::HeaderMap::from_iter([(X_FORWARDED_FOR, address.parse().unwrap())]);
        Self::with(app, None, headers)
    }

    /// Somebody of the MSP with this session.
    pub fn of_session(app: &App, session: &Token) -> Self {
        Self::signed_in_as(app, Some(session))
    }

    fn signed_in_as(app: &App, session: Option<&Token>) -> Self {
        Self::with(app, session, header::HeaderMap::new())
    }

    fn with(app: &App, session: Option<&Token>, headers: header::HeaderMap) -> Self {
        let cookies = Jar::default();
        if let Some(session) = session {
            let url = app.url.parse().expect("a URL");
            cookies.add_cookie_str(&format!("session={}; Path=/; HttpOnly", session.expose()), &url);
        }
        let http = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .cookie_provider(Arc::new(cookies))
            .default_headers(headers)
            .user_agent(BROWSER);
        Self { http: http.build().expect("a client"), app_url: app.url.clone() }
    }

    /// Opens an address by a click on a page of ours, and follows its redirects.
    pub async fn click_on(&self, path: &str) -> Page {
        let url = format!("{}{path}", self.app_url);
        let response = self.http.get(url).header("sec-fetch-site", "same-origin").send().await.unwrap();
        self.follow(response).await
    }

    /// The address that the click on our page opens.
    pub fn start_url(&self, company: CompanyId) -> String {
        format!("{}/connect/start?company={company}", self.app_url)
    }

    /// Clicks on our page, and stops at the first redirect.
    pub async fn click(&self, company: CompanyId) -> Response {
        let request = self.http.get(self.start_url(company)).header("sec-fetch-site", "same-origin");
        request.send().await.unwrap()
    }

    /// Clicks on our page, and goes on to Microsoft's.
    pub async fn start(&self, company: CompanyId) -> Page {
        let response = self.click(company).await;
        self.follow(response).await
    }

    /// Clicks on "Open in this tab", and goes on to Microsoft's page.
    pub async fn start_in_tab(&self, company: CompanyId) -> Page {
        let url = format!("{}&surface=tab", self.start_url(company));
        let response = self.http.get(url).header("sec-fetch-site", "same-origin").send().await.unwrap();
        self.follow(response).await
    }

    /// Opens an address and follows its redirects.
    pub async fn open(&self, url: impl AsRef<str>) -> Page {
        let response = self.http.get(url.as_ref()).send().await.unwrap();
        self.follow(response).await
    }

    /// Opens an address and stops at the first redirect.
    pub async fn open_only(&self, url: impl AsRef<str>) -> Response {
        self.http.get(url.as_ref()).send().await.unwrap()
    }

    pub async fn follow(&self, mut response: Response) -> Page {
        while let Some(next) = location(&response) {
            response = self.http.get(next).send().await.unwrap();
        }
        let (url, status) = (response.url().clone(), response.status());
        Page { url, status, html: response.text().await.unwrap() }
    }

    /// Follows redirects until the next one would lead back to us, and answers that address.
    pub async fn follow_to_callback(&self, mut response: Response) -> Url {
        loop {
            let next = location(&response).expect("another redirect");
            if next.as_str().starts_with(&self.app_url) {
                return next;
            }
            response = self.http.get(next).send().await.unwrap();
        }
    }

    /// Fills in a form, and stops at the first redirect.
    pub async fn submit_only(&self, page: &Page, marker: &str, fields: &[(&str, &str)]) -> Response {
        let (action, mut form) = page.form(marker);
        form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.http.post(action).form(&form).send().await.unwrap()
    }

    pub async fn submit(&self, page: &Page, marker: &str, fields: &[(&str, &str)]) -> Page {
        let response = self.submit_only(page, marker, fields).await;
        self.follow(response).await
    }

    pub async fn sign_in(&self, page: &Page, account: &Account) -> Page {
        self.sign_in_with(page, &account.email, &account.password).await
    }

    pub async fn sign_in_with(&self, page: &Page, email: &str, password: &str) -> Page {
        self.submit(page, "name=\"password\"", &[("email", email), ("password", password)]).await
    }

    pub async fn accept(&self, page: &Page) -> Page {
        self.submit(page, "value=\"accept\"", &[("decision", "accept")]).await
    }

    /// Accepts, and stops at the redirect that brings us the answer.
    pub async fn accept_only(&self, page: &Page) -> Url {
        let response = self.submit_only(page, "value=\"accept\"", &[("decision", "accept")]).await;
        self.follow_to_callback(response).await
    }

    pub async fn decline(&self, page: &Page) -> Page {
        self.submit(page, "value=\"cancel\"", &[("decision", "cancel")]).await
    }

    /// Signs in and accepts what is asked.
    pub async fn connect(&self, company: CompanyId, account: &Account) -> Page {
        let page = self.start(company).await;
        let page = self.sign_in(&page, account).await;
        // Microsoft does not ask again for what was granted before.
        if page.html.contains("value=\"accept\"") { self.accept(&page).await } else { page }
    }

    /// Tries once more in a browser that is signed in at Microsoft, where consent was given.
    pub async fn connect_again(&self, company: CompanyId) -> Page {
        let mut page = self.start(company).await;
        for marker in ["name=\"account\"", "value=\"accept\""] {
            if page.html.contains(marker) && !page.url.as_str().starts_with(&self.app_url) {
                let fields: &[_] = if marker.contains("accept") { &[("decision", "accept")] } else { &[] };
                page = self.submit(&page, marker, fields).await;
            }
        }
        page
    }

    /// Goes as far as the redirect that brings us the code, and does not follow it.
    pub async fn almost_connect(&self, company: CompanyId, account: &Account) -> Url {
        let page = self.start(company).await;
        self.almost_finish(page, account).await
    }

    /// From Microsoft's first page to the redirect that brings us the code, which is not followed.
    pub async fn almost_finish(&self, page: Page, account: &Account) -> Url {
        let credentials = [("email", account.email.as_str()), ("password", account.password.as_str())];
        let mut response = self.submit_only(&page, "name=\"password\"", &credentials).await;
        loop {
            match location(&response) {
                Some(next)
                    if next.as_str().starts_with(&self.app_url) && next.query_pairs().any(|(n, _)| n == "code") =>
                {
                    return next;
                }
                Some(next) => response = self.open_only(next).await,
                None => {
                    let page = self.follow(response).await;
                    response = self.submit_only(&page, "value=\"accept\"", &[("decision", "accept")]).await;
                }
            }
        }
    }

    /// From Microsoft's first page to the redirect that brings us the code. None: an answer of ours was lost on the way.
    pub async fn reaches_code(&self, page: Page, account: &Account) -> Option<Url> {
        if !page.html.contains("name=\"password\"") {
            return None;
        }
        let credentials = [("email", account.email.as_str()), ("password", account.password.as_str())];
        let mut response = self.submit_only(&page, "name=\"password\"", &credentials).await;
        loop {
            let Some(next) = location(&response) else {
                let page = self.follow(response).await;
                if !page.html.contains("value=\"accept\"") {
                    return None;
                }
                response = self.submit_only(&page, "value=\"accept\"", &[("decision", "accept")]).await;
                continue;
            };
            if next.as_str().starts_with(&self.app_url) && next.query_pairs().any(|(name, _)| name == "code") {
                return Some(next);
            }
            response = self.open_only(next).await;
        }
    }

    /// Opens a link, and goes on to Microsoft's page.
    pub async fn go_on(&self, link: &str) -> Page {
        let page = self.open(link).await;
        assert_eq!(page.status, 200, "{}", page.html);
        self.submit(&page, "Continue to Microsoft", &[]).await
    }

    /// Connects with a link.
    pub async fn connect_with(&self, link: &str, account: &Account) -> Page {
        let page = self.go_on(link).await;
        let callback = self.almost_finish(page, account).await;
        self.open(callback).await
    }
}

/// Where a redirect leads.
pub fn location(response: &Response) -> Option<Url> {
    let location = response.headers().get(header::LOCATION)?.to_str().unwrap();
    response.status().is_redirection().then(|| response.url().join(location).unwrap())
}

fn attribute<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = element.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}

fn unescape(html: &str) -> String {
    html.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}
