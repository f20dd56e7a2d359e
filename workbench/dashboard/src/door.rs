//! Read and write access to the page, by rule 39 (control access).
//!
//! Reading needs no token, but the right `Host` and no other `Origin`. The browser does not let another site's page
//! read the response, and a name that resolves to loopback (*DNS rebinding*) is in `Host`. Writing needs what
//! [`admission`] requires, and its routes do not exist at all if the page is reachable from other machines.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};

use control::admission::{self, Refused};

/// The access rules of a page.
#[derive(Debug, Clone)]
pub struct Door {
    /// The address that it listens on.
    pub address: SocketAddr,
    /// Its host and port as a browser sees them, if they differ from `address`: a container publishes another port.
    pub public: Option<String>,
    /// The token for the controls; `None` if there are no controls.
    pub token: Option<String>,
}

impl Door {
    /// The address of the page. The token is in its fragment, which is neither sent to a server nor logged.
    pub fn page(&self) -> String {
        let token = self.token.as_ref().map(|token| format!("#token={token}")).unwrap_or_default();
        match &self.public {
            Some(public) => format!("http://{public}/{token}"),
            None => format!("http://{}/{token}", self.address),
        }
    }

    /// Admits a request that only reads.
    pub fn look(&self, request: &HttpRequest) -> Result<(), Refused> {
        if self.public.is_some() || self.address.ip().is_loopback() {
            return admission::is_addressed_to(request, &self.hosts());
        }
        // The machine's own addresses are not known here, so any address is accepted as `Host`. A name is not: it can
        // resolve to any address.
        let host =
            request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let place = host.parse::<SocketAddr>().map(|place| (place.ip(), place.port()));
        let place = place.or_else(|_| host.parse::<IpAddr>().map(|ip| (ip, 80)));
        if !place.is_ok_and(|(_, port)| port == self.address.port()) {
            let why =
                "open this page by the address of the machine, as http://192.0.2.1:8000, and not by a name";
            return Err(Refused::new(StatusCode::MISDIRECTED_REQUEST, why));
        }
        Ok(())
    }

    /// Admits a request that changes something.
    pub fn touch(&self, request: &HttpRequest) -> Result<(), Refused> {
        let only_looking =
            || Refused::new(StatusCode::FORBIDDEN, "this page is read only: it has no controls");
        admission::admit(request, &self.hosts(), self.token.as_deref().ok_or_else(only_looking)?)
    }

    /// What `Host` may be.
    fn hosts(&self) -> Vec<String> {
        match &self.public {
            Some(public) => vec![public.clone()],
            None => admission::loopback(self.address.port()).into(),
        }
    }
}

/// Whether a page may have controls: it is reached on loopback, where the browser's own machine is at both ends.
pub fn may_have_controls(listen: IpAddr, public: Option<&str>) -> bool {
    let Some(public) = public else { return listen.is_loopback() };
    let host = public.rsplit_once(':').map_or(public, |(host, _)| host);
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use actix_web::test::TestRequest;

    use super::*;

    fn looks(listens: &str, host: &str) -> Result<(), u16> {
        let door = Door { address: listens.parse().unwrap(), public: None, token: None };
        let request = TestRequest::get().insert_header(("host", host)).to_http_request();
        door.look(&request).map_err(|refused| refused.status.as_u16())
    }

    #[test]
    fn on_loopback_only_its_own_name_is_right() {
        assert_eq!(looks("127.0.0.1:4321", "127.0.0.1:4321"), Ok(()));
        assert_eq!(looks("127.0.0.1:4321", "localhost:4321"), Ok(()));
        assert_eq!(looks("127.0.0.1:4321", "192.0.2.1:4321"), Err(421));
        assert_eq!(looks("127.0.0.1:4321", "evil.example:4321"), Err(421));
    }

    #[test]
    fn elsewhere_any_address_is_right_and_no_name() {
        assert_eq!(looks("0.0.0.0:4321", "192.0.2.1:4321"), Ok(()));
        assert_eq!(looks("0.0.0.0:4321", "[2001:db8::1]:4321"), Ok(()));
        assert_eq!(looks("0.0.0.0:80", "192.0.2.1"), Ok(()));
        for host in ["evil.example:4321", "192.0.2.1:80", "192.0.2.1", "localhost:4321", ""] {
            assert_eq!(looks("0.0.0.0:4321", host), Err(421), "{host}");
        }
    }

    #[test]
    fn a_public_address_is_the_only_right_one() {
        let address = "0.0.0.0:8080".parse().unwrap();
        let door = Door { address, public: Some("127.0.0.1:9000".into()), token: Some("secret".into()) };
        assert_eq!(door.page(), "http://127.0.0.1:9000/#token=secret");
        let request = |host: &str, origin: &str| {
            let json = ("content-type", "application/json");
            let request = TestRequest::post().insert_header(("host", host)).insert_header(json);
            request
                .insert_header(("origin", origin))
                .insert_header(("x-cleave-token", "secret"))
                .to_http_request()
        };
        let right = request("127.0.0.1:9000", "http://127.0.0.1:9000");
        assert_eq!((door.look(&right), door.touch(&right)), (Ok(()), Ok(())));
        for host in
            ["127.0.0.1:8080", "192.0.2.1:9000", "192.0.2.1:8080", "evil.example:9000", "localhost:9000"]
        {
            let wrong = request(host, "http://127.0.0.1:9000");
            assert_eq!(door.look(&wrong).unwrap_err().status, StatusCode::MISDIRECTED_REQUEST, "{host}");
            assert_eq!(door.touch(&wrong).unwrap_err().status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        }
        let other_page = request("127.0.0.1:9000", "http://evil.example");
        assert_eq!(door.look(&other_page).unwrap_err().status, StatusCode::FORBIDDEN);
    }

    #[test]
    fn only_on_loopback_are_there_controls() {
        let (all, own) = (Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into());
        assert!(may_have_controls(own, None) && !may_have_controls(all, None));
        for public in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"] {
            assert!(may_have_controls(all, Some(public)), "{public}");
        }
        for public in ["192.0.2.1:8080", "shop.example:8080", "localhost.example:8080"] {
            assert!(
                !may_have_controls(all, Some(public)) && !may_have_controls(own, Some(public)),
                "{public}"
            );
        }
    }

    #[test]
    fn where_there_is_no_token_nothing_can_be_touched() {
        let door = Door { address: "127.0.0.1:4321".parse().unwrap(), public: None, token: None };
        let request = TestRequest::post().insert_header(("host", "127.0.0.1:4321")).to_http_request();
        assert_eq!(door.touch(&request).unwrap_err().status, StatusCode::FORBIDDEN);
    }
}
