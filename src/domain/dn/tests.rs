use proptest::prelude::*;

use super::*;

fn dn(text: &str) -> Dn {
    text.parse().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn the_examples_of_rfc_4514_are_read() {
    assert_eq!(dn("UID=jsmith,DC=example,DC=net").rdns().len(), 3);
    let several = dn("OU=Sales+CN=J.  Smith,DC=example,DC=net");
    assert_eq!(several.rdns()[0].value(), "Sales");
    assert_eq!(several, dn("cn=j.  smith+ou=sales,dc=example,dc=net"));
    assert_eq!(
        dn(r#"CN=James \"Jim\" Smith\, III,DC=example,DC=net"#).rdns()[0].value(),
        r#"James "Jim" Smith, III"#
    );
    assert_eq!(dn(r"CN=Before\0dAfter,DC=example,DC=net").rdns()[0].value(), "Before\rAfter");
    assert_eq!(dn("1.3.6.1.4.1.1466.0=#04024869").rdns()[0].value(), "Hi");
    assert_eq!(dn(r"CN=Lu\C4\8Di\C4\87").rdns()[0].value(), "Lučić");
}

#[test]
fn commas_pluses_and_spaces_of_a_value_are_its_own() {
    let name = dn(r"CN=Smith\, John,OU=R \+ D,OU=\#1,DC=x");
    assert_eq!(name.rdns().iter().map(Rdn::value).collect::<Vec<_>>(), ["Smith, John", "R + D", "#1", "x"]);
    assert_eq!(dn(r"CN=Smith\2C John,OU=R \2b D,OU=\231,DC=x"), name);
    assert_eq!(dn(r"CN=\ two \ ").rdns()[0].value(), " two  ");
    assert_eq!(dn(r"CN= two  ,  DC = x").rdns()[0].value(), "two");
    assert_eq!(dn(r"CN=back\\ ").rdns()[0].value(), "back\\");
    assert_eq!(name.to_string(), r"CN=Smith\, John,OU=R \+ D,OU=\#1,DC=x");
}

#[test]
fn names_are_compared_without_case_but_not_confused() {
    assert_eq!(dn("ou=ÅSELE,dc=X"), dn("OU=Åsele,DC=x"));
    assert_ne!(dn("OU=a,OU=b"), dn(r"OU=a\,OU=b"));
    assert_ne!(dn("OU=a+OU=b"), dn(r"OU=a\+OU=b"));
    assert_ne!(dn("OU=a"), dn("CN=a"));
}

#[test]
fn the_parent_and_what_is_within_are_known() {
    let base = dn("DC=example,DC=org");
    assert_eq!(dn("OU=a,dc=EXAMPLE,DC=org").parent(), Some(base.clone()));
    assert!(dn("CN=x,OU=a,dc=EXAMPLE,DC=org").is_within(&base) && base.is_within(&base));
    assert!(!dn(r"OU=a\,DC=example,DC=org").is_within(&base));
    assert_eq!(Dn::default().parent(), None);
    assert!(base.is_within(&dn("")));
}

#[test]
fn what_is_no_name_is_refused_with_a_reason() {
    for (text, reason) in [
        ("Drift", "no ="),
        ("OU=a,", "comma"),
        ("OU=a,,DC=x", "no ="),
        ("=a", "attribute's name"),
        ("O U=a", "attribute's name"),
        (r"OU=a\", "backslash"),
        (r"OU=a\zz", "backslash"),
        (r"OU=\FF", "UTF-8"),
        (r#"OU="a""#, "quotation"),
        ("OU=#zz", "BER"),
        ("OU=#0405", "BER"),
    ] {
        let error = text.parse::<Dn>().unwrap_err();
        assert!(error.reason().contains(reason), "{text}: {error}");
    }
    let deep = vec!["OU=a"; MAX_DEPTH + 1].join(",");
    assert!(deep.parse::<Dn>().is_err());
    assert!(format!("OU={}", "a".repeat(MAX_BYTES)).parse::<Dn>().is_err());
}

proptest! {
    #[test]
    fn any_value_survives_escaping(value in "\\PC{0,20}|[ #+,;<>=\"\\\\\\x00-\\x1f]{0,12}|.{0,20}") {
        let name: Dn = format!("CN={},DC=x", escape(&value)).parse().unwrap();
        prop_assert_eq!(name.rdns()[0].value(), value.as_str());
        prop_assert_eq!(name.rdns().len(), 2);
        prop_assert_eq!(&name.to_string().parse::<Dn>().unwrap(), &name);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "([A-Za-z]{0,3}[=,+ \\\\#]{0,3}\\PC?){0,12}|.*") {
        if let Ok(name) = text.parse::<Dn>() {
            prop_assert_eq!(name.to_string().parse::<Dn>().unwrap(), name);
        }
        let _ = text.parse::<Rdn>();
    }
}
