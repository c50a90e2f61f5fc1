//! The address of a page, in which a gate and a model stand.

use url::Url;

use crate::adapters::metrics::measurement::Gap;
use crate::ids::{GateId, ModelId};

/// The address of pages of metrics.
#[derive(Debug, Clone)]
pub struct PageUrl {
    template: Url,
}

/// Why a text is no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageUrlError {
    /// It is no plain URL.
    #[error("must be an http or https URL without user name, password and fragment")]
    NoUrl,
    /// An id would choose the server.
    #[error("may hold $__gate and $__model in its path and query only")]
    Host,
    /// Something else begins as an id does.
    #[error("holds $__ that begins neither $__gate nor $__model")]
    Unknown,
}

impl PageUrl {
    /// Reads an address such as `http://127.0.0.1:8080/gates/$__gate/metrics`.
    ///
    /// # Errors
    /// It is none, or an id would choose the server.
    pub fn parse(text: &str) -> Result<Self, PageUrlError> {
        let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#', '\\']).next().unwrap_or_default();
        if authority.contains('$') {
            return Err(PageUrlError::Host);
        }
        let template = Url::parse(text).map_err(|_| PageUrlError::NoUrl)?;
        let is_plain = matches!(template.scheme(), "http" | "https")
            && template.has_host()
            && template.username().is_empty()
            && template.password().is_none()
            && template.fragment().is_none();
        if !is_plain {
            return Err(PageUrlError::NoUrl);
        }
        let rest = text.replace("$__gate", "").replace("$__model", "");
        if rest.contains("$__") {
            return Err(PageUrlError::Unknown);
        }
        Ok(Self { template })
    }

    /// The origin, for whoever calls it.
    pub fn origin(&self) -> Url {
        let mut origin = self.template.clone();
        origin.set_path("/");
        origin.set_query(None);
        origin
    }

    /// The address of one gate's page.
    ///
    /// # Errors
    /// An id would be a way up in the path.
    pub(super) fn with(&self, model: &ModelId, gate: &GateId) -> Result<Url, Gap> {
        let fill =
            |text: &str| text.replace("$__gate", gate.as_str()).replace("$__model", model.as_str());
        let mut url = self.template.clone();
        let path = fill(url.path());
        url.set_path(&path);
        let query = url.query().map(fill);
        url.set_query(query.as_deref());
        if url.path() == path {
            Ok(url)
        } else {
            Err("the name of the gate or the model cannot stand in a path".to_owned())
        }
    }
}
