//! The headers that change on the way: those that are about one connection only, and those that tell who asks.
use std::net::IpAddr;

use hyper::{
    HeaderMap,
    header::{
        CONNECTION, HOST, HeaderName, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
        TRAILER, TRANSFER_ENCODING, UPGRADE,
    },
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Headers about one connection, beside those that its Connection header names.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The protocol that the client wants to change to, if any.
pub(super) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = connection_options(headers).contains(&UPGRADE);
    headers.get(UPGRADE).filter(|_| asked).cloned()
}

pub(super) fn for_backend(headers: &mut HeaderMap, peer: IpAddr, upgrade: Option<&HeaderValue>) {
    drop_hop_by_hop(headers);
    switch(headers, upgrade);
    let host = headers.remove(HOST);
    // What a proxy in front of this one has said about the client stays; each adds whom it saw itself.
    let before = headers.get_all(FORWARDED_FOR).iter();
    let before = before.filter_map(|value| value.to_str().ok().map(str::to_owned));
    let client: Vec<_> = before.chain([peer.to_string()]).collect();
    if let Ok(client) = HeaderValue::try_from(client.join(", ")) {
        headers.insert(FORWARDED_FOR, client);
    }
    headers
        .entry(FORWARDED_PROTO)
        .or_insert(HeaderValue::from_static("http"));
    if let Some(host) = host {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
}

pub(super) fn for_client(headers: &mut HeaderMap, upgrade: Option<&HeaderValue>) {
    drop_hop_by_hop(headers);
    switch(headers, upgrade);
}

fn switch(headers: &mut HeaderMap, upgrade: Option<&HeaderValue>) {
    if let Some(protocol) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, protocol.clone());
    }
}

fn drop_hop_by_hop(headers: &mut HeaderMap) {
    for name in connection_options(headers).into_iter().chain(HOP_BY_HOP) {
        headers.remove(name);
    }
}

fn connection_options(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|option| option.trim().parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn what_is_about_one_connection_is_dropped() {
        let mut map = headers(&[
            ("connection", "keep-alive, x-private"),
            ("keep-alive", "timeout=5"),
            ("x-private", "1"),
            ("te", "trailers"),
            ("accept", "*/*"),
        ]);
        for_client(&mut map, None);
        assert_eq!(map, headers(&[("accept", "*/*")]));
    }

    #[test]
    fn the_client_is_named() {
        let mut map = headers(&[("host", "example.org")]);
        for_backend(&mut map, [10, 0, 0, 1].into(), None);
        assert_eq!(
            map,
            headers(&[
                ("x-forwarded-for", "10.0.0.1"),
                ("x-forwarded-proto", "http"),
                ("x-forwarded-host", "example.org"),
            ])
        );
    }

    #[test]
    fn a_proxy_in_front_is_believed() {
        let mut map = headers(&[
            ("host", "internal"),
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "example.org"),
        ]);
        for_backend(&mut map, [10, 0, 0, 1].into(), None);
        assert_eq!(map["x-forwarded-for"], "192.0.2.7, 10.0.0.1");
        assert_eq!(map["x-forwarded-proto"], "https");
        assert_eq!(map["x-forwarded-host"], "example.org");

        // One that adds a line of its own, where others add to the line.
        map.append("x-forwarded-for", HeaderValue::from_static("10.0.0.2"));
        for_backend(&mut map, [10, 0, 0, 3].into(), None);
        let all: Vec<_> = map.get_all("x-forwarded-for").iter().collect();
        assert_eq!(all, ["192.0.2.7, 10.0.0.1, 10.0.0.2, 10.0.0.3"]);
    }

    #[test]
    fn an_upgrade_is_asked_for_by_both_headers() {
        assert!(upgrade(&headers(&[("upgrade", "websocket")])).is_none());
        let map = headers(&[
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
        ]);
        assert_eq!(upgrade(&map).unwrap(), "websocket");
    }
}
