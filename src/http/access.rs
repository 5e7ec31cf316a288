//! Who is at the other end of the socket, by the kernel's word, and what they may do.

use std::collections::HashSet;
use std::ffi::CString;
use std::sync::Arc;

use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use tokio::net::UnixListener;

use super::App;
use super::error::ApiError;
use crate::domain::audit::Actor;

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
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Right {
    Nothing,
    Read,
    Operate,
}

/// Lets a request through when its sender may do what it does: reading for GET, everything for the rest.
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
    let Ok((right, name)) = judged else {
        return ApiError::forbidden("who you are could not be looked up".to_owned()).into_response();
    };
    let needed = if *request.method() == Method::GET { Right::Read } else { Right::Operate };
    if right < needed {
        tracing::warn!(uid, "Refused a request over the socket: not permitted");
        let key = if needed == Right::Read { "readers" } else { "operators" };
        return ApiError::forbidden(format!(
            "{name} (uid {uid}) may not do that; [api] {key} in the configuration names who may"
        ))
        .into_response();
    }
    request.extensions_mut().insert(Actor::Local { uid, name: name.into() });
    if needed == Right::Read {
        return next.run(request).await;
    }
    // What changes something doesn't end with its caller: what the store has taken must be shown and told.
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::conflict("the request broke off in the daemon; its log says why").into_response(),
    }
}

impl Access {
    fn judge(&self, uid: u32, gid: u32) -> (Right, String) {
        let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
        let name = user.as_ref().map_or_else(|| uid.to_string(), |u| u.name.clone());
        if uid == 0 || uid == nix::unistd::geteuid().as_raw() {
            return (Right::Operate, name);
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
        let right = if among(&self.operators) {
            Right::Operate
        } else if self.everybody_reads || among(&self.readers) {
            Right::Read
        } else {
            Right::Nothing
        };
        (right, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // `daemon` has the number 1, and a group of its own name, on every Debian.
    fn names(users: &[&str], groups: &[&str]) -> Names {
        let owned = |n: &[&str]| n.iter().map(|s| (*s).to_owned()).collect();
        Names { users: owned(users), groups: owned(groups) }
    }

    fn right(access: &Access) -> Right {
        access.judge(1, 1).0
    }

    #[test]
    fn rights_come_from_names_and_groups_and_default_to_none() {
        let nobody = Access::default();
        assert_eq!(right(&nobody), Right::Nothing);
        assert_eq!(right(&Access { everybody_reads: true, ..nobody.clone() }), Right::Read);
        assert_eq!(right(&Access { readers: names(&["daemon"], &[]), ..nobody.clone() }), Right::Read);
        assert_eq!(right(&Access { operators: names(&[], &["daemon"]), ..nobody.clone() }), Right::Operate);
        assert_eq!(
            right(&Access { operators: names(&["no-such"], &["no-such"]), ..nobody.clone() }),
            Right::Nothing
        );
        assert_eq!(nobody.judge(0, 0).0, Right::Operate);
    }
}
