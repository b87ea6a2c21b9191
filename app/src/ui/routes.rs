//! Which address shows which page.

use std::borrow::Cow;

use leptos::prelude::*;

use super::{
    browser::{document, location},
    pages::{
        Activity, ApiTokens, ArchiveCompany, ArchiveSelected, ArchivedCompanies, Campaign, Campaigns, ChangePassword,
        ClientMessage, Company, Disconnect, EditCompany, ImportCompanies, Join, Links, Microsoft365, NewCompany,
        NewLinks, NotFound, Notifications, SignIn, TagSelected, Team,
    },
};
use crate::domain::{CampaignId, CompanyId};

/// The id of what a page shows below the bar at the top.
pub const CONTENT: &str = "page";

const JOIN: &str = "/join/";

const COMPANIES: &str = "/companies/";

/// The last part of the path where a company is disconnected.
const DISCONNECT: &str = "disconnect";

const CAMPAIGNS: &str = "/settings/campaigns/";

const MICROSOFT_365: &str = "/microsoft-365/";

const EDIT: &str = "edit";

const ARCHIVE: &str = "archive";

const MESSAGE: &str = "message";

/// Each program has pages of its own. A link between two pages of one changes the page at once, any other loads the other
/// program: so the first page that somebody sees each morning does not bring along what they seldom look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// M365 companies.
    Companies,
    /// What was read of tenants: one company's page, and the lists across companies.
    Data,
    /// What is done to companies, one or many: bringing them in, changing them, letting them go.
    Records,
    /// Links, and what becomes of many that were made together.
    Links,
    /// All other pages.
    Pages,
}

/// A page with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// M365 companies.
    Companies,
    /// Which links can still be used.
    Links,
    /// Making links for many companies.
    NewLinks,
    /// Links that were made together.
    Campaigns,
    /// Some of them, and how far each is.
    Campaign(CampaignId),
    /// One company.
    Company(CompanyId, Tab),
    /// The end of its connection.
    Disconnect(CompanyId),
    /// A text for the client, with the company's link.
    ClientMessage(CompanyId),
    /// Something of all companies.
    Microsoft365(Topic),
    /// Who works here.
    Team,
    /// What was done.
    Activity,
    /// Who is told what happens.
    Notifications,
    /// The tokens of other programs.
    ApiTokens,
    /// Another password.
    ChangePassword,
    /// Signing in.
    SignIn,
    /// What a one-time link leads to: making an account.
    Join,
    /// Adding a company.
    NewCompany,
    /// Changing what is written down about a company.
    EditCompany(CompanyId),
    /// Putting a company away.
    ArchiveCompany(CompanyId),
    /// Companies that are put away.
    ArchivedCompanies,
    /// Companies from a file.
    ImportCompanies,
    /// Giving companies that are selected tags, and taking tags from them.
    TagSelected,
    /// Putting companies away that are selected.
    ArchiveSelected,
}

/// A part of a company's page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// The connection, and how old everything is.
    #[default]
    Overview,
    /// Something of which there is a page for all companies too.
    Topic(Topic),
    /// What was done.
    Activity,
}

impl Tab {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Overview,
        Self::Topic(Topic::Users),
        Self::Topic(Topic::Licences),
        Self::Topic(Topic::Domains),
        Self::Topic(Topic::SecureScore),
        Self::Activity,
    ];

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Topic(topic) => topic.label(),
            Self::Activity => "Activity",
        }
    }

    /// The last part of its path. The first tab has none.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Topic(topic) => topic.slug(),
            Self::Activity => "activity",
        }
    }
}

/// Something that is known of tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// People and guests.
    Users,
    /// What was bought.
    Licences,
    /// Domain names.
    Domains,
    /// Microsoft's measure of how well a tenant is set up.
    SecureScore,
}

impl Topic {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Users, Self::Licences, Self::Domains, Self::SecureScore];

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Users => "Users",
            Self::Licences => "Licences",
            Self::Domains => "Domains",
            Self::SecureScore => "Secure Score",
        }
    }

    /// The last part of its path.
    const fn slug(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Licences => "licences",
            Self::Domains => "domains",
            Self::SecureScore => "secure-score",
        }
    }
}

impl Page {
    /// Where `/` leads.
    pub const HOME: Self = Self::Companies;

    /// The page at this path.
    pub fn at(path: &str) -> Option<Self> {
        match path.trim_end_matches('/') {
            "/settings/integrations/microsoft-365/companies" => Some(Self::Companies),
            "/settings/links" => Some(Self::Links),
            "/settings/links/new" => Some(Self::NewLinks),
            "/settings/campaigns" => Some(Self::Campaigns),
            "/settings/team" => Some(Self::Team),
            "/settings/activity" => Some(Self::Activity),
            "/settings/notifications" => Some(Self::Notifications),
            "/settings/api" => Some(Self::ApiTokens),
            "/settings/password" => Some(Self::ChangePassword),
            "/login" => Some(Self::SignIn),
            "/settings/companies/new" => Some(Self::NewCompany),
            "/settings/companies/import" => Some(Self::ImportCompanies),
            "/settings/companies/archived" => Some(Self::ArchivedCompanies),
            "/settings/companies/tags" => Some(Self::TagSelected),
            "/settings/companies/archive" => Some(Self::ArchiveSelected),
            path => Self::company_at(path)
                .or_else(|| {
                    let slug = path.strip_prefix(MICROSOFT_365)?;
                    Topic::ALL.into_iter().find(|topic| topic.slug() == slug).map(Self::Microsoft365)
                })
                .or_else(|| path.strip_prefix(CAMPAIGNS)?.parse().ok().map(Self::Campaign))
                .or_else(|| token(path).map(|_| Self::Join)),
        }
    }

    fn company_at(path: &str) -> Option<Self> {
        let path = path.strip_prefix(COMPANIES)?;
        let (id, slug) = path.split_once('/').unwrap_or((path, ""));
        let company = id.parse().ok()?;
        match slug {
            DISCONNECT => Some(Self::Disconnect(company)),
            MESSAGE => Some(Self::ClientMessage(company)),
            EDIT => Some(Self::EditCompany(company)),
            ARCHIVE => Some(Self::ArchiveCompany(company)),
            _ => Tab::ALL.into_iter().find(|tab| tab.slug() == slug).map(|tab| Self::Company(company, tab)),
        }
    }

    /// Its path. That of a one-time link goes on with the token.
    pub fn path(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Companies => "/settings/integrations/microsoft-365/companies",
            Self::Links => "/settings/links",
            Self::NewLinks => "/settings/links/new",
            Self::Campaigns => "/settings/campaigns",
            Self::Campaign(campaign) => return Cow::Owned(format!("{CAMPAIGNS}{campaign}")),
            Self::Company(company, tab) => return Cow::Owned(path_of(company, tab.slug())),
            Self::Disconnect(company) => return Cow::Owned(path_of(company, DISCONNECT)),
            Self::ClientMessage(company) => return Cow::Owned(path_of(company, MESSAGE)),
            Self::EditCompany(company) => return Cow::Owned(path_of(company, EDIT)),
            Self::ArchiveCompany(company) => return Cow::Owned(path_of(company, ARCHIVE)),
            Self::Microsoft365(topic) => return Cow::Owned(format!("{MICROSOFT_365}{}", topic.slug())),
            Self::Team => "/settings/team",
            Self::Activity => "/settings/activity",
            Self::Notifications => "/settings/notifications",
            Self::ApiTokens => "/settings/api",
            Self::ChangePassword => "/settings/password",
            Self::SignIn => "/login",
            Self::Join => JOIN,
            Self::NewCompany => "/settings/companies/new",
            Self::ImportCompanies => "/settings/companies/import",
            Self::ArchivedCompanies => "/settings/companies/archived",
            Self::TagSelected => "/settings/companies/tags",
            Self::ArchiveSelected => "/settings/companies/archive",
        })
    }

    /// The program that shows it. The server sends the same one.
    const fn program(self) -> Program {
        match self {
            Self::Companies => Program::Companies,
            Self::Company(..) | Self::Microsoft365(_) => Program::Data,
            Self::Links | Self::NewLinks | Self::Campaigns | Self::Campaign(_) => Program::Links,
            Self::Disconnect(_)
            | Self::ClientMessage(_)
            | Self::NewCompany
            | Self::EditCompany(_)
            | Self::ArchiveCompany(_)
            | Self::ArchivedCompanies
            | Self::ImportCompanies
            | Self::TagSelected
            | Self::ArchiveSelected => Program::Records,
            Self::Team
            | Self::Activity
            | Self::Notifications
            | Self::ApiTokens
            | Self::ChangePassword
            | Self::SignIn
            | Self::Join => Program::Pages,
        }
    }

    /// Whether somebody has to be signed in to see it.
    pub const fn needs_session(self) -> bool {
        !matches!(self, Self::SignIn | Self::Join)
    }
}

fn path_of(company: CompanyId, slug: &str) -> String {
    let slash = if slug.is_empty() { "" } else { "/" };
    format!("{COMPANIES}{company}{slash}{slug}")
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
            location::replace(&Page::HOME.path());
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
        self.turn_to(page);
        // What had the focus is gone with the page before.
        request_animation_frame(|| {
            document::scroll_to_top();
            document::focus_in_place(CONTENT);
        });
    }

    /// Goes to another part of the same page: where it is scrolled to, and the focus, stay.
    pub fn turn_to(self, page: Page) {
        location::push(&page.path());
        self.path.set(location::path());
    }

    /// Whether somebody has to be signed in to see what is here. What is not a page is nobody else's business either.
    pub fn needs_session(self) -> bool {
        self.path.with_untracked(|path| Page::at(path)).is_none_or(Page::needs_session)
    }

    /// The page that is here.
    pub fn page(self) -> Option<Page> {
        self.path.with(|path| Page::at(path))
    }
}

/// The page of the address, among those of [`Program::Data`].
#[component]
pub fn DataPages(
    /// The address.
    address: Address,
) -> impl IntoView {
    // A company's page stays the same while its tabs are turned.
    let tab = Memo::new(move |_| match address.page() {
        Some(Page::Company(_, tab)) => tab,
        _ => Tab::Overview,
    });
    let page = Memo::new(move |_| match address.page() {
        Some(Page::Company(company, _)) => Some(Page::Company(company, Tab::Overview)),
        page => page,
    });
    move || match page.get() {
        Some(Page::Company(company, _)) => view! { <Company company tab /> }.into_any(),
        Some(Page::Microsoft365(topic)) => view! { <Microsoft365 topic /> }.into_any(),
        _ => view! { <NotFound /> }.into_any(),
    }
}

/// The page of the address, among those of [`Program::Records`].
#[component]
pub fn RecordPages(
    /// The address.
    address: Address,
) -> impl IntoView {
    let page = Memo::new(move |_| address.page());
    move || match page.get() {
        Some(Page::Disconnect(company)) => view! { <Disconnect company /> }.into_any(),
        Some(Page::ClientMessage(_)) => view! { <ClientMessage /> }.into_any(),
        Some(Page::NewCompany) => view! { <NewCompany /> }.into_any(),
        Some(Page::EditCompany(_)) => view! { <EditCompany /> }.into_any(),
        Some(Page::ArchiveCompany(_)) => view! { <ArchiveCompany /> }.into_any(),
        Some(Page::ArchivedCompanies) => view! { <ArchivedCompanies /> }.into_any(),
        Some(Page::ImportCompanies) => view! { <ImportCompanies /> }.into_any(),
        Some(Page::TagSelected) => view! { <TagSelected /> }.into_any(),
        Some(Page::ArchiveSelected) => view! { <ArchiveSelected /> }.into_any(),
        _ => view! { <NotFound /> }.into_any(),
    }
}

/// The page of the address, among those of [`Program::Links`].
#[component]
pub fn LinkPages(
    /// The address.
    address: Address,
) -> impl IntoView {
    let page = Memo::new(move |_| address.page());
    move || match page.get() {
        Some(Page::Links) => view! { <Links /> }.into_any(),
        Some(Page::NewLinks) => view! { <NewLinks /> }.into_any(),
        Some(Page::Campaigns) => view! { <Campaigns /> }.into_any(),
        Some(Page::Campaign(_)) => view! { <Campaign /> }.into_any(),
        _ => view! { <NotFound /> }.into_any(),
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
        Some(Page::Notifications) => view! { <Notifications /> }.into_any(),
        Some(Page::ApiTokens) => view! { <ApiTokens /> }.into_any(),
        Some(Page::ChangePassword) => view! { <ChangePassword /> }.into_any(),
        Some(Page::SignIn) => view! { <SignIn /> }.into_any(),
        Some(Page::Join) => view! { <Join /> }.into_any(),
        _ => view! { <NotFound /> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_found_at_its_path_and_nowhere_else() {
        let company = CompanyId::from_uuid(uuid::Uuid::from_u128(7));
        for page in [
            Page::Companies,
            Page::Links,
            Page::NewLinks,
            Page::Team,
            Page::Activity,
            Page::Notifications,
            Page::ApiTokens,
            Page::ChangePassword,
            Page::SignIn,
            Page::NewCompany,
            Page::ClientMessage(company),
            Page::EditCompany(company),
            Page::ArchiveCompany(company),
            Page::ArchivedCompanies,
            Page::ImportCompanies,
            Page::TagSelected,
            Page::ArchiveSelected,
            Page::Campaigns,
            Page::Campaign(CampaignId::from_uuid(uuid::Uuid::from_u128(7))),
        ] {
            assert_eq!(Page::at(&page.path()), Some(page));
            assert_eq!(Page::at(&format!("{}/", page.path())), Some(page));
        }
        for topic in Topic::ALL {
            assert_eq!(Page::at(&Page::Microsoft365(topic).path()), Some(Page::Microsoft365(topic)));
        }
        for nowhere in ["/nowhere", "/microsoft-365", "/microsoft-365/mail", "/microsoft-365/users/x"] {
            assert_eq!(Page::at(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn each_tab_of_a_company_has_an_address() {
        let company = CompanyId::from_uuid(uuid::Uuid::from_u128(7));
        for tab in Tab::ALL {
            let page = Page::Company(company, tab);
            assert_eq!(Page::at(&page.path()), Some(page));
        }
        let end = Page::Disconnect(company);
        assert_eq!((Page::at(&end.path()), end.program()), (Some(end), Program::Records));
        let users = "/companies/00000000-0000-0000-0000-000000000007/users";
        assert_eq!(Page::Company(company, Tab::Topic(Topic::Users)).path(), users);
        for nowhere in ["/companies", "/companies/7", "/companies/7/users", &format!("{users}/x"), &format!("{users}x")]
        {
            assert_eq!(Page::at(nowhere), None, "{nowhere}");
        }
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
        for page in [Page::Companies, Page::Links, Page::Team, Page::Activity, Page::Notifications] {
            assert!(page.needs_session());
        }
        assert!(!Page::SignIn.needs_session() && !Page::Join.needs_session());
    }

    #[test]
    fn the_way_to_sign_in_knows_the_way_back() {
        assert_eq!(sign_in_url("/settings/team", |text| text.replace('/', "%2F")), "/login?next=%2Fsettings%2Fteam");
    }
}
