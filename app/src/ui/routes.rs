//! Which address shows which page.

use leptos::prelude::*;

use super::{
    browser::location,
    pages::{Companies, NotFound},
};

/// A page with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// M365 companies.
    Companies,
}

impl Page {
    /// Where `/` leads.
    const HOME: Self = Self::Companies;

    /// The page at this path.
    pub fn at(path: &str) -> Option<Self> {
        match path.trim_end_matches('/') {
            "/settings/integrations/microsoft-365/companies" => Some(Self::Companies),
            _ => None,
        }
    }

    /// Its path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Companies => "/settings/integrations/microsoft-365/companies",
        }
    }
}

/// The address that is shown. Shared by everything that leads to another.
#[derive(Clone, Copy, Debug)]
pub struct Address(RwSignal<String>);

impl Address {
    /// The address that the browser shows, now and when somebody goes back or forth.
    pub fn of_browser() -> Self {
        if location::path() == "/" {
            location::replace(Page::HOME.path());
        }
        let address = Self(RwSignal::new(location::path()));
        location::on_pop(move || address.0.set(location::path()));
        address
    }

    /// Goes to a page, without loading anything anew.
    pub fn go(self, page: Page) {
        location::push(page.path());
        self.0.set(location::path());
    }

    fn page(self) -> Option<Page> {
        self.0.with(|path| Page::at(path))
    }
}

/// The page of the address.
#[component]
pub fn Pages(
    /// The address.
    address: Address,
) -> impl IntoView {
    let page = Memo::new(move |_| address.page());
    move || match page.get() {
        Some(Page::Companies) => view! { <Companies /> }.into_any(),
        None => view! { <NotFound /> }.into_any(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_found_at_its_path_and_nowhere_else() {
        let page = Page::Companies;
        assert_eq!(Page::at(page.path()), Some(page));
        assert_eq!(Page::at(&format!("{}/", page.path())), Some(page));
        assert_eq!(Page::at("/nowhere"), None);
    }
}
