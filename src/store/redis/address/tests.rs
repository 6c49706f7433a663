use secrecy::ExposeSecret;

use super::*;

fn place(host: &str, port: u16) -> Place {
    Place {
        host: host.to_owned(),
        port,
    }
}

fn parse(url: &str) -> Address {
    Address::parse(url).unwrap_or_else(|advice| panic!("{url}: {advice}"))
}

fn secret(login: &Login) -> Option<&str> {
    login.password.as_ref().map(ExposeSecret::expose_secret)
}

#[test]
fn one_server_is_named_by_host_port_user_and_database() {
    let plain = parse("redis://127.0.0.1");
    assert_eq!(plain.servers, Servers::One(place("127.0.0.1", 6379)));
    assert_eq!((plain.database, plain.tls.is_some()), (0, false));
    let full = parse("rediss://warmer:p%40ss%2Fword%23@redis.example.com:6380/3?ca=/etc/ca.pem");
    assert_eq!(full.servers, Servers::One(place("redis.example.com", 6380)));
    assert_eq!(full.login.user.as_deref(), Some("warmer"));
    assert_eq!(secret(&full.login), Some("p@ss/word#"));
    assert_eq!(full.database, 3);
    assert_eq!(full.tls.unwrap().roots, Some(PathBuf::from("/etc/ca.pem")));
    let v6 = parse("redis://:secret@[::1]:7000/");
    assert_eq!(v6.servers, Servers::One(place("::1", 7000)));
    assert_eq!(v6.login.user, None);
}

#[test]
fn a_socket_is_named_by_its_path() {
    let socket = parse("unix:///run/redis.sock?db=2&user=warmer&pass=x%26y");
    assert_eq!(
        socket.servers,
        Servers::Socket(PathBuf::from("/run/redis.sock"))
    );
    assert_eq!(socket.database, 2);
    assert_eq!(secret(&socket.login), Some("x&y"));
}

#[test]
fn sentinels_have_a_master_and_a_password_of_their_own() {
    let address = parse(
        "redis+sentinel://warmer:pw@a:1,b,[::1]:3/mymaster/4?sentinel_user=s&sentinel_password=t",
    );
    let Servers::Sentinel(sentinels) = &address.servers else {
        panic!("{address:?}")
    };
    assert_eq!(
        sentinels.places,
        [place("a", 1), place("b", 26379), place("::1", 3)]
    );
    assert_eq!(sentinels.master, "mymaster");
    assert_eq!(sentinels.login.user.as_deref(), Some("s"));
    assert_eq!(secret(&sentinels.login), Some("t"));
    assert_eq!((address.database, secret(&address.login)), (4, Some("pw")));
    assert!(parse("rediss+sentinel://a/m").tls.is_some());
}

#[test]
fn a_cluster_is_named_by_some_of_its_nodes() {
    let address = parse("rediss+cluster://:pw@a:7000,b:7001/");
    assert_eq!(
        address.servers,
        Servers::Cluster(vec![place("a", 7000), place("b", 7001)])
    );
    assert!(address.tls.is_some() && address.is_replicated());
}

#[test]
fn what_is_wrong_is_told_with_how_to_write_it_and_without_any_of_it() {
    for url in [
        "hidden",
        "http://hidden@x",
        "redis://",
        "redis://user:hidden@",
        "redis://user:hidden@host:0",
        "redis://user:hidden@host:99999",
        "redis://user:hid/den@host",
        "redis://user:%ff@host/hidden",
        "redis://host/hidden",
        "redis://host/-1",
        "redis://a,b/hidden",
        "redis://host?hidden=1",
        "redis://host?ca=hidden",
        "redis://host?sentinel_password=hidden",
        "redis+sentinel://:hidden@a:1,b:2",
        "redis+sentinel://:hidden@a:1,b:2/",
        "redis+sentinel://:hidden@a:1,b:2/m/x",
        "redis+cluster://:hidden@a:1,b:2/1",
        "redis+cluster://:hidden@a:1,,b:2",
        "unix://hidden",
    ] {
        let advice = Address::parse(url).unwrap_err();
        assert!(advice.contains("redis"), "{url}: {advice}");
        assert!(!advice.contains("hidden"), "{url}: {advice}");
    }
    let shown = format!("{:?}", parse("redis://u:hidden@host"));
    assert!(!shown.contains("hidden"), "{shown}");
}
