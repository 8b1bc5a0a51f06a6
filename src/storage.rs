//! Where stores are: files in the data directory, or the PostgreSQL that `[store]` names.

use std::sync::Arc;

use causeway_config::{Section, StoreSettings};
use causeway_kit::store::{Postgres, Storage};

use crate::{failure::Usage, host::Host};

/// Has the parts of a process keep their stores where the settings say.
pub(crate) fn choose(host: &mut Host) -> anyhow::Result<()> {
    if let Some(server) = server(&host.settings.store)? {
        host.context.storage = Storage::Postgres(server);
    }
    Ok(())
}

/// The PostgreSQL that is configured.
pub(crate) fn server(settings: &StoreSettings) -> anyhow::Result<Option<Arc<Postgres>>> {
    let url = settings.url().map_err(|invalid| {
        Usage::error(format!("{}.{}: {}", StoreSettings::NAME, invalid.key, invalid.problem))
    })?;
    let Some(url) = url else { return Ok(None) };
    let StoreSettings { ca_file, readers, start_timeout, .. } = settings;
    let server = Postgres::new(url.expose(), ca_file.as_deref(), *readers, *start_timeout);
    let server = server.map_err(|wrong| Usage::error(format!("store.url: {wrong}")))?;
    Ok(Some(Arc::new(server)))
}
