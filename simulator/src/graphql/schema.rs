//! Shopify's schema, cut down by `schema/trim.mjs`, and the documents that were checked against it.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex};

use apollo_compiler::collections::HashMap as ApolloMap;
use apollo_compiler::schema::Implementers;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Name};

use super::problem::Problem;
use crate::locked::lock;

const SDL: &str = include_str!("../../schema/admin_2026-10.graphql");

/// SDL as graphql-js prints it takes this directive for granted; the compiler wants to see it.
const ONE_OF: &str = "directive @oneOf on INPUT_OBJECT\n";

/// How many documents are kept. A service has a handful.
const MAX_DOCUMENTS: usize = 64;

/// The schema, with a memory for documents.
pub(crate) struct Schema {
    valid: Valid<apollo_compiler::Schema>,
    implementers: ApolloMap<Name, Implementers>,
    documents: Mutex<HashMap<String, Arc<Valid<ExecutableDocument>>>>,
}

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schema").finish_non_exhaustive()
    }
}

impl Schema {
    pub(crate) fn load() -> io::Result<Self> {
        let sdl = format!("{ONE_OF}{SDL}");
        let schema = apollo_compiler::Schema::parse_and_validate(sdl, "admin_2026-10.graphql")
            .map_err(|faults| io::Error::other(faults.to_string()))?;
        let implementers = schema.implementers_map();
        Ok(Self {
            valid: schema,
            implementers,
            documents: Mutex::default(),
        })
    }

    pub(super) fn valid(&self) -> &Valid<apollo_compiler::Schema> {
        &self.valid
    }

    pub(super) fn implementers(&self) -> &ApolloMap<Name, Implementers> {
        &self.implementers
    }

    /// Parses and validates a document, or remembers it.
    pub(super) fn document(
        &self,
        text: &str,
    ) -> Result<Arc<Valid<ExecutableDocument>>, Vec<Problem>> {
        if let Some(known) = lock(&self.documents).get(text) {
            return Ok(Arc::clone(known));
        }
        let document = ExecutableDocument::parse_and_validate(&self.valid, text, "request.graphql")
            .map_err(|faults| Problem::of_document(&faults.errors))?;
        let document = Arc::new(document);
        let mut documents = lock(&self.documents);
        if documents.len() >= MAX_DOCUMENTS {
            documents.clear();
        }
        documents.insert(text.to_owned(), Arc::clone(&document));
        Ok(document)
    }
}
