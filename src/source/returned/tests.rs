//! A maildir as other programs fill it.

mod imap;

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// No time passes.
fn standing() -> Stopwatch {
    Stopwatch::new(|| Duration::ZERO)
}

fn maildir() -> (tempfile::TempDir, ReturnedMails) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["new", "cur", "tmp"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let mails = ReturnedMails::Maildir(Maildir { folder: folder.path().to_owned(), stopwatch: standing() });
    (folder, mails)
}

#[tokio::test]
async fn what_is_new_is_read_oldest_first_and_goes_to_cur_marked_as_seen() {
    let (folder, mails) = maildir();
    for (name, text) in [("2.b.host", "second"), ("1.a.host", "first"), ("3.c.host", "third")] {
        fs::write(folder.path().join("new").join(name), text).unwrap();
    }
    fs::write(folder.path().join("cur/0.x.host:2,S"), "seen").unwrap();
    symlink("/etc/passwd", folder.path().join("new/0.link")).unwrap();
    fs::create_dir(folder.path().join("new/0.folder")).unwrap();
    let mut opened = mails.open(2).await.unwrap();
    assert_eq!(opened.left(), 2);
    let mut read = Vec::new();
    while let Some(mail) = opened.next().await.unwrap() {
        read.push(String::from_utf8(mail.bytes.clone()).unwrap());
        opened.done(mail).await.unwrap();
    }
    assert_eq!(read, ["first", "second"]);
    assert!(folder.path().join("cur/1.a.host:2,S").is_file());
    assert_eq!(fs::read_to_string(folder.path().join("new/3.c.host")).unwrap(), "third");
    assert_eq!(mails.open(9).await.unwrap().left(), 1);
}

#[tokio::test]
async fn a_huge_mail_is_read_in_part_and_one_that_another_program_took_is_passed_over() {
    let (folder, mails) = maildir();
    fs::write(folder.path().join("new/1"), "x").unwrap();
    fs::write(folder.path().join("new/2"), vec![b'y'; 3 * LONGEST]).unwrap();
    let mut opened = mails.open(9).await.unwrap();
    fs::remove_file(folder.path().join("new/1")).unwrap();
    let mail = opened.next().await.unwrap().unwrap();
    assert_eq!(mail.bytes.len(), LONGEST);
    fs::remove_file(folder.path().join("new/2")).unwrap();
    opened.done(mail).await.unwrap();
    assert!(opened.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_file_in_trouble_stops_no_other_and_comes_last_the_next_time() {
    let (folder, mails) = maildir();
    let new = folder.path().join("new");
    let long = "1".repeat(254);
    for name in [long.as_str(), "2", "3"] {
        fs::write(new.join(name), name).unwrap();
    }
    let mut opened = mails.open(9).await.unwrap();
    let mail = opened.next().await.unwrap().unwrap();
    assert!(mail.arrived.is_some());
    let error = opened.done(mail).await.unwrap_err();
    let bad = Name::File(long.clone().into());
    assert_eq!(error.concerns(), Some(&bad), "{error}");
    // What became something else in the meantime is neither followed nor waited for.
    fs::remove_file(new.join("2")).unwrap();
    symlink("/etc/passwd", new.join("2")).unwrap();
    assert_eq!(opened.next().await.unwrap_err().concerns(), Some(&Name::File("2".into())));
    fs::remove_file(new.join("3")).unwrap();
    nix::unistd::mkfifo(&new.join("3"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert_eq!(opened.next().await.unwrap_err().concerns(), Some(&Name::File("3".into())));

    fs::write(new.join("4"), "good").unwrap();
    let terms = Terms { most: 1, within: LOOK_WITHIN, last: [bad].into() };
    let mail = mails.open_for(terms).await.unwrap().next().await.unwrap().unwrap();
    assert_eq!(mail.bytes, b"good");
    let terms = Terms { most: 9, within: Duration::ZERO, ..Terms::default() };
    assert!(mails.open_for(terms).await.unwrap().next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_look_ends_when_its_time_is_up_and_the_rest_waits_for_the_next() {
    let (folder, _) = maildir();
    for name in ["1", "2"] {
        fs::write(folder.path().join("new").join(name), name).unwrap();
    }
    let passed = Arc::new(AtomicU64::new(7));
    let time = Arc::clone(&passed);
    let stopwatch = Stopwatch::new(move || Duration::from_secs(time.load(Ordering::Relaxed)));
    let mails = ReturnedMails::Maildir(Maildir { folder: folder.path().to_owned(), stopwatch });
    let mut opened = mails.open(9).await.unwrap();
    passed.fetch_add(LOOK_WITHIN.as_secs() - 1, Ordering::Relaxed);
    assert_eq!(opened.next().await.unwrap().unwrap().bytes, b"1");
    passed.fetch_add(1, Ordering::Relaxed);
    assert!(opened.next().await.unwrap().is_none());
    assert_eq!(mails.open(9).await.unwrap().left(), 2);
}

#[tokio::test]
async fn what_is_no_maildir_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let mails = ReturnedMails::Maildir(Maildir { folder: folder.path().join("none"), stopwatch: standing() });
    let error = mails.open(9).await.err().unwrap().to_string();
    assert!(error.contains("none can't be used") && error.contains("new and cur must be there"), "{error}");
}
