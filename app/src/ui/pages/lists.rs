//! The lists of what was read from tenants: of one company, or of all.

use leptos::prelude::*;

use crate::{
    api::{
        licences::list_licences, secure_scores::list_scores, tenant_domains::list_tenant_domains, users::list_users,
    },
    domain::{
        LicenceRow, ListQuery, ScoreRow, TenantDomainRow, Timestamp, UserKind, UserRow,
        licence::{LicenceFilter, LicenceShow, LicenceSort},
        secure_score::{NoFilter, ScoreSort},
        tenant_domain::{TenantDomainFilter, TenantDomainShow, TenantDomainSort},
        user::{UserFilter, UserSort},
    },
    ui::{
        components::{licence_row, score_row, tenant_domain_row, user_row},
        listing::{Answer, Choice, Column, Listed},
    },
};

/// The columns that tell whose a line is, in a list of all companies.
fn origin_columns<Sort>(within: bool, company: Sort) -> Vec<Column<Sort>> {
    if within { Vec::new() } else { vec![Column::sorted("Company", company), Column::plain("As of")] }
}

impl Listed for UserRow {
    type Sort = UserSort;
    type Filter = UserFilter;

    const NAME: &'static str = "Users";
    const SEARCH: &'static str = "Search users";
    const FILE: &'static str = "/api/users.csv";
    const NOUN: (&'static str, &'static str) = ("user", "users");
    const NOTHING: &'static str = "Users appear here with the first sync of a connected company.";

    fn ask(query: ListQuery<UserSort, UserFilter>) -> Answer<Self> {
        Box::pin(list_users(query))
    }

    fn columns(within: bool) -> Vec<Column<UserSort>> {
        let of_company = |label, sort: UserSort| {
            if sort.is_offered(within) { Column::sorted(label, sort) } else { Column::plain(label) }
        };
        let mut columns = vec![Column::sorted("Name", UserSort::Name)];
        columns.extend(origin_columns(within, UserSort::Company));
        columns.extend([
            Column::plain("Type"),
            Column::plain("Status"),
            of_company("Department", UserSort::Department),
            of_company("Title", UserSort::Title),
            Column::plain("Licences"),
        ]);
        columns
    }

    fn choices() -> Vec<Choice<UserFilter>> {
        vec![
            Choice {
                label: "Type",
                options: &[
                    ("All types", |filter| filter.kind = None),
                    ("Members", |filter| filter.kind = Some(UserKind::Member)),
                    ("Guests", |filter| filter.kind = Some(UserKind::Guest)),
                ],
            },
            Choice {
                label: "Status",
                options: &[
                    ("Any status", |filter| filter.enabled = None),
                    ("Active", |filter| filter.enabled = Some(true)),
                    ("Blocked", |filter| filter.enabled = Some(false)),
                ],
            },
            Choice {
                label: "Licences",
                options: &[
                    ("Any licence", |filter| filter.licensed = None),
                    ("Licensed", |filter| filter.licensed = Some(true)),
                    ("Without licence", |filter| filter.licensed = Some(false)),
                ],
            },
        ]
    }

    fn line(self, within: bool, now: ReadSignal<Timestamp>) -> AnyView {
        user_row(self, within, now)
    }
}

impl Listed for LicenceRow {
    type Sort = LicenceSort;
    type Filter = LicenceFilter;

    const NAME: &'static str = "Licences";
    const SEARCH: &'static str = "Search licences";
    const FILE: &'static str = "/api/licences.csv";
    const NOUN: (&'static str, &'static str) = ("licence", "licences");
    const NOTHING: &'static str = "Licences appear here with the first sync of a connected company.";

    fn ask(query: ListQuery<LicenceSort, LicenceFilter>) -> Answer<Self> {
        Box::pin(list_licences(query))
    }

    fn columns(within: bool) -> Vec<Column<LicenceSort>> {
        let mut columns = vec![Column::sorted("Product", LicenceSort::Product)];
        columns.extend(origin_columns(within, LicenceSort::Company));
        columns.extend([
            Column::figure("Used", LicenceSort::Used),
            Column::figure("Assignable", LicenceSort::Assignable),
            Column::figure("Free", LicenceSort::Free),
            Column::plain("Use"),
            Column::plain("State"),
        ]);
        columns
    }

    fn choices() -> Vec<Choice<LicenceFilter>> {
        vec![Choice {
            label: "Show",
            options: &[
                ("All licences", |filter| filter.show = None),
                ("With some free", |filter| filter.show = Some(LicenceShow::Free)),
                ("Used up", |filter| filter.show = Some(LicenceShow::UsedUp)),
                ("Not in order", |filter| filter.show = Some(LicenceShow::Lapsed)),
            ],
        }]
    }

    fn line(self, within: bool, now: ReadSignal<Timestamp>) -> AnyView {
        licence_row(self, within, now)
    }
}

impl Listed for TenantDomainRow {
    type Sort = TenantDomainSort;
    type Filter = TenantDomainFilter;

    const NAME: &'static str = "Domains";
    const SEARCH: &'static str = "Search domains";
    const FILE: &'static str = "/api/domains.csv";
    const NOUN: (&'static str, &'static str) = ("domain", "domains");
    const NOTHING: &'static str = "Domains appear here with the first sync of a connected company.";

    fn ask(query: ListQuery<TenantDomainSort, TenantDomainFilter>) -> Answer<Self> {
        Box::pin(list_tenant_domains(query))
    }

    fn columns(within: bool) -> Vec<Column<TenantDomainSort>> {
        let mut columns = vec![Column::sorted("Domain", TenantDomainSort::Name)];
        columns.extend(origin_columns(within, TenantDomainSort::Company));
        columns.extend(["State", "Sign-in", "Services"].map(Column::plain));
        columns
    }

    fn choices() -> Vec<Choice<TenantDomainFilter>> {
        vec![Choice {
            label: "Show",
            options: &[
                ("All domains", |filter| filter.show = None),
                ("Own domains", |filter| filter.show = Some(TenantDomainShow::Own)),
                ("Not verified", |filter| filter.show = Some(TenantDomainShow::Unverified)),
                ("Federated", |filter| filter.show = Some(TenantDomainShow::Federated)),
            ],
        }]
    }

    fn line(self, within: bool, now: ReadSignal<Timestamp>) -> AnyView {
        tenant_domain_row(self, within, now)
    }
}

impl Listed for ScoreRow {
    type Sort = ScoreSort;
    type Filter = NoFilter;

    const NAME: &'static str = "Secure Score";
    const SEARCH: &'static str = "Search companies";
    const FILE: &'static str = "/api/secure-score.csv";
    const NOUN: (&'static str, &'static str) = ("company", "companies");
    const NOTHING: &'static str = "Scores appear here with the first sync of a connected company.";

    fn ask(query: ListQuery<ScoreSort, NoFilter>) -> Answer<Self> {
        Box::pin(list_scores(query))
    }

    fn columns(within: bool) -> Vec<Column<ScoreSort>> {
        let mut columns = origin_columns(within, ScoreSort::Company);
        columns.extend([
            Column::figure("Secure Score", ScoreSort::Score),
            Column::plain("Share"),
            Column { is_figure: true, ..Column::plain("Points") },
            Column::plain("Measured by Microsoft"),
        ]);
        columns
    }

    fn choices() -> Vec<Choice<NoFilter>> {
        Vec::new()
    }

    fn line(self, _: bool, now: ReadSignal<Timestamp>) -> AnyView {
        score_row(self, now)
    }
}
