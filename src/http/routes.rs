//! All routes, in one table.

use actix_web::{
    FromRequest, Handler, HttpRequest, Resource, Responder, ResponseError as _,
    http::Method,
    web::{self, ServiceConfig},
};

use super::{
    audit, detail::Detail, feed, invitations, jwks, members, metadata, metrics, openapi, openapi::Operation,
    operations, org_revocations, org_tokens, organizations, policies, problem::Problem, refresh, revocations, revoke,
    service_accounts, session, status_lists, tokens, users,
};
use crate::{compat::label_studio, web as pages};

/// The exchange, with and without the slash that some clients put at the end.
const EXCHANGE: [&str; 4] = ["/api/token/refresh", "/api/token/refresh/", "/token/refresh", "/token/refresh/"];

/// Where clients look for the metadata too. Nothing is told of these: they are no other endpoints.
const METADATA_ELSEWHERE: [&str; 2] =
    ["//.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/{path:.*}"];

/// Serves every route there is.
pub(super) fn routes(config: &mut ServiceConfig) {
    for endpoint in endpoints() {
        config.service(endpoint.finish());
    }
    for path in METADATA_ELSEWHERE {
        let endpoint = Endpoint::new(path).on(Method::GET, metadata::get_elsewhere, metadata::get_told);
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

/// The path and the method of every route, and what is told of it.
pub(super) fn operations() -> Vec<(&'static str, Method, Operation)> {
    let told = |Endpoint { path, told, .. }| told.into_iter().map(move |(method, told)| (path, method, told()));
    endpoints().into_iter().flat_map(told).collect()
}

// One resource a path: actix would match several in one by regular expressions, at each request.
fn endpoints() -> Vec<Endpoint> {
    let mut all: Vec<Endpoint> =
        EXCHANGE.map(|path| Endpoint::django(path).on(Method::POST, refresh::post, refresh::post_told)).into();
    all.extend([
        Endpoint::new("/oauth/revoke").on(Method::POST, revoke::post, revoke::post_told),
        Endpoint::new("/.well-known/jwks.json").on(Method::GET, jwks::get, jwks::get_told),
        Endpoint::new("/.well-known/oauth-authorization-server").on(Method::GET, metadata::get, metadata::get_told),
        Endpoint::new("/revocations").on(Method::GET, feed::get, feed::get_told),
        Endpoint::new("/statuslists/{n}").on(Method::GET, status_lists::get, status_lists::get_told),
        Endpoint::django("/api/current-user/whoami").on(Method::GET, label_studio::whoami, label_studio::whoami_told),
        Endpoint::new("/openapi.json").on(Method::GET, openapi::get, openapi::get_told),
        Endpoint::new("/livez").on(Method::GET, operations::livez, operations::livez_told),
        Endpoint::new("/readyz").on(Method::GET, operations::readyz, operations::readyz_told),
        Endpoint::new("/metrics").on(Method::GET, metrics::get, metrics::get_told),
        Endpoint::new("/docs").on(Method::GET, pages::docs, pages::docs_told),
        Endpoint::new("/invitations").on(Method::GET, pages::invitations, pages::invitations_told),
        Endpoint::new("/invitations.js").on(Method::GET, pages::invitations_script, pages::invitations_script_told),
        Endpoint::new("/").on(Method::GET, pages::index, pages::index_told).on(
            Method::OPTIONS,
            operations::options,
            operations::options_told,
        ),
    ]);
    all.extend(of_people());
    all.extend(of_organizations());
    all
}

fn of_people() -> Vec<Endpoint> {
    vec![
        Endpoint::new("/api/v1/session")
            .on(Method::POST, session::post, session::post_told)
            .on(Method::GET, session::get, session::get_told)
            .on(Method::DELETE, session::delete, session::delete_told),
        Endpoint::new("/api/v1/session/password").on(Method::POST, session::password, session::password_told),
        Endpoint::new("/api/v1/sessions").on(Method::DELETE, session::delete_all, session::delete_all_told),
        Endpoint::new("/api/v1/users").on(Method::GET, users::list, users::list_told),
        Endpoint::new("/api/v1/users/{id}/disable").on(Method::POST, users::disable, users::disable_told),
        Endpoint::new("/api/v1/users/{id}/enable").on(Method::POST, users::enable, users::enable_told),
        Endpoint::new("/api/v1/users/{id}/reset-password").on(
            Method::POST,
            users::reset_password,
            users::reset_password_told,
        ),
        Endpoint::new("/api/v1/users/{id}/sign-out").on(Method::POST, users::sign_out, users::sign_out_told),
        Endpoint::new("/api/v1/tokens").on(Method::GET, tokens::list, tokens::list_told).on(
            Method::POST,
            tokens::post,
            tokens::post_told,
        ),
        Endpoint::new("/api/v1/tokens/{id}")
            .on(Method::GET, tokens::get, tokens::get_told)
            .on(Method::PATCH, tokens::patch, tokens::patch_told)
            .on(Method::DELETE, tokens::delete, tokens::delete_told),
        Endpoint::new("/api/v1/tokens/{id}/usage").on(Method::GET, tokens::usage, tokens::usage_told),
        Endpoint::new("/api/v1/tokens/{id}/rotate").on(Method::POST, tokens::rotate, tokens::rotate_told),
        Endpoint::new("/api/v1/revocations").on(Method::POST, revocations::post, revocations::post_told),
        Endpoint::new("/api/v1/invitations/accept").on(Method::POST, invitations::accept, invitations::accept_told),
        Endpoint::new("/api/v1/audit").on(Method::GET, audit::list_of_none, audit::list_of_none_told),
    ]
}

fn of_organizations() -> Vec<Endpoint> {
    vec![
        Endpoint::new("/api/v1/orgs").on(Method::GET, organizations::list, organizations::list_told).on(
            Method::POST,
            organizations::post,
            organizations::post_told,
        ),
        Endpoint::new("/api/v1/orgs/{org}")
            .on(Method::GET, organizations::get, organizations::get_told)
            .on(Method::PATCH, organizations::patch, organizations::patch_told)
            .on(Method::DELETE, organizations::delete, organizations::delete_told),
        Endpoint::new("/api/v1/orgs/{org}/members").on(Method::GET, members::list, members::list_told),
        Endpoint::new("/api/v1/orgs/{org}/members/{user}").on(Method::PATCH, members::patch, members::patch_told).on(
            Method::DELETE,
            members::delete,
            members::delete_told,
        ),
        Endpoint::new("/api/v1/orgs/{org}/invitations").on(Method::GET, invitations::list, invitations::list_told).on(
            Method::POST,
            invitations::post,
            invitations::post_told,
        ),
        Endpoint::new("/api/v1/orgs/{org}/invitations/{id}").on(
            Method::DELETE,
            invitations::delete,
            invitations::delete_told,
        ),
        Endpoint::new("/api/v1/orgs/{org}/service-accounts")
            .on(Method::GET, service_accounts::list, service_accounts::list_told)
            .on(Method::POST, service_accounts::post, service_accounts::post_told),
        Endpoint::new("/api/v1/orgs/{org}/service-accounts/{id}")
            .on(Method::GET, service_accounts::get, service_accounts::get_told)
            .on(Method::PATCH, service_accounts::patch, service_accounts::patch_told)
            .on(Method::DELETE, service_accounts::delete, service_accounts::delete_told),
        Endpoint::new("/api/v1/orgs/{org}/audit").on(Method::GET, audit::list, audit::list_told),
        Endpoint::new("/api/v1/orgs/{org}/policy").on(Method::GET, policies::get, policies::get_told).on(
            Method::PATCH,
            policies::patch,
            policies::patch_told,
        ),
        Endpoint::new("/api/v1/orgs/{org}/tokens").on(Method::GET, org_tokens::list, org_tokens::list_told).on(
            Method::POST,
            org_tokens::post,
            org_tokens::post_told,
        ),
        Endpoint::new("/api/v1/orgs/{org}/tokens/{id}").on(Method::GET, org_tokens::get, org_tokens::get_told).on(
            Method::DELETE,
            org_tokens::delete,
            org_tokens::delete_told,
        ),
        Endpoint::new("/api/v1/orgs/{org}/tokens/{id}/usage").on(
            Method::GET,
            org_tokens::usage,
            org_tokens::usage_told,
        ),
        Endpoint::new("/api/v1/orgs/{org}/revocations").on(
            Method::POST,
            org_revocations::post,
            org_revocations::post_told,
        ),
    ]
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
    /// What is told of each method.
    told: Vec<(Method, fn() -> Operation)>,
}

impl Endpoint {
    fn new(path: &'static str) -> Self {
        let resource = web::resource(path);
        Self { path, resource, allowed: Vec::new(), shape: Shape::Problem, told: Vec::new() }
    }

    fn django(path: &'static str) -> Self {
        Self { shape: Shape::Django, ..Self::new(path) }
    }

    /// What can be got can be asked about: GET answers HEAD too.
    fn on<F, Args>(mut self, method: Method, handler: F, told: fn() -> Operation) -> Self
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
        self.told.push((method.clone(), told));
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
