use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{
    parameter::{Parameter, Place},
    refusal::{self, Refusal},
    shapes,
};

/// Makes a schema, or names it and has it made.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// Who may come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody, whatever they show.
    Anybody,
    /// A session or a token.
    Caller,
    /// Anybody; whoever is signed in may be told apart.
    PerhapsCaller,
    /// Anybody, unless the operator set a feed token.
    Feed,
}

/// The shape of what is said when something is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errors {
    /// RFC 9457.
    Problem,
    /// As Django REST framework has it.
    Django,
    /// RFC 6749 section 5.2.
    OAuth,
}

/// The body of a request.
pub(super) struct Body {
    pub(super) media: &'static [&'static str],
    pub(super) schema: SchemaOf,
}

/// What is answered when all is well.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) description: &'static str,
    /// The media type and the schema, if there is a body.
    pub(super) body: Option<(&'static str, SchemaOf)>,
    /// Their names, and what they say.
    pub(super) headers: Vec<(&'static str, &'static str)>,
}

/// What is told of a route.
pub(crate) struct Operation {
    pub(super) tag: &'static str,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) access: Access,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    pub(super) answers: Vec<Answer>,
    pub(super) errors: Errors,
    pub(super) refusals: Vec<Refusal>,
}

impl Operation {
    /// Anybody may come, until it is said otherwise. `id` is a name for programs.
    pub(crate) fn new(tag: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self {
            tag,
            id,
            summary,
            description: "",
            access: Access::Anybody,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            errors: Errors::Problem,
            refusals: Vec::new(),
        }
    }

    /// More than fits in the summary; what stands between backticks is code.
    pub(crate) fn described(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// What is wrong is told in another shape than that of a problem.
    pub(crate) fn with_errors(mut self, errors: Errors) -> Self {
        self.errors = errors;
        self
    }

    /// Who may come, with what follows from that.
    pub(crate) fn by(mut self, access: Access) -> Self {
        self.access = access;
        match access {
            Access::Caller if self.errors == Errors::Django => {
                self.fails(&[refusal::NOT_AUTHENTICATED]).needs_the_database()
            }
            Access::Caller => self.fails(&[refusal::UNAUTHENTICATED]).needs_the_database(),
            Access::PerhapsCaller => self.needs_the_database(),
            Access::Feed => self.fails(&[refusal::FEED_TOKEN_REQUIRED]),
            Access::Anybody => self,
        }
    }

    /// It can fail with the database.
    pub(crate) fn needs_the_database(self) -> Self {
        self.fails(&[refusal::INTERNAL, refusal::UNAVAILABLE])
    }

    /// It can fail in these ways.
    pub(crate) fn fails(mut self, refusals: &[Refusal]) -> Self {
        self.refusals.extend(refusals);
        self
    }

    /// The part of the path that is called `name`. What is none of its kind is not found.
    pub(crate) fn path<T: JsonSchema>(mut self, name: &'static str, description: &'static str) -> Self {
        self.parameters.push(Parameter { place: Place::Path, ..Parameter::of::<T>(name, description) });
        self.fails(&[refusal::NOT_FOUND])
    }

    /// The organization in the path.
    pub(crate) fn of_organization(self) -> Self {
        self.path::<shapes::OrganizationName>("org", "The id or slug of the organization")
    }

    /// Parameters in the query.
    pub(crate) fn asks(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// A page of a list; these restrict it.
    pub(crate) fn paged(self, filters: impl IntoIterator<Item = Parameter>) -> Self {
        self.paged_by::<shapes::Cursor>(filters)
    }

    /// The same with a cursor of the list's own.
    pub(crate) fn paged_by<C: JsonSchema>(self, filters: impl IntoIterator<Item = Parameter>) -> Self {
        let page = [
            Parameter::of::<C>("cursor", "`next` of the page before"),
            Parameter::of::<shapes::Limit>("limit", "The most items on the page; 50 unless said otherwise"),
        ];
        self.asks(page.into_iter().chain(filters)).fails(&[refusal::INVALID])
    }

    /// A header that means something here, and may be left out.
    pub(crate) fn header_parameter(mut self, name: &'static str, description: &'static str) -> Self {
        self.parameters.push(Parameter { place: Place::Header, ..Parameter::of::<String>(name, description) });
        self
    }

    /// It makes something, at most once for each `Idempotency-Key`.
    pub(crate) fn idempotent(mut self) -> Self {
        let description = "A name for this request, of 1 to 255 visible ASCII characters, bare or in quotes. The same request with the \
                           same key from the same caller within a day leads to what the first one made; a secret is then a \
                           fresh one, and the one answered before is dead";
        let key = Parameter::of::<shapes::IdempotencyKey>("Idempotency-Key", description);
        self.parameters.push(Parameter { place: Place::Header, ..key });
        self.fails(&[refusal::IDEMPOTENCY_IN_PROGRESS, refusal::IDEMPOTENCY_KEY_REUSED])
    }

    /// A header that must be there.
    pub(crate) fn required_header(mut self, name: &'static str, description: &'static str) -> Self {
        let parameter =
            Parameter { place: Place::Header, required: true, ..Parameter::of::<String>(name, description) };
        self.parameters.push(parameter);
        self
    }

    /// A body in JSON, which must be there.
    pub(crate) fn reads<T: JsonSchema>(self) -> Self {
        self.reads_as(&["application/json"], SchemaGenerator::subschema_for::<T>).fails(&refusal::OF_JSON)
    }

    /// A body in one of these media types, which must be there.
    pub(crate) fn reads_as(mut self, media: &'static [&'static str], schema: SchemaOf) -> Self {
        self.body = Some(Body { media, schema });
        self
    }

    /// Answers in JSON.
    pub(crate) fn answers<T: JsonSchema>(self, status: u16, description: &'static str) -> Self {
        self.answers_as::<T>(status, "application/json", description)
    }

    /// Answers in this media type.
    pub(crate) fn answers_as<T: JsonSchema>(self, status: u16, media: &'static str, description: &'static str) -> Self {
        self.answered(status, description, Some((media, SchemaGenerator::subschema_for::<T>)))
    }

    /// Answers without a body.
    pub(crate) fn answers_nothing(self, status: u16, description: &'static str) -> Self {
        self.answered(status, description, None)
    }

    fn answered(mut self, status: u16, description: &'static str, body: Option<(&'static str, SchemaOf)>) -> Self {
        self.answers.push(Answer { status, description, body, headers: Vec::new() });
        self
    }

    /// The answer named last has this header.
    pub(crate) fn with_header(mut self, name: &'static str, description: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.push((name, description));
        }
        self
    }
}
