//! Where a file is chosen, or dropped.

use leptos::{ev, prelude::*, web_sys::File};

use crate::ui::browser::file;

/// The field. A file may be dropped anywhere on it.
#[component]
pub fn FileDrop(
    /// What to choose.
    label: &'static str,
    /// What kinds of files there are to choose from, as HTML names them.
    accept: &'static str,
    /// Somebody chose one.
    on_choose: Callback<Option<File>>,
) -> impl IntoView {
    let over = RwSignal::new(false);
    let on_drop = move |event: ev::DragEvent| {
        event.prevent_default();
        over.set(false);
        on_choose.run(file::dropped(&event));
    };
    let on_over = move |event: ev::DragEvent| {
        // Without this, the browser would open the file in the place of the page.
        event.prevent_default();
        over.set(true);
    };
    view! {
        <div
            class="file-drop"
            class:file-drop-over=over
            on:drop=on_drop
            on:dragover=on_over
            on:dragleave=move |_| over.set(false)
        >
            <label for="file">{label}</label>
            <input
                id="file"
                type="file"
                accept=accept
                on:change:target=move |event| on_choose.run(file::take(&event.target()))
            />
        </div>
    }
}
