//! What can be done for a better Secure Score.

use leptos::prelude::*;

use super::score_row::{one_digit, point_words};
use crate::domain::secure_score::Control;

/// The measures. Each opens into what to do.
#[component]
pub fn ControlList(
    /// The measures, in their order.
    controls: Vec<Control>,
) -> impl IntoView {
    let control = |control: Control| {
        let gain = control.gain();
        let facts = [
            ("Points", point_words(control.points)),
            ("Product", control.service),
            ("Work", control.cost),
            ("People notice", control.user_impact),
        ];
        let fact = |(name, value): (&'static str, String)| {
            (!value.is_empty()).then(|| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
        };
        view! {
            <li>
                <details class="control">
                    <summary>
                        <span class="control-gain">
                            {if gain > 0.0 { format!("+{}", one_digit(gain)) } else { "Done".to_owned() }}
                        </span>
                        <span class="name">{control.title}</span>
                        <span class="data-quiet">{control.category}</span>
                    </summary>
                    <div class="control-body">
                        <p class="remediation">{control.remediation}</p>
                        <dl class="facts">{facts.into_iter().map(fact).collect_view()}</dl>
                        {control
                            .link
                            .map(|link| {
                                view! {
                                    <a class="data-link" href=link target="_blank" rel="noopener noreferrer">
                                        "Open in Microsoft’s portal"
                                        <span class="visually-hidden">" (in a new tab)"</span>
                                    </a>
                                }
                            })}
                    </div>
                </details>
            </li>
        }
    };
    view! { <ol class="controls">{controls.into_iter().map(control).collect_view()}</ol> }
}
