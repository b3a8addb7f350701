//! Resources by path while a tree grows; nothing here scans, so that thousands of paths stay cheap.

use std::collections::{BTreeMap, BTreeSet};

use stagecoach_base::AwsError;
use stagecoach_resources::ApiTree;
use stagecoach_resources::v1::{Resource, resource};

pub(super) struct Paths {
    /// Position in the tree by path.
    positions: BTreeMap<String, usize>,
    /// Ids in use.
    taken: BTreeSet<String>,
    /// The variable child by id of its parent.
    variables: BTreeMap<String, String>,
    /// Ids of paths that were there before: a path that comes back keeps its id.
    known: BTreeMap<String, String>,
}

impl Paths {
    pub(super) fn of(tree: &ApiTree, known: &[Resource]) -> Self {
        let mut paths = Self {
            positions: BTreeMap::new(),
            taken: BTreeSet::new(),
            variables: BTreeMap::new(),
            known: known.iter().map(|resource| (resource.path.clone(), resource.id.clone())).collect(),
        };
        for (position, resource) in tree.resources.iter().enumerate() {
            paths.note(position, resource);
        }
        paths
    }

    fn note(&mut self, position: usize, resource: &Resource) {
        self.positions.insert(resource.path.clone(), position);
        self.taken.insert(resource.id.clone());
        if let (true, Some(parent), Some(part)) = (resource.is_variable(), &resource.parent_id, &resource.path_part) {
            self.variables.insert(parent.clone(), part.clone());
        }
    }

    /// The id of the resource at `path`; it and its missing ancestors are made.
    pub(super) fn ensure(&mut self, tree: &mut ApiTree, path: &str) -> Result<String, AwsError> {
        let mut id = self.find(tree, "/").ok_or_else(AwsError::internal)?;
        let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
        for end in ends.filter(|_| path != "/") {
            let here = path.get(..end).ok_or_else(AwsError::internal)?;
            id = match self.find(tree, here) {
                Some(id) => id,
                None => self.make(tree, here).map_err(|error| named(path, &error))?,
            };
        }
        Ok(id)
    }

    fn find(&self, tree: &ApiTree, path: &str) -> Option<String> {
        tree.resources.get(*self.positions.get(path)?).map(|resource| resource.id.clone())
    }

    fn make(&mut self, tree: &mut ApiTree, path: &str) -> Result<String, AwsError> {
        let (above, part) = path.rsplit_once('/').ok_or_else(AwsError::internal)?;
        let above = if above.is_empty() { "/" } else { above };
        let parent = self.positions.get(above).and_then(|position| tree.resources.get(*position));
        let parent = parent.ok_or_else(AwsError::internal)?;
        resource::check_part(part)?;
        // A sibling of the same name would have been found by its path.
        resource::check_siblings(parent, self.variables.get(&parent.id).map(String::as_str).into_iter(), part)?;
        let mut made = resource::under(parent, part, |id| !self.taken.contains(id));
        if let Some(id) = self.known.get(path).filter(|id| !self.taken.contains(*id)) {
            made.id.clone_from(id);
        }
        self.note(tree.resources.len(), &made);
        let id = made.id.clone();
        tree.resources.push(made);
        Ok(id)
    }
}

fn named(path: &str, error: &AwsError) -> AwsError {
    let text = format!("Unable to create resource at path '{path}': {}", error.message());
    AwsError::bad_request(format!("Errors found during import:\n\t{text}"))
}
