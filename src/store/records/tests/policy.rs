//! Samples of what is told to whom, and when.

use super::*;
use crate::domain::climb::{End, Ladder, Reached, Rung};
use crate::domain::ids::{SilenceId, SubscriberId};
use crate::domain::notice::NoticeKind;
use crate::domain::silence::Matcher;
use crate::domain::subscriber::Standing;

pub(super) fn climbs(frozen: &mut Frozen) {
    let reached = |rung, user: bool| Reached {
        name: "Åsa Öberg".into(),
        mail: user.then(mail),
        user: user.then(|| UserId(guid(1))),
        rung,
        at: at(2),
    };
    let rungs = [Rung::First, Rung::Deputy, Rung::Colleague, Rung::Above(300), Rung::Global, Rung::Reader];
    let climb = Climb {
        thread: EventKey("outage/3/0".into()),
        notice: NoticeId(300),
        about: "outage 3: Mail is down".into(),
        severity: Severity::Critical,
        ladder: Ladder::Units,
        asked: at(1),
        last: at(2),
        told: rungs.map(|rung| reached(rung, rung != Rung::First)).into(),
        exhausted: true,
        end: None,
    };
    frozen.check("climb", &climb);
    let taken = End::Taken { by: "Bo".into(), at: at(3) };
    frozen.check("climb-taken", &Climb { end: Some(taken), ladder: Ladder::Whole, ..climb.clone() });
    let subscriber = Subscriber {
        id: SubscriberId(3),
        mail: mail(),
        services: ["mail".into()].into(),
        severity: Severity::Major,
        standing: Standing::Asked { at: at(1) },
    };
    frozen.check("subscriber-asked", &subscriber);
    frozen.check("subscriber", &Subscriber { standing: Standing::Confirmed { at: at(2) }, ..subscriber });
    let matcher = Matcher {
        kinds: [NoticeKind::Outage, NoticeKind::Alert].into(),
        severity: Some(Severity::Major),
        services: ["mail".into()].into(),
        units: [UnitId(guid(2))].into(),
        directories: ["main".into()].into(),
        contacts: vec![mail()],
    };
    let by = Actor::Local { uid: 1000, name: "asa".into() };
    let silence = Silence { id: SilenceId(3), matcher, from: at(1), until: at(2), why: "known".into(), by };
    frozen.check("silence", &silence);
    frozen.check("silence-all", &Silence { matcher: Matcher::default(), ..silence });
    let mut pace = Pace::default();
    pace.take(at(1), 2, |turn| turn, at(0));
    pace.take(at(2), 2, |turn| turn, at(0));
    frozen.check("pace", &pace);
    frozen.check("gathering", &Gathering(vec![(at(1), MessageId(5)), (at(2), MessageId(8))]));
    frozen.check("together", &Together(vec![MessageId(5), MessageId(7)]));
    let mailboxes = ["asa@kommun.example".to_owned()].into();
    frozen.check("inhibited", &Held { by: OutageId(3), mailboxes });
    let since = [("quarantined/main".to_owned(), at(1))].into();
    frozen.check("lasting", &Seen { at: at(2), since });
    frozen.check("climb-over", &Climb { end: Some(End::Over { at: at(3) }), told: vec![], ..climb });
}
