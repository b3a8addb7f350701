//! Whose a connection over loopback is: the kernel lists every socket with its user in `/proc/net` (proc_net(5)).

use std::net::{SocketAddr, SocketAddrV4};

/// A list that changes while it is read may lack a socket.
const READINGS: u32 = 3;
/// IPv4 in the list of IPv6, whose sockets can connect to either.
const LISTS: [(&str, &str); 2] = [("/proc/net/tcp", ""), ("/proc/net/tcp6", "0000000000000000FFFF0000")];

/// The user who made the socket `peer`, which is connected to our `own`; `None` if it is not listed any more.
pub(super) async fn user(peer: SocketAddr, own: SocketAddr) -> Option<u32> {
    let (SocketAddr::V4(peer), SocketAddr::V4(own)) = (peer, own) else { return None };
    for _ in 0..READINGS {
        for (list, prefix) in LISTS {
            let text = tokio::fs::read_to_string(list).await.unwrap_or_default();
            if let Some(user) = listed(&text, &written(prefix, peer), &written(prefix, own)) {
                return Some(user);
            }
        }
    }
    None
}

/// An address as the kernel writes it: the bytes as they are in memory, as one number.
fn written(prefix: &str, address: SocketAddrV4) -> String {
    format!("{prefix}{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

/// The user of the socket from `local` to `remote`.
fn listed(text: &str, local: &str, remote: &str) -> Option<u32> {
    text.lines().find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let ours = fields.next()? == local && fields.next()? == remote;
        if ours { fields.nth(4)?.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_found_by_both_its_ends() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:A4B3 00000000:0000 0A 00000000:00000000 00:00000000 00000000     7        0 1558329 1\n   \
            1: 0100007F:A4B3 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1500        0 1558329 1\n";

        let found = listed(text, "0100007F:A4B3", "0100007F:1F90");

        assert_eq!(found, Some(1500));
        assert_eq!(listed(text, "0100007F:1F90", "0100007F:A4B3"), None);
    }

    #[tokio::test]
    async fn a_connection_of_this_process_is_its_users_over_either_family() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap();
        let us = Some(rustix::process::geteuid().as_raw());

        for host in ["127.0.0.1", "[::ffff:127.0.0.1]"] {
            let Ok(client) = tokio::net::TcpStream::connect(format!("{host}:{}", own.port())).await else { continue };
            let (_stream, peer) = listener.accept().await.unwrap();
            assert_eq!(user(peer, own).await, us, "{host}");
            drop(client);
        }
    }
}
