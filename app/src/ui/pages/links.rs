//! Live links: what was sent to whom and can still be used.

use leptos::prelude::*;

use super::{ForRight, Frame};
use crate::{
    domain::Right,
    ui::{
        browser::{clock, document},
        components::{Empty, Link, LinkTable, LoadFailed, Problem, Skeleton},
        live_links::LiveLinks,
        routes::Page,
        session::Session,
        state::{Load, Voice},
    },
};

/// The page.
#[component]
pub fn Links() -> impl IntoView {
    document::set_title("Live links");
    view! {
        <Frame path=&["Settings", "Live links"]>
            <div class="page-head">
                <div>
                    <h1>"Live links"</h1>
                    <p class="page-lead">"Links that were made and can still be used. The one that expires first is at the top."</p>
                </div>
                <Link to=Page::Campaigns class="button">
                    "Campaigns"
                </Link>
            </div>
            <ForRight right=Right::SendLinks title="Your role may not send links" page=for_technicians />
        </Frame>
    }
}

fn for_technicians() -> AnyView {
    let links = LiveLinks::read(expect_context::<Session>(), expect_context::<Voice>());
    // News come when somebody looks again: asking without anybody would keep the session alive.
    document::on_return(move || links.read_list());
    let now = clock::minutes();
    let is_empty = Memo::new(move |_| links.rows().with(Vec::is_empty));
    let on_withdraw = Callback::new(move |company| links.withdraw(company));
    view! {
        <Problem words=links.refused() />
        {move || match links.load().get() {
            Load::Loading => view! { <Skeleton /> }.into_any(),
            Load::Failed(error) => {
                let on_retry = Callback::new(move |()| links.read_list());
                view! { <LoadFailed title="The links could not be read" error on_retry /> }.into_any()
            }
            Load::Done if is_empty.get() => view! {
                <Empty title="No live links">
                    <p>"Generate one where somebody else, or another browser, is to connect a company."</p>
                    <Link to=Page::HOME class="button">
                        "Go to M365 companies"
                    </Link>
                </Empty>
            }
            .into_any(),
            Load::Done => view! { <LinkTable rows=links.rows() now on_withdraw /> }.into_any(),
        }}
    }
    .into_any()
}
