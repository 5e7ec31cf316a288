//! Who would be told of an outage, how and why, and who not.

use chrono_tz::Tz;

use super::super::answers::{Preview, PreviewTold, PreviewUntold, PreviewWay};
use crate::domain::outage::audience::{Audience, NotTold, Told, WhyNot};
use crate::flow::outage::Leaving;

/// What an order with this audience would come to. `tell` says whether those whom it doesn't concern any more are told that.
pub(super) fn of(audience: &Audience, leaving: &[Leaving], tell: bool, zone: Tz) -> Preview {
    let (mut told, mut not_told) = (Vec::new(), Vec::new());
    let left = if tell { &audience.left[..] } else { &[][..] };
    let all = audience.told.iter().map(|told| (told, false)).chain(left.iter().map(|told| (told, true)));
    for (one, is_left) in all {
        match ways(one, leaving) {
            Ok(ways) => told.push(PreviewTold {
                name: one.name.to_string(),
                mail: one.mail.to_string(),
                why: if is_left { format!("{}; it isn't concerned any more", one.why()) } else { one.why() },
                because: one.reasons.iter().map(|reason| reason.because.clone()).collect(),
                deputy_for: one.deputy_for().map(str::to_owned),
                ways,
            }),
            Err((reason, why_not)) => not_told.push(untold(&one.name, reason, why_not)),
        }
    }
    if !tell {
        not_told.extend(audience.left.iter().map(|left| {
            untold(&left.name, "left", format!("was told as {}, and isn't concerned any more", left.why()))
        }));
    }
    not_told.extend(audience.not_told.iter().map(|NotTold { name, why }| {
        let (reason, why_not) = why_not(why, zone);
        untold(name, reason, why_not)
    }));
    let mut places: Vec<String> = Vec::new();
    for place in leaving.iter().filter(|one| one.to.is_place()).map(|one| one.to.channel.to_string()) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Preview { told, not_told, places }
}

fn untold(name: &str, reason: &str, why_not: String) -> PreviewUntold {
    PreviewUntold { name: name.to_owned(), reason: reason.to_owned(), why_not }
}

/// What leaves to somebody who is told; or why nothing does.
fn ways(told: &Told, leaving: &[Leaving]) -> Result<Vec<PreviewWay>, (&'static str, String)> {
    let all: Vec<&Leaving> = leaving.iter().filter(|one| one.reaches(told)).collect();
    let way = |one: &&Leaving| PreviewWay {
        channel: one.to.channel.to_string(),
        to: one.to.to_string(),
        waits_until: one.from,
    };
    let ways: Vec<PreviewWay> = all.iter().filter(|one| one.mark.is_none()).map(way).collect();
    if !ways.is_empty() {
        return Ok(ways);
    }
    Err(match all.first().and_then(|one| one.mark.as_ref()) {
        Some(mark) => {
            let (last, address) = (mark.last.format("%-d %b %Y"), &mark.address);
            let cure = format!("once it is right: budkavle outbox address clear {address}");
            ("bounced", format!("mails to {address} came back ({last}): {}; {cure}", mark.answer))
        }
        None => ("routed", "the routes send it to places only ([[route]])".to_owned()),
    })
}

fn why_not(why: &WhyNot, zone: Tz) -> (&'static str, String) {
    match why {
        WhyNot::Skipped(skip) => ("skipped", skip.in_zone(zone)),
        WhyNot::OtherUnit(unit) => ("other_unit", format!("is contact for {unit}, which isn't concerned")),
        WhyNot::OtherService(service) => {
            ("other_service", format!("is contact for {service}, which isn't concerned"))
        }
        WhyNot::Inhibited(by) => (
            "inhibited",
            format!("is told of outage {by}, of which this follows; and of this, if it lasts longer"),
        ),
        WhyNot::Silenced(id) => ("silenced", format!("silence {id} (budkavle silence list)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::bounce::Mark;
    use crate::domain::ids::{ChannelName, MessageId};
    use crate::domain::notice::Recipient;
    use crate::domain::outage::audience::{Because, Reason};

    fn told(name: &str, phone: Option<&str>) -> Told {
        let reason = Reason { because: Because::Named, deputy_for: None };
        let mail = format!("{name}@x.example").parse().unwrap();
        Told { name: name.into(), mail, phone: phone.map(Into::into), user: None, reasons: vec![reason] }
    }

    #[test]
    fn who_is_reached_by_nothing_is_not_told_and_it_says_why() {
        let now = "2026-07-06T08:00:00Z".parse().unwrap();
        let audience = Audience {
            told: vec![told("asa", Some("070-123 45 67")), told("bo", None), told("cy", None)],
            ..Audience::default()
        };
        let by_mail = |one: &Told, mark| Leaving { to: one.recipient(), from: Some(now), mark };
        let mark = Mark {
            address: "bo@x.example".parse().unwrap(),
            since: now,
            last: now,
            times: 1,
            message: MessageId(1),
            status: "5.1.1".into(),
            answer: "550 no such user".into(),
        };
        let sms = Recipient {
            mail: None,
            phone: Some("0701234567".into()),
            channel: ChannelName::from("sms"),
            ..audience.told[0].recipient()
        };
        let leaving = [
            by_mail(&audience.told[0], None),
            Leaving { to: sms, from: None, mark: None },
            by_mail(&audience.told[1], Some(mark)),
            Leaving { to: Recipient::place("team".into()), from: None, mark: None },
        ];
        let preview = of(&audience, &leaving, true, Tz::UTC);
        let ways = |told: &PreviewTold| {
            let way = |way: &PreviewWay| format!("{} {} {}", way.channel, way.to, way.waits_until.is_some());
            told.ways.iter().map(way).collect::<Vec<_>>()
        };
        assert_eq!(preview.told.len(), 1);
        assert_eq!(ways(&preview.told[0]), ["mail asa@x.example true", "sms 0701234567 false"]);
        let why: Vec<_> = preview.not_told.iter().map(|not| (&*not.name, &*not.reason)).collect();
        assert_eq!(why, [("bo", "bounced"), ("cy", "routed")]);
        assert!(preview.not_told[0].why_not.contains("550 no such user"), "{preview:?}");
        assert_eq!(preview.places, ["team"]);
    }
}
