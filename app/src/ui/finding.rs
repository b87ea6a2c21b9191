//! What somebody looks for among the companies. It stands in the address, so that it can be kept, shared and gone back to.

use leptos::{prelude::*, task::spawn_local};

use super::{
    browser::location,
    routes::Address,
    search::{Filter, Sort, Wanted},
    session::Session,
};
use crate::{
    api::companies::companies_of_tenant,
    domain::{Access, CompanyId, Order, TenantDigits},
};

/// What is looked for, part by part.
#[derive(Clone, Copy, Debug)]
pub struct Finding {
    /// The words.
    pub search: RwSignal<String>,
    /// The place of the filter.
    pub filter: RwSignal<usize>,
    /// The tag. Empty: any.
    pub tag: RwSignal<String>,
    /// The kind of access. None: any.
    pub access: RwSignal<Option<Access>>,
    /// The order.
    pub order: RwSignal<Order<Sort>>,
    by_tenant: RwSignal<Vec<CompanyId>>,
}

impl Finding {
    /// Looks for what the address says, now and when somebody goes back or forth, until the owner is gone.
    pub fn follow(address: Address, session: Session) -> Self {
        let Wanted { search, filter, tag, access, order } = of_address();
        let finding = Self {
            search: RwSignal::new(search),
            filter: RwSignal::new(filter.place()),
            tag: RwSignal::new(tag),
            access: RwSignal::new(access),
            order: RwSignal::new(order),
            by_tenant: RwSignal::default(),
        };
        Effect::new(move |before: Option<()>| {
            address.page();
            if before.is_some() {
                finding.set(of_address());
            }
        });
        Effect::new(move |before: Option<Wanted>| {
            let wanted = finding.wanted();
            if before.as_ref().is_none_or(|before| before.search != wanted.search) {
                finding.ask_tenant(session, &wanted.search);
            }
            if let Some(before) = before
                && before != wanted
                && of_address() != wanted
            {
                let path = address_of(&wanted);
                let typed = Wanted { search: wanted.search.clone(), ..before } == wanted;
                // Nobody wants to go back letter by letter.
                if typed { location::replace(&path) } else { location::push(&path) }
            }
            wanted
        });
        finding
    }

    /// All of it.
    pub fn wanted(self) -> Wanted {
        Wanted {
            search: self.search.get(),
            filter: Filter::at(self.filter.get()),
            tag: self.tag.get(),
            access: self.access.get(),
            order: self.order.get(),
        }
    }

    /// The companies whose tenant's id begins with what is typed.
    pub fn by_tenant(self) -> ReadSignal<Vec<CompanyId>> {
        self.by_tenant.read_only()
    }

    /// Looks for all companies, in the order that there is.
    pub fn clear(self) {
        self.set(Wanted { order: self.order.get_untracked(), ..Wanted::default() });
    }

    /// Shows the companies in all states again, and nobody asked for it: there is nothing to go back to.
    pub fn drop_filter(self) {
        self.filter.set(0);
        location::replace(&address_of(&untrack(|| self.wanted())));
    }

    fn set(self, wanted: Wanted) {
        self.search.set(wanted.search);
        self.filter.set(wanted.filter.place());
        self.tag.set(wanted.tag);
        self.access.set(wanted.access);
        self.order.set(wanted.order);
    }

    fn ask_tenant(self, session: Session, search: &str) {
        let digits = TenantDigits::parse(search);
        let Some(digits) = digits else {
            // What was found stays until what is typed on is answered.
            if self.by_tenant.with_untracked(|found| !found.is_empty()) {
                self.by_tenant.set(Vec::new());
            }
            return;
        };
        spawn_local(async move {
            let answer = companies_of_tenant(digits.as_str().to_owned()).await;
            // Somebody may have typed on.
            let is_wanted = self.search.try_with_untracked(|text| TenantDigits::parse(text).as_ref() == Some(&digits));
            match answer {
                Ok(found) if is_wanted == Some(true) => self.by_tenant.set(found),
                Ok(_) => {}
                Err(error) => {
                    session.heed(&error);
                }
            }
        });
    }
}

fn of_address() -> Wanted {
    Wanted::read(&location::query)
}

fn address_of(wanted: &Wanted) -> String {
    location::path() + &wanted.query(&location::encode)
}
