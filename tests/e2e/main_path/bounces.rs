//! Mails that a real Postfix couldn't deliver and sends back: read from the maildir, and over a real Dovecot's IMAP.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::servers::budkavle::Budkavle;
use crate::servers::dovecot::{self, Dovecot};
use crate::servers::postfix::{AWAY, MAILBOX_OWNER, PORT, Postfix};
use crate::servers::{PATIENCE, folder, wait_until};

const DIRECTORY: &str = "dn: OU=IT,DC=kommun,DC=example\nobjectClass: organizationalUnit\nou: IT\n\
    objectGUID:: AAAAAAAAAAAAAAAAAAAAAQ==\n\n\
    dn: CN=Asa,OU=IT,DC=kommun,DC=example\nobjectClass: user\nobjectCategory: person\ncn: Asa\nsAMAccountName: asa\n\
    displayName: Asa\nmail: asa@kommun.example\nuserAccountControl: 512\nobjectGUID:: AAAAAAAAAAAAAAAAAAAAAg==\n";
const MAILBOX: &str = "bounces@kommun.example";

/// Budkavle with a small directory and a mail server.
pub(super) struct Place {
    pub(super) post: Postfix,
    pub(super) budkavle: Budkavle,
    folder: TempDir,
}

impl Place {
    /// Two outage contacts, of whom one is at a domain whose server says that it doesn't know anybody, and sends the mail back. `mail` and
    /// `bounces` are more of the configuration.
    pub(super) fn new(post: Postfix, mail: &str, bounces: &str) -> Place {
        let folder = folder("bounces");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("directory.ldif"), DIRECTORY).unwrap();
        secret(&at("password"), dovecot::PASSWORD);
        let text = format!(
            "[organisation]\nname = \"Kommunen\"\n[store]\nfolder = \"{folder}/state\"\n[api]\nsocket = \"{folder}/socket\"\n\
             [[directory]]\nname = \"main\"\nsource = \"ldif\"\nfile = \"{folder}/directory.ldif\"\n\
             [mail]\nfrom = \"Budkavle <budkavle@kommun.example>\"\nhost = \"{host}\"\nport = {PORT}\nca_file = \"{ca}\"\nretry_first = \"1s\"\n{mail}\n\
             [bounces]\nschedule = \"0 3 1 1 *\"\n{bounces}\n[contact_changes]\ndigest = \"off\"\n",
            folder = folder.path().display(),
            host = post.address(),
            ca = post.ca_file().display(),
            bounces = bounces.replace("FOLDER", &folder.path().display().to_string()),
        );
        fs::write(at("budkavle.toml"), text).unwrap();
        let budkavle = Budkavle::new(folder.path());
        Place { post, budkavle, folder }
    }

    /// Waits until the directory has been read.
    pub(super) fn started(&self) {
        wait_until("the first run has ended", PATIENCE, || {
            let history = self.budkavle.run(&["sync", "history", "--json"]);
            history.stdout.contains("\"id\"").then_some(())
        });
    }

    fn messages(&self) -> Vec<Value> {
        self.budkavle.json(&["outbox", "list"])["items"].as_array().unwrap().clone()
    }

    fn state(&self, to: &str) -> String {
        let all = self.messages();
        let of = all.iter().find(|m| m["recipient"]["mail"] == to).unwrap_or_else(|| panic!("{all:?}"));
        of["state"].as_str().unwrap().to_owned()
    }

    /// An outage is told; the mail to whom nobody knows comes back, and from then on nothing is sent there.
    fn goes_through(&self) {
        let gone = format!("gone@{AWAY}");
        let run = |arguments: &[&str]| self.budkavle.run(arguments).success();
        run(&["contacts", "assign", "outage", "--user", "asa"]);
        run(&["contacts", "assign", "outage", "--mail", &gone, "--name", "Gone"]);
        run(&["contacts", "assign", "global", "--user", "asa"]);
        run(&["outage", "open", "E-posten är nere"]);
        self.post.wait_for("asa@kommun.example", 1, PATIENCE);
        let came_back = self.post.wait_for(MAILBOX, 1, PATIENCE);
        assert_eq!(came_back.len(), 1);
        assert!(came_back[0].raw.contains("multipart/report"), "{}", came_back[0].raw);
        assert_eq!((self.state(&gone), self.state("asa@kommun.example")), ("sent".into(), "sent".into()));

        let looked = self.budkavle.json(&["outbox", "bounces"]);
        assert_eq!(
            (&looked["read"], &looked["bounces"]),
            (&1.into(), &1.into()),
            "{looked}\n{}",
            came_back[0].raw
        );
        assert_eq!((self.state(&gone), self.state("asa@kommun.example")), ("failed".into(), "sent".into()));
        let marked = self.budkavle.json(&["outbox", "address", "list"]);
        assert_eq!(
            (&marked[0]["address"], &marked[0]["status"]),
            (&gone.as_str().into(), &"5.1.1".into()),
            "{marked}"
        );
        assert!(marked[0]["holds"][0].as_str().unwrap().contains("outage: Gone"), "{marked}");
        let shown = run(&["outbox", "address", "show", &gone]).stdout;
        assert!(shown.contains("unknown user"), "{shown}");
        let orphans = self.budkavle.json(&["contacts", "orphans"]);
        assert_eq!(orphans["unreachable"][0]["address"], gone.as_str(), "{orphans}");
        assert!(run(&["contacts", "orphans"]).stdout.contains(&gone));
        let status = run(&["status"]).stdout;
        assert!(status.contains("mails to an address came back"), "{status}");

        // The next one isn't sent there, and who answers for notices is told. What was read isn't read again.
        run(&["outage", "open", "Också telefonin"]);
        self.post.wait_for("asa@kommun.example", 2, PATIENCE);
        wait_until("it isn't even tried", PATIENCE, || (self.state(&gone) == "failed").then_some(()));
        assert_eq!(self.budkavle.json(&["outbox", "bounces"])["read"], 1);
        assert_eq!(self.post.mails_for(MAILBOX).len() + self.seen(), 1);

        // It is let go by a person, and the test shows that nothing has changed.
        run(&["outbox", "address", "clear", &gone]);
        self.budkavle.run(&["outbox", "address", "show", &gone]).ended_with(1);
        run(&["notify", "test", &gone]);
        wait_until("that came back, too", PATIENCE, || {
            (self.post.mails_for(MAILBOX).len() + self.seen() >= 2).then_some(())
        });
        assert_eq!(self.budkavle.json(&["outbox", "bounces"])["bounces"], 2);
        assert_eq!(self.budkavle.json(&["outbox", "address", "list"]).as_array().unwrap().len(), 1);
    }

    /// How many mails in the mailbox have been looked at.
    fn seen(&self) -> usize {
        let files = fs::read_dir(self.post.maildir(MAILBOX).join("cur")).into_iter().flatten();
        let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| name.rsplit_once(":2,").is_some_and(|(_, flags)| flags.contains('S'))).count()
    }
}

pub(super) fn secret(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

pub(super) fn post() -> Postfix {
    Postfix::start(["asa@kommun.example", "budkavle@kommun.example", MAILBOX])
}

#[test]
fn what_comes_back_into_a_maildir_marks_the_address() {
    let post = post();
    let maildir = format!("maildir = \"{}\"", post.maildir(MAILBOX).display());
    let place = Place::new(post, "return_path = \"bounces+*@kommun.example\"", &maildir);
    // Postfix makes it with the first mail.
    let missing = place.budkavle.run(&["check", "--online"]).ended_with(1).stdout;
    assert!(missing.contains("bounces") && missing.contains("can't be used"), "{missing}");
    let _daemon = place.budkavle.start();
    place.started();
    place.goes_through();
}

#[test]
fn what_comes_back_is_read_over_imap() {
    let post = post();
    let imap = Dovecot::start(post.maildir(MAILBOX).parent().unwrap(), MAILBOX_OWNER);
    let (address, ca) = (imap.address(), imap.ca_file());
    let at = |url: String| {
        let ca = ca.display();
        format!(
            "imap = \"{url}\"\nusername = \"{MAILBOX}\"\npassword_file = \"FOLDER/password\"\nca_file = \"{ca}\""
        )
    };
    // Without a sign in the return path: it is in the headers that Postfix returns, and in the envelope's id.
    let place = Place::new(
        post,
        &format!("return_path = \"{MAILBOX}\""),
        &at(format!("imap://{address}:{}", dovecot::PORT)),
    );
    let check = || place.budkavle.run(&["check", "--online"]);
    let checked = check().success().stdout;
    assert!(checked.contains("can be read; 0 mails"), "{checked}");
    secret(&place.folder.path().join("password"), "wrong");
    let refused = check().ended_with(1).stdout;
    assert!(refused.contains("refused the sign-in"), "{refused}");
    let place = Place::new(
        place.post,
        &format!("return_path = \"{MAILBOX}\""),
        &at(format!("imaps://{address}:{}", dovecot::TLS_PORT)),
    );
    let _daemon = place.budkavle.start();
    place.started();
    place.goes_through();
}
