//! Activity: who did what, when, to which company.

use std::time::Duration;

use gloo_timers::callback::Timeout;
use leptos::prelude::*;

use super::{ForRight, Frame};
use crate::{
    domain::{ActivityFilter, ActivityKind, Right},
    ui::{
        activity::{Log, csv_url},
        browser::{clock, document, location},
        components::{ActivityTable, Empty, Field, LoadFailed, Select, Skeleton, When},
        session::Session,
        state::{Load, Voice},
    },
};

/// How long somebody pauses before what they typed is looked for.
const TYPING_PAUSE: Duration = Duration::from_millis(200);

/// The page.
#[component]
pub fn Activity() -> impl IntoView {
    document::set_title("Activity");
    view! {
        <Frame path=&["Settings", "Activity"]>
            <div class="page-head">
                <div>
                    <h1>"Activity"</h1>
                    <p class="page-lead">"Who did what, when, to which company. Nothing is ever removed from it."</p>
                </div>
            </div>
            <ForRight right=Right::ManageAccounts title="Only an owner may see all activity" page=for_owners />
        </Frame>
    }
}

fn for_owners() -> AnyView {
    let log = Log::new(expect_context::<Session>(), expect_context::<Voice>());
    let now = clock::minutes();
    let kind = RwSignal::new(0_usize);
    let actor = RwSignal::new(String::new());
    let filter = move || ActivityFilter {
        // The first choice is every kind.
        kind: kind.get().checked_sub(1).map(|place| ActivityKind::ALL[place]),
        actor: Some(actor.with(|actor| actor.trim().to_owned())).filter(|actor| !actor.is_empty()),
        ..ActivityFilter::default()
    };
    let read = move |next| log.read(untrack(filter), next);
    let waiting = StoredValue::new_local(None::<Timeout>);
    Effect::new(move |before: Option<()>| {
        // Reads both, to be told of their changes.
        filter();
        let pause = before.map_or(0, |()| u32::try_from(TYPING_PAUSE.as_millis()).unwrap_or_default());
        // Dropping the one before cancels it.
        waiting.set_value(Some(Timeout::new(pause, move || read(false))));
    });

    let rows = log.rows();
    let more = Memo::new(move |_| log.more().get());
    let is_empty = Memo::new(move |_| rows.with(Vec::is_empty));
    let kinds = std::iter::once("All kinds").chain(ActivityKind::ALL.map(ActivityKind::label)).collect();
    view! {
        <div class="filters">
            <div class="field">
                <span aria-hidden="true">"Kind"</span>
                <Select
                    label="Kind".to_owned()
                    options=kinds
                    chosen=0
                    on_choose=Callback::new(move |place| kind.set(place))
                />
            </div>
            <Field id="actor" label="Who" kind="text" autocomplete="off" value=actor optional=true />
            <a class="button" href=move || csv_url(&filter(), location::encode) download>
                "Download CSV"
            </a>
        </div>
        {move || match log.load().get() {
            Load::Loading => view! { <Skeleton /> }.into_any(),
            Load::Failed(error) => {
                let on_retry = Callback::new(move |()| read(false));
                view! { <LoadFailed title="The activity could not be read" error on_retry /> }.into_any()
            }
            Load::Done if is_empty.get() => view! {
                <Empty title="Nothing matches">
                    <p>"Nothing of this kind was done by anybody whose address contains this text."</p>
                </Empty>
            }
            .into_any(),
            Load::Done => view! {
                <ActivityTable rows now />
                <When flag=more>
                    <button type="button" class="button load-more" on:click=move |_| read(true)>
                        "Load more"
                    </button>
                </When>
            }
            .into_any(),
        }}
    }
    .into_any()
}
