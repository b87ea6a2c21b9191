//! Which address shows which page.

use leptos::prelude::*;

use super::{
    browser::{document, location},
    pages::{Activity, Join, NotFound, SignIn, Team},
};

/// The id of what a page shows below the bar at the top.
pub const CONTENT: &str = "page";

const JOIN: &str = "/join/";

/// Each program has pages of its own. A link between two pages of one changes the page at once, any other loads the other
/// program: so the first page that somebody sees each morning does not bring along what they seldom look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// M365 companies.
    Companies,
    /// All other pages.
    Pages,
}

/// A page with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// M365 companies.
    Companies,
    /// Who works here.
    Team,
    /// What was done.
    Activity,
    /// Signing in.
    SignIn,
    /// What a one-time link leads to: making an account.
    Join,
}

impl Page {
    /// Where `/` leads.
    pub const HOME: Self = Self::Companies;

    /// The page at this path.
    pub fn at(path: &str) -> Option<Self> {
        match path.trim_end_matches('/') {
            "/settings/integrations/microsoft-365/companies" => Some(Self::Companies),
            "/settings/team" => Some(Self::Team),
            "/settings/activity" => Some(Self::Activity),
            "/login" => Some(Self::SignIn),
            path => token(path).map(|_| Self::Join),
        }
    }

    /// Its path. That of a one-time link goes on with the token.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Companies => "/settings/integrations/microsoft-365/companies",
            Self::Team => "/settings/team",
            Self::Activity => "/settings/activity",
            Self::SignIn => "/login",
            Self::Join => JOIN,
        }
    }

    /// The program that shows it. The server sends the same one.
    const fn program(self) -> Program {
        match self {
            Self::Companies => Program::Companies,
            _ => Program::Pages,
        }
    }

    /// Whether somebody has to be signed in to see it.
    pub const fn needs_session(self) -> bool {
        !matches!(self, Self::SignIn | Self::Join)
    }
}

/// The token in the path of a one-time link.
pub fn token(path: &str) -> Option<&str> {
    path.strip_prefix(JOIN).filter(|token| !token.is_empty() && !token.contains('/'))
}

/// Where somebody signs in who wanted to go elsewhere.
pub fn sign_in_url(wanted: &str, encode: impl Fn(&str) -> String) -> String {
    format!("{}?next={}", Page::SignIn.path(), encode(wanted))
}

/// The address that is shown. Shared by everything that leads to another.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    path: RwSignal<String>,
    program: Program,
}

impl Address {
    /// The address that the browser shows, now and when somebody goes back or forth between pages of this program.
    pub fn of_browser(program: Program) -> Self {
        if location::path() == "/" {
            location::replace(Page::HOME.path());
        }
        let path = RwSignal::new(location::path());
        location::on_pop(move || path.set(location::path()));
        Self { path, program }
    }

    /// Whether this program shows the page.
    pub fn leads_to(self, page: Page) -> bool {
        page.program() == self.program
    }

    /// Goes to a page of this program, without loading anything anew.
    pub fn go(self, page: Page) {
        location::push(page.path());
        self.path.set(location::path());
        // What had the focus is gone with the page before.
        request_animation_frame(|| {
            document::scroll_to_top();
            document::focus_in_place(CONTENT);
        });
    }

    /// Whether somebody has to be signed in to see what is here. What is not a page is nobody else's business either.
    pub fn needs_session(self) -> bool {
        self.path.with_untracked(|path| Page::at(path)).is_none_or(Page::needs_session)
    }

    fn page(self) -> Option<Page> {
        self.path.with(|path| Page::at(path))
    }
}

/// The page of the address, among those of [`Program::Pages`].
#[component]
pub fn Pages(
    /// The address.
    address: Address,
) -> impl IntoView {
    let page = Memo::new(move |_| address.page());
    move || match page.get() {
        Some(Page::Team) => view! { <Team /> }.into_any(),
        Some(Page::Activity) => view! { <Activity /> }.into_any(),
        Some(Page::SignIn) => view! { <SignIn /> }.into_any(),
        Some(Page::Join) => view! { <Join /> }.into_any(),
        Some(Page::Companies) | None => view! { <NotFound /> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_found_at_its_path_and_nowhere_else() {
        for page in [Page::Companies, Page::Team, Page::Activity, Page::SignIn] {
            assert_eq!(Page::at(page.path()), Some(page));
            assert_eq!(Page::at(&format!("{}/", page.path())), Some(page));
        }
        assert_eq!(Page::at("/nowhere"), None);
    }

    #[test]
    fn a_one_time_link_has_a_token() {
        assert_eq!(Page::at("/join/abc-_1"), Some(Page::Join));
        assert_eq!(token("/join/abc-_1"), Some("abc-_1"));
        for other in ["/join", "/join/", "/join/a/b", "/joined/a"] {
            assert_eq!((Page::at(other), token(other)), (None, None), "{other}");
        }
    }

    #[test]
    fn only_signing_in_and_joining_need_nobody_signed_in() {
        for page in [Page::Companies, Page::Team, Page::Activity] {
            assert!(page.needs_session());
        }
        assert!(!Page::SignIn.needs_session() && !Page::Join.needs_session());
    }

    #[test]
    fn the_way_to_sign_in_knows_the_way_back() {
        assert_eq!(sign_in_url("/settings/team", |text| text.replace('/', "%2F")), "/login?next=%2Fsettings%2Fteam");
    }
}
