//! Selections without their fragments.

use apollo_compiler::ExecutableDocument;
use apollo_compiler::executable::{Field, Selection, SelectionSet};

/// Every field of a selection, those of its fragments included. Validation has made sure that fragments end.
pub(super) fn fields<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
) -> Vec<&'a Field> {
    let mut found = Vec::new();
    let mut open = vec![set.selections.iter()];
    while let Some(selections) = open.last_mut() {
        match selections.next() {
            None => {
                open.pop();
            }
            Some(Selection::Field(field)) => found.push(field.as_ref()),
            Some(Selection::InlineFragment(part)) => {
                open.push(part.selection_set.selections.iter());
            }
            Some(Selection::FragmentSpread(spread)) => {
                let part = spread.fragment_def(document);
                open.extend(part.map(|part| part.selection_set.selections.iter()));
            }
        }
    }
    found
}
