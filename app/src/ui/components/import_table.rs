//! What a file of companies would do, row by row, and what its columns are.

use leptos::{
    ev,
    prelude::*,
    web_sys::{HtmlInputElement, HtmlSelectElement},
};

use crate::{
    domain::{
        CompanyField, CompanyTexts, FieldChange,
        company_import::{ImportColumn, Mend, Planned, Verdict},
    },
    ui::{
        ago::count,
        company_import::{Import, Which},
    },
};

/// How many rows are shown. Nobody reads thousands, and a page of thousands is slow.
pub const SHOWN_ROWS: usize = 200;

/// What the columns are taken for.
#[component]
pub fn ColumnMap(
    /// The columns.
    columns: Vec<ImportColumn>,
    /// Somebody says what the one at this place is. The text is the id of where they said it.
    on_map: Callback<(usize, Option<CompanyField>, String)>,
) -> impl IntoView {
    let column = |(place, ImportColumn { header, sample, field }): (usize, ImportColumn)| {
        let id = format!("column-{place}");
        let element = id.clone();
        let on_change = move |event: ev::Targeted<ev::Event, HtmlSelectElement>| {
            let chosen = usize::try_from(event.target().selected_index()).ok().and_then(|place| place.checked_sub(1));
            on_map.run((place, chosen.map(|place| CompanyField::ALL[place]), element.clone()));
        };
        let options = std::iter::once(None).chain(CompanyField::ALL.map(Some));
        let option = move |other: Option<CompanyField>| {
            view! { <option prop:selected=other == field>{other.map_or("Left out", CompanyField::label)}</option> }
        };
        let header = if header.is_empty() { format!("Column {}", place + 1) } else { header };
        view! {
            <div class="field">
                <label for=id.clone()>{header}</label>
                <select class="select" id=id on:change:target=on_change>
                    {options.map(option).collect_view()}
                </select>
                <p class="field-rules">{sample}</p>
            </div>
        }
    };
    view! {
        <div class="column-map" role="group" aria-label="Columns">
            {columns.into_iter().enumerate().map(column).collect_view()}
        </div>
    }
}

/// The first of the rows. Those that are wrong can be mended, or left out.
#[component]
pub fn ImportTable(
    /// The rows.
    rows: Vec<Planned>,
    /// What is said of them.
    import: Import,
) -> impl IntoView {
    let more = rows.len().saturating_sub(SHOWN_ROWS);
    view! {
        <table class="data-table import-table" role="table" aria-label="Rows of the file">
            <thead role="rowgroup">
                <tr role="row">
                    {["Line", "Company", "What happens", "Details"]
                        .map(|name| view! { <th role="columnheader" scope="col">{name}</th> })
                        .collect_view()}
                </tr>
            </thead>
            <tbody role="rowgroup">
                {rows.into_iter().take(SHOWN_ROWS).map(|row| line(row, import)).collect_view()}
            </tbody>
        </table>
        {(more > 0).then(|| view! { <p class="import-more">"and " {count(more as u64, "more row")}</p> })}
    }
}

fn line(row: Planned, import: Import) -> impl IntoView {
    let Planned { line, texts, verdict } = row;
    let word = if verdict == Verdict::Archived { "Archived" } else { Which::of(&verdict).label() };
    let is_wrong = matches!(verdict, Verdict::Wrong { .. });
    let mending = match &verdict {
        Verdict::Wrong { fields, .. } => Some(mending(line, fields, &texts, import)),
        _ => None,
    };
    let details = match verdict {
        Verdict::New => {
            let there = CompanyField::ALL[1..].iter().map(|field| texts.get(*field)).filter(|text| !text.is_empty());
            there.map(str::to_owned).collect()
        }
        Verdict::Changed { changes, .. } => changes.iter().map(FieldChange::to_string).collect(),
        Verdict::Wrong { reasons, .. } => reasons,
        Verdict::Unchanged | Verdict::Archived => Vec::new(),
    };
    view! {
        <tr role="row">
            <td role="cell" data-label="Line">
                {line}
            </td>
            <td role="cell" class="data-main">
                <span class="name">{texts.name}</span>
            </td>
            <td role="cell" data-label="What happens">
                <span class="import-verdict" class:import-wrong=is_wrong>
                    {word}
                </span>
            </td>
            <td role="cell" class="import-details">
                {details.into_iter().map(|detail| view! { <span>{detail}</span> }).collect_view()} {mending}
            </td>
        </tr>
    }
}

/// What somebody may say of a wrong row.
fn mending(line: u32, fields: &[CompanyField], texts: &CompanyTexts, import: Import) -> AnyView {
    let input = |field: CompanyField| {
        let text = import.said(line, Some(field)).unwrap_or_else(|| texts.get(field).to_owned());
        let on_change = move |event: ev::Targeted<ev::Event, HtmlInputElement>| {
            import.mend(Mend { line, field: Some(field), text: event.target().value() });
        };
        let label = field.label();
        view! {
            <input
                type="text"
                aria-label=format!("{label}, line {line}")
                placeholder=label
                prop:value=text
                on:change:target=on_change
            />
        }
    };
    let is_left_out = import.said(line, None).is_some_and(|text| !text.is_empty());
    let on_leave_out = move |event: ev::Targeted<ev::Event, HtmlInputElement>| {
        let text = if event.target().checked() { "yes" } else { "" }.to_owned();
        import.mend(Mend { line, field: None, text });
    };
    view! {
        <div class="import-mend">
            {fields.iter().copied().map(input).collect_view()}
            <label>
                <input type="checkbox" prop:checked=is_left_out on:change:target=on_leave_out />
                {format!("Leave out line {line}")}
            </label>
        </div>
    }
    .into_any()
}
