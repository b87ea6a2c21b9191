//! How browser and server speak: HTTP, with JSON both ways.

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};
use server_fn::{
    Http, Protocol,
    client::Client,
    codec::{Encoding, FromReq, FromRes, IntoReq, IntoRes, Json},
    error::{FromServerFnError as _, ServerFnErrorErr},
    server::Server,
};

use crate::error::AppError;

/// The same as [`Http<In, Json>`] on the wire and on the server. In the browser, all server functions share one way to
/// ask: a copy for each of them would be a large part of the program.
#[derive(Debug)]
pub struct Shared<In>(PhantomData<In>);

impl<In, Input, Output, C, S> Protocol<Input, Output, C, S, AppError> for Shared<In>
where
    In: Encoding,
    Input: IntoReq<In, C::Request, AppError> + FromReq<In, S::Request, AppError> + Serialize + Send,
    Output: IntoRes<Json, S::Response, AppError> + FromRes<Json, C::Response, AppError> + DeserializeOwned + Send,
    C: Client<AppError>,
    S: Server<AppError>,
{
    const METHOD: http::Method = In::METHOD;

    fn run_server<F, Fut>(
        request: S::Request,
        server_fn: F,
    ) -> impl Future<Output = Result<S::Response, AppError>> + Send
    where
        F: Fn(Input) -> Fut + Send,
        Fut: Future<Output = Result<Output, AppError>> + Send,
    {
        <Http<In, Json> as Protocol<Input, Output, C, S, AppError>>::run_server(request, server_fn)
    }

    async fn run_client(path: &str, input: Input) -> Result<Output, AppError> {
        let arguments = serde_json::to_string(&input).unwrap_or_default();
        let answer = ask(path, arguments, In::METHOD == http::Method::GET).await?;
        serde_json::from_slice(answer.as_bytes()).map_err(|_| unreadable())
    }
}

/// What came is nothing that the server says. How JSON is broken helps nobody, and the words for it are many.
fn unreadable() -> AppError {
    AppError::from_server_fn_error(ServerFnErrorErr::Response(String::new()))
}

#[cfg(feature = "csr")]
async fn ask(path: &str, arguments: String, is_get: bool) -> Result<String, AppError> {
    use crate::ui::browser::fetch;

    let answer = if is_get {
        fetch::ask(&format!("{path}?{}", query(&arguments)), None)
    } else {
        fetch::ask(path, Some(&arguments))
    };
    success(answer.await)
}

/// The body of an answer of success. None: there is no answer.
#[cfg(feature = "csr")]
pub fn success(answer: Option<(bool, String)>) -> Result<String, AppError> {
    match answer {
        Some((true, body)) => Ok(body),
        Some((false, body)) => Err(serde_json::from_slice(body.as_bytes()).unwrap_or_else(|_| unreadable())),
        None => Err(AppError::from_server_fn_error(ServerFnErrorErr::Request(String::new()))),
    }
}

/// Only browsers ask.
#[cfg(not(feature = "csr"))]
fn ask(_: &str, _: String, _: bool) -> std::future::Ready<Result<String, AppError>> {
    std::future::ready(Err(AppError::from_server_fn_error(ServerFnErrorErr::Request(String::new()))))
}

/// Arguments as a query. Those of a GET are numbers, if there are any: nothing in them needs an escape.
#[cfg(feature = "csr")]
fn query(arguments: &str) -> String {
    arguments.replace(['{', '}', '"'], "").replace(':', "=").replace(',', "&")
}

#[cfg(all(test, feature = "csr"))]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_arguments_of_a_query() {
        for (arguments, words) in [("{}", ""), (r#"{"since":-5}"#, "since=-5")] {
            assert_eq!(query(arguments), words, "{arguments}");
        }
        assert_eq!(query(r#"{"since":12,"limit":3}"#), "since=12&limit=3");
    }
}
