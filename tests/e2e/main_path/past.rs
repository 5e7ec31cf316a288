//! Who was contact on a day that is past: changed by a sync, by edits and by an absence since.

use serde_json::Value;

use crate::servers::PATIENCE;
use crate::site::{Site, escape, outcome};
use crate::world::Organisation;

#[test]
fn who_was_contact_is_told_as_it_was_answered_then() {
    let site = Site::new(Organisation::generate(120, 24));
    let daemon = site.start();
    site.assign_contacts();
    let (world, run) = (&site.world, |words: &[&str]| site.budkavle.run(words).success());
    let of = |query: &str| site.get(&format!("/v1/contacts/of?user=john.smith{query}"));
    // Each answer says at what time it was given.
    let mut answers: Vec<Value> = Vec::new();
    let mut ask = || {
        let answer = of("");
        assert!(answer.get("past").is_none(), "{answer}");
        answers.push(answer);
    };
    run(&["contacts", "assign", "local", "--user", "anna.svensson", "--unit", "Ekonomi"]);
    ask();
    let at_home = world.dn(world.person("anna.svensson"));
    site.dc.set(&at_home, "telephoneNumber", "+46 40 999");
    site.dc.move_to(&at_home, &world.unit_dn(world.unit("IT-avdelningen")));
    assert_eq!(outcome(&site.sync(0)["run"]), "committed");
    ask();
    run(&["contacts", "assign", "local", "--user", "soren.odegard", "--unit", "Ekonomi", "--any-unit"]);
    ask();
    let away = ["--from", "2020-01-01", "--until", "2090-01-01", "--deputy", "asa.oberg"];
    run(&[&["absence", "add", "soren.odegard"][..], &away].concat());
    ask();
    daemon.terminate(PATIENCE);
    let _daemon = site.start();

    let who = |answer: &Value| -> Vec<String> {
        let contacts = answer["contacts"].as_array().unwrap().iter();
        contacts.map(|c| c["mail"].as_str().unwrap().to_lowercase()).collect()
    };
    let expected = ["anna.svensson", "asa.oberg", "soren.odegard", "asa.oberg"];
    let mut taken_back = Vec::new();
    for (answer, account) in answers.iter().zip(expected) {
        assert_eq!(who(answer), [format!("{account}@kommun.example")], "{answer}");
        let then = of(&format!("&at={}", escape(answer["at"].as_str().unwrap())));
        for part in ["asker", "role", "at", "contacts", "trail"] {
            assert_eq!(then[part], answer[part], "{part} of {then}");
        }
        assert_eq!(then["past"]["as_of"], answer["at"]);
        taken_back.push((then["past"]["runs"].as_u64().unwrap(), then["past"]["edits"].as_u64().unwrap()));
    }
    assert_eq!(taken_back, [(1, 2), (0, 2), (0, 1), (0, 0)]);

    let at = |n: usize| answers[n]["at"].as_str().unwrap().to_owned();
    let told = run(&["contacts", "of", "john.smith", "--at", &at(0), "--why"]).stdout;
    for text in
        ["As it was known on", "1 run and 2 edits since", "Anna Svensson", "local at Ekonomi: 1 found"]
    {
        assert!(told.contains(text), "{text}: {told}");
    }
    let told = run(&["contacts", "list", "--role", "local", "--at", &at(1)]).stdout;
    assert!(told.contains("moved to IT-avdelningen") && !told.contains("Ødegård"), "{told}");
    let then = site.budkavle.json(&["contacts", "list", "--role", "local", "--at", &at(2)]);
    assert_eq!(then["holdings"].as_array().unwrap().len(), 2, "{then}");
    let user = site.budkavle.json(&["user", "show", "anna.svensson", "--at", &at(0)]);
    assert!(
        user["unit_path"].as_str().unwrap().ends_with("Ekonomi") && user["phone"] != "+46 40 999",
        "{user}"
    );
    let unit = run(&["unit", "show", "Ekonomi", "--at", &at(0)]).stdout;
    assert!(unit.contains("anna.svensson") && !unit.contains("moved to"), "{unit}");

    // What isn't known is an error, and no answer.
    for at in ["2020-01-01", "2020-01-01T00:00:00Z"] {
        let refused = site.budkavle.run(&["contacts", "of", "john.smith", "--at", at]).ended_with(1);
        assert!(refused.stderr.contains("no directory had been read before"), "{}", refused.stderr);
    }
    let refused = site.budkavle.run(&["user", "show", "nobody.at.all", "--at", &at(1)]).ended_with(1);
    assert!(
        refused.stderr.contains("as of ") && refused.stderr.contains("nobody.at.all"),
        "{}",
        refused.stderr
    );
}
