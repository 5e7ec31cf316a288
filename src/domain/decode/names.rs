//! Every distinguished name that was seen, as one tree: a name becomes a number, without keeping the name.
//!
//! A directory of a million people has a few thousand different parents. So a name costs a digest of its first part and the number of its
//! parent, and who stands above an object is known without comparing texts.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};

use crate::domain::dn::{MAX_DEPTH, NotADn, Rdn, split_first};
use crate::domain::ids::{GroupId, Guid, UnitId, UserId};

/// A name that was seen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct NodeId(u32);

/// What carries a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Bearer {
    /// Nothing that was read.
    #[default]
    Nothing,
    User(UserId),
    Unit(UnitId),
    Group(GroupId),
    Container(Guid),
}

struct Node {
    parent: u32,
    bearer: Bearer,
}

pub(super) struct Names {
    // The first is the empty name.
    nodes: Vec<Node>,
    // By the parent's number and the key of the relative name, as a digest of 128 bits with keys of this process: nobody finds two names with
    // the same one, and it takes a third of the memory.
    children: HashMap<[u64; 2], u32>,
    digests: [RandomState; 2],
    // Parents by their text as it stood in a name, so that a whole name takes two look-ups, however deep.
    parents: HashMap<Box<str>, u32>,
    key: String,
}

impl Default for Names {
    fn default() -> Names {
        Names {
            nodes: vec![Node { parent: 0, bearer: Bearer::Nothing }],
            children: HashMap::new(),
            digests: [RandomState::new(), RandomState::new()],
            parents: HashMap::new(),
            key: String::new(),
        }
    }
}

impl Names {
    /// Forgets what is needed for new names only: none comes any more.
    pub(super) fn are_all(&mut self) {
        (self.children, self.parents) = (HashMap::new(), HashMap::new());
    }

    /// The number of a name, and its relative name.
    pub(super) fn intern(&mut self, dn: &str) -> Result<(NodeId, Rdn), NotADn> {
        let (first, above) = split_first(dn)?;
        let rdn: Rdn = first.parse()?;
        let parent = match above {
            Some(above) => self.parent(above, 1)?,
            None => 0,
        };
        Ok((NodeId(self.child(parent, &rdn)?), rdn))
    }

    /// Says what carries a name, unless something does already.
    pub(super) fn bear(&mut self, node: NodeId, bearer: Bearer) {
        if let Some(node) = self.nodes.get_mut(node.0 as usize)
            && node.bearer == Bearer::Nothing
        {
            node.bearer = bearer;
        }
    }

    pub(super) fn bearer(&self, node: NodeId) -> Bearer {
        self.nodes.get(node.0 as usize).map_or(Bearer::Nothing, |node| node.bearer)
    }

    /// The nearest unit above a name.
    pub(super) fn unit_above(&self, node: NodeId) -> UnitId {
        let mut at = node.0;
        while let Some(node) = self.nodes.get(at as usize)
            && at != 0
        {
            at = node.parent;
            if let Bearer::Unit(unit) = self.bearer(NodeId(at)) {
                return unit;
            }
        }
        UnitId::ROOT
    }

    /// The identity of what stands right above a name; zero when that was not read.
    pub(super) fn above(&self, node: NodeId) -> Guid {
        let parent = self.nodes.get(node.0 as usize).map_or(0, |node| node.parent);
        self.identity(NodeId(parent)).unwrap_or_default()
    }

    /// The identity of what bears a name.
    pub(super) fn identity(&self, node: NodeId) -> Option<Guid> {
        match self.bearer(node) {
            Bearer::User(id) => Some(id.0),
            Bearer::Unit(id) => Some(id.0),
            Bearer::Group(id) => Some(id.0),
            Bearer::Container(id) => Some(id),
            Bearer::Nothing => None,
        }
    }

    /// The name above a name; None above the topmost.
    pub(super) fn parent_of(&self, node: NodeId) -> Option<NodeId> {
        let parent = self.nodes.get(node.0 as usize)?.parent;
        (parent != 0).then_some(NodeId(parent))
    }

    /// These names as they were written, each once.
    pub(super) fn texts_of<'a>(&'a self, nodes: &'a HashSet<NodeId>) -> impl Iterator<Item = &'a str> {
        let texts = self.parents.iter().filter(|(_, node)| nodes.contains(&NodeId(**node)));
        let once: HashMap<u32, &str> = texts.map(|(text, node)| (*node, &**text)).collect();
        once.into_values()
    }

    fn parent(&mut self, dn: &str, depth: usize) -> Result<u32, NotADn> {
        if let Some(known) = self.parents.get(dn) {
            return Ok(*known);
        }
        let (first, above) = split_first(dn)?;
        let rdn: Rdn = first.parse()?;
        let parent = match above {
            Some(_) if depth >= MAX_DEPTH => return Err(NotADn::new(dn, "it has too many parts")),
            Some(above) => self.parent(above, depth + 1)?,
            None => 0,
        };
        let node = self.child(parent, &rdn)?;
        self.parents.insert(dn.into(), node);
        Ok(node)
    }

    fn child(&mut self, parent: u32, rdn: &Rdn) -> Result<u32, NotADn> {
        self.key.clear();
        // Writing to a text doesn't fail.
        let _ = write!(self.key, "{parent}/");
        rdn.write_key(&mut self.key);
        let digest = self.digests.each_ref().map(|digest| digest.hash_one(self.key.as_str()));
        if let Some(known) = self.children.get(&digest) {
            return Ok(*known);
        }
        let node = u32::try_from(self.nodes.len())
            .map_err(|_| NotADn::new(&self.key, "there are too many names"))?;
        self.nodes.push(Node { parent, bearer: Bearer::Nothing });
        self.children.insert(digest, node);
        Ok(node)
    }
}
