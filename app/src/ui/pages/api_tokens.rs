//! API: the tokens with which other programs use Tenantry.

use leptos::prelude::*;

use super::{ForRight, Frame};
use crate::{
    domain::{
        ApiTokenRow, Right, Scope, Timestamp,
        api_token::{DAYS, DEFAULT_DAYS},
    },
    ui::{
        api_tokens,
        browser::{clock, document},
        components::{
            Confirm, Dialog, Empty, Field, Form, LinkOffer, LoadFailed, Problem, Select, Skeleton, TokenTable,
        },
        session::Session,
        state::{Load, Submission, Voice},
    },
};

/// The id of the field of a token's name.
const NAME: &str = "token-name";

/// The id of what it lets do.
const SCOPES: &str = "token-scopes";

/// [`DAYS`], for people.
const LIVES: [&str; DAYS.len()] = ["30 days", "90 days", "180 days", "1 year"];

/// The page.
#[component]
pub fn ApiTokens() -> impl IntoView {
    document::set_title("API");
    view! {
        <Frame path=&["Settings", "API"]>
            <div class="page-head">
                <div>
                    <h1>"API"</h1>
                    <p class="page-lead">
                        "Other programs, such as a PSA, use Tenantry with a token. What they can do is in the "
                        <a href="/api/v1/docs" target="_blank">"documentation"</a> "."
                    </p>
                </div>
            </div>
            <ForRight right=Right::ManageAccounts title="Only an owner may make tokens" page=for_owners />
        </Frame>
    }
}

fn for_owners() -> AnyView {
    let tokens = api_tokens::ApiTokens::read(expect_context::<Session>(), expect_context::<Voice>());
    let now = clock::minutes();
    let load = Memo::new(move |_| tokens.load().get());
    let is_empty = Memo::new(move |_| tokens.rows().with(Vec::is_empty));
    let question = RwSignal::new(None::<ApiTokenRow>);
    let on_revoke = Callback::new(move |row| question.set(Some(row)));
    let on_answered = Callback::new(move |()| question.set(None));
    view! {
        <MakeToken tokens />
        <Problem words=tokens.refused() />
        {move || match load.get() {
            Load::Loading => view! { <Skeleton /> }.into_any(),
            Load::Failed(error) => {
                let on_retry = Callback::new(move |()| tokens.read_list());
                view! { <LoadFailed title="The tokens could not be read" error on_retry /> }.into_any()
            }
            Load::Done if is_empty.get() => {
                view! { <Empty title="No tokens"><p>"Make one for each program."</p></Empty> }.into_any()
            }
            Load::Done => view! { <TokenTable rows=tokens.rows() now on_revoke /> }.into_any(),
        }}
        {move || {
            question
                .get()
                .map(|row| {
                    let title = format!("Revoke the token {}?", row.name);
                    let text = "The program that has it is refused from now on.";
                    let on_confirm = Callback::new(move |()| tokens.revoke(row.clone()));
                    view! { <Confirm title text action="Revoke" on_confirm on_close=on_answered /> }
                })
        }}
        {move || {
            tokens
                .made()
                .get()
                .map(|made| {
                    view! {
                        <Dialog
                            title=format!("Token for {}", made.name)
                            on_close=Callback::new(move |()| tokens.made().set(None))
                        >
                            <LinkOffer label="Token" handover=made.handover validity />
                        </Dialog>
                    }
                })
        }}
    }
    .into_any()
}

fn validity(_: Option<Timestamp>) -> String {
    "Whoever has it can do what it lets do. It is shown only now.".into()
}

#[component]
fn MakeToken(tokens: api_tokens::ApiTokens) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let scopes = StoredValue::new(Vec::<Scope>::new());
    let chosen = DAYS.into_iter().position(|days| days == DEFAULT_DAYS).unwrap_or_default();
    let days = StoredValue::new(DEFAULT_DAYS);
    let form = Submission::default();
    let on_submit = Callback::new(move |()| {
        let scopes = scopes.get_value();
        let mend = if scopes.is_empty() { SCOPES } else { NAME };
        tokens.make(form, mend, name, scopes, days.get_value());
    });
    let choice = move |scope: Scope| {
        let choose = move |is_chosen| {
            scopes.update_value(|scopes| {
                scopes.retain(|other| *other != scope);
                if is_chosen {
                    scopes.push(scope);
                }
            });
        };
        view! {
            <label>
                <input type="checkbox" on:change:target=move |event| choose(event.target().checked()) />
                {scope.label()}
            </label>
        }
    };
    view! {
        <section class="telling" aria-labelledby="make-token-title">
            <h2 id="make-token-title">"Make a token"</h2>
            <Form submit="Make token" form on_submit>
                <Field
                    id=NAME
                    label="Name"
                    kind="text"
                    autocomplete="off"
                    value=name
                    rules="The program that it is for. What it does is written down under this name and yours."
                />
                <fieldset class="kind-list" id=SCOPES tabindex="-1">
                    <legend>"What it lets do"</legend>
                    {Scope::ALL.map(choice).collect_view()}
                </fieldset>
                <div class="field">
                    <span aria-hidden="true">"Good for"</span>
                    <Select
                        label="Good for".to_owned()
                        options=LIVES.to_vec()
                        chosen
                        on_choose=Callback::new(move |place: usize| days.set_value(DAYS[place]))
                    />
                </div>
            </Form>
        </section>
    }
}
