//! All routes, in one table.

use actix_web::{
    FromRequest, Handler, HttpRequest, Resource, Responder, ResponseError as _,
    http::Method,
    web::{self, ServiceConfig},
};

use super::{
    audit, detail::Detail, feed, invitations, jwks, members, metadata, metrics, operations, org_revocations,
    org_tokens, organizations, policies, problem::Problem, refresh, revocations, revoke, service_accounts, session,
    status_lists, tokens, users,
};
use crate::{compat::label_studio, web as pages};

/// The exchange, with and without the slash that some clients put at the end.
const EXCHANGE: [&str; 4] = ["/api/token/refresh", "/api/token/refresh/", "/token/refresh", "/token/refresh/"];

/// Serves every route there is.
pub(super) fn routes(config: &mut ServiceConfig) {
    for endpoint in endpoints() {
        config.service(endpoint.finish());
    }
    config.default_service(web::to(|| async { Problem::NotFound.error_response() }));
}

/// The method and the path of every route, as in the table; what answers `GET` answers `HEAD` too.
#[must_use]
pub fn all_routes() -> Vec<(&'static str, &'static str)> {
    let methods = |endpoint: Endpoint| {
        let path = endpoint.path;
        let own = endpoint.allowed.into_iter().filter(|method| *method != Method::HEAD);
        own.filter_map(move |method| known(&method).map(|method| (method, path)))
    };
    endpoints().into_iter().flat_map(methods).collect()
}

fn endpoints() -> Vec<Endpoint> {
    // One resource a path: actix would match several in one by regular expressions, at each request.
    let mut all: Vec<Endpoint> = EXCHANGE.map(|path| Endpoint::django(path).on(Method::POST, refresh::post)).into();
    all.extend([
        Endpoint::new("/oauth/revoke").on(Method::POST, revoke::post),
        Endpoint::new("/.well-known/jwks.json").on(Method::GET, jwks::get),
        Endpoint::new("/.well-known/oauth-authorization-server").on(Method::GET, metadata::get),
        Endpoint::new("/revocations").on(Method::GET, feed::get),
        Endpoint::new("/statuslists/{n}").on(Method::GET, status_lists::get),
        Endpoint::new("/api/v1/session")
            .on(Method::POST, session::post)
            .on(Method::GET, session::get)
            .on(Method::DELETE, session::delete),
        Endpoint::new("/api/v1/session/password").on(Method::POST, session::password),
        Endpoint::new("/api/v1/sessions").on(Method::DELETE, session::delete_all),
        Endpoint::new("/api/v1/users").on(Method::GET, users::list),
        Endpoint::new("/api/v1/users/{id}/disable").on(Method::POST, users::disable),
        Endpoint::new("/api/v1/users/{id}/enable").on(Method::POST, users::enable),
        Endpoint::new("/api/v1/users/{id}/reset-password").on(Method::POST, users::reset_password),
        Endpoint::new("/api/v1/users/{id}/sign-out").on(Method::POST, users::sign_out),
        Endpoint::new("/api/v1/tokens").on(Method::GET, tokens::list).on(Method::POST, tokens::post),
        Endpoint::new("/api/v1/tokens/{id}")
            .on(Method::GET, tokens::get)
            .on(Method::PATCH, tokens::patch)
            .on(Method::DELETE, tokens::delete),
        Endpoint::new("/api/v1/tokens/{id}/usage").on(Method::GET, tokens::usage),
        Endpoint::new("/api/v1/tokens/{id}/rotate").on(Method::POST, tokens::rotate),
        Endpoint::new("/api/v1/revocations").on(Method::POST, revocations::post),
        Endpoint::new("/api/v1/orgs").on(Method::GET, organizations::list).on(Method::POST, organizations::post),
        Endpoint::new("/api/v1/orgs/{org}")
            .on(Method::GET, organizations::get)
            .on(Method::PATCH, organizations::patch)
            .on(Method::DELETE, organizations::delete),
        Endpoint::new("/api/v1/orgs/{org}/members").on(Method::GET, members::list),
        Endpoint::new("/api/v1/orgs/{org}/members/{user}")
            .on(Method::PATCH, members::patch)
            .on(Method::DELETE, members::delete),
        Endpoint::new("/api/v1/orgs/{org}/invitations")
            .on(Method::GET, invitations::list)
            .on(Method::POST, invitations::post),
        Endpoint::new("/api/v1/orgs/{org}/invitations/{id}").on(Method::DELETE, invitations::delete),
        Endpoint::new("/api/v1/invitations/accept").on(Method::POST, invitations::accept),
        Endpoint::new("/api/v1/orgs/{org}/service-accounts")
            .on(Method::GET, service_accounts::list)
            .on(Method::POST, service_accounts::post),
        Endpoint::new("/api/v1/orgs/{org}/service-accounts/{id}")
            .on(Method::GET, service_accounts::get)
            .on(Method::PATCH, service_accounts::patch)
            .on(Method::DELETE, service_accounts::delete),
        Endpoint::new("/api/v1/orgs/{org}/audit").on(Method::GET, audit::list),
        Endpoint::new("/api/v1/audit").on(Method::GET, audit::list_of_none),
        Endpoint::new("/api/v1/orgs/{org}/policy").on(Method::GET, policies::get).on(Method::PATCH, policies::patch),
        Endpoint::new("/api/v1/orgs/{org}/tokens").on(Method::GET, org_tokens::list).on(Method::POST, org_tokens::post),
        Endpoint::new("/api/v1/orgs/{org}/tokens/{id}")
            .on(Method::GET, org_tokens::get)
            .on(Method::DELETE, org_tokens::delete),
        Endpoint::new("/api/v1/orgs/{org}/tokens/{id}/usage").on(Method::GET, org_tokens::usage),
        Endpoint::new("/api/v1/orgs/{org}/revocations").on(Method::POST, org_revocations::post),
        Endpoint::django("/api/current-user/whoami").on(Method::GET, label_studio::whoami),
        Endpoint::new("/livez").on(Method::GET, operations::livez),
        Endpoint::new("/readyz").on(Method::GET, operations::readyz),
        Endpoint::new("/metrics").on(Method::GET, metrics::get),
        Endpoint::new("/").on(Method::GET, pages::index),
    ]);
    all
}

/// The shape of an endpoint's errors.
#[derive(Clone, Copy)]
enum Shape {
    Problem,
    Django,
}

/// A path and its methods. Any other method is answered 405 with `Allow`.
struct Endpoint {
    path: &'static str,
    resource: Resource,
    allowed: Vec<Method>,
    shape: Shape,
}

impl Endpoint {
    fn new(path: &'static str) -> Self {
        Self { path, resource: web::resource(path), allowed: Vec::new(), shape: Shape::Problem }
    }

    fn django(path: &'static str) -> Self {
        Self { shape: Shape::Django, ..Self::new(path) }
    }

    /// What can be got can be asked about: GET answers HEAD too.
    fn on<F, Args>(mut self, method: Method, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        if method == Method::GET {
            self.resource = self.resource.route(web::head().to(handler.clone()));
            self.allowed.push(Method::HEAD);
        }
        self.resource = self.resource.route(web::method(method.clone()).to(handler));
        self.allowed.push(method);
        self
    }

    fn finish(self) -> Resource {
        let allowed = self.allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let shape = self.shape;
        let refuse = move |request: HttpRequest| {
            let allowed = allowed.clone();
            async move {
                match shape {
                    Shape::Problem => Problem::MethodNotAllowed(allowed).error_response(),
                    Shape::Django => {
                        Detail::MethodNotAllowed { method: known(request.method()), allowed }.error_response()
                    }
                }
            }
        };
        self.resource.default_service(web::to(refuse))
    }
}

/// The name of a method of RFC 9110; one that a stranger made up is not quoted.
fn known(method: &Method) -> Option<&'static str> {
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
        .into_iter()
        .find(|name| method.as_str() == *name)
}
