//! Campaigns: links that were made together.

use leptos::prelude::*;

use super::{ForRight, Frame};
use crate::{
    domain::{CampaignSummary, Right, Timestamp},
    ui::{
        browser::{clock, document},
        campaigns::{Campaigns as List, progress},
        components::{Empty, Link, LoadFailed, Skeleton, TimeAgo},
        routes::Page,
        session::Session,
        state::Load,
    },
};

const COLUMNS: [&str; 3] = ["Campaign", "Made by", "Progress"];

/// The page.
#[component]
pub fn Campaigns() -> impl IntoView {
    document::set_title("Campaigns");
    view! {
        <Frame path=&["Settings", "Live links", "Campaigns"]>
            <p class="way-back">
                <Link to=Page::Links class="data-link">
                    "Live links"
                </Link>
            </p>
            <div class="page-head">
                <div>
                    <h1>"Campaigns"</h1>
                    <p class="page-lead">"Links that were made together, and how far each is. The latest is at the top."</p>
                </div>
            </div>
            <ForRight right=Right::SendLinks title="Your role may not send links" page=for_technicians />
        </Frame>
    }
}

fn for_technicians() -> AnyView {
    let list = List::read(expect_context::<Session>());
    // News come when somebody looks again: asking without anybody would keep the session alive.
    document::on_return(move || list.read_list());
    let now = clock::minutes();
    let is_empty = Memo::new(move |_| list.rows().with(Vec::is_empty));
    (move || match list.load().get() {
        Load::Loading => view! { <Skeleton /> }.into_any(),
        Load::Failed(error) => {
            let on_retry = Callback::new(move |()| list.read_list());
            view! { <LoadFailed title="The campaigns could not be read" error on_retry /> }.into_any()
        }
        Load::Done if is_empty.get() => view! {
            <Empty title="No campaigns">
                <p>"Select companies on the page M365 companies, and generate links for them."</p>
                <Link to=Page::HOME class="button">
                    "Go to M365 companies"
                </Link>
            </Empty>
        }
        .into_any(),
        Load::Done => view! {
            <table class="data-table" role="table" aria-label="Campaigns">
                <thead role="rowgroup">
                    <tr role="row">
                        {COLUMNS.map(|name| view! { <th role="columnheader" scope="col">{name}</th> }).collect_view()}
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    {move || list.rows().get().into_iter().map(|row| line(row, now)).collect_view()}
                </tbody>
            </table>
        }
        .into_any(),
    })
    .into_any()
}

fn line(row: CampaignSummary, now: ReadSignal<Timestamp>) -> AnyView {
    let words = progress(&row);
    view! {
        <tr role="row">
            <td role="cell" class="data-main">
                <Link to=Page::Campaign(row.id) class="name">
                    {row.name}
                </Link>
            </td>
            <td role="cell" data-label="Made by">
                <span>{row.made_by} " " <span class="data-quiet"><TimeAgo at=row.made_at now /></span></span>
            </td>
            <td role="cell" data-label="Progress">
                {words}
            </td>
        </tr>
    }
    .into_any()
}
