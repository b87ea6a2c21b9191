//! Reads Microsoft's measure of how well the tenant is set up.

use super::{Connection, Graph, ReadError, Store};

/// As many days as Microsoft keeps.
const DAYS: u16 = 90;

pub(super) async fn read(store: &Store, connection: &Connection, graph: &Graph) -> Result<(), ReadError> {
    let (scores, profiles) = tokio::try_join!(graph.secure_scores(DAYS), graph.control_profiles())?;
    Ok(store.put_secure_scores(connection, &scores, &profiles).await?)
}
