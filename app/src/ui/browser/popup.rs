//! Windows in which people sign in.
//!
//! Nothing is read from them: once Microsoft's page is open, the browser hides from us whether the window still is.

const WIDTH: i32 = 520;
const HEIGHT: i32 = 680;

/// The browser refused to open a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocked;

/// Opens a window at a path of this server, in the middle of this one. Has to be called within a person's click:
/// browsers block it anywhere else.
pub fn open(path: &str, name: &str) -> Result<(), Blocked> {
    let window = web_sys::window().ok_or(Blocked)?;
    let number = |value: Result<wasm_bindgen::JsValue, _>| value.ok().and_then(|value| value.as_f64()).unwrap_or(0.0);
    let left = number(window.screen_x()) + (number(window.outer_width()) - f64::from(WIDTH)) / 2.0;
    let top = number(window.screen_y()) + (number(window.outer_height()) - f64::from(HEIGHT)) / 2.0;
    #[expect(clippy::cast_possible_truncation, reason = "no screen has 2^31 pixels")]
    let (left, top) = (left.max(0.0) as i32, top.max(0.0) as i32);
    let features = format!("popup,width={WIDTH},height={HEIGHT},left={left},top={top}");
    match window.open_with_url_and_target_and_features(path, name, &features) {
        Ok(Some(popup)) => {
            // A window of an earlier try may be behind this one. It stays there where the browser does not allow this.
            let _ = popup.focus();
            Ok(())
        }
        Ok(None) | Err(_) => Err(Blocked),
    }
}
