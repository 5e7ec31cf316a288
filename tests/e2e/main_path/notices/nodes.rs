//! Two daemons on one PostgreSQL: what one has sent the other takes back.

use std::net::Ipv4Addr;

use super::*;
use crate::servers::postgres::{self, Server};

/// One of two daemons.
struct Node {
    budkavle: Budkavle,
    pages: SocketAddr,
    daemon: Option<Daemon>,
}

impl Node {
    fn start(&mut self) {
        let mut daemon = self.budkavle.start();
        daemon.wait_for_log("is ready", PATIENCE);
        self.daemon = Some(daemon);
    }

    fn stop(&mut self) {
        assert!(self.daemon.take().unwrap().terminate(PATIENCE).success());
    }

    fn waiting(&self) -> usize {
        self.budkavle.json(&["notice", "list"]).as_array().unwrap().len()
    }
}

/// Nodes with a database, a mail server and pages of their own.
fn node(folder: &std::path::Path, name: &str, database: &Server, post: &Postfix) -> Node {
    use std::os::unix::fs::PermissionsExt as _;
    let home = folder.join(name);
    fs::create_dir(&home).unwrap();
    let pages = SocketAddr::from((free_address(&[8096]), 8096));
    let password = home.join("password");
    fs::write(&password, "secret\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let text = format!(
        "[organisation]\nname = \"Kommunen\"\ntimezone = \"Europe/Stockholm\"\n[store]\nfolder = \"{home}/state\"\n\
         [store.postgresql]\nservers = [\"{database}:{port}\"]\nca_file = \"{ca}\"\npassword_file = \"{password}\"\nnode = \"{name}\"\n\
         [api]\nsocket = \"{home}/socket\"\n\
         [[directory]]\nname = \"main\"\nsource = \"ldif\"\nfile = \"{folder}/directory.ldif\"\nschedule = \"0 3 1 1 *\"\n\
         [mail]\nfrom = \"Budkavle <budkavle@kommun.example>\"\nhost = \"{host}\"\nport = {PORT}\nca_file = \"{mail_ca}\"\nretry_first = \"1s\"\n\
         [contact_changes]\ndigest = \"off\"\n[acknowledge]\nkinds = [\"outage\"]\n[public]\nurl = \"{URL}/\"\nlisten = \"{pages}\"\n",
        home = home.display(),
        database = Ipv4Addr::LOCALHOST,
        port = database.port,
        ca = database.ca().display(),
        password = password.display(),
        folder = folder.display(),
        host = post.address(),
        mail_ca = post.ca_file().display(),
    );
    fs::write(home.join("budkavle.toml"), text).unwrap();
    Node { budkavle: Budkavle::new(&home), pages, daemon: None }
}

#[test]
fn a_link_that_one_node_has_sent_is_taken_by_the_other() {
    let folder = folder("nodes");
    fs::write(folder.path().join("directory.ldif"), directory()).unwrap();
    let post = Postfix::start([ANNA]);
    let database = Server::start("notices", postgres::Place::default());
    database.psql("postgres", "CREATE DATABASE budkavle OWNER budkavle");
    let node = |name| node(folder.path(), name, &database, &post);
    let (mut first, mut second) = (node("first"), node("second"));
    first.start();
    wait_until("the first run has ended", PATIENCE, || {
        first.budkavle.run(&["sync", "history", "--json"]).stdout.contains("\"id\"").then_some(())
    });
    first.budkavle.run(&["contacts", "assign", "outage", "--user", "Anna"]).success();
    let open = |node: &Node, title| {
        node.budkavle.run(&["outage", "open", title, "--severity", "critical"]).success();
    };
    let sent = |title: &str, count| {
        let mails = post.wait_for(ANNA, count, PATIENCE);
        link(mails.iter().find(|mail| mail.subject().ends_with(title)).unwrap(), "take-on")
    };
    // There is nobody but the first who could have sent it.
    open(&first, "E-posten är nere");
    let by_first = sent("E-posten är nere", 1);
    second.start();
    wait_until("the other knows what waits", PATIENCE, || (second.waiting() == 1).then_some(()));
    let (status, _, page) = ask_at(second.pages, "POST", &by_first, "");
    assert!(status == 200 && page.contains("You have it"), "{page}");
    wait_until("the first knows that somebody has it", PATIENCE, || (first.waiting() == 0).then_some(()));
    let (_, _, page) = ask_at(first.pages, "GET", &by_first, "");
    assert!(page.contains("Anna") && !page.contains("<form"), "{page}");

    first.stop();
    open(&second, "Telefonerna är nere");
    let by_second = sent("Telefonerna är nere", 2);
    first.start();
    let (status, _, page) = ask_at(first.pages, "POST", &by_second, "");
    assert!(status == 200 && page.contains("You have it"), "{page}");
    wait_until("the second knows it, too", PATIENCE, || (second.waiting() == 0).then_some(()));
}
