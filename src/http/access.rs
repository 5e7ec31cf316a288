//! Who is at the other end of the socket, by the kernel's word, and what they may do.

use std::collections::HashSet;
use std::ffi::CString;
use std::sync::Arc;

use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use tokio::net::UnixListener;

use super::App;
use super::error::ApiError;
use crate::domain::audit::Actor;
use crate::domain::authority::{Caller, Grant, Level};
use crate::domain::organisation::Organisation;

/// The process at the other end (`SO_PEERCRED`, unix(7)). None when the kernel didn't say: that one may do nothing.
#[derive(Clone, Copy, Debug)]
pub struct Peer(Option<(u32, u32)>);

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        Peer(stream.io().peer_cred().ok().map(|c| (c.uid(), c.gid())))
    }
}

/// Names of users and groups of this machine.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Names {
    /// Users.
    pub users: Vec<String>,
    /// Groups.
    pub groups: Vec<String>,
}

/// Who may do what. `root` and the user that the daemon runs as may do everything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Access {
    /// Who may change things.
    pub operators: Names,
    /// Who may look things up.
    pub readers: Names,
    /// Whether everybody on this machine may look things up.
    pub everybody_reads: bool,
    /// What is delegated, and to whom. They may look things up.
    pub administrators: Vec<(Names, Arc<Grant>)>,
}

/// What a request takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Right {
    /// That the kernel says who asks.
    Nothing,
    Read,
    /// To be an administrator; of what, is for the core to judge.
    Administer,
    Operate,
}

/// Where not only operators may change something: there the core judges what exactly ([`crate::domain::authority`]).
const DELEGATED: [&str; 6] = [
    "/v1/contacts",
    "/v1/contacts/{id}",
    "/v1/contacts/import",
    "/v1/absences",
    "/v1/absences/{id}",
    "/v1/absences/import",
];

/// Lets a request through when its sender may do what it does: reading for GET, everything for the rest, unless it is delegated.
pub async fn check(
    State(app): State<Arc<App>>,
    ConnectInfo(Peer(peer)): ConnectInfo<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some((uid, gid)) = peer else {
        return ApiError::forbidden("the kernel didn't say who asks, so nothing is answered".to_owned())
            .into_response();
    };
    let access = app.access.load_full();
    // The machine may ask a directory server for its groups: not on a thread that serves others.
    let judged = tokio::task::spawn_blocking(move || access.judge(uid, gid)).await;
    let Ok((level, name)) = judged else {
        return ApiError::forbidden("who you are could not be looked up".to_owned()).into_response();
    };
    let needed = needed(&request);
    if right(&level) < needed {
        tracing::warn!(uid, "Refused a request over the socket: not permitted");
        let key = match needed {
            Right::Nothing | Right::Read => "[api] readers",
            Right::Administer => "[api] operators and [[administrator]]",
            Right::Operate => "[api] operators",
        };
        return ApiError::forbidden(format!(
            "{name} (uid {uid}) may not do that; {key} in the configuration says who may"
        ))
        .into_response();
    }
    let actor = Actor::Local { uid, name: name.into() };
    request.extensions_mut().insert(actor.clone());
    request.extensions_mut().insert(Caller { actor, level });
    if needed <= Right::Read {
        return next.run(request).await;
    }
    // What changes something doesn't end with its caller: what the store has taken must be shown and told.
    match tokio::spawn(next.run(request)).await {
        Ok(response) => {
            if response.status() == StatusCode::FORBIDDEN {
                tracing::warn!(uid, "Refused a change over the socket: not delegated");
            }
            response
        }
        Err(_) => ApiError::conflict("the request broke off in the daemon; its log says why").into_response(),
    }
}

fn needed(request: &Request) -> Right {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    match *request.method() {
        Method::GET if path == super::whoami::PATH => Right::Nothing,
        Method::GET => Right::Read,
        _ if DELEGATED.contains(&path) => Right::Administer,
        _ => Right::Operate,
    }
}

fn right(level: &Level) -> Right {
    match level {
        Level::Stranger => Right::Nothing,
        Level::Reader => Right::Read,
        Level::Administrator(_) => Right::Administer,
        Level::Operator => Right::Operate,
    }
}

impl Access {
    /// What of the delegated units can't be found, a sentence for each.
    pub fn unknown_units(&self, organisation: &Organisation) -> Vec<String> {
        let of_grant = |grant: &Grant| -> Vec<String> {
            let unknown = grant.units(organisation).filter_map(|(_, found)| found.err());
            let sentence =
                |error| format!("[[administrator]] {} delegates nothing there: {error}", grant.name);
            unknown.map(sentence).collect()
        };
        self.administrators.iter().flat_map(|(_, grant)| of_grant(grant)).collect()
    }

    /// How far a user of this machine is trusted, and what they are called.
    pub fn judge(&self, uid: u32, gid: u32) -> (Level, String) {
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        let name = user.as_ref().map_or_else(|| uid.to_string(), |u| u.name.clone());
        if uid == 0 || uid == nix::unistd::geteuid().as_raw() {
            return (Level::Operator, name);
        }
        let mut groups: HashSet<u32> = [gid].into();
        if let Some(user) = &user
            && let Ok(c_name) = CString::new(user.name.clone())
            && let Ok(more) = getgrouplist(&c_name, user.gid)
        {
            groups.extend(more.into_iter().map(Gid::as_raw));
        }
        let among = |names: &Names| {
            names.users.contains(&name)
                || names.groups.iter().any(|g| {
                    Group::from_name(g).ok().flatten().is_some_and(|g| groups.contains(&g.gid.as_raw()))
                })
        };
        let granted = || self.administrators.iter().filter(|(names, _)| among(names));
        let grants: Vec<Arc<Grant>> = granted().map(|(_, grant)| Arc::clone(grant)).collect();
        let level = if among(&self.operators) {
            Level::Operator
        } else if !grants.is_empty() {
            Level::Administrator(grants)
        } else if self.everybody_reads || among(&self.readers) {
            Level::Reader
        } else {
            Level::Stranger
        };
        (level, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::authority::{Given, Over};

    // `daemon` has the number 1, and a group of its own name, on every Debian.
    fn names(users: &[&str], groups: &[&str]) -> Names {
        let owned = |n: &[&str]| n.iter().map(|s| (*s).to_owned()).collect();
        Names { users: owned(users), groups: owned(groups) }
    }

    fn level(access: &Access) -> Level {
        access.judge(1, 1).0
    }

    fn grant(name: &str) -> Arc<Grant> {
        let roles = Given::These(vec!["local".into()]);
        Arc::new(Grant { name: name.into(), roles, over: Over::Units(vec!["Care".into()]), absences: true })
    }

    #[test]
    fn rights_come_from_names_and_groups_and_default_to_none() {
        let nobody = Access::default();
        assert_eq!(level(&nobody), Level::Stranger);
        assert_eq!(level(&Access { everybody_reads: true, ..nobody.clone() }), Level::Reader);
        assert_eq!(level(&Access { readers: names(&["daemon"], &[]), ..nobody.clone() }), Level::Reader);
        assert_eq!(level(&Access { operators: names(&[], &["daemon"]), ..nobody.clone() }), Level::Operator);
        assert_eq!(
            level(&Access { operators: names(&["no-such"], &["no-such"]), ..nobody.clone() }),
            Level::Stranger
        );
        assert_eq!(nobody.judge(0, 0).0, Level::Operator);
    }

    #[test]
    fn an_administrator_has_every_grant_that_names_them_and_an_operator_needs_none() {
        let administrators = vec![
            (names(&["daemon"], &[]), grant("care")),
            (names(&["root"], &["no-such"]), grant("school")),
            (names(&[], &["daemon"]), grant("it")),
        ];
        let access = Access { administrators, everybody_reads: true, ..Access::default() };
        assert_eq!(level(&access), Level::Administrator(vec![grant("care"), grant("it")]));
        assert_eq!(level(&Access { operators: names(&["daemon"], &[]), ..access }), Level::Operator);
    }
}
