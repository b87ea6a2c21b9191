//! Companies from a file: choose it, look at what it would do, confirm.

use leptos::prelude::*;

use super::{ForRight, Frame};
use crate::{
    domain::{
        CompanyField, Right,
        company_import::{Counts, ImportPreview},
    },
    ui::{
        browser::document,
        company_import::{Import, SHOWN, Stage, Which, done_words, shown_words},
        components::{ColumnMap, FileDrop, Icon, ImportTable, Link, Problem, Segment, Segments, Shape},
        routes::Page,
        session::Session,
        state::Voice,
    },
};

const TEMPLATE: &str = "/api/companies/import/template.csv";

/// The page.
#[component]
pub fn ImportCompanies() -> impl IntoView {
    document::set_title("Import companies");
    view! {
        <Frame path=&["Settings", "Companies", "Import"]>
            <div class="page-head">
                <div>
                    <h1>"Import companies"</h1>
                    <p class="page-lead">
                        "From a CSV file or an Excel workbook. Nothing is written before you confirm. "
                        <a href=TEMPLATE download="companies.csv">
                            "Download a template"
                        </a>
                    </p>
                </div>
            </div>
            <ForRight right=Right::ManageCompanies title="Your role may not change companies" page=import />
        </Frame>
    }
}

fn import() -> AnyView {
    let import = Import::new(expect_context::<Session>(), expect_context::<Voice>());
    let on_choose = Callback::new(move |file| import.choose(file));
    view! {
        <div class="import" aria-busy=move || import.busy.get().to_string()>
            {move || {
                (!matches!(import.stage.get(), Stage::Done(_)))
                    .then(|| {
                        let label = "Drop a file here, or choose one";
                        view! { <FileDrop label accept=".csv,.txt,.tsv,.xlsx" on_choose /> }
                    })
            }}
            <Problem words=import.refused />
            {move || match import.stage.get() {
                Stage::Choose => ().into_any(),
                Stage::Shown(shown) => preview(import, shown),
                Stage::Done(counts) => done(import, counts),
            }}
        </div>
    }
    .into_any()
}

fn preview(import: Import, shown: ImportPreview) -> AnyView {
    let counts = Counts::of(&shown.rows);
    let has_name = shown.columns.iter().any(|column| column.field == Some(CompanyField::Name));
    let nothing_to_do = has_name && counts.new + counts.changed + counts.wrong == 0;
    let on_map = Callback::new(move |(column, field, element)| import.map(column, field, element));
    let segments = Which::ALL
        .into_iter()
        .map(|which| {
            let count = shown.rows.iter().filter(|row| which.admits(row)).count();
            Segment { label: which.label(), count: Some(Memo::new(move |_| Some(count))), shape: None }
        })
        .collect();
    let rows = StoredValue::new(shown.rows);
    let of_which = move || {
        let which = Which::ALL[import.which.get()];
        rows.with_value(|rows| rows.iter().filter(|row| which.admits(row)).cloned().collect::<Vec<_>>())
    };
    let verdict = if !has_name {
        "Say which column is the name.".to_owned()
    } else if counts.wrong > 0 {
        "Mend the wrong rows below, or leave them out. As long as a row is wrong, nothing is written.".to_owned()
    } else if nothing_to_do {
        "Nothing to do: everything in the file is known.".to_owned()
    } else {
        String::new()
    };
    let may_confirm = verdict.is_empty();
    let mends = counts.wrong > 0;
    view! {
        <h2 id=SHOWN tabindex="-1">{format!("{}: {}", import.name.get_untracked(), shown_words(counts))}</h2>
        <ColumnMap columns=shown.columns on_map />
        <div class="import-confirm">
            <p>{verdict}</p>
            {mends
                .then(|| {
                    view! {
                        <button
                            type="button"
                            class="button"
                            aria-disabled=move || (import.busy.get() || !import.unchecked.get()).to_string()
                            on:click=move |_| {
                                if import.unchecked.get_untracked() {
                                    import.check();
                                }
                            }
                        >
                            {move || import.busy.get().then(|| view! { <Icon shape=Shape::Spinner /> })}
                            "Check mended rows"
                        </button>
                    }
                })}
            {may_confirm
                .then(|| {
                    view! {
                        <button
                            type="button"
                            class="button button-main"
                            aria-disabled=move || import.busy.get().to_string()
                            on:click=move |_| import.confirm()
                        >
                            {move || import.busy.get().then(|| view! { <Icon shape=Shape::Spinner /> })}
                            "Confirm import"
                        </button>
                    }
                })}
        </div>
        {has_name
            .then(|| {
                view! {
                    <Segments
                        legend="Show"
                        name="rows"
                        segments
                        chosen=import.which.read_only()
                        on_choose=Callback::new(move |place| import.which.set(place))
                    />
                    {move || view! { <ImportTable rows=of_which() import /> }}
                }
            })}
    }
    .into_any()
}

fn done(import: Import, counts: Counts) -> AnyView {
    view! {
        <h2 id=SHOWN tabindex="-1">{done_words(counts)}</h2>
        <div class="form-buttons">
            <Link to=Page::HOME class="button button-main">
                "Go to M365 companies"
            </Link>
            <button type="button" class="button" on:click=move |_| import.begin_anew()>
                "Import another file"
            </button>
        </div>
    }
    .into_any()
}
