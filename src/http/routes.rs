//! Which paths there are, who may use them, and what serves them.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::http::{
    answers, chat, cockpit, documents, evidence, health, mcp, metrics, oauth, openapi, report,
    server_card, sse, tickets, whoami,
};

/// Who may use a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Who has a key.
    Key,
    /// Who has a key; it may stand in the query, for readers that cannot set headers.
    KeyOrQuery,
}

/// One path, or all paths that begin alike.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The path; one with a name in braces stands for all that have something in its place.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// The methods it has.
    pub allow: &'static str,
}

impl Route {
    /// Whether a path, as it was sent, is one of these.
    fn is_at(&self, path: &str) -> bool {
        match self.path.split_once('{') {
            Some((prefix, _)) => path.len() > prefix.len() && path.starts_with(prefix),
            None => path == self.path,
        }
    }
}

/// Every path there is.
pub const ROUTES: &[Route] = &[
    Route { path: "/mcp", access: Access::Key, allow: "DELETE, GET, POST" },
    Route { path: server_card::PATH, access: Access::Public, allow: "GET, HEAD" },
    Route { path: "/sse", access: Access::KeyOrQuery, allow: "GET" },
    Route { path: "/sse/ticket", access: Access::Key, allow: "POST" },
    Route { path: chat::PATH, access: Access::Key, allow: "GET" },
    Route { path: "/v1/chat/completions", access: Access::Key, allow: "POST" },
    Route { path: "/v1/models", access: Access::Key, allow: "GET, HEAD" },
    Route { path: "/v1/models/{id:.*}", access: Access::Key, allow: "GET, HEAD" },
    Route { path: "/api/whoami", access: Access::Key, allow: "GET, HEAD" },
    Route { path: "/api/report/{id:.*}", access: Access::Key, allow: "GET, HEAD" },
    Route { path: "/metrics", access: Access::Key, allow: "GET" },
    Route { path: "/evidence/export", access: Access::Key, allow: "GET" },
    Route { path: "/repo/{path:.*}", access: Access::Key, allow: "GET, HEAD" },
    Route { path: "/documents/{id:.*}", access: Access::Key, allow: "GET, HEAD" },
    Route { path: "/cockpit.html", access: Access::Public, allow: "GET, HEAD" },
    Route { path: "/cockpit.css", access: Access::Public, allow: "GET, HEAD" },
    Route { path: "/cockpit.js", access: Access::Public, allow: "GET, HEAD" },
    Route { path: "/cockpit-chat.css", access: Access::Public, allow: "GET, HEAD" },
    Route { path: "/cockpit-chat.js", access: Access::Public, allow: "GET, HEAD" },
    Route { path: "/openapi.json", access: Access::Public, allow: "GET, HEAD" },
    Route { path: "/healthz", access: Access::Public, allow: "GET, HEAD" },
    Route { path: "/readyz", access: Access::Public, allow: "GET, HEAD" },
    Route { path: "/health", access: Access::Public, allow: "GET, HEAD" },
    Route { path: oauth::RESOURCE, access: Access::Public, allow: "GET, HEAD" },
    Route { path: oauth::RESOURCE_OF_MCP, access: Access::Public, allow: "GET, HEAD" },
    Route { path: oauth::SERVER, access: Access::Public, allow: "GET, HEAD" },
    Route { path: oauth::SERVER_OF_MCP, access: Access::Public, allow: "GET, HEAD" },
    Route { path: "/oauth/authorize", access: Access::Public, allow: "GET, POST" },
    Route { path: "/oauth/token", access: Access::Public, allow: "POST" },
    Route { path: "/oauth/register", access: Access::Public, allow: "POST" },
    Route { path: "/oauth/revoke", access: Access::Public, allow: "POST" },
    Route { path: "/", access: Access::Public, allow: "GET, HEAD" },
];

/// What has to be on for a path to be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    /// OAuth, in either of its forms.
    Oauth,
    /// The daemon's own authorization server.
    OauthServer,
}

/// What has to be on for a path to be served.
pub(super) fn needs(path: &str) -> Needs {
    if path.starts_with(oauth::RESOURCE) {
        Needs::Oauth
    } else if path.starts_with(oauth::SERVER) || path.starts_with("/oauth/") {
        Needs::OauthServer
    } else {
        Needs::Nothing
    }
}

/// The content type of what is posted to a path.
pub(super) fn content_type(path: &str) -> &'static str {
    match path {
        "/oauth/authorize" | "/oauth/token" | "/oauth/revoke" => {
            "application/x-www-form-urlencoded"
        }
        _ => "application/json",
    }
}

/// Who may use a path as it was sent. What is not known needs a key, so that no spelling of a path
/// is a way around one; the probes of OAuth clients are told that there is nothing for them.
pub(super) fn access(path: &str) -> Access {
    if path.starts_with("/.well-known/") {
        return Access::Public;
    }
    ROUTES.iter().find(|route| route.is_at(path)).map_or(Access::Key, |route| route.access)
}

/// Whether requests to a path count against a rate limit. Health is asked by machines that must not
/// be turned away, and what everybody may have costs nothing.
pub(super) fn is_limited(access: Access, path: &str) -> bool {
    access != Access::Public
        || path == "/"
        || is_for_every_page(path)
        || needs(path) != Needs::Nothing
}

/// Whether pages of any origin may read what is at a path: it is the same for everybody, and is there
/// to be found.
pub(super) fn is_for_every_page(path: &str) -> bool {
    path == server_card::PATH
}

/// The route that a path is of, as it stands in [`ROUTES`].
pub(super) fn pattern(path: &str) -> Option<&'static str> {
    ROUTES.iter().find(|route| route.is_at(path)).map(|route| route.path)
}

/// The methods of a path, if there is such a path.
pub(super) fn allowed(path: &str) -> Option<&'static str> {
    ROUTES.iter().find(|route| route.is_at(path)).map(|route| route.allow)
}

/// Adds every path of [`ROUTES`].
pub fn configure(config: &mut web::ServiceConfig) {
    for route in ROUTES {
        let resource = web::resource(route.path);
        let resource = match route.path {
            "/mcp" => resource
                .route(web::post().to(mcp::post))
                .route(web::get().to(mcp::get))
                .route(web::delete().to(mcp::delete)),
            server_card::PATH => resource
                .route(web::get().to(server_card::get))
                .route(web::head().to(server_card::get)),
            "/sse" => resource.route(web::get().to(sse::get)),
            "/sse/ticket" => resource.route(web::post().to(tickets::post)),
            chat::PATH => resource.route(web::get().to(chat::open)),
            "/v1/chat/completions" => resource.route(web::post().to(chat::complete)),
            "/v1/models" => {
                resource.route(web::get().to(chat::models)).route(web::head().to(chat::models))
            }
            "/v1/models/{id:.*}" => {
                resource.route(web::get().to(chat::model)).route(web::head().to(chat::model))
            }
            "/api/whoami" => {
                resource.route(web::get().to(whoami::get)).route(web::head().to(whoami::get))
            }
            "/api/report/{id:.*}" => {
                resource.route(web::get().to(report::get)).route(web::head().to(report::get))
            }
            "/metrics" => resource.route(web::get().to(metrics::get)),
            "/evidence/export" => resource.route(web::get().to(evidence::get)),
            "/repo/{path:.*}" => resource
                .route(web::get().to(documents::file))
                .route(web::head().to(documents::file)),
            "/documents/{id:.*}" => resource
                .route(web::get().to(documents::about))
                .route(web::head().to(documents::about)),
            cockpit::PATH => {
                resource.route(web::get().to(cockpit::page)).route(web::head().to(cockpit::page))
            }
            "/cockpit.css" => {
                resource.route(web::get().to(cockpit::style)).route(web::head().to(cockpit::style))
            }
            "/cockpit.js" => resource
                .route(web::get().to(cockpit::script))
                .route(web::head().to(cockpit::script)),
            "/cockpit-chat.css" => resource
                .route(web::get().to(cockpit::chat_style))
                .route(web::head().to(cockpit::chat_style)),
            "/cockpit-chat.js" => resource
                .route(web::get().to(cockpit::chat_script))
                .route(web::head().to(cockpit::chat_script)),
            "/openapi.json" => {
                resource.route(web::get().to(openapi::get)).route(web::head().to(openapi::get))
            }
            "/healthz" => {
                resource.route(web::get().to(health::alive)).route(web::head().to(health::alive))
            }
            "/readyz" => {
                resource.route(web::get().to(health::ready)).route(web::head().to(health::ready))
            }
            "/health" => {
                resource.route(web::get().to(health::health)).route(web::head().to(health::health))
            }
            oauth::RESOURCE | oauth::RESOURCE_OF_MCP => {
                let get = oauth::protected_resource;
                resource.route(web::get().to(get)).route(web::head().to(get))
            }
            oauth::SERVER | oauth::SERVER_OF_MCP => {
                let get = oauth::authorization_server;
                resource.route(web::get().to(get)).route(web::head().to(get))
            }
            "/oauth/authorize" => resource
                .route(web::get().to(oauth::authorize))
                .route(web::post().to(oauth::consent)),
            "/oauth/token" => resource.route(web::post().to(oauth::token)),
            "/oauth/register" => resource.route(web::post().to(oauth::register)),
            "/oauth/revoke" => resource.route(web::post().to(oauth::revoke)),
            "/" => {
                resource.route(web::get().to(health::index)).route(web::head().to(health::index))
            }
            other => unreachable!("{other} is declared and not served"),
        };
        let allow = route.allow;
        config.service(resource.default_service(web::to(move |request: HttpRequest| async move {
            method_not_allowed(&request, allow)
        })));
    }
}

/// Adds the socket at another path than its own.
pub fn configure_socket(config: &mut web::ServiceConfig, path: &str) {
    let resource = web::resource(path).route(web::get().to(chat::open));
    config.service(resource.default_service(web::to(|request: HttpRequest| async move {
        method_not_allowed(&request, "GET")
    })));
}

/// The answer to a path that there is not.
pub async fn not_found() -> HttpResponse {
    nothing_here()
}

/// The same.
pub(super) fn nothing_here() -> HttpResponse {
    let message =
        "there is nothing at this path; POST JSON-RPC to /mcp, or GET / for what there is";
    answers::error(StatusCode::NOT_FOUND, message)
}

pub(super) fn method_not_allowed(request: &HttpRequest, allow: &'static str) -> HttpResponse {
    let message = format!("{} is not served here; allowed: {allow}", request.method());
    let mut response = answers::error(StatusCode::METHOD_NOT_ALLOWED, &message);
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allow));
    response
}
